"""Scores by group of rows: where is the model good, and where not?"""

import numpy as np
import pandas as pd

from common.evaluation.bootstrap import interval, resampled_weights
from common.evaluation.metrics import ScoredRows

MINIMUM_OF_EACH_CLASS = 30  # with fewer, a ROC AUC says little


def score_slices(slices: pd.DataFrame, scored: ScoredRows, rounds: int) -> list[dict]:
    """ROC AUC with interval, share of class 1 and mean prediction for each value of each column.

    slices: one row per row of `scored`. Values with fewer than 30 rows of either class get roc_auc
    None. Sorted by column, then value.
    """
    draws = list(resampled_weights(len(scored.sums), rounds))
    rows = []
    for column in slices:
        for value, members in slices.groupby(column, sort=True).indices.items():
            part = ScoredRows(
                scored.target[members],
                scored.probability[members],
                scored.threshold,
                scored.group[members],
            )
            positives = int(part.target.sum())
            row = {
                "column": column,
                "value": str(value),
                "rows": len(members),
                "positive_share": float(part.target.mean()),
                "mean_probability": float(part.probability.mean()),
                "roc_auc": None,
            }
            if min(positives, len(members) - positives) >= MINIMUM_OF_EACH_CLASS:
                areas = [part.ranking(weights[: len(part.sums)])[0] for weights in draws]
                row["roc_auc"] = interval(part.ranking()[0], np.array(areas))
            rows.append(row)
    return rows
