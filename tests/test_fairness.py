"""Fairness by scikit-learn's rates of each group, by hand, and at the edges; and its picture."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from common.evaluation.fairness import score_fairness
from common.plots.fairness import fairness
from projects.census_income.load import EDUCATION, load

GAPS = ("demographic_parity_difference", "equalised_odds_difference")


@pytest.fixture(scope="module")
def people():
    """6,000 people of the test set, called rich where they have a bachelor's degree or more."""
    test = load(rows=6000).examples("test")
    educated = test.features["education"].isin(EDUCATION[EDUCATION.index("Bachelors") :])
    return test.target, educated.to_numpy().astype(int), test.slices


@pytest.fixture(scope="module")
def scored(people):
    return score_fairness(*people, rounds=200)


def rows_of(counts):
    """Arrays and column "group" with these counts: {group: {(target, called): rows}}."""
    rows = [
        (group, *cell)
        for group, cells in counts.items()
        for cell, count in cells.items()
        for _ in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["group", "target", "called"])
    return frame["target"].to_numpy(), frame["called"].to_numpy(), frame[["group"]]


@pytest.mark.parametrize("column", ["sex", "race", "age band"])
def test_rates_and_differences_are_those_of_scikit_learn(people, scored, column):
    target, called, columns = people
    values = columns[column].to_numpy()
    seen = {"selection_rate": [], "true_positive_rate": [], "false_positive_rate": []}
    assert [group["value"] for group in scored[column]["groups"]] == sorted(set(values))
    for group in scored[column]["groups"]:
        rows = values == group["value"]
        expected = {
            "selection_rate": (called[rows].mean(), rows.sum()),
            "true_positive_rate": (
                recall_score(target[rows], called[rows]),
                (target[rows] == 1).sum(),
            ),
            "false_positive_rate": (
                1 - recall_score(target[rows], called[rows], pos_label=0),
                (target[rows] == 0).sum(),
            ),
        }
        assert group["rows"] == rows.sum()
        assert group["positive_share"]["value"] == pytest.approx(target[rows].mean())
        for rate, (value, whole) in expected.items():
            if whole < 30:
                assert group[rate] is None
            else:
                assert group[rate]["value"] == pytest.approx(value)
                assert group[rate]["low"] <= value <= group[rate]["high"]
                seen[rate].append(value)
    gaps = {rate: max(values) - min(values) for rate, values in seen.items()}
    parity, odds = (scored[column][name]["value"] for name in GAPS)
    assert parity == pytest.approx(gaps["selection_rate"])
    assert odds == pytest.approx(max(gaps["true_positive_rate"], gaps["false_positive_rate"]))


def test_some_real_group_is_too_small(scored):
    small = {
        group["value"]: group["true_positive_rate"] is None for group in scored["race"]["groups"]
    }
    assert small["Amer-Indian-Eskimo"]
    assert not small["White"]


def test_a_table_made_by_hand():
    """a: 100 of 200 called, 80 of 100 found, 20 of 100 false alarms. b: 60, 50 of 50, 10 of 50."""
    table = rows_of(
        {
            "a": {(1, 1): 80, (1, 0): 20, (0, 1): 20, (0, 0): 80},
            "b": {(1, 1): 50, (0, 1): 10, (0, 0): 40},
        }
    )
    result = score_fairness(*table, rounds=50)["group"]
    told = [
        [group[name]["value"] for name in group if name not in ("value", "rows")]
        for group in result["groups"]
    ]
    np.testing.assert_allclose(told, [[0.5, 0.5, 0.8, 0.2], [0.5, 0.6, 1.0, 0.2]])
    assert result["demographic_parity_difference"]["value"] == pytest.approx(0.1)
    assert result["equalised_odds_difference"]["value"] == pytest.approx(0.2)


def test_one_group_has_rates_and_nothing_to_differ_from():
    result = score_fairness(*rows_of({"a": {(1, 1): 40, (0, 0): 40}}), rounds=50)["group"]
    assert result["groups"][0]["selection_rate"]["value"] == 0.5
    assert [result[name] for name in GAPS] == [None, None]


def test_a_group_without_a_class_is_told_and_not_counted():
    """b has no one of class 1: its true positive rate is unknown, and only a and c are compared."""
    table = rows_of(
        {
            "a": {(1, 1): 30, (1, 0): 30, (0, 0): 60},
            "b": {(0, 0): 500},
            "c": {(1, 1): 45, (1, 0): 15, (0, 0): 60},
        }
    )
    result = score_fairness(*table, rounds=50)["group"]
    without = result["groups"][1]
    assert without["true_positive_rate"] is None
    assert without["false_positive_rate"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert result["equalised_odds_difference"]["value"] == pytest.approx(0.75 - 0.5)
    assert result["demographic_parity_difference"]["value"] == pytest.approx(45 / 120)


@pytest.mark.parametrize(("positives", "known"), [(29, False), (30, True)])
def test_thirty_rows_are_enough_for_a_rate(positives, known):
    table = rows_of({"a": {(1, 1): 50, (0, 0): 50}, "b": {(1, 0): positives, (0, 0): 50}})
    result = score_fairness(*table, rounds=50)["group"]
    assert (result["groups"][1]["true_positive_rate"] is not None) == known
    assert (result["equalised_odds_difference"] is not None) == known


def test_intervals_are_as_wide_as_the_binomial_says(people):
    scored = score_fairness(*people, rounds=1000)
    for group in scored["sex"]["groups"]:
        rate = group["selection_rate"]
        expected = 2 * 1.96 * np.sqrt(rate["value"] * (1 - rate["value"]) / group["rows"])
        assert rate["high"] - rate["low"] == pytest.approx(expected, rel=0.12)


def test_rows_of_one_unit_are_drawn_together(people, scored):
    """Every person twice: drawn together, the intervals stay; drawn apart, they shrink."""
    target, called, columns = people
    twice = (np.r_[target, target], np.r_[called, called], pd.concat([columns, columns]))
    person = np.arange(len(target))
    together = score_fairness(*twice, rounds=200, drawn_with=np.r_[person, person])
    for name in GAPS:
        assert together["sex"][name] == pytest.approx(scored["sex"][name])
    apart = score_fairness(*twice, rounds=200)["sex"]["demographic_parity_difference"]
    whole = scored["sex"]["demographic_parity_difference"]
    assert apart["high"] - apart["low"] < 0.85 * (whole["high"] - whole["low"])


def test_the_result_is_fit_for_json(scored):
    assert json.loads(json.dumps(scored, allow_nan=False)) == scored


def test_missing_values_are_a_group():
    target, called, columns = rows_of({"a": {(1, 1): 40}, None: {(0, 0): 40}})
    result = score_fairness(target, called, columns, rounds=20)["group"]
    assert [(group["value"], group["rows"]) for group in result["groups"]] == [("", 40), ("a", 40)]


def test_picture_shows_every_rate_with_its_interval(scored):
    panels = fairness(scored, ">50K").axes
    assert len(panels) == 3 * len(scored)
    for line, (_, entry) in enumerate(scored.items()):
        rates = ("selection_rate", "true_positive_rate", "false_positive_rate")
        for axes, rate in zip(panels[3 * line : 3 * line + 3], rates, strict=True):
            known = [group[rate] for group in entry["groups"] if group[rate] is not None]
            dots = [dot for dot in axes.get_lines() if dot.get_marker() == "o"]
            assert [dot.get_xdata()[0] for dot in dots] == [value["value"] for value in known]
            ends = [bar.get_segments()[0][:, 0].tolist() for bar in axes.collections]
            assert ends == [[value["low"], value["high"]] for value in known]
            assert max(value["high"] for value in known) <= axes.get_xlim()[1]
            assert len(axes.texts) == len(entry["groups"]) - len(known)
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == ["Female", "Male"]


@pytest.mark.parametrize("name", ["<script>$\\x$ & a very long name", "sex"])
def test_nothing_of_the_picture_is_cut_off(scored, name):
    group = scored["race"]["groups"][0] | {"value": name}
    alone = {"groups": [group], **dict.fromkeys(GAPS)}
    for figure in (fairness({name: alone}, name), fairness(scored, name)):
        figure.draw_without_rendering()
        drawn, page = figure.get_tightbbox(), figure.bbox_inches
        assert min(drawn.x0, drawn.y0) >= -0.01
        assert drawn.x1 <= page.x1 + 0.01
        assert drawn.y1 <= page.y1 + 0.01
