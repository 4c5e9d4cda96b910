"""Permutation importance: how much worse does the score get when one column is shuffled?"""

from collections.abc import Callable

import numpy as np
import pandas as pd


def permutation_importance(
    predict: Callable[[pd.DataFrame], np.ndarray],
    score: Callable[[np.ndarray, np.ndarray], float],
    features: pd.DataFrame,
    target: np.ndarray,
    rows: int = 10_000,
    repeats: int = 3,
    seed: int = 0,
) -> list[dict]:
    """Loss of score by shuffled column, on at most `rows` random rows, largest first.

    score(target, answers): higher is better. Each entry: column, mean and deviation over `repeats`
    shuffles; none where there is one column only. Columns that say the same share their importance,
    and each alone then looks small (Breiman, "Random Forests", 2001, section 10).
    """
    if len(features.columns) == 1:
        return []  # without it nothing is left to answer from
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(features))[:rows])
    features, target = features.iloc[chosen].reset_index(drop=True), target[chosen]
    whole = score(target, predict(features))
    importance = []
    for column in features:
        losses = [
            whole
            - score(
                target,
                predict(features.assign(**{column: generator.permutation(features[column])})),
            )
            for _ in range(repeats)
        ]
        importance.append(
            {"column": column, "mean": float(np.mean(losses)), "deviation": float(np.std(losses))}
        )
    return sorted(importance, key=lambda entry: -entry["mean"])
