"""Checks of notebook 1, the network of two layers."""

import numpy as np

from common.from_scratch import two_layers
from common.from_scratch.gradient_check import measured_gradient


def small_problem():
    """Weights of a network of 4 inputs, 5 units and 3 classes, six rows and their classes."""
    random = np.random.default_rng(0)
    weights = two_layers.initialise(4, 5, 3, random)
    weights["b1"] += random.normal(0, 0.3, 5)
    return weights, random.normal(size=(6, 4)), np.array([0, 1, 2, 2, 0, 1])


def check_slopes_by_pixels(slopes_by_pixels):
    weights, x, target = small_problem()
    slopes = slopes_by_pixels(weights, x, target)
    measured = measured_gradient(
        lambda: two_layers.loss(two_layers.forward(weights, x)[2], target), x
    )
    yield "six rows of four inputs, against small steps", slopes, measured


def wrong_slopes_by_pixels(weights, x, target):
    _, _, p = two_layers.forward(weights, x)  # and the bend is forgotten
    dlogits = (p - np.eye(p.shape[1])[target]) / len(x)
    return dlogits @ weights["W2"].T @ weights["W1"].T


def check_slopes_with_tanh(slopes_with_tanh):
    weights, x, target = small_problem()

    def loss():
        h = np.tanh(x @ weights["W1"] + weights["b1"])
        logits = h @ weights["W2"] + weights["b2"]
        of_the_class = logits[np.arange(len(x)), target]
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - of_the_class)

    slopes = slopes_with_tanh(weights, x, target)
    for name, value in weights.items():
        yield f"d{name} against small steps", slopes[name], measured_gradient(loss, value)


def wrong_slopes_with_tanh(weights, x, target):
    z = x @ weights["W1"] + weights["b1"]
    h = np.tanh(z)
    logits = h @ weights["W2"] + weights["b2"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    dlogits = (p - np.eye(p.shape[1])[target]) / len(x)
    dz = dlogits @ weights["W2"].T * (1 - z**2)  # z for h
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": h.T @ dlogits, "b2": dlogits.sum(0)}


def check_slopes_with_penalty(slopes_with_penalty):
    weights, x, target = small_problem()

    def loss():
        squares = np.sum(weights["W1"] ** 2) + np.sum(weights["W2"] ** 2)
        return two_layers.loss(two_layers.forward(weights, x)[2], target) + 0.3 * squares

    slopes = slopes_with_penalty(weights, x, target, 0.3)
    for name, value in weights.items():
        yield f"d{name} for a strength of 0.3", slopes[name], measured_gradient(loss, value)


def wrong_slopes_with_penalty(weights, x, target, strength):
    slopes = two_layers.gradients(weights, x, target)
    return {name: slopes[name] + 2 * strength * weights[name] for name in weights}  # biases too
