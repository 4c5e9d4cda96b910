"""Singular values and vectors against NumPy's, on real tables and pictures."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from common.from_scratch.svd import truncated_svd

TABLES = {
    "breast cancer": scale(load_breast_cancer().data),
    "digits": load_digits().data,
    "more columns than rows": load_digits().data[:40].T[:, :30].T,
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("k", [1, 6])
def test_equals_numpy(name, k):
    table = TABLES[name]
    u, s, v = truncated_svd(table, k, np.random.default_rng(0))
    expected_u, expected_s, expected_v = np.linalg.svd(table, full_matrices=False)
    np.testing.assert_allclose(s, expected_s[:k], rtol=1e-10)
    signs = np.sign(np.sum(v * expected_v[:k].T, axis=0))  # (-u)(-v)^T is the same product
    np.testing.assert_allclose(v * signs, expected_v[:k].T, atol=1e-6)
    np.testing.assert_allclose(u * signs, expected_u[:, :k], atol=1e-6)
    squares_left = np.sum((table - (u * s) @ v.T) ** 2)
    np.testing.assert_allclose(squares_left, np.sum(expected_s[k:] ** 2), rtol=1e-8)


def test_all_terms_are_the_matrix_even_below_full_rank():
    table = load_digits().data[:200]  # some pixels are never dark
    u, s, v = truncated_svd(table, 64, np.random.default_rng(1))
    assert np.linalg.matrix_rank(table) < 64
    np.testing.assert_allclose((u * s) @ v.T, table, atol=1e-5)
    for vectors in (u, v):
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(64), atol=1e-10)
    np.testing.assert_allclose(s, np.linalg.svd(table, compute_uv=False), atol=1e-9 * s[0])


def test_equal_singular_values():
    u, s, v = truncated_svd(np.eye(5, 4), 3, np.random.default_rng(0))
    np.testing.assert_allclose(s, np.ones(3))
    np.testing.assert_allclose(u[:4], v, atol=1e-12)


def test_a_coarse_tolerance_gives_nearly_the_best_approximation():
    table = TABLES["digits"]
    u, s, v = truncated_svd(table, 20, np.random.default_rng(0), tolerance=1e-3)
    best = np.sum(np.linalg.svd(table, compute_uv=False)[20:] ** 2)
    assert best < np.sum((table - (u * s) @ v.T) ** 2) < 1.01 * best


def test_bad_input_is_told():
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"shape \(4, 3\) has no first 5 singular values"):
        truncated_svd(np.ones((4, 3)), 5, random)
    with pytest.raises(ValueError, match="missing"):
        truncated_svd([[1.0, np.nan]], 1, random)
    with pytest.raises(ValueError, match="after 5000 steps"):
        truncated_svd(np.diag([1.0, 0.9999, 0.9998]), 2, random, tolerance=0)
