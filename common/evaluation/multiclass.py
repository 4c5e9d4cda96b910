"""Metrics of the probabilities of many classes, and calls that are fair to the rare ones.

Weights are per group of rows, and a thousand resamples take seconds: everything is summed up once
by group, and each further weighting costs a few sums. tests/test_multiclass.py shows results equal
to scikit-learn's.
"""

import numpy as np

from common.errors import UserError

SMALLEST = np.finfo("float64").eps  # of a probability in the log loss, as scikit-learn clips it
TAUS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


class MulticlassRows:
    """Probabilities of every class beside the true classes, prepared for metrics under any weights.

    target: (rows,) class numbers from 0; probability: (rows, classes), each row of sum 1; group:
    (rows,) whole numbers from 0, the group of each row, since weights are given by group; by
    default all rows are one group. The class called is the likeliest, the first of equal ones.
    """

    def __init__(
        self, target: np.ndarray, probability: np.ndarray, group: np.ndarray | None = None
    ):
        self.target = np.asarray(target).astype(int)
        self.probability = np.asarray(probability, "float64")
        check(self.target, self.probability)
        self.group = np.zeros(len(self.target), int) if group is None else group
        self.called = self.probability.argmax(axis=1)
        self.sums = self.sums_by_group()

    def sums_by_group(self) -> np.ndarray:
        """Loss; rows, calls and right calls of each class; by group: (groups, 1 + 3 classes)."""
        of_target = self.probability[np.arange(len(self.target)), self.target]
        losses = -np.log(np.clip(of_target, SMALLEST, 1 - SMALLEST))
        right = self.called == self.target
        shape = (self.group.max() + 1, self.probability.shape[1])
        return np.column_stack(
            [
                np.bincount(self.group, losses),
                counts(self.group, self.target, shape),
                counts(self.group, self.called, shape),
                counts(self.group[right], self.target[right], shape),
            ]
        )

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every metric by its scikit-learn name; `weights` of shape (groups,), by default 1 each.

        balanced_accuracy: mean recall over the classes that have rows. f1_macro: mean F1 over all
        classes; one with neither rows nor calls counts as 0, as scikit-learn's zero_division=0 with
        all labels named, so that the same classes count in every resample and for every model.
        """
        weights = np.ones(len(self.sums)) if weights is None else weights
        # Not weights @ sums, whose threads wait for each other where cores are shared.
        loss, *counted = np.einsum("g,gc->c", weights, self.sums)
        rows, called, right = np.reshape(counted, (3, -1))
        total = rows.sum()
        present = rows > 0
        return {
            "log_loss": float(loss / total),
            "accuracy": float(right.sum() / total),
            "balanced_accuracy": float(np.mean(right[present] / rows[present])),
            "f1_macro": float(np.mean(ratios(2 * right, rows + called))),
        }

    def confusion(self) -> list[list[int]]:
        """Rows by true class (first index) and called class (second): classes x classes."""
        classes = self.probability.shape[1]
        return counts(self.target, self.called, (classes, classes)).astype(int).tolist()

    def per_class(self, labels: tuple[str, ...]) -> list[dict]:
        """Label, rows, called, precision, recall and f1 of every class, however rare, in order.

        What has no rows to count is 0 (zero_division=0): the precision of a class never called, the
        recall of a class without rows.
        """
        rows, called, right = np.reshape(self.sums.sum(axis=0)[1:], (3, -1))
        columns = {
            "rows": rows.astype(int),
            "called": called.astype(int),
            "precision": ratios(right, called),
            "recall": ratios(right, rows),
            "f1": ratios(2 * right, rows + called),
        }
        return [
            {"label": label} | {name: values[number].item() for name, values in columns.items()}
            for number, label in enumerate(labels)
        ]


def counts(first: np.ndarray, second: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How often each pair of whole numbers comes: float64 of that shape, float since weighted."""
    cell = np.ravel_multi_index((first, second), shape)
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype("float64")


def ratios(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """parts / wholes; 0 for an empty whole, as scikit-learn's zero_division=0."""
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)


def check(target: np.ndarray, probability: np.ndarray) -> None:
    """UserError unless `probability` is (rows, classes) of sum 1 and the target is one of these."""
    if probability.ndim != 2 or len(probability) != len(target):
        raise UserError(
            f"Probabilities of shape {probability.shape} do not fit {len(target)} targets. They "
            "should be (rows, classes), a row for each target."
        )
    classes = probability.shape[1]
    if target.min() < 0 or target.max() >= classes:
        raise UserError(
            f"Targets go from {target.min()} to {target.max()}, but there are {classes} classes: "
            f"their numbers should be 0 to {classes - 1}. Give the model one output a class."
        )
    strange = ~(np.isclose(probability.sum(axis=1), 1, atol=1e-3) & (probability >= 0).all(axis=1))
    if strange.any():
        raise UserError(
            f"{strange.sum()} rows are not probabilities of sum 1; the first, row "
            f"{np.argmax(strange)}, is {probability[strange][0]}. End the network in a softmax; if "
            "these are NaN, the training has diverged: lower its learning rate."
        )


def adjusted(probability: np.ndarray, shares: np.ndarray, tau: float) -> np.ndarray:
    """Probabilities divided by (training share)^tau, made to add up to 1 again: (rows, classes).

    The likeliest class is then that of Menon et al., "Long-tail learning via logit adjustment",
    ICLR 2021, section 4.2: argmax of log p - tau log share. tau 0 changes nothing; with tau 1 these
    are the probabilities if all classes were equally frequent, which raises recall of rare classes
    at the price of accuracy. They are meant for calls: as probabilities of the rows at hand they
    are wrong, and the log loss says so.

    probability: (rows, classes); shares: (classes,) of the training rows. Nothing is known of a
    class without training rows, so it is left as it is.
    """
    shares = np.asarray(shares, "float64")
    divisor = np.where(shares > 0, shares, 1.0) ** tau
    raised = np.asarray(probability, "float64") / divisor
    return raised / raised.sum(axis=1, keepdims=True)


def best_tau(target: np.ndarray, probability: np.ndarray, shares: np.ndarray) -> float:
    """The tau of 0, 0.25, … 1.5 whose calls have the highest macro F1, the smallest of equal ones.

    For validation rows: target (rows,), probability (rows, classes); shares (classes,) of the
    training rows.
    """
    scores = [
        MulticlassRows(target, adjusted(probability, shares, tau)).metrics()["f1_macro"]
        for tau in TAUS
    ]
    return TAUS[int(np.argmax(scores))]
