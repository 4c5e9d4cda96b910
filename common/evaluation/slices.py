"""Scores by group of rows: where is the model good, and where not?"""

from collections.abc import Callable

import numpy as np

from common.data.dataset import Examples, Schema
from common.evaluation.bootstrap import Rows, interval, resampled_weights
from common.evaluation.evaluate import rows_of

MINIMUM_ROWS = 30  # of each of two classes, else of all; with fewer, a score says little


def score_slices(
    schema: Schema, metric: str, test: Examples, answer: np.ndarray, rounds: int
) -> list[dict]:
    """Score with interval for each value of each slice column, sorted by column, then value.

    Each entry: column, value, rows, score (value, low, high; None for too few rows); of two classes
    or a number also mean_target and mean_answer.
    """
    group = test.group_numbers
    draws = list(resampled_weights(group.max() + 1, rounds))
    entries = []
    for column in test.slices:
        for value, members in test.slices.groupby(column, sort=True).indices.items():
            target = test.target[members]
            entry = {"column": column, "value": str(value), "rows": len(members), "score": None}
            if schema.answers == 1:
                entry["mean_target"] = float(target.mean(dtype=float))
                entry["mean_answer"] = float(answer[members].mean(dtype=float))
            if enough_rows(schema, target):
                part = rows_of(schema, target, answer[members], group[members])
                scored = quick_score(part, metric)
                scores = np.array([scored(weights[: len(part.sums)]) for weights in draws])
                entry["score"] = interval(scored(None), scores)
            entries.append(entry)
    return entries


def enough_rows(schema: Schema, target: np.ndarray) -> bool:
    if schema.task == "binary":
        return min(target.sum(), len(target) - target.sum()) >= MINIMUM_ROWS
    return len(target) >= MINIMUM_ROWS


def quick_score(part: Rows, metric: str) -> Callable[[np.ndarray | None], float]:
    """The one metric under weights; of the ranking without all the others, which cost more."""
    if metric == "roc_auc":
        return lambda weights: part.ranking(weights)[0]
    return lambda weights: part.metrics(weights)[metric]
