"""Checks of notebook 9, automatic differentiation."""

import numpy as np

from common.from_scratch.activations import sigmoid
from common.from_scratch.autograd import Tensor


def check_looked_up(looked_up):
    table, numbers = np.arange(12.0).reshape(4, 3), np.array([2, 0, 2])
    tensor = Tensor(table)
    yield "rows 2, 0 and 2", looked_up(tensor, numbers).data, table[numbers]
    (looked_up(tensor, numbers) * np.array([[1.0], [10.0], [100.0]])).sum().backward()
    yield (
        "the gradient of a table whose row 2 is used twice",
        tensor.gradient[:, 0],
        [10, 0, 101, 0],
    )


def wrong_looked_up(table, numbers):
    def rule(g):
        spread = np.zeros_like(table.data)
        spread[numbers] = g  # the second use takes the place of the first
        return spread

    return Tensor(table.data[numbers], (table,), rule)


def check_softplus(softplus):
    x = np.array([-1000.0, -1.0, 0.0, 2.0, 1000.0])
    tensor = Tensor(x)
    yield "its values", softplus(tensor).data, np.logaddexp(0, x)
    (softplus(tensor) * 3.0).sum().backward()
    yield "the gradient of 3 softplus(x)", tensor.gradient, 3 * sigmoid(x)


def wrong_softplus(tensor):
    x = tensor.data  # and the gradient that arrives is forgotten
    return Tensor(np.logaddexp(0, x), (tensor,), lambda g: np.exp(x - np.logaddexp(0, x)))


def check_numbers_kept(numbers_kept):
    w = Tensor(np.ones((2, 3)))
    yield "a leaf alone", numbers_kept(Tensor(1.0)), 1
    yield "a sum of six numbers", numbers_kept(w.sum()), 7
    yield "(w * w).sum(), where w counts once", numbers_kept((w * w).sum()), 13


def wrong_numbers_kept(loss):
    return loss.data.size + sum(wrong_numbers_kept(parent) for parent in loss.parents)
