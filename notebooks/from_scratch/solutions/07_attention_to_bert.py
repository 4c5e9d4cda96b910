"""Solutions of notebook 7."""

import numpy as np


def looks_back(steps, reach):
    back = np.arange(steps)[:, None] - np.arange(steps)  # how far the column lies behind the row
    return (back >= 0) & (back <= reach)


def rollout(maps):
    mixed = np.eye(len(maps[0]))
    for attention in maps:
        mixed = (attention + np.eye(len(attention))) @ mixed / 2
    return mixed


def merged(first, second):
    (y_1, log_1), (y_2, log_2) = first, second
    log_sum = np.logaddexp(log_1, log_2)
    weight_1, weight_2 = np.exp(log_1 - log_sum), np.exp(log_2 - log_sum)  # neither is above 1
    return weight_1[:, None] * y_1 + weight_2[:, None] * y_2, log_sum
