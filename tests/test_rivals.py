"""The parts of benchmarks/rivals that need none of the libraries it measures."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from benchmarks.california_housing import load_california, per_household
from benchmarks.rivals.best import (
    behind_elsewhere,
    of_these_seeds,
    reservations,
    standing,
    stored_rivals,
)
from benchmarks.rivals.columns import answers, describe_columns, learned_target
from benchmarks.rivals.measure import check_names
from benchmarks.rivals.paired import gains, keep_answer, kept_answer, kit_answers
from benchmarks.rivals.scores import score
from common.data.dataset import Examples, Schema
from common.errors import UserError
from common.files import write_json

SCHEMA = Schema(
    features={"size": "number", "cut": "category", "shop": "category"},
    required={},
    labels=("low", "middle", "high", "top"),
    orders={"cut": ("Fair", "Good", "Ideal")},
)


def examples(frame: dict, target: list) -> Examples:
    nothing = pd.DataFrame(index=range(len(target)))
    target = np.array(target, "float32")
    return Examples(pd.DataFrame(frame), target, nothing, np.arange(len(target)), nothing)


TRAIN = examples({"size": [1.0, np.nan], "cut": ["Ideal", "Fair"], "shop": ["", "b"]}, [0, 3])
NEW = examples({"size": [2.0, 3.0], "cut": ["Good", ""], "shop": ["c", "b"]}, [3, 1])


def test_order_becomes_rank_and_unseen_becomes_missing():
    columns = describe_columns(TRAIN, SCHEMA)
    typed = columns.typed(NEW.features)
    assert typed["cut"].tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert typed["shop"].isna().tolist() == [True, False]
    assert list(typed["shop"].cat.categories) == ["", "b"]  # missing is a value of its own
    assert columns.typed(TRAIN.features)["size"].isna().tolist() == [False, True]
    assert columns.text(NEW.features)["shop"].tolist() == ["c", "b"]


def test_classes_without_training_rows_are_numbered_away_and_back():
    learned = learned_target(TRAIN, NEW, SCHEMA)
    assert learned.train.tolist() == [0, 1]
    assert learned.validation.tolist() == [1]
    assert learned.validation_rows.tolist() == [True, False]
    probability = answers(np.array([[0.2, 0.8]]), learned, SCHEMA)
    assert probability.tolist() == [[0.2, 0, 0, 0.8]]


def test_logarithms_are_learned_and_turned_back():
    schema = Schema(features={"size": "number"}, required={}, unit="dollars", log_scale=True)
    prices = examples({"size": [1.0, 2.0]}, [100, 1000])
    learned = learned_target(prices, prices, schema)
    assert learned.train == pytest.approx([4.60517, 6.907755])
    told = answers(learned.train, learned, schema)
    assert told == pytest.approx([100, 1000])
    scores = score(prices.target, np.array([100, 1000 * np.e]), schema)
    assert scores["rmse_log"] == pytest.approx(0.5**0.5)


def test_macro_f1_counts_classes_that_are_never_there():
    probability = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]])
    scores = score(np.array([0.0, 3.0]), probability, SCHEMA)
    assert scores["accuracy"] == 1
    assert scores["f1_macro"] == 0.5
    assert scores["log_loss"] == pytest.approx(-np.log(0.7))


def test_unknown_rival_is_refused():
    with pytest.raises(UserError, match="Choose of: lightgbm"):
        check_names(("lightbgm",))


def test_a_limit_of_epochs_is_refused_where_it_means_nothing():
    with pytest.raises(UserError, match="catboost takes no such limit, only tabm"):
        check_names(("catboost",), epochs=10)


def test_first_row_of_california_is_as_in_scikit_learn():
    raw = pd.DataFrame(
        {
            "longitude": [-122.23],
            "latitude": [37.88],
            "housing_median_age": [41.0],
            "total_rooms": [880.0],
            "total_bedrooms": [129.0],
            "population": [322.0],
            "households": [126.0],
            "median_income": [8.3252],
        }
    )
    # As scikit-learn's user guide prints it.
    known = [8.3252, 41, 6.984127, 1.023810, 322, 2.555556, 37.88, -122.23]
    assert per_household(raw).iloc[0].tolist() == pytest.approx(known, rel=1e-6)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "housing.csv"
    path.write_text("longitude,latitude\n1,2\n")
    with pytest.raises(UserError, match="lacks housing_median_age"):
        load_california(path)
    with pytest.raises(UserError, match="cannot be read"):
        load_california(tmp_path / "none.csv")


def test_kit_is_ahead_by_the_mean_of_its_seeds_and_pairs_with_the_rival():
    generator = np.random.default_rng(0)
    target = generator.integers(0, 4, 400).astype("float32")
    right = np.eye(4)[target.astype(int)] * 0.6 + 0.1
    frame = {"size": np.zeros(400), "cut": ["Good"] * 400, "shop": ["b"] * 400}
    test = examples(frame, target)
    dataset = SimpleNamespace(schema=SCHEMA, examples=lambda part: test)
    noisy = right + generator.random((400, 4))
    rival = noisy / noisy.sum(axis=1, keepdims=True)
    told = gains(dataset, {"0/test": rival, "1/test": right}, rival, ("log_loss", "f1_macro"))
    one_seed = log_loss(target, rival) - log_loss(target, right)
    assert told["log_loss"]["value"] == pytest.approx(one_seed / 2, rel=1e-6)
    assert 0 < told["log_loss"]["low"] < told["log_loss"]["value"] < told["log_loss"]["high"]
    assert told["f1_macro"]["value"] > 0  # more is better there, and the sign says so too
    level = gains(dataset, {"0/test": rival}, rival, ("log_loss",))["log_loss"]
    assert level == {"value": 0, "low": 0, "high": 0}  # what is hard for both cancels


def test_answers_that_are_not_there_are_asked_for():
    with pytest.raises(UserError, match=r"benchmarks\.results no_project"):
        kit_answers("no_project", None)


def test_a_distance_from_another_training_of_the_kit_is_not_told():
    record = {"test": {"rmse": 500.6}, "kit_ahead": {"rmse": {"value": -6.02}}}
    seeds = {"rmse": {"mean": 506.62}}
    assert of_these_seeds(record, {"metric": "rmse", "seeds": seeds})
    seeds["rmse"]["mean"] = 506.63
    assert not of_these_seeds(record, {"metric": "rmse", "seeds": seeds})


def test_only_rivals_paired_with_the_stored_kit_keep_their_distance(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.rivals.best.RESULTS", tmp_path)
    models = {
        name: {"test": {"rmse": score}, "kit_ahead": {"rmse": {"value": value}}}
        for name, score, value in (("tabm", 500.6, 6.02), ("catboost", 509.5, 9.0))
    }
    write_json(tmp_path / "diamonds.json", {"models": models})
    kit = {"metric": "rmse", "seeds": {"rmse": {"mean": 500.5}}}
    for results, paired in ((kit, ["catboost"]), ({}, [])):
        monkeypatch.setattr("benchmarks.rivals.best.kit_results", lambda _, told=results: told)
        stored = stored_rivals("diamonds")
        assert list(stored) == ["tabm", "catboost"]
        assert [name for name, record in stored.items() if "kit_ahead" in record] == paired


def test_answers_of_a_rival_are_kept_for_the_same_data(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.rivals.paired.ANSWERS", tmp_path)
    dataset, other = (SimpleNamespace(fingerprint=lambda text=text: text) for text in "ab")
    answer = np.random.default_rng(0).random((5, 2))
    assert kept_answer("diamonds", "tabm", dataset) is None
    keep_answer("diamonds", "tabm", answer, dataset)
    assert np.array_equal(kept_answer("diamonds", "tabm", dataset), answer)
    assert kept_answer("diamonds", "tabm", other) is None


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "ahead"), (-0.1, 0.3, "level"), (-0.3, -0.1, "behind")]
)
def test_the_interval_says_who_is_ahead(low, high, word):
    gain = {"value": (low + high) / 2, "low": low, "high": high}
    assert standing({"kit_ahead": {"seeds": 1, "rmse": gain}}, "rmse") == word
    assert standing({}, "rmse") == ""


def test_other_metrics_in_which_the_kit_is_behind_are_told():
    far, near = {"low": -0.3, "high": -0.1}, {"low": -0.3, "high": 0.1}
    record = {"kit_ahead": {"seeds": 5, "rmse": far, "mae": far, "r2": near}}
    assert behind_elsewhere(record, "rmse") == "the kit is behind in: Mean absolute error"
    assert behind_elsewhere(record, "mae") == "the kit is behind in: RMSE"
    assert behind_elsewhere({"kit_ahead": {"seeds": 5, "rmse": far, "r2": near}}, "rmse") == ""
    assert behind_elsewhere({}, "rmse") == ""


def test_a_fit_that_was_cut_short_is_told_beside_its_score():
    record = {"rows": {"train": 1000}, "epochs": 0}
    assert reservations(record, 1000) == ""
    assert reservations(record, 2000) == "**trained on 1,000 of the rows only**"
    short = {**record, "epochs": 8, "remark": "the first was the best"}
    assert reservations(short, 1000) == "**at most 8 epochs**; the first was the best"
