"""What a task has beside its scores: calls of classes, or intervals of numbers."""

import numpy as np

from common.data.dataset import Examples, Schema
from common.evaluation.bootstrap import Rows
from common.evaluation.conformal import coverage, margin
from common.evaluation.evaluate import Answers, threshold_of
from common.evaluation.multiclass import MulticlassRows, adjusted, best_tau

LEVEL = 0.9  # of prediction intervals


def decide(
    schema: Schema, validation: Examples, answer: np.ndarray
) -> dict[str, float | list[float]]:
    """What the bundle needs for its use, from the network's answers to the validation rows.

    Of two classes the "threshold" with the lowest cost, or else the best F1; of several labels the
    "thresholds"; of a number the "margin" of its prediction interval at "level"; of more classes
    nothing.
    """
    if schema.task == "binary":
        return {"threshold": threshold_of(schema, validation.target, answer)}
    if schema.task == "multilabel":
        return {"thresholds": threshold_of(schema, validation.target, answer).tolist()}
    if schema.task == "regression":
        width = margin(validation.target, answer, LEVEL, schema.log_scale)
        return {"margin": width, "level": LEVEL}
    return {}


def details(
    schema: Schema,
    decision: dict[str, float | list[float]],
    network: Rows,
    validation: Examples,
    test: Examples,
    answers: Answers,
    train_target: np.ndarray,
) -> dict:
    """Parts of metrics.json that only this task has."""
    if schema.task == "binary":
        return {
            "threshold": decision["threshold"],
            "costs": dict(schema.costs),
            "confusion": network.confusion(),
        }
    if schema.task == "regression":
        group = test.group_numbers
        return {
            "intervals": coverage(
                test.target,
                answers["test"],
                decision["margin"],
                decision["level"],
                group,
                schema.log_scale,
            )
        }
    if schema.task == "multilabel":
        return {"classes": network.per_label(schema.labels)}
    shares = np.bincount(train_target.astype(int), minlength=len(schema.labels))
    tau = best_tau(validation.target, answers["validation"], shares)
    called = MulticlassRows(test.target, adjusted(answers["test"], shares, tau))
    return {
        "confusion": network.confusion(),
        "classes": network.per_class(schema.labels),
        "adjusted": {"tau": tau, "classes": called.per_class(schema.labels)}
        | {name: called.metrics()[name] for name in ("accuracy", "balanced_accuracy", "f1_macro")},
    }
