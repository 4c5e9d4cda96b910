"""What training makes small: functions (target, prediction) -> (value, dvalue/dprediction).

The value is the mean over all numbers of the prediction, or over all rows where a row is one choice
among classes: Keras's means. Every number's derivative is so divided by how many there are. The
cross-entropies take logits, the outputs of a layer without activation, since log(softmax) and
log(sigmoid) are exact for logits of any size and their derivative is as simple as it gets.
"""

import numpy as np

from common.from_scratch.activations import sigmoid, softmax
from common.from_scratch.layer import Array


def mean_squared_error(target: Array, prediction: Array) -> tuple[float, Array]:
    """(p - t)^2, derivative 2 (p - t): the best constant is the mean of the targets."""
    error = prediction - same_shape(target, prediction)
    return float(np.mean(error**2)), 2 * error / error.size


def mean_absolute_error(target: Array, prediction: Array) -> tuple[float, Array]:
    """|p - t|, derivative sign(p - t): the best constant is the median of the targets."""
    error = prediction - same_shape(target, prediction)
    return float(np.mean(np.abs(error))), np.sign(error) / error.size


def huber(target: Array, prediction: Array, delta: float = 1.0) -> tuple[float, Array]:
    """e^2 / 2 for an error e up to delta, the straight line delta (|e| - delta / 2) from there.

    The derivative is e, cut at ± delta: smooth at 0 and yet no outlier pulls harder than delta
    (Huber, "Robust estimation of a location parameter", 1964).
    """
    error = prediction - same_shape(target, prediction)
    slope = np.clip(error, -delta, delta)
    return float(np.mean(slope * (error - slope / 2))), slope / error.size


def hinge(target: Array, prediction: Array) -> tuple[float, Array]:
    """max(1 - t p, 0) for t = -1 or 1, derivative -t where 1 - t p >= 0 (at 0 as in Keras).

    The loss of support vector machines: an answer right by a margin of 1 costs nothing. A target 0
    counts as -1.
    """
    target = same_shape(target, prediction)
    if not np.isin(target, (-1, 0, 1)).all():
        raise ValueError("hinge takes targets -1 (or 0) and 1 only")
    sign = np.where(target == 0, -1, target)
    margin = 1 - sign * prediction
    return float(np.mean(np.maximum(margin, 0))), -sign * (margin >= 0) / margin.size


def binary_crossentropy(target: Array, logits: Array) -> tuple[float, Array]:
    """-t log y - (1 - t) log(1 - y) with y = sigmoid(z), for targets from 0 to 1.

    With log y = z - log(1 + e^z) and log(1 - y) = -log(1 + e^z) this is log(1 + e^z) - t z, where
    log(1 + e^z) = max(z, 0) + log(1 + e^-|z|) cannot overflow. Its derivative is y - t.
    """
    target = same_shape(target, logits)
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("binary_crossentropy takes targets from 0 to 1 only")
    loss = np.maximum(logits, 0) - target * logits + np.log1p(np.exp(-np.abs(logits)))
    return float(np.mean(loss)), (sigmoid(logits) - target) / logits.size


def categorical_crossentropy(target: Array, logits: Array) -> tuple[float, Array]:
    """-sum_k t_k log y_k with y = softmax(z); target: (..., classes), each row of sum 1.

    log y_k = z_k - log sum_j e^z_j, hence the loss is log sum_j e^z_j - sum_k t_k z_k, and with
    d(log sum_j e^z_j)/dz_k = y_k its derivative is y_k - t_k. Less the largest z: no overflow.
    """
    target = same_shape(target, logits)
    if not (np.abs(target.sum(axis=-1) - 1) < 1e-5).all():
        raise ValueError("categorical_crossentropy takes targets whose rows sum up to 1")
    shifted = logits - logits.max(axis=-1, keepdims=True)
    loss = np.log(np.exp(shifted).sum(axis=-1)) - (target * shifted).sum(axis=-1)
    return float(np.mean(loss)), (softmax(logits) - target) / loss.size


def sparse_categorical_crossentropy(target: Array, logits: Array) -> tuple[float, Array]:
    """`categorical_crossentropy` for class numbers; target: (...), logits: (..., classes)."""
    classes = logits.shape[-1]
    target = np.asarray(target)
    if target.shape != logits.shape[:-1]:
        raise ValueError(
            f"class numbers of shape {target.shape} do not go with logits of shape {logits.shape}: "
            f"expected {logits.shape[:-1]}"
        )
    if not np.issubdtype(target.dtype, np.integer) or target.min() < 0 or target.max() >= classes:
        raise ValueError(f"class numbers must be whole numbers from 0 to {classes - 1}")
    return categorical_crossentropy(np.eye(classes)[target], logits)


def same_shape(target: Array, prediction: Array) -> Array:
    """The target in the prediction's dtype.

    (rows,) beside (rows, 1) would spread to (rows, rows) and train on every pair of rows: refused.
    """
    target = np.asarray(target, prediction.dtype)
    if target.shape != prediction.shape:
        raise ValueError(f"target has the shape {target.shape}, prediction {prediction.shape}")
    return target
