"""Metrics, intervals, slices and baselines against scikit-learn and against known answers."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.data.checks import rank_auc
from common.errors import UserError
from common.evaluation.baselines import fit_baselines
from common.evaluation.binary import BinaryRows, best_f1_threshold, best_threshold
from common.evaluation.bootstrap import bootstrap, interval, resampled_weights
from common.evaluation.cross_validation import fold_words, score_folds
from common.evaluation.evaluate import (
    alarms,
    compare,
    ensemble_gain,
    metric_of,
    score_models,
    seed_spread,
    thresholds_of,
)
from common.evaluation.importance import permutation_importance
from common.evaluation.slices import score_slices


@pytest.fixture(scope="module")
def cancer():
    """Breast cancer: targets of the odd rows, probabilities from a model of the even rows."""
    features, target = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)[:, :3]
    model = LogisticRegression(C=0.01).fit(features[::2], target[::2])
    return target[1::2], model.predict_proba(features[1::2])[:, 1]


def sk_metrics(target, probability, weights, threshold):
    called = probability >= threshold
    return {
        "roc_auc": sk.roc_auc_score(target, probability, sample_weight=weights),
        "average_precision": sk.average_precision_score(target, probability, sample_weight=weights),
        "log_loss": sk.log_loss(target, probability, sample_weight=weights),
        "brier_score": sk.brier_score_loss(target, probability, sample_weight=weights),
        "accuracy": sk.accuracy_score(target, called, sample_weight=weights),
        "precision": sk.precision_score(target, called, sample_weight=weights),
        "recall": sk.recall_score(target, called, sample_weight=weights),
        "f1": sk.f1_score(target, called, sample_weight=weights),
    }


@pytest.mark.parametrize("decimals", [8, 1])  # 1: many ties
def test_metrics_equal_scikit_learn_under_any_weights(cancer, decimals):
    target, probability = cancer
    probability = np.round(probability, decimals)
    group = np.arange(len(target)) % 40
    scored = BinaryRows(target, probability, 0.6, group)
    for weights in (np.ones(40), *resampled_weights(40, 3)):
        ours = scored.metrics(weights)
        for name, value in sk_metrics(target, probability, weights[group], 0.6).items():
            assert ours[name] == pytest.approx(value, abs=1e-12), name


def test_expected_calibration_error_against_its_definition(cancer):
    target, probability = cancer
    bins = pd.cut(probability, np.linspace(0, 1, 16), include_lowest=True, right=False)
    table = pd.DataFrame({"p": probability, "y": target}).groupby(bins, observed=True)
    gaps = (table["p"].mean() - table["y"].mean()).abs() * table.size() / len(target)
    ours = BinaryRows(target, probability, 0.5).metrics()["expected_calibration_error"]
    assert ours == pytest.approx(gaps.sum(), abs=1e-12)


def test_threshold_has_the_best_f1_of_all(cancer):
    target, probability = cancer
    ours = best_f1_threshold(target, probability)
    best = max(sk.f1_score(target, probability >= cut) for cut in np.unique(probability))
    assert sk.f1_score(target, probability >= ours) == best


@pytest.mark.parametrize("missed", [0.01, 0.5, 1, 4, 1000])
def test_threshold_has_the_lowest_cost_of_all(cancer, missed):
    """Of all cuts, those that call every row or none among them; equal prices: best accuracy."""
    target, probability = cancer
    probability = np.round(probability, 2)  # with ties
    costs = {"false_alarm": 1.0, "missed": missed}

    def cost(cut):
        called = probability >= cut
        return (called & (target == 0)).sum() + missed * (~called & (target == 1)).sum()

    ours = best_threshold(target, probability, costs)
    assert cost(ours) == min(map(cost, [*np.unique(probability), 2.0]))
    scored = BinaryRows(target, probability, ours, costs=costs).metrics()
    assert scored["mean_cost"] == pytest.approx(cost(ours) / len(target))
    if missed == 1:
        cuts = [*np.unique(probability), 2.0]
        best = max(sk.accuracy_score(target, probability >= cut) for cut in cuts)
        assert scored["accuracy"] == pytest.approx(best)
    assert best_threshold(np.zeros(3), np.array([0.1, 0.9, 0.9]), costs) > 0.9


def test_bootstrap_of_single_rows_agrees_with_theory():
    generator = np.random.default_rng(0)
    target = (generator.random(2000) < 0.3).astype(float)
    scored = BinaryRows(target, np.full(2000, 0.3), 0.5, np.arange(2000))
    draws = bootstrap({"constant": scored}, 1000)["constant"]["accuracy"]
    expected = np.sqrt(target.mean() * (1 - target.mean()) / 2000)
    assert np.std(draws) == pytest.approx(expected, rel=0.1)


def test_groups_that_share_a_fate_widen_the_interval():
    """20 rows of a group are always right or wrong together: 100 groups count, not 2,000 rows."""
    group = np.repeat(np.arange(100), 20)
    target = np.repeat(np.random.default_rng(0).random(100) < 0.5, 20).astype(float)
    widths = []
    for groups in (group, np.arange(2000)):
        scored = BinaryRows(target, np.full(2000, 0.9), 0.5, groups)
        accuracy = interval(0.5, bootstrap({"all": scored}, 500)["all"]["accuracy"])
        widths.append(accuracy["high"] - accuracy["low"])
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(20), rel=0.2)


def test_comparison_is_paired_and_said_in_words(cancer):
    target, probability = cancer
    group = np.arange(len(target))
    slightly_worse = probability + 0.05 * np.random.default_rng(0).normal(size=len(target))
    scored = {
        "network": BinaryRows(target, probability, 0.5, group),
        "rival": BinaryRows(target, np.clip(slightly_worse, 0, 1), 0.5, group),
    }
    draws = bootstrap(scored, 300)
    result = compare(
        "binary",
        "roc_auc",
        {name: {m: interval(v, draws[name][m]) for m, v in rows.metrics().items()}
         for name, rows in scored.items()},
        draws,
    )  # fmt: skip
    difference = result["difference"]["roc_auc"]
    single = np.std(draws["network"]["roc_auc"])
    assert difference["high"] - difference["low"] < 3 * single  # unpaired it would be 5.5
    assert result["best_baseline"] == "rival"
    assert f"{difference['value']:+.4f}" in result["verdict"]


@pytest.mark.parametrize(
    ("low", "high", "words"), [(0.01, 0.02, "better"), (-0.02, -0.01, "worse than")]
)
def test_verdict_follows_the_interval(low, high, words):
    from common.evaluation.evaluate import verdict

    told = {"value": (low + high) / 2, "low": low, "high": high}
    assert f"is {words}" in verdict("rival", "roc_auc", told)
    opposite = {"better": "worse than", "worse than": "better"}[words]
    assert f"is {opposite}" in verdict("rival", "rmse", told)  # lower is better
    level = {"value": 0.0, "low": -(high**2), "high": high**2}
    assert "no better" in verdict("rival", "roc_auc", level)


def test_the_figures_of_a_verdict_have_the_same_decimals():
    from common.evaluation.evaluate import verdict

    told = verdict("rival", "rmse", {"value": -18.96, "low": -28.2, "high": -9.3266})
    assert "-19.0 (95 % interval -28.2 to -9.3)" in told
    told = verdict("rival", "roc_auc", {"value": 0.0013, "low": 0.0001, "high": 0.0025})
    assert "+0.0013 (95 % interval +0.0001 to +0.0025)" in told


def test_alarm_below_chance(cancer):
    target, probability = cancer
    group = np.arange(len(target))
    for shown, words in ((1 - probability, "below chance"), (probability, None)):
        scored = {
            "network": BinaryRows(target, shown, 0.5, group),
            "class_prior": BinaryRows(target, np.full(len(target), target.mean()), 0.5, group),
        }
        draws = bootstrap(scored, 200)
        told = alarms(
            {name: {m: interval(v, draws[name][m]) for m, v in rows.metrics().items()}
             for name, rows in scored.items()}
        )  # fmt: skip
        if words is None:
            assert told == []
        else:
            assert words in told[0]
            assert "worse than the class prior" in told[1]


def test_slices_match_scores_on_their_rows_alone(flights):
    test = flights.examples("test")
    probability = test.features["departure_minute"].to_numpy() / 1500
    rows = score_slices(flights.schema, "roc_auc", test, probability, 50)
    assert sum(row["rows"] for row in rows if row["column"] == "carrier") == len(test)
    for row in rows:
        members = (test.slices[row["column"]].astype(str) == row["value"]).to_numpy()
        assert row["rows"] == members.sum()
        if row["score"] is None:
            assert min(test.target[members].sum(), (1 - test.target[members]).sum()) < 30
        else:
            area = sk.roc_auc_score(test.target[members], probability[members])
            assert row["score"]["value"] == pytest.approx(area)
            assert row["score"]["low"] < area < row["score"]["high"]


def test_importance_finds_the_column_that_counts(flights):
    test = flights.examples("test")
    found = permutation_importance(
        lambda features: features["departure_minute"].to_numpy(),
        lambda target, answer: rank_auc(answer, target),
        test.features,
        test.target,
    )
    area = rank_auc(test.features["departure_minute"].to_numpy(), test.target)
    assert found[0]["column"] == "departure_minute"
    assert found[0]["mean"] == pytest.approx(area - 0.5, abs=0.03)
    assert all(entry["mean"] == 0 for entry in found[1:])


def test_rank_auc_equals_scikit_learn(cancer):
    target, probability = cancer
    score = np.round(probability, 2)
    assert rank_auc(score, target) == pytest.approx(sk.roc_auc_score(target, score), abs=1e-12)


def test_baselines_learn_from_the_training_rows_only(flights):
    train, validation, test = (flights.examples(p) for p in ("train", "validation", "test"))
    rivals = fit_baselines(train, validation, flights.schema, seed=0)
    areas = {
        name: rank_auc(predict(test.features), test.target) for name, predict in rivals.items()
    }
    assert rivals["class_prior"](test.features)[0] == pytest.approx(train.target.mean())
    assert areas["class_prior"] == 0.5
    assert areas["logistic_regression"] > 0.6
    assert areas["hist_gradient_boosting"] > 0.6
    unseen = test.features.assign(dest="XXX", temp=np.float32("nan"))
    assert all(np.isfinite(predict(unseen)).all() for predict in rivals.values())


def test_score_models_chooses_thresholds_on_validation(flights):
    validation, test = flights.examples("validation"), flights.examples("test")
    probabilities = {
        name: {
            "validation": validation.features[column].fillna(0).to_numpy() / 2000,
            "test": test.features[column].fillna(0).to_numpy() / 2000,
        }
        for name, column in (("network", "departure_minute"), ("rival", "humid"))
    }
    scored, metrics, comparison = score_models(
        flights.schema, "roc_auc", validation, test, probabilities
    )
    expected = best_f1_threshold(validation.target, probabilities["network"]["validation"])
    assert scored["network"].threshold == expected
    assert metrics["network"]["f1"]["value"] == pytest.approx(
        sk.f1_score(test.target, probabilities["network"]["test"] >= expected)
    )
    assert comparison["best_baseline"] == "rival"
    cells = sk.confusion_matrix(test.target, probabilities["network"]["test"] >= expected)
    assert scored["network"].confusion() == cells.tolist()


def test_seed_spread_is_mean_and_sample_deviation(flights):
    test = flights.examples("test")
    by_seed = {seed: np.random.default_rng(seed).random(len(test)) for seed in (3, 4, 5)}
    areas = [sk.roc_auc_score(test.target, rows) for rows in by_seed.values()]
    cuts = thresholds_of(flights.schema, test, by_seed)
    accuracy = seed_spread(flights.schema, test, by_seed, cuts)["accuracy"]["values"]
    for seed, answer in by_seed.items():
        expected = sk.accuracy_score(test.target, answer >= cuts[seed])
        assert accuracy[str(seed)] == pytest.approx(expected)
    gained = ensemble_gain(flights.schema, "accuracy", test, by_seed, cuts)
    together = np.mean(list(by_seed.values()), axis=0) >= cuts["together"]
    expected = sk.accuracy_score(test.target, together)
    assert gained["test"]["accuracy"]["value"] == pytest.approx(expected)
    assert "accuracy" not in seed_spread(flights.schema, test, by_seed)
    spread = seed_spread(flights.schema, test, by_seed)["roc_auc"]
    assert spread["mean"] == pytest.approx(np.mean(areas))
    assert spread["deviation"] == pytest.approx(np.std(areas, ddof=1))
    assert list(spread["values"]) == ["3", "4", "5"]


def test_a_metric_that_the_target_does_not_allow_is_refused(flights):
    schema = dataclasses.replace(flights.schema, labels=())
    late = dataclasses.replace(flights, target=1 + flights.target, schema=schema)
    on_time = dataclasses.replace(flights, schema=schema)
    assert metric_of("mean_absolute_percentage_error", late) == "mean_absolute_percentage_error"
    with pytest.raises(UserError, match=f"0 or below in {(flights.target == 0).sum():,} rows"):
        metric_of("mean_absolute_percentage_error", on_time)
    with pytest.raises(UserError, match=r"roc_auc is not measured .* Choose one of rmse"):
        metric_of("roc_auc", on_time)


def test_cross_validation_tells_rows_that_were_held_out_and_repeats(flights):
    held_out, generator = flights.examples("validation"), np.random.default_rng(0)
    by_seed = {seed: 0.3 * held_out.target + generator.random(3000) * 0.7 for seed in (0, 1)}
    answers = {
        "network": {"validation": by_seed[0]},
        "class_prior": {"validation": np.full(3000, 0.2)},
    }
    told = score_folds(flights.schema, "roc_auc", held_out, answers, by_seed)
    areas = [sk.roc_auc_score(held_out.target, answer) for answer in by_seed.values()]
    assert told["rows"] == 3000
    assert told["scores"]["network"]["value"] == pytest.approx(areas[0])
    assert told["difference"]["value"] == pytest.approx(areas[0] - 0.5)
    assert told["seeds"]["mean"] == pytest.approx(np.mean(areas))
    words = fold_words(told, "roc_auc")
    assert f"network {areas[0]:.4f} (" in words
    assert "Repeated with 2 seeds" in words
    alone = score_folds(flights.schema, "roc_auc", held_out, answers, {0: by_seed[0]})
    assert "Repeated" not in fold_words(alone, "roc_auc")
