"""Intervals around predicted numbers that hold the truth as often as promised, whatever the model.

Split conformal prediction: the errors on rows that the model was not fitted to say how wide an
interval must be (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et
al., "Distribution-Free Predictive Inference for Regression", 2018, section 2.2). If those rows and
the new ones are exchangeable, the share of new rows inside is on average at least the level.

Four things are not promised. The share inside may differ between kinds of rows, so `coverage`
tells it by fifth of the prediction. Rows of another time or place are not exchangeable. Here the
validation rows have also stopped the training early, so errors on them are a little too small, and
the share inside may be a little below the level. And with folds the margin is that of single
networks while new rows get the mean of all folds' networks, which errs less: the share inside may
then be above. It is therefore measured on the test rows.
"""

import math

import numpy as np

from common.errors import UserError
from common.evaluation.bootstrap import interval, resampled_weights
from common.evaluation.regression import checked

FIFTHS = 5


def margin(target: np.ndarray, prediction: np.ndarray, level: float, log_scale: bool) -> float:
    """How far an interval goes to either side, from n validation rows: (rows,) each.

    The ceil((n + 1) level)-th smallest absolute error, in the target's unit, or of the logarithm
    where log_scale. UserError where fewer rows than that are there, since only an infinite interval
    would keep the promise then.
    """
    if not 0 < level < 1:
        raise UserError(f"The level is {level}, but a share between 0 and 1 is wanted, 0.9 say.")
    target, prediction = checked(target, prediction, log_scale)
    errors = np.abs(np.log(target / prediction) if log_scale else target - prediction)
    rank = math.ceil(round((len(errors) + 1) * level, 9))  # 100 * 0.07 is 7, not 7.000000000000001
    if rank > len(errors):
        needed = math.ceil(round(level / (1 - level), 9))
        raise UserError(
            f"{len(errors)} validation rows are too few for intervals at the level {level:g}: "
            f"{needed} are needed. Lower the level, or validate on more rows."
        )
    return float(np.partition(errors, rank - 1)[rank - 1])


def interval_of(
    prediction: np.ndarray, margin: float, log_scale: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends, (rows,) each, in the target's unit.

    The prediction less and plus the margin; where log_scale, divided by and times exp(margin).
    """
    prediction = np.asarray(prediction, "float64")
    if log_scale:
        return prediction * np.exp(-margin), prediction * np.exp(margin)
    return prediction - margin, prediction + margin


def coverage(
    target: np.ndarray,
    prediction: np.ndarray,
    margin: float,
    level: float,
    group: np.ndarray,
    log_scale: bool,
    rounds: int = 1000,
) -> dict:
    """How often the intervals hold the truth on test rows, and how wide they are.

    target, prediction: (rows,) in the target's unit; margin: from `margin`, with its level and
    log_scale; group: (rows,) whole numbers from 0, resampled whole.

    Returns level, margin, log_scale; share (value, low, high) of the rows inside; mean_width and
    median_width; and the list "fifths", from the smallest predictions to the largest, each with low
    and high prediction, rows, share and mean_width. Equal predictions stay in one fifth, so there
    may be fewer.
    """
    target, prediction = checked(target, prediction, log_scale)
    low, high = interval_of(prediction, margin, log_scale)
    inside = (low <= target) & (target <= high)
    width = high - low
    edges = np.quantile(prediction, np.arange(1, FIFTHS) / FIFTHS)
    fifth = np.unique(np.searchsorted(edges, prediction), return_inverse=True)[1]
    parts = [np.ones(len(target), bool), *(fifth == number for number in range(fifth.max() + 1))]
    shares = shares_inside(inside, parts, group, rounds)
    return {
        "level": level,
        "margin": margin,
        "log_scale": log_scale,
        "share": shares[0],
        "mean_width": float(width.mean()),
        "median_width": float(np.median(width)),
        "fifths": [
            {
                "low": float(prediction[rows].min()),
                "high": float(prediction[rows].max()),
                "rows": int(rows.sum()),
                "share": share,
                "mean_width": float(width[rows].mean()),
            }
            for rows, share in zip(parts[1:], shares[1:], strict=True)
        ],
    }


def shares_inside(
    inside: np.ndarray, parts: list[np.ndarray], group: np.ndarray, rounds: int
) -> list[dict[str, float]]:
    """Share of `inside` with its interval within each part, (rows,) of bool each.

    Where every row of a part is inside, so is every resampled one: the interval has no width then,
    and says nothing of how sure that is.
    """
    groups = group.max() + 1
    rows = np.stack([np.bincount(group[part], minlength=groups) for part in parts], axis=1)
    hits = np.stack([np.bincount(group[part & inside], minlength=groups) for part in parts], axis=1)
    draws = []
    for weights in resampled_weights(groups, rounds):
        drawn = weights @ rows  # none of a part that only a few groups have: no share
        draws.append(
            np.divide(weights @ hits, drawn, out=np.full(len(parts), np.nan), where=drawn > 0)
        )
    values = hits.sum(axis=0) / rows.sum(axis=0)
    return [interval(*both) for both in zip(values, np.transpose(draws), strict=True)]
