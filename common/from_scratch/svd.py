"""Singular value decomposition: a matrix as a sum of a few products of a column and a row.

Every A (rows, columns) is A = sum_i s_i u_i v_i^T, with s_1 >= s_2 >= ... >= 0, the u_i orthonormal
and the v_i too. Its first k terms are the best approximation of rank k there is (Eckart and Young,
"The approximation of one matrix by another of lower rank", 1936).
"""

import numpy as np

from common.from_scratch.layer import Array

GUARDS = 8
STEPS = 5000


def truncated_svd(
    matrix: Array, k: int, random: np.random.Generator, tolerance: float = 1e-9
) -> tuple[Array, Array, Array]:
    """The first k terms: u (rows, k), s (k,) from large to small, v (columns, k); in float64.

    Power iteration: A^T A v_i = s_i^2 v_i, since u_i^T u_j = 0 unless i = j. Multiplying by A^T A
    stretches a vector's part along v_i by s_i^2, and that along v_1 most: what it has beside it
    shrinks by (s_2 / s_1)^2 a step. For several vectors at once QR takes from each what lies along
    those before it, else all would turn to v_1; so the i-th turns to v_i (orthogonal iteration:
    Golub and Van Loan, "Matrix Computations", 4th edition, 2013, section 8.2).

    GUARDS more vectors than asked for are carried along, for the last ones settle slowest. It stops
    when |A^T A v_i - s_i^2 v_i| <= tolerance * s_1^2. To tell apart values as close as s_i and
    1.001 s_i takes thousands of steps; the sum of the terms is good long before.
    """
    matrix = np.asarray(matrix, "float64")
    if matrix.ndim != 2 or not 1 <= k <= min(matrix.shape):
        raise ValueError(f"a matrix of shape {matrix.shape} has no first {k} singular values")
    if not np.isfinite(matrix).all():
        raise ValueError("the matrix has values that are missing (NaN) or infinite")
    width = min(k + GUARDS, *matrix.shape)
    v, _ = np.linalg.qr(random.normal(size=(matrix.shape[1], width)))
    for _ in range(STEPS):
        stretched = matrix.T @ (matrix @ v)
        squares = np.sum(v * stretched, axis=0)  # s_i^2 = v_i^T A^T A v_i
        errors = np.linalg.norm(stretched - squares * v, axis=0)[:k]
        if errors.max() <= tolerance * squares.max():
            break
        v, _ = np.linalg.qr(stretched)
    else:
        raise ValueError(f"errors of {errors.max() / squares.max():.1g} after {STEPS} steps")
    return ordered(matrix, v[:, :k])


def ordered(matrix: Array, v: Array) -> tuple[Array, Array, Array]:
    """u, s and v from v: A v_i = s_i u_i; QR gives unit vectors u_i even where s_i is zero."""
    u, r = np.linalg.qr(matrix @ v)
    signed = np.diag(r)
    order = np.argsort(-np.abs(signed), kind="stable")
    signs = np.where(signed < 0, -1, 1)
    return (u * signs)[:, order], np.abs(signed)[order], v[:, order]
