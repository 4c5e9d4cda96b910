"""Checks of notebook 3, activations."""

import numpy as np

from common.from_scratch.gradient_check import measured_gradient


def check_swish(swish):
    x = np.array([[-3.0, -0.5], [0.0, 2.0]])
    y, slope = swish(x)
    yield "its values", y, x / (1 + np.exp(-x))
    yield (
        "its slopes, against small steps",
        slope,
        measured_gradient(lambda: np.sum(x / (1 + np.exp(-x))), x),
    )
    yield "its value far below 0", swish(np.array([-1000.0]))[0], np.zeros(1)


def wrong_swish(x):
    share = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return x * share, share  # the share's own slope is forgotten


def check_dead_units(dead_units):
    z = np.array([[-1.0, -5.0, 0.5, -3.0], [-0.1, 4.0, 1.0, 0.0]])
    yield "four units, two images", dead_units(z), [0, 3]
    alive = dead_units(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    yield "a layer where none is dead", alive, np.zeros(0, int)


def wrong_dead_units(z):
    return np.flatnonzero(z.mean(axis=0) < 0)  # off on average is not off always


def check_leaky_variance(leaky_variance):
    yield "50 inputs, ReLU itself", leaky_variance(50, 0.0), 2 / 50
    yield "50 inputs, no bend at all", leaky_variance(50, 1.0), 1 / 50
    random = np.random.default_rng(0)
    z = random.normal(size=100_000)
    z = np.concatenate([z, -z]) / np.sqrt(np.mean(z**2))  # exactly as often below 0, variance 1
    kept = 1 / (64 * np.mean(np.where(z > 0, z, 0.3 * z) ** 2))
    yield "64 inputs, a negative slope of 0.3", leaky_variance(64, 0.3), kept


def wrong_leaky_variance(inputs, negative_slope):
    return 2 / (inputs * (1 + negative_slope))  # the slope of what is squared counts squared
