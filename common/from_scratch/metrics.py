"""Scores to read, not to train on: functions (target, logits) -> mean over rows."""

import numpy as np

from common.from_scratch.layer import Array
from common.from_scratch.losses import same_shape


def sparse_categorical_accuracy(target: Array, logits: Array) -> float:
    """Share of rows whose largest logit is the class's; target: (...), logits: (..., classes)."""
    return float(np.mean(logits.argmax(axis=-1) == target))


def binary_accuracy(target: Array, logits: Array) -> float:
    """Share of logits on their target's side of 0; target: of 0 and 1, shaped as the logits."""
    return float(np.mean((logits > 0) == same_shape(target, logits)))
