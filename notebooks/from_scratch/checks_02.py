"""Checks of notebook 2, losses."""

import numpy as np

from common.from_scratch.activations import sigmoid
from common.from_scratch.gradient_check import measured_gradient
from common.from_scratch.losses import binary_crossentropy


def slopes_of(loss, target, prediction):
    """dvalue/dprediction by small steps."""
    prediction = prediction.copy()
    return measured_gradient(lambda: loss(target, prediction)[0], prediction)


def check_quantile_loss(quantile_loss):
    target = np.arange(1.0, 11.0)
    prediction = np.full(10, 9.5)
    value, slopes = quantile_loss(target, prediction, 0.9)
    yield (
        "1 to 10, all predicted as 9.5, share 0.9: the value",
        value,
        (0.9 * 0.5 + 0.1 * 40.5) / 10,
    )
    by_steps = slopes_of(lambda *both: quantile_loss(*both, 0.9), target, prediction)
    yield "its slopes, against small steps of your value", slopes, by_steps
    yield "the slope where the prediction is too high", slopes[0], 0.1 / 10


def wrong_quantile_loss(target, prediction, share):
    error = prediction - target  # the two sides changed
    cost = np.where(error > 0, share, share - 1)
    return np.mean(cost * error), cost / error.size


def check_log_cosh(log_cosh):
    target, prediction = np.zeros(3), np.array([-2.0, 0.1, 1.0])
    value, slopes = log_cosh(target, prediction)
    yield "errors of -2, 0.1 and 1: the value", value, np.mean(np.log(np.cosh(prediction)))
    yield "their slopes", slopes, np.tanh(prediction) / 3
    value, slopes = log_cosh(np.zeros(2), np.array([1000.0, -1000.0]))
    yield "errors of ± 1000: the value", value, 1000 - np.log(2)
    yield "their slopes", slopes, [0.5, -0.5]


def wrong_log_cosh(target, prediction):
    error = prediction - target
    with np.errstate(over="ignore"):
        return np.mean(np.log(np.cosh(error))), np.tanh(error) / error.size


def check_weighted_crossentropy(weighted_crossentropy):
    target, logits = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, -1.0, -3.0, 2.0])
    value, slopes = weighted_crossentropy(target, logits, 1.0)
    yield "a weight of 1: the value", value, binary_crossentropy(target, logits)[0]
    value, slopes = weighted_crossentropy(target, logits, 5.0)
    single = np.log(1 + np.exp(np.where(target == 1, -logits, logits)))
    yield "a weight of 5: the value", value, np.mean(np.where(target == 1, 5, 1) * single)
    expected = np.where(target == 1, 5, 1) * (sigmoid(logits) - target) / 4
    yield "a weight of 5: the slopes", slopes, expected
    value, _ = weighted_crossentropy(np.array([1.0]), np.array([-1000.0]), 2.0)
    yield "a missed tumour with a logit of -1000: the value", value, 2000.0


def wrong_weighted_crossentropy(target, logits, weight):
    p = sigmoid(logits)  # and log 0 where the network is sure
    weights = np.where(target == 1, weight, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = -np.mean(weights * np.log(np.where(target == 1, p, 1 - p)))
    return value, weights * (p - target) / p.size
