"""Checks of notebook 11, singular value decomposition."""

import numpy as np


def check_layers_needed(layers_needed):
    s = np.array([4.0, 2.0, 2.0, 1.0])  # squares 16, 4, 4 and 1 of 25
    yield "values 4, 2, 2, 1 and a share of 0.6", layers_needed(s, 0.6), 1
    yield "values 4, 2, 2, 1 and a share of 0.9", layers_needed(s, 0.9), 3
    yield "values 4, 2, 2, 1 and a share of 0.97", layers_needed(s, 0.97), 4


def wrong_layers_needed(s, share):
    return 1 + np.sum(np.cumsum(s) / s.sum() < share)  # of the values, not of their squares


def check_least_squares(least_squares):
    random = np.random.default_rng(0)
    a, y = random.normal(size=(20, 3)), random.normal(size=20)
    u, s, v_transposed = np.linalg.svd(a, full_matrices=False)
    w = least_squares(u, s, v_transposed.T, y)
    yield "20 rows and 3 columns", w, np.linalg.lstsq(a, y)[0]


def wrong_least_squares(u, s, v, y):
    return v @ (s * (u.T @ y))  # that is A^T y


def check_component_variances(component_variances):
    table = np.random.default_rng(0).normal(5, 1, size=(30, 4)) * [1, 2, 3, 4]
    variances = np.linalg.eigvalsh(np.cov(table.T))[::-1]
    yield "of 4 columns around 5, 10, 15 and 20", component_variances(table, 2), variances[:2]


def wrong_component_variances(table, k):
    return np.linalg.svd(table, compute_uv=False)[:k] ** 2 / (len(table) - 1)  # mean left in
