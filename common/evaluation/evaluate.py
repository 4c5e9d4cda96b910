"""From answers to scores with intervals, a comparison with the rivals, and a verdict."""

from collections.abc import Callable, Mapping

import numpy as np

from common.data.dataset import Dataset, Examples, Schema, Task
from common.errors import UserError
from common.evaluation.binary import BinaryRows, best_threshold
from common.evaluation.bootstrap import Rows, bootstrap, interval
from common.evaluation.metrics import METRICS, shown, shown_difference
from common.evaluation.multiclass import MulticlassRows
from common.evaluation.multilabel import MultilabelRows, best_thresholds
from common.evaluation.regression import RegressionRows

ROUNDS = 1000
SLICE_ROUNDS = 200
Answers = dict[str, np.ndarray]  # "validation" and "test" to (rows,) or (rows, labels)


def rows_of(
    schema: Schema,
    target: np.ndarray,
    answer: np.ndarray,
    group: np.ndarray | None = None,
    threshold: float | np.ndarray = 0.5,
) -> Rows:
    """Answers beside the truth, ready for the metrics of the schema's task.

    target: as in the dataset; answer: (rows,), or (rows, labels); group: (rows,) from 0; threshold:
    from which probability on class 1 is called, of two classes, or each label, (labels,).
    """
    if schema.task == "binary":
        return BinaryRows(target, answer, threshold, group, schema.costs)
    if schema.task == "multiclass":
        return MulticlassRows(target, answer, group)
    if schema.task == "multilabel":
        return MultilabelRows(target, answer, threshold, group)
    return RegressionRows(target, answer, group, schema.log_scale)


def threshold_of(schema: Schema, target: np.ndarray, answer: np.ndarray) -> float | np.ndarray:
    """From which probability on class 1, or each label (labels,), is best called; else one half.

    target, answer: of validation rows, as in `rows_of`.
    """
    if schema.task == "binary":
        return best_threshold(target, answer, schema.costs)
    return best_thresholds(target, answer) if schema.task == "multilabel" else 0.5


def score_models(
    schema: Schema,
    metric: str,
    validation: Examples,
    test: Examples,
    answers: dict[str, Answers],
) -> tuple[dict[str, Rows], dict[str, dict], dict]:
    """Score every model on the test rows; a threshold is chosen on the validation rows.

    answers: {model: {"validation": …, "test": …}}, the network under "network". Returns the scored
    test rows, {model: {metric: {value, low, high}}}, and the comparison of the network with the
    baseline that is best in `metric` (see `compare`).
    """
    group = test.group_numbers
    scored = {}
    for name, parts in answers.items():
        threshold = threshold_of(schema, validation.target, parts["validation"])
        scored[name] = rows_of(schema, test.target, parts["test"], group, threshold)
    draws = bootstrap(scored, ROUNDS)
    metrics = {
        name: {
            score: interval(value, draws[name][score]) for score, value in rows.metrics().items()
        }
        for name, rows in scored.items()
    }
    return scored, metrics, compare(schema.task, metric, metrics, draws)


def metric_of(named: str, dataset: Dataset) -> str:
    """The metric by which models are compared: the one that is named, else the task's own.

    Raises UserError for one that the task does not have, or this target.
    """
    schema = dataset.schema
    possible = METRICS_OF[schema.task]
    if schema.costs:
        possible = (*possible, "mean_cost")
    if schema.task == "regression" and schema.log_scale:
        possible = (*possible, "rmse_log")
    if named and named not in possible:
        raise UserError(
            f"metric {named} is not measured in this task ({schema.task}). "
            f"Choose one of {', '.join(possible)}."
        )
    if named == "mean_absolute_percentage_error" and not np.all(dataset.target > 0):
        raise UserError(
            f"metric {named} divides by the target, which is 0 or below in "
            f"{np.sum(dataset.target <= 0):,} rows. Choose rmse, mae or r2."
        )
    return named or possible[0]


METRICS_OF = {  # the first is by default the one that decides
    "binary": ("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "f1"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    "multilabel": ("log_loss", "roc_auc", "average_precision", "f1_macro", "accuracy"),
    "regression": ("rmse", "mae", "r2", "mean_absolute_percentage_error"),
}
COMPARED = {
    "binary": ("roc_auc", "log_loss"),
    "multiclass": ("log_loss", "accuracy", "f1_macro"),
    "multilabel": ("log_loss", "roc_auc", "f1_macro"),
    "regression": ("rmse", "mae"),
}


def compare(
    task: Task, metric: str, metrics: dict[str, dict], draws: dict[str, dict[str, np.ndarray]]
) -> dict:
    """Paired differences of the network and the baseline best in `metric`, in it and a few more."""
    rivals = [name for name in metrics if name != "network"]
    best = max(rivals, key=lambda name: METRICS[metric].gain(metrics[name][metric]["value"]))
    difference = {
        score: interval(
            metrics["network"][score]["value"] - metrics[best][score]["value"],
            draws["network"][score] - draws[best][score],
        )
        for score in dict.fromkeys((metric, *COMPARED[task]))
    }
    return {
        "best_baseline": best,
        "difference": difference,
        "verdict": verdict(best, metric, difference[metric]),
        "alarms": alarms(metrics),
    }


def verdict(best: str, metric: str, difference: dict[str, float]) -> str:
    """One sentence on the network against its best rival."""
    rival = best.replace("_", " ")
    largest = max(difference.values(), key=abs)
    value, low, high = (
        shown_difference(difference[end], largest) for end in ("value", "low", "high")
    )
    told = f"{METRICS[metric].title} differs by {value} (95 % interval {low} to {high})."
    gains = [METRICS[metric].gain(difference[end]) for end in ("low", "high")]
    if min(gains) > 0:
        return f"The network is better than the best baseline, {rival}: {told}"
    if max(gains) < 0:
        return f"The network is worse than the best baseline, {rival}: {told}"
    return f"The network is no better than the best baseline, {rival}, and no worse: {told}"


def alarms(metrics: dict[str, dict]) -> list[str]:
    """Sentences on scores that no working model should have."""
    network = metrics["network"]
    told = []
    if "roc_auc" in network:
        if network["roc_auc"]["high"] < 0.5:
            told.append(
                "The ranking is below chance: the classes may be swapped, or targets and rows are "
                "in different order."
            )
        elif network["roc_auc"]["low"] <= 0.5:
            told.append("The ranking is no better than chance: the network has learned nothing.")
    if "class_prior" in metrics:
        prior = metrics["class_prior"]["log_loss"]["value"]
        if network["log_loss"]["value"] > prior:
            told.append(
                f"The probabilities are worse than the class prior's (log loss "
                f"{shown(network['log_loss']['value'])} against {shown(prior)}): use the ranking "
                "only."
            )
    if "mean" in metrics and all(
        network[error]["high"] > metrics["mean"][error]["value"] for error in ("rmse", "mae")
    ):
        told.append(
            f"The errors are hardly smaller than those of the mean for everyone (RMSE "
            f"{shown(network['rmse']['value'])} against "
            f"{shown(metrics['mean']['rmse']['value'])}): the network has learned next to nothing."
        )
    return told


def thresholds_of(
    schema: Schema, validation: Examples, by_seed: dict[int, np.ndarray]
) -> dict[int | str, float | np.ndarray]:
    """The best threshold of each seed, and of their mean, on validation rows (`threshold_of`).

    by_seed: {seed: answers of the validation rows}. Empty for other tasks.
    """
    if schema.task not in CALLED_BY_THRESHOLD:
        return {}
    answers = by_seed | {"together": np.mean(list(by_seed.values()), axis=0)}
    return {
        name: threshold_of(schema, validation.target, answer) for name, answer in answers.items()
    }


CALLED_BY_THRESHOLD = ("binary", "multilabel")
NEED_A_THRESHOLD = (
    *("accuracy", "precision", "recall", "f1", "f1_macro", "mean_cost"),
    "expected_calibration_error",
)


def seed_spread(
    schema: Schema,
    test: Examples,
    by_seed: dict[int, np.ndarray],
    thresholds: Mapping[int | str, float | np.ndarray] | None = None,
) -> dict[str, dict]:
    """Mean, deviation (n - 1) and single values over trainings that differ in their seed alone.

    by_seed: {seed: answers of the test rows}. thresholds: of each seed, as in `rows_of`; without
    them the metrics that need one are left out.
    """
    scores = [
        rows_of(schema, test.target, answer, threshold=(thresholds or {}).get(seed, 0.5)).metrics()
        for seed, answer in by_seed.items()
    ]
    left_out = () if thresholds or schema.task not in CALLED_BY_THRESHOLD else NEED_A_THRESHOLD
    return {
        metric: {
            "mean": float(np.mean([row[metric] for row in scores])),
            "deviation": float(np.std([row[metric] for row in scores], ddof=1)),
            "values": {str(seed): row[metric] for seed, row in zip(by_seed, scores, strict=True)},
        }
        for metric in scores[0]
        if metric not in left_out
    }


def ensemble_gain(
    schema: Schema,
    metric: str,
    test: Examples,
    by_seed: dict[int, np.ndarray],
    thresholds: Mapping[int | str, float | np.ndarray] | None = None,
) -> dict[str, dict]:
    """What averaging the seeds' answers buys: "test" scores of the mean, and its "gain".

    gain: paired difference in `metric` to the mean score of the single seeds, with interval.
    thresholds: as for `seed_spread`, and under "together" that of the mean.
    """
    group = test.group_numbers
    answers = by_seed | {"together": np.mean(list(by_seed.values()), axis=0)}
    scored = {
        str(name): rows_of(
            schema, test.target, answer, group, threshold=(thresholds or {}).get(name, 0.5)
        )
        for name, answer in answers.items()
    }
    draws = bootstrap(scored, ROUNDS // 5)
    values = {name: rows.metrics() for name, rows in scored.items()}
    singles = [str(seed) for seed in by_seed]
    difference = values["together"][metric] - np.mean([values[name][metric] for name in singles])
    drawn = draws["together"][metric] - np.mean([draws[name][metric] for name in singles], axis=0)
    left_out = () if thresholds or schema.task not in CALLED_BY_THRESHOLD else NEED_A_THRESHOLD
    return {
        "test": {
            name: interval(value, draws["together"][name])
            for name, value in values["together"].items()
            if name not in left_out
        },
        "gain": {metric: interval(difference, drawn)},
    }


def score_for(schema: Schema, metric: str) -> Callable[[np.ndarray, np.ndarray], float]:
    """The metric as a function of target and answers, turned so that higher is better."""

    def score(target: np.ndarray, answer: np.ndarray) -> float:
        return METRICS[metric].gain(rows_of(schema, target, answer).metrics()[metric])

    return score
