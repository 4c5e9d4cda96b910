"""Solutions of notebook 4."""

import numpy as np


def adagrad_step(w, gradient, total, rate):
    total = total + gradient**2  # only ever grows, and so the steps get ever shorter
    return w - rate * gradient / (np.sqrt(total) + 1e-7), total


def lion_step(w, gradient, m, rate):
    after = w - rate * np.sign(0.9 * m + 0.1 * gradient)
    return after, 0.99 * m + 0.01 * gradient


def rate_of_transformers(step, top, warmup_steps):
    if step <= warmup_steps:
        return top * step / warmup_steps
    return top * (warmup_steps / step) ** 0.5
