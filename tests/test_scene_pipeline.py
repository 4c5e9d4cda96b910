"""A scene through the whole pipeline: trained, drawn, and answered for every pixel of another."""

import dataclasses
import io
import json
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestCentroid

from common.bundle import load_bundle
from common.command_line import main
from common.evaluation.spectrum_baselines import (
    RIVALS,
    mean_spectra,
    on_spectra,
    softmax_of,
    svm_on,
)
from common.plots.scenes import class_spectra, scene_figures
from common.runs import runs_folder
from common.scenes.patches import patches_of, pixel_names, spectra_of
from common.training.train import prepare_rows
from projects.land_cover.load import LABELS, PIXEL, load, read_raw
from projects.land_cover.run import PROJECT as WHOLE

# Boosting 16 classes on 200 bands takes longer than all else here.
PROJECT = dataclasses.replace(WHOLE, baselines=lambda config: {"svm": RIVALS["svm"]})
SMALL = ("--rows", 800, "--epochs", 6, "--batch-size", 32, "--model", "spectral")


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


def command(*arguments) -> tuple[int, str]:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(PROJECT, [str(argument) for argument in arguments])
    return status, printed.getvalue()


@pytest.fixture(scope="module")
def trained():
    """The folder of a small complete run."""
    status, printed = command(*SMALL, "--run", "small", "--diagnose")
    assert status == 0, printed
    return runs_folder("land_cover") / "small"


@pytest.fixture(scope="module")
def clipping(tmp_path_factory):
    """A file with 12 x 10 pixels of the scene, from row 60 and column 40 on, and its array."""
    scene = np.load(read_raw()[0])[60:72, 40:50]
    file = tmp_path_factory.mktemp("clipping") / "clipping.npy"
    np.save(file, scene)
    return file, scene


def test_crops_are_learned_and_scored_beside_the_rival(trained):
    metrics = json.loads((trained / "metrics.json").read_text())
    assert set(metrics["baselines"]) == {"class_prior", "svm"}
    assert metrics["test"]["accuracy"]["value"] > 0.4
    assert metrics["baselines"]["class_prior"]["accuracy"]["value"] < 0.3
    assert metrics["rows"]["dropped"]["too near to another part"] > 1000
    checks = {entry["check"] for entry in json.loads((trained / "checks.json").read_text())}
    assert "overlapping patches" in checks
    page = (trained / "report.html").read_text()
    for name in ("scene_map", "class_spectra"):
        assert (trained / "plots" / f"{name}.png").stat().st_size > 20_000
    assert "Maps of the scene" in page
    assert "mean spectrum of each class" in page


def test_predict_answers_for_every_pixel_of_a_scene(trained, clipping, tmp_path):
    file, _ = clipping
    status, told = command("predict", "--input", file, "--output", tmp_path / "map.csv")
    assert status == 0, told
    assert "120 rows scored" in told
    found = pd.read_csv(tmp_path / "map.csv")
    assert list(found.columns[:4]) == ["scene", "row", "column", "label"]
    assert found["scene"].unique().tolist() == ["clipping.npy"]
    places = np.argwhere(np.ones((12, 10), bool))
    np.testing.assert_array_equal(found[["row", "column"]], places)
    probability = found[[f"probability_{label}" for label in LABELS]].to_numpy()
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-4)
    assert found["label"].tolist() == [LABELS[number] for number in probability.argmax(axis=1)]
    # The network sees the middle pixel alone, so it says of the whole scene what it says of this.
    bundle = load_bundle(trained / "bundle")
    whole = pixel_names([str(read_raw()[0])] * 120, places[:, 0] + 60, places[:, 1] + 40)
    np.testing.assert_allclose(bundle.answers(whole.to_frame(PIXEL)), probability, atol=2e-6)


def test_predict_answers_as_training_did(trained, tmp_path):
    test = load(rows=800).examples("test")
    table = test.ids[["column", "row"]].assign(scene=str(read_raw()[0]), note="kept")
    table.to_csv(tmp_path / "in.csv", index=False)
    status, told = command("predict", "--input", tmp_path / "in.csv", "--output", tmp_path / "out")
    assert status == 0, told
    found = pd.read_csv(tmp_path / "out")
    assert found["note"].unique().tolist() == ["kept"]
    with np.load(trained / "predictions.npz") as stored:
        probability = found[[f"probability_{label}" for label in LABELS]]
        np.testing.assert_allclose(probability, stored["0/test"], atol=2e-6)


@pytest.mark.parametrize("fault", ["bands", "nan", "flat", "torn", "missing", "table"])
def test_scenes_that_cannot_be_answered_for_are_named(trained, clipping, tmp_path, fault):
    _, scene = clipping
    file = tmp_path / ("scene.csv" if fault == "table" else "scene.npy")
    if fault == "bands":
        np.save(file, scene[..., :199])
    elif fault == "nan":
        broken = scene.astype("float32")
        broken[3, 4, 5] = np.nan
        np.save(file, broken)
    elif fault == "flat":
        np.save(file, scene[:, :, 0])
    elif fault == "torn":
        file.write_bytes(clipping[0].read_bytes()[:5000])
    elif fault == "table":
        file.write_text(f"scene,row,column\n{clipping[0]},3,10\n")
    status, told = command("predict", "--input", file, "--output", tmp_path / "map.csv")
    assert status == 2
    assert "scene." in told
    assert not (tmp_path / "map.csv").exists()
    expected = {
        "bands": "200 bands",
        "nan": "row 3, column 4, band 5",
        "flat": "(12, 10)",
        "torn": "cannot be read",
        "missing": "No such file",
        "table": "column 10 is not in",
    }
    assert expected[fault] in told


@pytest.fixture(scope="module")
def few():
    return load(rows=400)


def test_bands_are_scaled_by_the_training_rows_alone(few):
    prepared = prepare_rows(few)
    spectra = spectra_of(few.features[PIXEL], few.schema.patch)[few.part == "train"]
    np.testing.assert_allclose(prepared.table.bands.means, spectra.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(prepared.table.bands.deviations, spectra.std(axis=0), rtol=1e-3)


def nearest_mean(train, validation, schema, seed):
    """A rival for tables: the class whose mean is nearest, with probability 1."""
    means = train.features[schema.numbers].groupby(train.target).mean()

    def predict(features):
        apart = np.linalg.norm(features.to_numpy()[:, None] - means.to_numpy(), axis=2)
        return np.eye(16)[means.index.astype(int)][apart.argmin(axis=1)]

    return predict


def test_rivals_for_tables_see_the_bands(few):
    train, validation, test = (few.examples(part) for part in ("train", "validation", "test"))
    answers = on_spectra(nearest_mean)(train, validation, few.schema, 0)(test.features)
    known, asked = (spectra_of(part.features[PIXEL], few.schema.patch) for part in (train, test))
    model = NearestCentroid().fit(known, train.target)
    np.testing.assert_array_equal(answers.argmax(axis=1), model.predict(asked))


def test_svms_answer_with_probabilities_of_all_classes(few):
    train, validation, test = (few.examples(part) for part in ("train", "validation", "test"))
    means = mean_spectra(test.features[PIXEL], few.schema.patch)
    patches = patches_of(test.features[PIXEL], few.schema.patch)[:]
    np.testing.assert_allclose(means, patches.mean(axis=(1, 2)), rtol=1e-5)
    for spectra in (spectra_of, mean_spectra):
        answers = svm_on(spectra)(train, validation, few.schema, 0)(test.features)
        assert answers.shape == (len(test), 16)
        np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
        assert (answers.argmax(axis=1) == test.target).mean() > 0.5
        assert answers.max(axis=1).mean() > 0.4  # sharp enough to say something


def test_maps_show_the_scene_with_the_test_rows_in_it(trained, few):
    bundle = load_bundle(trained / "bundle")
    test = few.examples("test")
    answers = bundle.answers(test.features)
    figures = scene_figures(bundle, few, answers)
    truth, everywhere, parts, wrong = (
        axes.images[0].get_array() for axes in figures["scene_map"].axes
    )
    assert truth.shape == everywhere.shape == (145, 145)
    assert truth.count() == parts.count() == len(few.target)
    assert everywhere.count() == 145 * 145
    assert wrong.count() == len(test)
    assert wrong.sum() == (answers.argmax(axis=1) != test.target).sum()
    row, column = test.ids.loc[0, ["row", "column"]]
    assert truth[row, column] == test.target[0]
    assert everywhere[row, column] == answers[0].argmax()


def test_spectra_of_classes_are_their_means(few):
    spectra = spectra_of(few.features[PIXEL], few.schema.patch)
    figure = class_spectra(spectra, few.target.astype(int), LABELS)
    assert len(figure.axes) == 16
    drawn = figure.axes[13].lines[-1].get_ydata()
    np.testing.assert_allclose(drawn, spectra[few.target == 13].mean(axis=0), rtol=1e-6)


def test_scores_of_two_classes_become_probabilities_of_both():
    scores = np.array([2.0, -1.0])
    found = softmax_of(scores, 3.0, np.array([0, 1]), 2)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-3 * scores)))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    lacking = softmax_of(np.zeros((1, 2)), 1.0, np.array([0, 2]), 3)
    np.testing.assert_allclose(lacking, [[0.5, 0, 0.5]])
