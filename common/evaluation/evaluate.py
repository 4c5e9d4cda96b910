"""From probabilities to scores with intervals, a comparison with the rivals, and a verdict."""

import numpy as np

from common.data.dataset import Examples
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.metrics import ScoredRows, best_f1_threshold

ROUNDS = 1000
SLICE_ROUNDS = 200


def score_models(
    validation: Examples, test: Examples, probabilities: dict[str, dict[str, np.ndarray]]
) -> tuple[dict[str, ScoredRows], dict[str, dict], dict]:
    """Score every model on the test rows, its threshold chosen on the validation rows.

    probabilities: {model: {"validation": (rows,), "test": (rows,)}}, the network under "network".
    Returns the scored test rows, {model: {metric: {value, low, high}}}, and the comparison of the
    network with the best baseline (see `compare`).
    """
    group = np.unique(test.groups, return_inverse=True)[1]
    scored = {
        name: ScoredRows(
            test.target,
            parts["test"],
            best_f1_threshold(validation.target, parts["validation"]),
            group,
        )
        for name, parts in probabilities.items()
    }
    draws = bootstrap(scored, ROUNDS)
    metrics = {
        name: {
            metric: interval(value, draws[name][metric]) for metric, value in rows.metrics().items()
        }
        for name, rows in scored.items()
    }
    return scored, metrics, compare(metrics, draws)


def compare(metrics: dict[str, dict], draws: dict[str, dict[str, np.ndarray]]) -> dict:
    """Paired difference in ROC AUC and log loss of the network and the baseline best in ROC AUC."""
    rivals = [name for name in metrics if name != "network"]
    best = max(rivals, key=lambda name: metrics[name]["roc_auc"]["value"])
    difference = {
        metric: interval(
            metrics["network"][metric]["value"] - metrics[best][metric]["value"],
            draws["network"][metric] - draws[best][metric],
        )
        for metric in ("roc_auc", "log_loss")
    }
    return {
        "best_baseline": best,
        "difference": difference,
        "verdict": verdict(best, difference["roc_auc"]),
        "alarms": alarms(metrics),
    }


def verdict(best: str, difference: dict[str, float]) -> str:
    """One sentence on the network against its best rival."""
    rival = best.replace("_", " ")
    told = (
        f"ROC AUC differs by {difference['value']:+.4f} "
        f"(95 % interval {difference['low']:+.4f} to {difference['high']:+.4f})."
    )
    if difference["low"] > 0:
        return f"The network is better than the best baseline, {rival}: {told}"
    if difference["high"] < 0:
        return f"The network is worse than the best baseline, {rival}: {told}"
    return f"The network is no better than the best baseline, {rival}, and no worse: {told}"


def alarms(metrics: dict[str, dict]) -> list[str]:
    """Sentences on scores that no working model should have."""
    network = metrics["network"]
    told = []
    if network["roc_auc"]["high"] < 0.5:
        told.append(
            "The ranking is below chance: the classes may be swapped, or targets and rows are in "
            "different order."
        )
    elif network["roc_auc"]["low"] <= 0.5:
        told.append("The ranking is no better than chance: the network has learned nothing.")
    if "class_prior" in metrics:
        prior = metrics["class_prior"]["log_loss"]["value"]
        if network["log_loss"]["value"] > prior:
            told.append(
                f"The probabilities are worse than the class prior's (log loss "
                f"{network['log_loss']['value']:.4f} against {prior:.4f}): use the ranking only."
            )
    return told


def seed_spread(test: Examples, by_seed: dict[int, np.ndarray]) -> dict[str, dict]:
    """Mean, deviation (n - 1) and single values over trainings that differ in their seed alone.

    by_seed: {seed: probability (rows,) of the test rows}. Metrics without a threshold only.
    """
    scores = [ScoredRows(test.target, rows, 0.5).metrics() for rows in by_seed.values()]
    return {
        metric: {
            "mean": float(np.mean([row[metric] for row in scores])),
            "deviation": float(np.std([row[metric] for row in scores], ddof=1)),
            "values": {str(seed): row[metric] for seed, row in zip(by_seed, scores, strict=True)},
        }
        for metric in ("roc_auc", "average_precision", "log_loss", "brier_score")
    }
