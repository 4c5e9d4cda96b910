"""Metrics of several labels at once: each is two classes of its own, and means are taken over them.

tests/test_multilabel.py shows results equal to scikit-learn's.
"""

import numpy as np

from common.evaluation.binary import BinaryRows, best_f1_threshold

MEANS = ("log_loss", "roc_auc", "average_precision", "f1")  # of each label, then over the labels


class MultilabelRows:
    """Probabilities of every label beside the truth, prepared for metrics under any weights.

    target: (rows, labels) of 0 and 1; probability: (rows, labels); thresholds: (labels,), or one
    for all, from which probability on a label is called; group: (rows,) whole numbers from 0, the
    group of each row, since weights are given by group; by default all rows are one group.
    """

    def __init__(
        self,
        target: np.ndarray,
        probability: np.ndarray,
        thresholds: np.ndarray | float,
        group: np.ndarray | None = None,
    ):
        self.target = np.asarray(target, "float64")
        self.probability = np.asarray(probability, "float64")
        self.thresholds = np.broadcast_to(thresholds, self.target.shape[1])
        group = np.zeros(len(self.target), int) if group is None else group
        self.labels = [
            BinaryRows(*of_label, group)
            for of_label in zip(self.target.T, self.probability.T, self.thresholds, strict=True)
        ]
        right = ((self.probability >= self.thresholds) == (self.target == 1)).all(axis=1)
        self.sums = np.column_stack([np.bincount(group), np.bincount(group, right)])

    def ranking(self, weights: np.ndarray | None = None) -> tuple[float, float]:
        """Means over the labels of area under the ROC curve and average precision.

        A label that all rows have, or none, is left out; NaN where that is so of every one.
        """
        areas, precisions = zip(*(label.ranking(weights) for label in self.labels), strict=True)
        return mean_of_known(areas), mean_of_known(precisions)

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every metric by its scikit-learn name; `weights` of shape (groups,), by default 1 each.

        log_loss, roc_auc, average_precision, f1_macro: means over the labels; the ranking ones as
        in `ranking`, and an F1 without rows and calls is 0. accuracy: the share of the rows of
        which every label is called right.
        """
        of_labels = [label.metrics(weights) for label in self.labels]
        means = {
            metric: mean_of_known([scores[metric] for scores in of_labels]) for metric in MEANS
        }
        means["f1_macro"] = means.pop("f1")
        rows, right = (np.ones(len(self.sums)) if weights is None else weights) @ self.sums
        return means | {"accuracy": float(right / rows)}

    def per_label(self, labels: tuple[str, ...]) -> list[dict]:
        """Label, rows, called, threshold and scores of every label, in order.

        roc_auc and average_precision are None of a label that all rows have, or none.
        """
        told = []
        for label, scored in zip(labels, self.labels, strict=True):
            scores = scored.metrics()
            kept = ("precision", "recall", "f1", "roc_auc", "average_precision")
            told.append(
                {
                    "label": label,
                    "rows": int(scored.target.sum()),
                    "called": int((scored.probability >= scored.threshold).sum()),
                    "threshold": float(scored.threshold),
                    **{name: finite(scores[name]) for name in kept},
                }
            )
        return told

    def together(self) -> BinaryRows:
        """All rows and labels as one column of yes and no."""
        return BinaryRows(self.target.ravel(), self.probability.ravel(), 0.5)


def mean_of_known(values) -> float:
    """The mean of the values that are not NaN; NaN where all are."""
    known = np.array(values)[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def best_thresholds(target: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """For each label the probability with the best F1, (labels,); for validation rows.

    target, probability: (rows, labels).
    """
    pairs = zip(target.T, probability.T, strict=True)
    return np.array([best_f1_threshold(*of_label) for of_label in pairs])
