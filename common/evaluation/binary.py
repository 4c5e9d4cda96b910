"""Metrics of predicted probabilities, with weights per row, fast enough for a thousand resamples.

scikit-learn sorts the predictions anew for every weighting; here they are sorted once, everything
else is summed up once by group of rows, and each further weighting costs a few sums.
tests/test_evaluation.py shows equal results.
"""

from collections.abc import Mapping

import numpy as np

CALIBRATION_BINS = 15


class BinaryRows:
    """Probabilities of class 1 beside the true classes, prepared for metrics under any weights.

    target: (rows,) of 0 and 1; probability: (rows,) in [0, 1]; threshold: from which probability on
    class 1 is predicted; group: (rows,) whole numbers from 0, the group of each row, since weights
    are given by group. By default all rows are one group. costs: of a "false_alarm" and of a
    "missed" row of class 1, where they are known.
    """

    def __init__(
        self,
        target: np.ndarray,
        probability: np.ndarray,
        threshold: float,
        group: np.ndarray | None = None,
        costs: Mapping[str, float] | None = None,
    ):
        self.target = np.asarray(target, "float64")
        self.probability = np.asarray(probability, "float64")
        self.threshold = threshold
        self.costs = costs
        self.group = np.zeros(len(self.target), int) if group is None else group
        order = np.argsort(-self.probability, kind="stable")
        ranked = self.probability[order]
        self.ranked_group = self.group[order]
        self.ranked_target = self.target[order]
        self.ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        self.cell = 2 * self.target.astype(int) + (self.probability >= threshold)
        self.sums = self.sums_by_group()

    def sums_by_group(self) -> np.ndarray:
        """What all metrics but the ranking ones add up, by group: (groups, 3 + bins + 4)."""
        safe = np.clip(self.probability, 1e-15, 1 - 1e-15)
        losses = -np.log(np.where(self.target == 1, safe, 1 - safe))
        gaps = self.probability - self.target
        bins = np.minimum((self.probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        count = self.group.max() + 1
        columns = [np.bincount(self.group, values, count) for values in (None, losses, gaps**2)]
        columns += [np.bincount(self.group, gaps * (bins == b)) for b in range(CALIBRATION_BINS)]
        columns += [np.bincount(self.group, self.cell == cell) for cell in range(4)]
        return np.stack(columns, axis=1)

    def ranking(self, weights: np.ndarray | None = None) -> tuple[float, float]:
        """Area under the ROC curve (ties count half) and average precision; NaN for one class."""
        weights = np.ones(len(self.sums)) if weights is None else weights
        total = weights[self.ranked_group]
        positive = total * self.ranked_target
        if len(self.ties) < len(total):
            positive = np.add.reduceat(positive, self.ties)
            total = np.add.reduceat(total, self.ties)
        true_positives, flagged = np.cumsum(positive), np.cumsum(total)
        positives = true_positives[-1]
        negatives = flagged[-1] - positives
        if positives == 0 or negatives == 0:
            return float("nan"), float("nan")
        precision = true_positives / np.maximum(flagged, 1e-300)
        # Not a @ b, whose threads wait for each other where cores are shared.
        area = np.einsum("r,r->", true_positives - positive / 2, total - positive)
        found = np.einsum("r,r->", precision, positive)
        return float(area / (positives * negatives)), float(found / positives)

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every metric by its scikit-learn name; `weights` of shape (groups,), by default 1 each.

        brier_score: mean squared error of the probability. expected_calibration_error: mean
        distance of probability and outcome in 15 bins of equal width, weighted by their rows
        (Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3). accuracy,
        precision, recall and f1 belong to the threshold, and so does mean_cost, per row, which is
        there where costs are known.
        """
        weights = np.ones(len(self.sums)) if weights is None else weights
        sums = weights @ self.sums
        rows, loss, squared_error = sums[:3]
        gaps, (true_negative, false_positive, false_negative, true_positive) = sums[3:-4], sums[-4:]
        roc_auc, average_precision = self.ranking(weights)
        metrics = {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": float(loss / rows),
            "brier_score": float(squared_error / rows),
            "expected_calibration_error": float(np.abs(gaps).sum() / rows),
            "accuracy": float((true_negative + true_positive) / rows),
            "precision": ratio(true_positive, true_positive + false_positive),
            "recall": ratio(true_positive, true_positive + false_negative),
            "f1": ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        }
        if self.costs:
            cost = cost_of(false_positive, false_negative, self.costs)
            metrics["mean_cost"] = float(cost / rows)
        return metrics

    def confusion(self) -> list[list[int]]:
        """Rows by true class (first index) and predicted class (second)."""
        return np.bincount(self.cell, minlength=4).reshape(2, 2).tolist()


def ratio(part: float, whole: float) -> float:
    """part / whole; 0 for an empty whole, as scikit-learn's zero_division=0."""
    return float(part / whole) if whole > 0 else 0.0


def cost_of(false_alarms, missed, costs: Mapping[str, float]):
    """What this many mistakes of both kinds cost together."""
    return costs["false_alarm"] * false_alarms + costs["missed"] * missed


def best_threshold(
    target: np.ndarray, probability: np.ndarray, costs: Mapping[str, float] | None = None
) -> float:
    """The probability from which class 1 is best called: at the least cost, else the best F1."""
    if costs:
        return lowest_cost_threshold(target, probability, costs)
    return best_f1_threshold(target, probability)


def lowest_cost_threshold(
    target: np.ndarray, probability: np.ndarray, costs: Mapping[str, float]
) -> float:
    """The probability from which on calling class 1 costs least; for validation rows.

    Above the largest probability, where it costs least to call nothing.
    """
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    found = np.r_[0, np.cumsum(target[order])]
    called = np.arange(len(order) + 1)
    cost = cost_of(called - found, target.sum() - found, costs)
    last_of_tie = np.r_[True, ranked[1:] != ranked[:-1], True]
    best = np.argmin(np.where(last_of_tie, cost, np.inf))
    return float(ranked[best - 1]) if best else float(np.nextafter(ranked[0], np.inf))


def best_f1_threshold(target: np.ndarray, probability: np.ndarray) -> float:
    """The probability from which on calling class 1 gives the highest F1; for validation rows."""
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    true_positives = np.cumsum(target[order])
    f1 = 2 * true_positives / (np.arange(1, len(order) + 1) + target.sum())
    last_of_tie = np.r_[ranked[1:] != ranked[:-1], True]
    return float(ranked[np.argmax(np.where(last_of_tie, f1, -1))])
