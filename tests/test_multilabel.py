"""Several labels at once, on films and their genres: scores, training, and files of one's own."""

import importlib.util
import io
import json
from contextlib import redirect_stdout
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from common.command_line import main
from common.data.checks import check_dataset
from common.data.labels import label_separator
from common.doctor.examine import examine
from common.doctor.patient import read_patient
from common.errors import UserError
from common.evaluation.baselines import logistic_regression, of_each_label
from common.evaluation.bootstrap import resampled_weights
from common.evaluation.multilabel import MultilabelRows, best_thresholds
from common.new.decide import decide
from common.new.plan import Wishes
from common.new.tell import told
from common.new.write import project_files
from common.project import Project
from common.runs import runs_folder
from common.tabular import TabularConfig, build_tabular
from common.training.learner import Learner
from common.training.train import prepare_rows
from data.examples import example_file

GENRES = ("Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short")
NUMBERS = ["year", "length", "rating", "votes"]


@pytest.fixture(scope="module")
def films():
    return pd.read_csv(example_file("movies")).iloc[::29].reset_index(drop=True)


@pytest.fixture(scope="module")
def answers(films):
    """Genres of every other film, and probabilities of a linear model of the rest."""
    numbers = np.log1p(films[NUMBERS].to_numpy(float))
    target = films[list(GENRES)].to_numpy(float)
    model = MultiOutputClassifier(LogisticRegression(max_iter=500)).fit(numbers[::2], target[::2])
    probability = np.column_stack([one[:, 1] for one in model.predict_proba(numbers[1::2])])
    return target[1::2], probability


@pytest.fixture
def columns_file(films, tmp_path):
    """A column of 0 and 1 for each genre."""
    path = tmp_path / "films.csv"
    films.drop(columns="title").to_csv(path, index=False)
    return path


@pytest.fixture
def cells_file(films, tmp_path):
    """One column that names the genres; films without one have an empty cell."""
    path = tmp_path / "films.csv"
    named = [", ".join(np.array(GENRES)[row == 1]) for row in films[list(GENRES)].to_numpy()]
    films[[*NUMBERS, "mpaa"]].assign(genres=named).to_csv(path, index=False)
    return path


def loader(plan, folder):
    """The load.py that is written for a plan, as a module."""
    path = folder / "load.py"
    path.write_text(project_files("films", plan)["load.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("films_load", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_metrics_equal_scikit_learn_under_any_weights(answers):
    target, probability = answers
    thresholds = best_thresholds(target, probability)
    group = np.arange(len(target)) // 3
    rows = MultilabelRows(target, probability, thresholds, group)
    called = probability >= thresholds
    for drawn in [np.ones(group.max() + 1), *resampled_weights(group.max() + 1, 5)]:
        weight = drawn[group]
        of_label = [
            sk.log_loss(*pair, sample_weight=weight)
            for pair in zip(target.T, probability.T, strict=True)
        ]
        settings = {"average": "macro", "sample_weight": weight}
        expected = {
            "log_loss": np.mean(of_label),
            "roc_auc": sk.roc_auc_score(target, probability, **settings),
            "average_precision": sk.average_precision_score(target, probability, **settings),
            "f1_macro": sk.f1_score(target, called, zero_division=0, **settings),
            "accuracy": sk.accuracy_score(target, called, sample_weight=weight),
        }
        assert rows.metrics(drawn) == pytest.approx(expected)


def test_a_label_that_no_row_has_counts_where_it_can(answers):
    target, probability = answers
    without = target.copy()
    without[:, 2] = 0
    others = [0, 1, 3, 4, 5, 6]
    scores = MultilabelRows(without, probability, 0.5).metrics()
    expected = sk.roc_auc_score(target[:, others], probability[:, others], average="macro")
    assert scores["roc_auc"] == pytest.approx(expected)
    assert np.isfinite(list(scores.values())).all()
    told_of_label = MultilabelRows(without, probability, 0.5).per_label(GENRES)[2]
    assert (told_of_label["rows"], told_of_label["roc_auc"]) == (0, None)


def test_thresholds_have_the_best_f1_of_each_label(answers):
    target, probability = answers
    for number, threshold in enumerate(best_thresholds(target, probability)):
        f1 = [
            sk.f1_score(target[:, number], probability[:, number] >= cut)
            for cut in np.unique(probability[:, number])
        ]
        best = sk.f1_score(target[:, number], probability[:, number] >= threshold)
        assert best == pytest.approx(max(f1))


def test_rivals_learn_each_label_by_itself(columns_file, tmp_path):
    dataset = loader(decide(columns_file, Wishes(labels=GENRES)), tmp_path).load()
    train, test = dataset.examples("train"), dataset.examples("test")
    answers = of_each_label(logistic_regression)(train, train, dataset.schema, 0)(test.features)
    alone = replace(dataset.schema, labels=("no", "Drama"), several=False)
    drama = replace(train, target=train.target[:, 3])
    expected = logistic_regression(drama, drama, alone, 0)(test.features)
    np.testing.assert_allclose(answers[:, 3], expected)
    nobody = replace(train, target=np.where(np.arange(7) == 5, 0, train.target))
    answers = of_each_label(logistic_regression)(nobody, nobody, dataset.schema, 0)(test.features)
    assert (answers[:, 5] == 0).all()


def test_a_network_begins_at_the_shares_and_its_loss_is_that_of_the_labels(columns_file, tmp_path):
    dataset = loader(decide(columns_file, Wishes(labels=GENRES)), tmp_path).load()
    prepared = prepare_rows(dataset)
    rows = prepared.part("train")
    shares = dataset.target[dataset.part == "train"].mean(axis=0)
    assert prepared.target.shares == pytest.approx(tuple(shares))
    network = build_tabular(TabularConfig(members=3, units=16), prepared.table, prepared.target)
    learned = Learner.of(network, prepared.target)
    inputs, target = rows.inputs, prepared.target.to_learned(rows.target)
    answers = network.predict(inputs, verbose=0)
    assert answers.shape == (len(target), 7)
    assert np.abs(answers.mean(axis=0) - shares).max() < 0.15
    members = learned.predict(inputs, verbose=0)  # (rows, members, labels)
    losses = [
        sk.log_loss(*pair) for k in range(3) for pair in zip(target.T, members[:, k].T, strict=True)
    ]
    tensors = [keras.ops.convert_to_tensor(array) for array in (target, members)]
    assert float(learned.compute_loss(None, *tensors)) == pytest.approx(np.mean(losses), rel=1e-4)
    learned.compile(keras.optimizers.Adam(0.01), metrics=[keras.metrics.AUC(name="roc_auc")])
    history = learned.fit(inputs, target, epochs=4, verbose=0).history
    assert history["loss"][-1] < 0.9 * np.mean(losses)
    assert history["roc_auc"][-1] > 0.85


def test_columns_of_yes_and_no_become_a_project_that_trains(columns_file, tmp_path, monkeypatch):
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(tmp_path / "runs"))
    plan = decide(columns_file, Wishes(labels=GENRES, time="none"))
    assert "several labels at once: Action, Animation" in told(plan)
    module = loader(plan, tmp_path)
    project = Project("films", "Which genres?", TabularConfig, lambda c: module.load(c.rows),
                      module.prepare, build_tabular)  # fmt: skip
    quick = ["--epochs", "6", "--members", "2", "--units", "32", "--batch-size", "128"]
    with redirect_stdout(io.StringIO()) as printed:
        assert main(project, [*quick, "--run", "one"]) == 0
    metrics = json.loads((runs_folder("films") / "one" / "metrics.json").read_text())
    assert metrics["task"] == "multilabel"
    assert (
        metrics["test"]["log_loss"]["value"]
        < metrics["baselines"]["class_prior"]["log_loss"]["value"]
    )
    assert [row["label"] for row in metrics["classes"]] == list(GENRES)
    assert {"log_loss", "roc_auc", "average_precision", "f1_macro", "accuracy"} == {
        *metrics["test"]
    }
    short = metrics["classes"][-1]
    assert short["roc_auc"] > 0.95  # a short film is one by its length
    assert "hist_gradient_boosting" in printed.getvalue()
    page = (runs_folder("films") / "one" / "report.html").read_text()
    assert "Each label has a threshold of its own" in page
    scored = tmp_path / "scored.csv"
    with redirect_stdout(io.StringIO()):
        command = ["predict", "--input", str(columns_file), "--output", str(scored)]
        assert main(project, [*command, "--run", "one"]) == 0
    rows = pd.read_csv(scored, keep_default_na=False)
    cut = metrics["classes"][-1]["threshold"]
    called = rows["labels"].str.split(";").map(lambda names: "Short" in names)
    np.testing.assert_array_equal(called, rows["probability_Short"].astype(float) >= cut - 1e-6)
    short_films = rows["Short"].astype(int) == 1
    assert called[short_films].mean() > 0.9
    assert called[~short_films].mean() < 0.2


def test_cells_that_name_labels_are_read(cells_file, films, tmp_path):
    plan = decide(cells_file, Wishes())
    assert (plan.target, plan.task, plan.labels) == ("genres", "multilabel", tuple(sorted(GENRES)))
    assert plan.without_target == (films[list(GENRES)].sum(axis=1) == 0).sum()
    dataset = loader(plan, tmp_path).load()
    lines = dataset.ids["line"].to_numpy() - 2  # the first line is the header
    expected = films[sorted(GENRES)].to_numpy()[lines]
    np.testing.assert_array_equal(dataset.target, expected)
    assert dataset.account.dropped == {"without genres": plan.without_target}
    shares = [dataset.target[dataset.part == part].mean(axis=0) for part in ("train", "test")]
    if dataset.time is None:
        assert np.abs(shares[0] - shares[1]).max() < 0.05
    assert not [
        each for each in check_dataset(dataset) if each.check == "account" and each.level != "ok"
    ]


def test_the_owner_may_want_classes_instead(cells_file):
    plan = decide(cells_file, Wishes(target="genres", task="classes"))
    assert plan.task == "multiclass"
    assert "Drama, Romance" in plan.labels


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes(labels=("Drama",)), "at least two"),
        (Wishes(labels=("Drama", "mpaa")), "'mpaa' has 4 different values"),
        (Wishes(labels=("Drama", "Comedy"), target="Short"), "two ways to say"),
        (Wishes(labels=("Drama", "Comdy")), "Did you mean 'Comedy'"),
        (Wishes(target="Short", task="labels"), "names several labels"),
    ],
)
def test_what_cannot_be_is_told(columns_file, wishes, words):
    with pytest.raises(UserError, match=words):
        decide(columns_file, wishes)


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["a;b", "a", "b;c", "c", "a;c"], ";"),
        (["red | blue", "red", "blue | green", "green | red"], "|"),
        (["Paris, France", "Lyon, France", "Rome, Italy", "Italy"], ""),
        (["Kelly, Mr. James", "Wilkes, Mrs. Ellen", "Myles, Mr. Thomas"], ""),
        (["a, b", "b, a", "a, c", "c, b"], ""),  # always two: a pair, not a set
        (["one", "two", "three"], ""),
    ],
)
def test_labels_are_told_from_addresses_and_names(cells, separator):
    assert label_separator(pd.Series(cells * 5)) == separator


def test_a_target_of_another_shape_is_refused(columns_file, tmp_path):
    dataset = loader(decide(columns_file, Wishes(labels=GENRES)), tmp_path).load()
    with pytest.raises(UserError, match=r"expected \(.*, 7\)"):
        replace(dataset, target=dataset.target[:, 0])
    with pytest.raises(UserError, match="not 0 or 1"):
        replace(dataset, target=dataset.target * 2)


def test_the_doctor_counts_each_label(cells_file, films):
    findings = {each.check: each for each in examine(read_patient(cells_file, "genres"))}
    assert "several labels at once" in findings["target"].message
    share = films["Drama"].sum() / (films[list(GENRES)].sum(axis=1) > 0).sum()
    assert f"Drama {films['Drama'].sum():,} ({share:.1%})" in findings["classes"].message
