"""Solutions of notebook 11."""

import numpy as np


def layers_needed(s, share):
    held = np.cumsum(s**2) / np.sum(s**2)
    return int(np.argmax(held >= share)) + 1


def least_squares(u, s, v, y):
    return v @ ((u.T @ y) / s)


def component_variances(table, k):
    s = np.linalg.svd(table - table.mean(axis=0), compute_uv=False)
    return s[:k] ** 2 / (len(table) - 1)
