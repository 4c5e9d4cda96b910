"""Checks of notebook 8, regularisation."""

import numpy as np


def check_dropped(dropped):
    x, gradient = np.array([[1.0, 2.0, -4.0], [3.0, 5.0, 0.5]]), np.full((2, 3), 10.0)
    chance = np.array([[0.1, 0.3, 0.9], [0.7, 0.2, 0.6]])
    y, by_x = dropped(x, gradient, 0.25, chance)
    yield "a rate of 0.25: y", 0.75 * np.asarray(y), [[0.0, 2.0, -4.0], [3.0, 0.0, 0.5]]
    yield "a rate of 0.25: dL/dx", 0.75 * np.asarray(by_x), [[0, 10.0, 10.0], [10.0, 0, 10.0]]
    draws = (np.arange(1000) + 0.5) / 1000
    y, _ = dropped(np.full(1000, 3.0), np.ones(1000), 0.4, draws)
    yield "the mean of 1000 evenly drawn y, all x being 3", np.mean(y), 3.0
    yield "a rate of 0", dropped(x, gradient, 0.0, chance)[0], x


def wrong_dropped(x, gradient, rate, chance):
    kept = chance >= rate  # and what is left is not scaled
    return x * kept, gradient * kept


def check_when_to_stop(when_to_stop):
    losses = [0.9, 0.5, 0.6, 0.55, 0.4, 0.45, 0.44, 0.43, 0.3]
    for patience, expected in ((1, (3, 2)), (2, (4, 2)), (3, (8, 5)), (4, (9, 9))):
        tried = f"losses {losses}, a patience of {patience}"
        yield tried, when_to_stop(losses, patience), expected
    yield "a loss that falls to the end", when_to_stop([3.0, 2.0, 1.0], 2), (3, 3)
    yield "a loss that only rises", when_to_stop([1.0, 2.0, 3.0, 4.0], 2), (3, 1)


def wrong_when_to_stop(losses, patience):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[epoch - 1] else waited + 1  # than the one before
        if waited == patience:
            break
    return epoch + 1, int(np.argmin(losses[: epoch + 1])) + 1


def check_smoothed(smoothed):
    targets = smoothed(np.array([2, 0]), 4, 0.2)
    yield (
        "a fifth redrawn, 4 classes",
        targets,
        [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]],
    )
    yield "none redrawn", smoothed(np.array([1]), 3, 0.0), [[0.0, 1.0, 0.0]]
    yield "all redrawn", smoothed(np.array([1]), 4, 1.0), [[0.25, 0.25, 0.25, 0.25]]


def wrong_smoothed(labels, classes, redrawn):
    right = np.eye(classes)[labels]  # and a redrawn label is never the old one
    return (1 - redrawn) * right + redrawn / (classes - 1) * (1 - right)
