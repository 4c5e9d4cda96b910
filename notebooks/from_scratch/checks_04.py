"""Checks of notebook 4, optimizers."""

import numpy as np

GRADIENTS = np.array([[0.5, -2.0, 0.0], [1.0, 2.0, 1e-3], [-3.0, 0.1, 1e-3]])  # of three steps


def check_adagrad_step(adagrad_step):
    w, total = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    expected = w.copy()
    for step, gradient in enumerate(GRADIENTS, start=1):
        w, total = adagrad_step(w, gradient, total, 0.1)
        seen = np.sum(GRADIENTS[:step] ** 2, axis=0)
        expected = expected - 0.1 * gradient / (np.sqrt(seen) + 1e-7)
        yield f"three weights after step {step}", w, expected
        yield f"the sum of squares after step {step}", total, seen


def wrong_adagrad_step(w, gradient, total, rate):
    step = rate * gradient / (np.sqrt(total) + 1e-7)  # this step's own square comes too late
    return w - step, total + gradient**2


def check_lion_step(lion_step):
    w, m = np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.3, 0.0])
    kept = w.copy(), m.copy()
    after, average = lion_step(w, GRADIENTS[1], m, 0.1)
    yield "three weights after a step", after, [0.9, 1.9, 2.9]
    yield "their average after it", average, 0.99 * m + 0.01 * GRADIENTS[1]
    after, _ = lion_step(w, np.array([-1.0, -4.0, 0.0]), m, 0.1)
    yield "a step where gradient and average disagree", after, [0.9, 2.1, 3.0]
    yield "the arrays that were given, afterwards", np.stack([w, m]), np.stack(kept)


def wrong_lion_step(w, gradient, m, rate):
    m = 0.99 * m + 0.01 * gradient  # the average first, and the step by it
    return w - rate * np.sign(m), m


def check_rate_of_transformers(rate_of_transformers):
    rates = [rate_of_transformers(step, 0.002, 400) for step in (0, 100, 400, 1600, 40_000)]
    yield "at steps 0, 100, 400, 1600 and 40,000", rates, [0, 0.0005, 0.002, 0.001, 0.0002]


def wrong_rate_of_transformers(step, top, warmup_steps):
    return top * step / warmup_steps if step <= warmup_steps else top / np.sqrt(step)  # it jumps
