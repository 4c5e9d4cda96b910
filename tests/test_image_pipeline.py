"""Pictures through the whole pipeline: from files to a report, and predict on new files."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from common.bundle import load_bundle
from common.command_line import main
from common.data.checks import check_dataset
from common.data.dataset import Account, Dataset, Schema
from common.errors import UserError
from common.images.decode import ImageForm, decode
from common.pictures import ImageConfig, answering, build_pictured, mix_of, stages_of
from common.plots.looking_inside import picture_network
from common.project import Project
from common.runs import runs_folder
from common.training.batches import EpochRandomness, ordered_batches, shuffled_batches
from common.training.part import MappedRows
from common.training.train import prepare_rows, train_seed

ROWS = {"train": 120, "validation": 40, "test": 60}
KINDS = ("disc", "bar", "frame")


def draw(kind: str, generator: np.random.Generator) -> Image.Image:
    """A bright shape anywhere on a dark ground of noise, grey, 24 x 24."""
    picture = Image.fromarray(generator.integers(0, 90, (24, 24), "uint8"))
    x, y = generator.integers(1, 12, 2).tolist()
    pen, ink = ImageDraw.Draw(picture), int(generator.integers(150, 256))
    if kind == "disc":
        pen.ellipse((x, y, x + 10, y + 10), fill=ink)
    elif kind == "bar":
        pen.rectangle((x, y + 4, x + 10, y + 6), fill=ink)
    else:
        pen.rectangle((x, y, x + 10, y + 10), outline=ink)
    return picture


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """A table of drawn pictures: path, kind, part, and a number that says nothing."""
    folder, generator = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    part = np.repeat(list(ROWS), list(ROWS.values()))
    kinds = generator.choice(KINDS, len(part))
    for number, kind in enumerate(kinds):
        draw(kind, generator).save(folder / f"{number}.png")
    path = [str(folder / f"{number}.png") for number in range(len(part))]
    weight = generator.normal(size=len(part)).astype("float32")
    return pd.DataFrame({"picture": path, "kind": kinds, "part": part, "weight": weight})


def dataset_of(shapes: pd.DataFrame, labels=KINDS, with_number: bool = False) -> Dataset:
    features = {"picture": "image"} | ({"weight": "number"} if with_number else {})
    number = shapes["kind"].map({kind: min(n, len(labels) - 1) for n, kind in enumerate(KINDS)})
    return Dataset(
        schema=Schema(features, features, labels=labels, image=ImageForm(16, 16, 1)),
        features=shapes[list(features)],
        target=number.to_numpy("float32"),
        ids=shapes[["kind"]],
        groups=np.arange(len(shapes)),
        slices=pd.DataFrame(index=shapes.index),
        part=shapes["part"].to_numpy(object),
        account=Account(len(shapes), {}),
    )


@dataclass(frozen=True)
class Config(ImageConfig):
    model: str = "small-cnn"
    epochs: int = 10
    batch_size: int = 20
    learning_rate: float = 0.01
    flip: str = "none"
    crop: float = 0.0
    patience: int = 10
    precision: str = "float32"


def project_of(dataset: Dataset) -> Project:
    return Project(
        name="shapes",
        question="Which shape is this?",
        config=Config,
        load=lambda config: dataset,
        prepare=lambda rows, tables: rows[list(dataset.schema.features)],
        build=build_pictured,
        baselines=lambda config: {"brightness": brightness},
        mix=mix_of,
        stages=stages_of,
    )


def brightness(train, validation, schema, seed):
    """The share of each class among training pictures of like brightness: a rival that is poor."""
    classes = len(schema.labels)
    means = [np.asarray(Image.open(path)).mean() for path in train.features["picture"]]
    edges = np.quantile(means, (0.25, 0.5, 0.75))
    shares = np.ones((4, classes))
    np.add.at(shares, (np.searchsorted(edges, means), train.target.astype(int)), 1)
    shares /= shares.sum(axis=1, keepdims=True)

    def predict(features):
        found = [np.asarray(Image.open(path)).mean() for path in features["picture"]]
        answers = shares[np.searchsorted(edges, found)]
        return answers[:, 1] if classes == 2 else answers

    return predict


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("APPLIED_KERAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def command(project, *arguments) -> tuple[int, str]:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(project, [str(argument) for argument in arguments])
    return status, printed.getvalue()


@pytest.fixture(scope="module")
def trained(shapes):
    """A complete run on the three shapes, and its project."""
    project = project_of(dataset_of(shapes))
    status, printed = command(project, "--run", "all")
    assert status == 0, printed
    return project, runs_folder("shapes") / "all"


def test_shapes_are_learned_and_scored_beside_the_rivals(trained):
    metrics = json.loads((trained[1] / "metrics.json").read_text())
    network = metrics["test"]["accuracy"]["value"]
    assert network > 0.9
    assert set(metrics["baselines"]) == {"class_prior", "brightness"}
    assert network > metrics["baselines"]["brightness"]["accuracy"]["value"] + 0.1
    assert metrics["importance"] == []
    assert (trained[1] / "report.html").exists()


def test_predict_answers_as_training_did(trained, shapes, tmp_path):
    """A folder, a table of names and one file: the answers stored after training."""
    project, folder = trained
    test = shapes[shapes["part"] == "test"].reset_index(drop=True)
    with np.load(folder / "predictions.npz") as stored:
        expected = stored["0/test"]
    for number, path in enumerate(test["picture"]):
        shutil.copy(path, tmp_path / f"{number:03}.png")
    out = tmp_path.parent / "out.csv"
    columns = [f"probability_{kind}" for kind in KINDS]
    status, told = command(project, "predict", "--input", tmp_path, "--output", out)
    assert status == 0, told
    found = pd.read_csv(out)
    assert found["picture"].tolist() == [f"{number:03}.png" for number in range(len(test))]
    np.testing.assert_allclose(found[columns], expected, atol=2e-6)

    (tmp_path / "names.csv").write_text("picture,note\n005.png,first\n001.png,second\n")
    command(project, "predict", "--input", tmp_path / "names.csv", "--output", out)
    found = pd.read_csv(out)
    assert found["note"].tolist() == ["first", "second"]
    np.testing.assert_allclose(found[columns], expected[[5, 1]], atol=2e-6)

    command(project, "predict", "--input", tmp_path / "007.png", "--output", out)
    np.testing.assert_allclose(pd.read_csv(out)[columns], expected[[7]], atol=2e-6)


def test_predict_refuses_what_is_no_picture_by_name(trained, tmp_path):
    project, _ = trained
    folder, out = tmp_path / "pictures", tmp_path / "out.csv"
    folder.mkdir()
    status, told = command(project, "predict", "--input", folder, "--output", out)
    assert status == 2
    assert "has no files" in told
    draw("disc", np.random.default_rng(0)).save(folder / "good.png")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:60])
    status, told = command(project, "predict", "--input", folder, "--output", out)
    assert status == 2
    assert "broken.png" in told
    assert not out.exists()
    (tmp_path / "names.csv").write_text("picture\npictures/good.png\nnowhere.png\n")
    status, told = command(project, "predict", "--input", tmp_path / "names.csv", "--output", out)
    assert status == 2
    assert "line 3" in told
    assert "nowhere.png" in told
    (tmp_path / "names.csv").write_text("picture,x\n,1\n")
    status, told = command(project, "predict", "--input", tmp_path / "names.csv", "--output", out)
    assert status == 2
    assert "no picture is named" in told


def test_the_form_of_pictures_is_in_the_bundle(trained):
    bundle = load_bundle(trained[1] / "bundle")
    assert bundle.schema.image == ImageForm(16, 16, 1)
    assert bundle.schema.features == {"picture": "image"}


def test_pictures_beside_a_number(shapes):
    """Both reach the network, and the importance of each is told."""
    project = project_of(dataset_of(shapes, with_number=True))
    status, printed = command(project, "--run", "both")
    assert status == 0, printed
    metrics = json.loads((runs_folder("shapes") / "both" / "metrics.json").read_text())
    importance = {entry["column"]: entry["mean"] for entry in metrics["importance"]}
    assert importance["picture"] > 10 * abs(importance["weight"])
    assert metrics["test"]["accuracy"]["value"] > 0.85


def test_copies_across_parts_are_an_alarm_whatever_their_names(shapes):
    copied = shapes.copy()
    test = copied.index[copied["part"] == "test"]
    copied.loc[test[:10], ["picture", "kind"]] = copied.loc[range(10), ["picture", "kind"]].values
    for number in test[:10]:
        path = copied.loc[number, "picture"]
        copied.loc[number, "picture"] = path.replace(".png", "_again.jpg")
        Image.open(path).save(copied.loc[number, "picture"], quality=70)
    messages = {
        name: next(
            each for each in check_dataset(dataset_of(table)) if " test rows" in each.message
        )
        for name, table in (("before", shapes), ("copied", copied))
    }
    assert messages["before"].level == "ok"
    assert messages["copied"].level == "alarm"
    assert messages["copied"].message.startswith("10 of 60 test rows")


def test_fingerprint_follows_the_content_not_the_place(shapes, tmp_path):
    moved, changed = shapes.copy(), shapes.copy()
    for number, path in enumerate(shapes["picture"]):
        shutil.copy(path, tmp_path / f"{number}.png")
    moved["picture"] = [str(tmp_path / f"{number}.png") for number in range(len(shapes))]
    changed["picture"] = shapes["picture"].iloc[[1, 0, *range(2, len(shapes))]].to_numpy()
    prints = [dataset_of(table).fingerprint() for table in (shapes, moved, changed)]
    assert prints[0] == prints[1] != prints[2]


def test_pictures_stay_on_disk_and_come_in_the_order_of_the_epoch(shapes):
    prepared = prepare_rows(dataset_of(shapes))
    train = prepared.part("train")
    assert isinstance(train.inputs["image"].array, np.memmap)
    expected = np.stack(
        [
            decode(path, ImageForm(16, 16, 1))
            for path in shapes["picture"][shapes["part"] == "train"]
        ]
    )
    ordered = [batch["image"] for (batch,) in ordered_batches((train.inputs,), 50)]
    assert [len(batch) for batch in ordered] == [50, 50, 20]
    np.testing.assert_array_equal(np.concatenate(ordered), expected)

    number = np.arange(len(train), dtype="float32")  # as target, it tells which row came
    randomness = EpochRandomness(0)
    batches = shuffled_batches((train.inputs, number), 50, randomness)
    orders = []
    for epoch in (0, 1, 0):
        randomness.epoch.assign(epoch)
        epoch = list(batches)
        orders.append(np.concatenate([target for _, target in epoch]).astype(int))
        pictures = np.concatenate([inputs["image"] for inputs, _ in epoch])
        np.testing.assert_array_equal(pictures, expected[orders[-1]])
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(np.sort(orders[0]), number)


def test_mapped_rows_take_rows_of_rows():
    array = np.arange(20).reshape(10, 2)
    rows = MappedRows(array, np.arange(10))[np.array([7, 3, 5])]
    np.testing.assert_array_equal(rows.read(), array[[7, 3, 5]])
    np.testing.assert_array_equal(rows[np.array([2, 0])].read(), array[[5, 7]])
    assert rows.shape == (3, 2)


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
@pytest.mark.parametrize("labels", [KINDS, ("disc", "other")])
def test_mixed_batches_train(shapes, mix, labels, tmp_path):
    """Of a network that never sees a pure picture, the answers to pure ones are still right."""
    dataset = dataset_of(shapes, labels)
    config = Config(mix=mix)
    trained = train_seed(project_of(dataset), config, prepare_rows(dataset), 0, tmp_path)
    answers = trained.test.argmax(axis=1) if len(labels) > 2 else trained.test[:, 0] > 0.5
    assert (answers == dataset.examples("test").target).mean() > 0.85


def test_soft_targets_are_learned_and_hard_ones_scored(shapes, tmp_path):
    """Training on probabilities of .8 and .2 gives answers about there."""
    dataset = dataset_of(shapes, ("disc", "other"))
    soft = replace(dataset, soft_target=(0.2 + 0.6 * dataset.target).astype("float32"))
    config = Config()
    trained = train_seed(project_of(soft), config, prepare_rows(soft), 0, tmp_path)
    target = dataset.examples("test").target
    assert ((trained.test[:, 0] > 0.5) == target).mean() > 0.9
    assert np.median(trained.test[target == 1]) == pytest.approx(0.8, abs=0.12)
    assert np.median(trained.test[target == 0]) == pytest.approx(0.2, abs=0.12)
    assert trained.history[-1]["val_roc_auc"] > 0.9


@pytest.mark.parametrize("soft", [np.full(220, 1.5), np.full(220, np.nan)])
def test_soft_targets_have_to_be_probabilities(shapes, soft):
    with pytest.raises(UserError, match="220 soft target values are no probabilities"):
        replace(dataset_of(shapes, ("disc", "other")), soft_target=soft.astype("float32"))


def test_answers_over_flips_are_the_mean_of_four(shapes, tmp_path):
    dataset = dataset_of(shapes)
    config = Config(epochs=1, flip="both", average_flips=True)
    project = replace(project_of(dataset), answering=answering)
    prepared = prepare_rows(dataset)
    trained = train_seed(project, config, prepared, 0, tmp_path)
    network = picture_network(trained.networks[0])
    pictures = prepared.part("test").inputs["image"].read()
    views = [pictures[:, ::y, ::x] for y in (1, -1) for x in (1, -1)]
    answers = [np.asarray(network({"image": view}, training=False)) for view in views]
    assert np.abs(answers[0] - answers[3]).max() > 0.01
    np.testing.assert_allclose(trained.test, np.mean(answers, axis=0), atol=1e-5)


def test_a_random_backbone_learns_as_a_whole(shapes, tmp_path):
    """In one stage, whatever head_epochs says, and with its batch norm."""
    larger = replace(dataset_of(shapes).schema, image=ImageForm(32, 32, 1))
    dataset = replace(dataset_of(shapes), schema=larger)
    config = Config(model="backbone", weights="random", head_epochs=3, epochs=1)
    trained = train_seed(project_of(dataset), config, prepare_rows(dataset), 0, tmp_path)
    assert "stage" not in trained.history[0]
    assert len(trained.history) == 1
    moving = [w for w in trained.networks[0].weights if w.path.endswith("moving_variance")]
    assert all(np.abs(np.asarray(weight) - 1).max() > 0 for weight in moving)


def test_folds_of_pictures_are_validated_by_networks_that_did_not_learn_them(shapes, tmp_path):
    dataset = dataset_of(shapes)
    config = Config(folds=2)
    prepared = prepare_rows(dataset, folds=2)
    trained = train_seed(project_of(dataset), config, prepared, 0, tmp_path)
    kept = dataset.part != "test"
    assert trained.validation.shape == (kept.sum(), 3)
    assert (trained.validation.argmax(axis=1) == dataset.target[kept]).mean() > 0.8
    assert {epoch["fold"] for epoch in trained.history} == {1, 2}


def test_two_stages_go_on_where_they_were(shapes, tmp_path):
    """The head first, then all: from the files of both the same answers come without an epoch."""
    dataset = dataset_of(shapes)
    larger = replace(dataset.schema, image=ImageForm(32, 32, 1))
    dataset = replace(dataset, schema=larger)
    weights = tmp_path / "known.weights.h5"
    keras.applications.MobileNetV3Small(
        weights=None, include_top=False, input_shape=(32, 32, 3)
    ).save_weights(weights)
    config = Config(
        model="backbone", weights=str(weights), backbone="MobileNetV3Small", head_epochs=3, epochs=2
    )
    project, prepared = project_of(dataset), prepare_rows(dataset)
    first = train_seed(project, config, prepared, 0, tmp_path)
    assert [epoch["stage"] for epoch in first.history] == ["head"] * 3 + ["all"] * 2
    assert [epoch["epoch"] for epoch in first.history] == [1, 2, 3, 4, 5]
    (tmp_path / "seed-0-all.safetensors").unlink()  # killed before the second stage
    for _ in range(2):
        again = train_seed(project, config, prepared, 0, tmp_path)
        np.testing.assert_array_equal(again.test, first.test)
        assert again.history == first.history
