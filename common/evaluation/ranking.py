"""How well the candidate that belongs to a query is found among all candidates."""

import numpy as np

from common.data.ranking import Ranking
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.evaluate import ROUNDS, verdict

MEASURES = ("mean_reciprocal_rank", "recall_at_1", "recall_at_10")


class RankedRows:
    """Ranks of the candidates that belong to the queries, prepared for metrics under any weights.

    scores: (queries, candidates); own: (queries,) the candidate of each query; group: (queries,)
    whole numbers from 0, since weights are given by group.
    """

    def __init__(self, scores: np.ndarray, own: np.ndarray, group: np.ndarray):
        self.ranks = ranks_of(scores, own)
        found = [1 / self.ranks, self.ranks <= 1, self.ranks <= 10]
        self.sums = np.stack([np.bincount(group, each) for each in (None, *found)], axis=1)

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """mean_reciprocal_rank, recall_at_1 and recall_at_10; `weights` (groups,), by default 1."""
        weights = np.ones(len(self.sums)) if weights is None else weights
        queries, *sums = weights @ self.sums
        return {name: float(each / queries) for name, each in zip(MEASURES, sums, strict=True)}


def ranks_of(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The rank of each query's own candidate, (queries,) from 1; of equal scores the middle one.

    scores: (queries, candidates); own: (queries,). So a constant ranks in the middle.
    """
    reached = scores[np.arange(len(own)), own][:, None]
    better, equal = (scores > reached).sum(axis=1), (scores == reached).sum(axis=1)
    return better + (equal + 1) / 2


def score_rankings(
    ranking: Ranking, scores: dict[str, np.ndarray]
) -> tuple[dict[str, dict], dict[str, object]]:
    """Metrics with intervals over queries for each model, and the network beside its best rival.

    scores: {model: (queries, candidates)}, the network under "network". Returns {model: {metric:
    {value, low, high}}}, and the numbers of queries and candidates, the baseline with the best mean
    reciprocal rank, the paired differences, and a verdict on them.
    """
    group = np.unique(ranking.groups, return_inverse=True)[1]
    ranked = {name: RankedRows(each, ranking.own, group) for name, each in scores.items()}
    draws = bootstrap(ranked, ROUNDS)
    metrics = {
        name: {each: interval(value, draws[name][each]) for each, value in rows.metrics().items()}
        for name, rows in ranked.items()
    }
    first = MEASURES[0]
    best = max(set(metrics) - {"network"}, key=lambda name: metrics[name][first]["value"])
    difference = {
        each: interval(
            metrics["network"][each]["value"] - metrics[best][each]["value"],
            draws["network"][each] - draws[best][each],
        )
        for each in MEASURES
    }
    return metrics, {
        "queries": len(ranking.queries),
        "candidates": len(ranking.candidates),
        "best_baseline": best,
        "difference": difference,
        "verdict": verdict(best, first, difference[first]),
    }
