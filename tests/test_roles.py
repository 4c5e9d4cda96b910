"""The parts of columns on real tables, and on columns that were planted into them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.metrics import cohen_kappa_score

from common.data.alikeness import alikeness
from common.data.roles import group_column, id_like, time_column
from common.data.target import leaks, propose_target, single_scores, task_of
from common.errors import UserError
from projects.diamond_prices.load import read_raw, stones


def typed(frame):
    return pd.DataFrame(
        {
            str(name): column.astype("float64" if column.dtype.kind in "iuf" else column.dtype)
            for name, column in frame.items()
        }
    )


def leaks_of(frame, target):
    return leaks(frame, target, task_of(frame[target])[0])


def scores_of(frame, target):
    return single_scores(frame, target, task_of(frame[target])[0])


@pytest.fixture(scope="module")
def tumours():
    return typed(load_breast_cancer(as_frame=True).frame)


@pytest.fixture(scope="module")
def diamonds():
    return typed(read_raw()[::20].reset_index(drop=True))


def test_honest_tables_have_no_ids_groups_or_times(tumours, diamonds):
    for frame, target in ((tumours, "target"), (diamonds, "price")):
        assert id_like(frame) == {}
        assert group_column(frame, target)[0] is None
        assert time_column(frame, target)[0] is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("row", lambda rows: np.arange(rows, dtype=float)),
        ("shuffled", lambda rows: np.random.default_rng(0).permutation(rows) + 1000.0),
        ("order_no", lambda rows: np.arange(rows) * 37.0 + 5),
        ("phone", lambda rows: np.arange(rows) * 7919 + 4.1e10),
        ("code", lambda rows: np.array([f"A-{row:05}" for row in range(rows)])),
        ("full name", lambda rows: np.array([f"Ms. Ann B. von C{n} the 2nd" for n in range(rows)])),
    ],
)  # fmt: skip
def test_planted_ids_are_found(tumours, name, values):
    assert list(id_like(tumours.assign(**{name: values(len(tumours))}))) == [name]


def test_texts_and_mostly_empty_columns_are_no_ids(tumours):
    rows = range(len(tumours))
    texts = np.array([f"patient number {row} came with some pain" for row in rows])
    cabin = np.array([f"C{row}" if row % 4 == 0 else "" for row in rows])
    assert id_like(tumours.assign(report=texts, cabin=cabin)) == {}


def test_time_column_by_kind_name_and_order(tumours):
    rows = len(tumours)
    days = pd.Series(pd.date_range("2020-01-01", periods=rows, unit="s"))
    mixed = days.sample(frac=1, random_state=0, ignore_index=True)
    seconds = pd.Series(np.arange(rows) // 3 * 60.0)
    assert time_column(tumours.assign(seen=mixed, paid=days), "target")[0] == "paid"
    assert "2020-01-01" in time_column(tumours.assign(seen=mixed), "target")[1]
    assert time_column(tumours.assign(birth_date=days), "target")[0] is None
    assert time_column(tumours.assign(seen=days.where(days.index % 2 == 0)), "target")[0] is None
    assert time_column(tumours.assign(Time=seconds), "target")[0] == "Time"
    assert time_column(tumours.assign(Time=seconds[::-1].to_numpy() % 70), "target")[0] is None
    year = pd.Series(2000.0 + np.arange(rows) % 9)
    assert time_column(tumours.assign(Year=year), "target")[0] == "Year"
    assert time_column(tumours.assign(year_built=year), "target")[0] is None
    assert time_column(tumours.assign(seen=days), "seen")[0] is None
    clock = pd.Timestamp("1900-01-01") + pd.to_timedelta(np.arange(rows), unit="min")
    assert time_column(tumours.assign(Time=clock), "target")[0] is None


def test_patients_are_a_group_by_name(tumours):
    patient = np.arange(len(tumours)) // 3 + 5000.0
    name, reason = group_column(tumours.assign(patient_id=patient), "target")
    assert name == "patient_id"
    assert "190 values in 569 rows, 100% of the rows share" in reason
    assert group_column(tumours.assign(patient_age=patient), "target")[0] is None
    assert group_column(tumours.assign(patient_id=patient % 4), "target")[0] is None


def test_stones_are_a_group_by_structure(diamonds):
    """Diamonds of one stone are equal in what it is made of; shuffled stones are in nothing."""
    whole = typed(read_raw())
    stone = stones(whole)
    kept = whole.assign(stone=[f"s{number}" for number in stone])[stone % 20 == 0]
    name, reason = group_column(kept, "price")
    assert name == "stone"
    assert "carat" in reason
    shuffled = kept["stone"].sample(frac=1, random_state=0).to_numpy()
    assert group_column(kept.assign(stone=shuffled), "price")[0] is None


def test_alikeness_against_kappa_and_rank_correlation(tumours):
    """Of pairs of rows: Cohen's kappa of categories; 0 and 1 at the ends for numbers."""
    random = np.random.default_rng(0)
    size = np.where(tumours["mean radius"] > 14, "large", "small")
    pairs = np.arange(len(tumours)) // 2
    frame = pd.DataFrame(
        {"size": size, "own": pairs.astype(float), "noise": random.normal(size=len(pairs))}
    )
    found = alikeness(frame, pairs)
    first, second = size[0:-1:2], size[1::2]
    assert found["size"] == pytest.approx(cohen_kappa_score(first, second), abs=0.02)
    assert found["own"] == 1
    assert abs(found["noise"]) < 0.1
    kept = pairs < 284
    half = tumours["mean radius"].to_numpy()
    related = spearmanr(half[kept][0::2], half[kept][1::2]).statistic
    assert np.sign(alikeness(tumours, pairs)["mean radius"]) == np.sign(related)


@pytest.mark.parametrize(
    ("load", "task"),
    [(load_breast_cancer, "binary"), (load_iris, "multiclass"), (load_diabetes, "regression")],
)
def test_task_of_known_tables(load, task):
    assert task_of(typed(load(as_frame=True).frame)["target"])[0] == task


def test_task_by_name_and_by_words():
    stars = pd.Series([1.0, 2, 3, 4, 5] * 20, name="rating")
    assert task_of(stars)[0] == "regression"
    assert task_of(stars.rename("kind"))[0] == "multiclass"
    assert task_of(pd.Series(["yes", "no", ""] * 9, name="bought"))[0] == "binary"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (pd.Series([1.0, np.nan], name="y"), "only the value 1:"),
        (pd.Series(["", ""], name="y"), "no values"),
        (pd.Series(pd.date_range("2020", periods=9), name="y"), "holds dates"),
        (pd.Series([f"a{row}" for row in range(9)], name="y"), "9 distinct values in 9 rows"),
    ],
)
def test_targets_that_cannot_be_learned(target, message):
    with pytest.raises(UserError, match=message):
        task_of(target)


def test_target_is_proposed_by_name_or_place(tumours, diamonds):
    assert propose_target(tumours)[0] == "target"
    assert propose_target(diamonds)[0] == "price"
    assert propose_target(tumours.rename(columns={"target": "T"}))[0] == "T"
    ids = pd.DataFrame({"id": np.arange(50.0), "letter": [f"x{row}" for row in range(50)]})
    assert propose_target(ids)[0] is None


def test_leaks_among_honest_columns(tumours, diamonds):
    """Every honest table is quiet, though single columns of iris and tumours rank very well."""
    for load in (load_iris, load_wine, load_breast_cancer, load_diabetes):
        assert leaks_of(typed(load(as_frame=True).frame), "target") == {}
    assert leaks_of(diamonds, "price") == {}


def test_planted_leaks_are_found(tumours, diamonds):
    word = np.where(tumours["target"] == 1, "B", "M")
    assert list(leaks_of(tumours.assign(code=word), "target")) == ["code"]
    tax = diamonds["price"] * 0.19 + 2
    assert list(leaks_of(diamonds.assign(tax=tax), "price")) == ["tax"]


def test_strong_but_not_perfect_column_stands_out():
    """A third of the labels shuffled: ROC AUC about .83 of two classes; a tenth: about .95."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(2000, 9)), columns=list("abcdefghi"))
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    wrong = random.random(2000)
    late = np.where(wrong < 0.1, random.permutation(frame["y"]), frame["y"])
    weak = np.where(wrong < 0.5, random.permutation(frame["y"]), frame["y"])
    frame = frame.drop(columns="a")
    assert list(leaks_of(frame.assign(late=late, weak=weak), "y")) == ["late"]


def test_rare_classes_count_as_one():
    """Of thirty classes, the more frequent the lower, those from the twentieth on are merged."""
    random = np.random.default_rng(0)
    number = np.minimum(random.geometric(0.1, 20_000), 30)
    classes = pd.Series(number).map(pd.Series(number).value_counts().rank(ascending=False))
    x = np.where(random.random(20_000) < 0.5, number, 0)
    apart, merged = (
        pd.DataFrame({"y": [f"c{n}" for n in numbers], "x": x.astype(float)})
        for numbers in (classes, classes.clip(upper=20))
    )
    assert scores_of(apart, "y") == pytest.approx(scores_of(merged, "y"))
    assert 0.6 < scores_of(apart, "y")["x"] < 0.9
