"""Scores, intervals and pictures of predicted numbers against scikit-learn and known answers."""

from itertools import combinations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from common.errors import UserError
from common.evaluation.bootstrap import bootstrap, resampled_weights
from common.evaluation.conformal import coverage, interval_of, margin
from common.evaluation.regression import RegressionRows
from common.plots.regression import (
    interval_coverage,
    predicted_against_actual,
    residuals,
    running_quantiles,
)


@pytest.fixture(scope="module")
def diabetes():
    """Diabetes progress: targets of the odd rows, and predictions of a ridge of the even rows."""
    features, target = load_diabetes(return_X_y=True)
    model = Ridge(0.1).fit(features[::2], np.log(target[::2]))
    return target[1::2], np.exp(model.predict(features[1::2]))


def sk_metrics(target, prediction, weights):
    logarithms = np.log(target), np.log(prediction)
    return {
        "rmse": sk.root_mean_squared_error(target, prediction, sample_weight=weights),
        "mae": sk.mean_absolute_error(target, prediction, sample_weight=weights),
        "r2": sk.r2_score(target, prediction, sample_weight=weights),
        "mean_absolute_percentage_error": sk.mean_absolute_percentage_error(
            target, prediction, sample_weight=weights
        ),
        "rmse_log": sk.root_mean_squared_error(*logarithms, sample_weight=weights),
    }


@pytest.mark.parametrize("offset", [0, 1e6])  # 1e6: a variance that is small beside the mean
def test_metrics_equal_scikit_learn_under_any_weights(diabetes, offset):
    target, prediction = diabetes[0] + offset, diabetes[1] + offset
    group = np.arange(len(target)) % 40
    scored = RegressionRows(target, prediction, group, log_scale=True)
    for weights in (np.ones(40), *resampled_weights(40, 3)):
        expected = sk_metrics(target, prediction, weights[group])
        assert scored.metrics(weights) == pytest.approx(expected, rel=1e-9)


def test_rmse_log_is_that_of_a_known_ratio():
    target = np.array([100.0, 10.0, 1.0])
    scored = RegressionRows(target, target * [1.1, 1 / 1.1, 1.1], log_scale=True)
    assert scored.metrics()["rmse_log"] == pytest.approx(np.log(1.1))


def test_metrics_that_make_no_sense_are_left_out(diabetes):
    target, prediction = diabetes
    assert "rmse_log" not in RegressionRows(target, prediction).metrics()
    shifted = RegressionRows(target - target.min(), prediction)  # one target is 0
    assert set(shifted.metrics()) == {"rmse", "mae", "r2"}


def test_r2_of_equal_targets_is_unknown():
    scored = RegressionRows(
        np.array([0.1, 0.1, 0.7]), np.array([0.2, 0.3, 0.4]), np.array([0, 0, 1])
    )
    assert np.isfinite(scored.metrics()["r2"])
    assert np.isnan(scored.metrics(np.array([1.0, 0.0]))["r2"])
    assert np.isnan(scored.metrics(np.array([0.0, 1.0]))["r2"])


def test_bootstrap_of_single_rows_agrees_with_theory(diabetes):
    target, prediction = diabetes
    scored = RegressionRows(target, prediction, np.arange(len(target)))
    draws = bootstrap({"ridge": scored}, 1000)["ridge"]["mae"]
    expected = np.std(np.abs(target - prediction)) / np.sqrt(len(target))
    assert np.std(draws) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("target", "prediction", "words"),
    [
        ([1.0, 2.0], [[1.0], [2.0]], r"\(2,\) and predictions of shape \(2, 1\)"),
        ([1.0, 2.0], [1.0, np.nan], "1 of 2 predictions .* first is nan in row 1"),
        ([1.0, 0.0], [1.0, 2.0], "targets are not positive numbers"),
        ([1.0, 2.0], [-3.0, 2.0], "predictions are not positive numbers"),
    ],
)
def test_unusable_numbers_are_refused_with_words(target, prediction, words):
    with pytest.raises(UserError, match=words):
        RegressionRows(np.array(target), np.array(prediction), log_scale=True)


def test_margin_is_the_corrected_quantile_of_the_errors():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100))  # 1, 2, … 99
    signs = np.where(np.arange(99) % 2, 1, -1)
    assert margin(np.full(99, 200.0), 200 + signs * errors, 0.9, log_scale=False) == 90
    assert margin(np.full(99, 200.0), 200 + signs * errors, 0.07, log_scale=False) == 7
    target = np.array([50.0] * 9)
    told = margin(target, target * np.array([1.1, 1, 1, 1, 1, 1, 1, 1, 0.5]), 0.9, log_scale=True)
    assert told == pytest.approx(np.log(2))


def test_too_few_rows_for_a_level_are_refused():
    target = np.arange(1.0, 19)
    with pytest.raises(UserError, match=r"18 validation rows .* level 0.95: 19 are needed"):
        margin(target, target, 0.95, log_scale=False)
    assert margin(np.arange(19.0), np.zeros(19), 0.95, log_scale=False) == 18
    with pytest.raises(UserError, match="between 0 and 1"):
        margin(target, target, 95, log_scale=False)


def test_intervals_are_a_distance_or_a_ratio():
    low, high = interval_of(np.array([10.0, 20.0]), 3.0, log_scale=False)
    assert (low.tolist(), high.tolist()) == ([7, 17], [13, 23])
    low, high = interval_of(np.array([10.0, 20.0]), np.log(2), log_scale=True)
    np.testing.assert_allclose([low, high], [[5, 10], [20, 40]])


@pytest.mark.parametrize("log_scale", [False, True])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_over_random_splits_is_the_level(level, log_scale):
    """19 validation rows: the levels are whole multiples of 1/20, so coverage is exact on average.

    The rank of a test error among 20 is uniform, whatever the model. One split's share inside has
    the variance of a beta-binomial; without the correction of n + 1, the mean would be .86 for .9.
    """
    features, target = load_diabetes(return_X_y=True)
    generator = np.random.default_rng(0)
    forward, backward = (np.log, np.exp) if log_scale else (np.asarray, np.asarray)
    splits, shares = 400, []
    for _ in range(splits):
        train, validation, test = np.split(generator.permutation(len(target)), [100, 119])
        model = Ridge(0.1).fit(features[train], forward(target[train]))
        prediction = backward(model.predict(features))
        size = margin(target[validation], prediction[validation], level, log_scale)
        low, high = interval_of(prediction[test], size, log_scale)
        shares.append(np.mean((low <= target[test]) & (target[test] <= high)))
    rows = len(test)
    deviation = np.sqrt(level * (1 - level) * (1 / rows + 1 / 21) / splits)
    assert np.mean(shares) == pytest.approx(level, abs=4 * deviation)


def test_coverage_tells_shares_and_widths_by_fifth(diabetes):
    target, prediction = diabetes
    group = np.arange(len(target)) % 50
    told = coverage(target, prediction, 0.4, 0.8, group, log_scale=True, rounds=300)
    ratio = target / prediction
    inside = (np.exp(-0.4) <= ratio) & (ratio <= np.exp(0.4))
    widths = prediction * (np.exp(0.4) - np.exp(-0.4))
    assert told["share"]["value"] == pytest.approx(inside.mean())
    assert told["share"]["low"] < inside.mean() < told["share"]["high"]
    assert told["mean_width"] == pytest.approx(widths.mean())
    assert told["median_width"] == pytest.approx(np.median(widths))
    parts = np.array_split(np.argsort(prediction), 5)
    for fifth, rows in zip(told["fifths"], parts, strict=True):
        members = (prediction >= fifth["low"]) & (prediction <= fifth["high"])
        assert abs(fifth["rows"] - len(rows)) <= 1
        assert members.sum() == fifth["rows"]
        assert fifth["share"]["value"] == pytest.approx(inside[members].mean())
        assert fifth["mean_width"] == pytest.approx(widths[members].mean())
    assert sum(fifth["rows"] for fifth in told["fifths"]) == len(target)


def test_coverage_of_rows_that_share_a_fate_is_less_certain():
    """20 rows of a group are all inside or all outside: 100 groups count, not 2,000 rows."""
    group = np.repeat(np.arange(100), 20)
    target = np.repeat(np.random.default_rng(0).random(100) < 0.3, 20).astype(float)
    widths = []
    for groups in (group, np.arange(2000)):
        share = coverage(target, np.zeros(2000), 0.5, 0.7, groups, log_scale=False)["share"]
        widths.append(share["high"] - share["low"])
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(20), rel=0.2)


def test_equal_predictions_stay_in_one_fifth():
    target = np.arange(100.0)
    told = coverage(target, np.full(100, 50.0), 20.0, 0.5, np.arange(100), log_scale=False)
    assert [fifth["rows"] for fifth in told["fifths"]] == [100]
    assert told["share"]["value"] == 0.41  # 30 to 70


def test_running_quantiles_are_those_of_the_rows_in_the_window(diabetes):
    target, prediction = diabetes
    centres, quantiles = running_quantiles(prediction, target)
    order = np.argsort(prediction)
    for number, rows in ((0, order[:50]), (-1, order[-50:])):
        assert centres[number] == np.median(prediction[rows])
        assert quantiles[1, number] == np.median(target[rows])
        inside = (target[rows] >= quantiles[0, number]) & (target[rows] <= quantiles[2, number])
        assert inside.mean() == pytest.approx(0.9, abs=0.03)
    assert np.all(np.diff(centres) >= 0)


@pytest.fixture(scope="module")
def figures(diabetes):
    target, prediction = diabetes
    many = np.random.default_rng(0).integers(0, len(target), 3000)
    group = np.arange(len(target))
    scored = {
        "points": RegressionRows(target, prediction),
        "logarithm": RegressionRows(target, prediction, log_scale=True),
        "counts": RegressionRows(target[many], 1.1 * prediction[many]),
        "decades": RegressionRows(target[many] ** 3, prediction[many] ** 3, log_scale=True),
    }
    drawn = {}
    for name, rows in scored.items():
        drawn[f"predicted, {name}"] = predicted_against_actual(rows, "dollars per square metre")
        drawn[f"residuals, {name}"] = residuals(rows, "dollars per square metre")
    for log_scale, size, scale in ((True, 0.5, 1e3), (False, 2.5e6, 1e5)):
        told = coverage(target * scale, prediction * scale, size, 0.9, group, log_scale, rounds=50)
        drawn[f"intervals, {log_scale}"] = interval_coverage(told, "dollars per square metre")
    return drawn


def test_every_row_is_drawn_once_on_the_scale_of_the_target(diabetes, figures):
    target, prediction = diabetes
    for name, scale in (("points", "linear"), ("logarithm", "log")):
        (axes,) = figures[f"predicted, {name}"].axes
        points, identity = axes.get_lines()
        np.testing.assert_array_equal(points.get_data(), [target, prediction])
        np.testing.assert_array_equal(*identity.get_data())
        assert axes.get_xscale() == axes.get_yscale() == scale
        assert axes.get_xlim() == axes.get_ylim()
        assert axes.get_xlabel() == "actual (dollars per square metre)"
    counts = figures["predicted, counts"].axes[0].collections[0].get_array()
    assert counts.sum() == 3000


def test_residuals_are_a_difference_or_a_ratio(diabetes, figures):
    target, prediction = diabetes
    for name, left, level in (
        ("points", target - prediction, 0),
        ("logarithm", target / prediction, 1),
    ):
        (axes,) = figures[f"residuals, {name}"].axes
        points, zero, *band = axes.get_lines()
        np.testing.assert_array_equal(points.get_data(), [prediction, left])
        assert set(zero.get_ydata()) == {level}
        np.testing.assert_array_equal(
            [line.get_ydata() for line in band], running_quantiles(prediction, left)[1]
        )
        assert [line.get_linestyle() for line in band] == ["--", "-", "--"]


def test_residuals_far_out_are_counted_in_words():
    target = np.arange(1.0, 5001)
    prediction = target + np.sin(target)
    prediction[[7, 70]] += 1000
    axes = residuals(RegressionRows(target, prediction), "").axes[0]
    assert axes.get_title(loc="left") == "Actual less predicted; 2 rows are beyond"
    assert axes.collections[0].get_array().sum() == 4998


def test_intervals_show_shares_beside_the_promise(diabetes, figures):
    inside, width = figures["intervals, True"].axes
    told = coverage(*(1e3 * values for values in diabetes), 0.5, 0.9, np.arange(221), True, 50)
    rows = [told, *told["fifths"]]
    promised, *points = inside.get_lines()
    assert set(promised.get_xdata()) == {0.9}
    assert [point.get_xdata()[0] for point in points] == [row["share"]["value"] for row in rows]
    assert [bar.get_width() for bar in width.patches] == [row["mean_width"] for row in rows]
    assert figures["intervals, True"].get_suptitle() == (
        "90 % intervals: prediction ÷ 1.65 to × 1.65"
    )
    assert "± 2.5M dollars" in figures["intervals, False"].get_suptitle()


def test_nothing_is_cut_off_and_titles_do_not_overlap(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        drawn, page = figure.get_tightbbox(), figure.bbox_inches
        assert min(drawn.x0, drawn.y0) >= -0.01, name
        assert drawn.x1 <= page.x1 + 0.01, name
        assert drawn.y1 <= page.y1 + 0.01, name
        titles = [axes._left_title.get_window_extent() for axes in figure.axes]
        titles = [box for box in titles if box.width > 0]
        assert titles, name
        assert not any(one.overlaps(other) for one, other in combinations(titles, 2)), name


def test_numbers_at_the_axes_do_not_run_into_each_other(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        for axes in figure.axes:
            limits = sorted(axes.get_xlim())
            labels = [
                label.get_window_extent()
                for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
                if limits[0] <= tick <= limits[1] and label.get_text()
            ]
            assert not any(one.overlaps(other) for one, other in combinations(labels, 2)), name
