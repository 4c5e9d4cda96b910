"""Permutation importance: how much worse does the ranking get when one column is shuffled?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from common.data.checks import rank_auc


def permutation_importance(
    predict: Callable[[pd.DataFrame], np.ndarray],
    features: pd.DataFrame,
    target: np.ndarray,
    rows: int = 10_000,
    repeats: int = 3,
    seed: int = 0,
) -> list[dict]:
    """Loss of ROC AUC by shuffled column, on at most `rows` random rows, largest first.

    Each entry: column, mean and deviation over `repeats` shuffles. Columns that say the same share
    their importance, and each alone then looks small (Breiman, "Random Forests", 2001, section 10).
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(features))[:rows])
    features, target = features.iloc[chosen].reset_index(drop=True), target[chosen]
    whole = rank_auc(predict(features), target)
    importance = []
    for column in features:
        losses = [
            whole
            - rank_auc(
                predict(features.assign(**{column: generator.permutation(features[column])})),
                target,
            )
            for _ in range(repeats)
        ]
        importance.append(
            {"column": column, "mean": float(np.mean(losses)), "deviation": float(np.std(losses))}
        )
    return sorted(importance, key=lambda entry: -entry["mean"])
