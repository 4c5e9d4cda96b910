"""Solutions of notebook 9."""

import numpy as np

from common.from_scratch.autograd import Tensor


def looked_up(table, numbers):
    def rule(g):
        spread = np.zeros_like(table.data)
        np.add.at(spread, numbers, g)  # adds as often as a number comes up
        return spread

    return Tensor(table.data[numbers], (table,), rule)


def softplus(tensor):
    y = np.logaddexp(0, tensor.data)
    sigmoid = np.exp(tensor.data - y)  # e^x / (1 + e^x), with an exponent that is never above 0
    return Tensor(y, (tensor,), lambda g: g * sigmoid)


def numbers_kept(loss):
    return sum(tensor.data.size for tensor in loss.parents_first())
