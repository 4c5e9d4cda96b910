"""Intervals by resampling, whole groups at a time.

Flights of one stormy day are late together: they are not independent draws, and resampling single
rows would give intervals that are far too narrow. So groups (days, patients) are drawn whole
(Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

Interval = dict[str, float]


class Rows(Protocol):
    """Answers beside the truth: what they add up by group, and metrics under weights of groups."""

    sums: np.ndarray

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]: ...


def resampled_weights(groups: int, rounds: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield `rounds` times how often each of the groups is drawn: float64 (groups,)."""
    generator = np.random.default_rng(seed)
    for _ in range(rounds):
        draws = generator.integers(0, groups, groups)
        yield np.bincount(draws, minlength=groups).astype("float64")


def bootstrap(
    models: dict[str, Rows], rounds: int, seed: int = 0
) -> dict[str, dict[str, np.ndarray]]:
    """Metrics of every model under the same resamples: {model: {metric: (rounds,)}}.

    The models scored the same rows in the same groups. Since the resamples are shared, a difference
    of two models is a paired comparison.
    """
    groups = len(next(iter(models.values())).sums)
    drawn = {name: [] for name in models}
    for weights in resampled_weights(groups, rounds, seed):
        for name, scored in models.items():
            drawn[name].append(scored.metrics(weights))
    return {
        name: {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}
        for name, rows in drawn.items()
    }


def interval(value: float, draws: np.ndarray, level: float = 0.95) -> Interval:
    """A value with the percentile interval of its resamples, NaN ones left out."""
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return {"value": float(value), "low": float(low), "high": float(high)}
