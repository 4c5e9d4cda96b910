"""Numbers as vectors: a network sees steps and waves in a number that one weight cannot follow.

After Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
NeurIPS 2022, https://arxiv.org/abs/2203.05556. benchmarks/reference_tabm.py compares with the
authors' package rtdl_num_embeddings.
"""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from common.models.table import Table

NumberEmbedding = Literal["none", "linear", "piecewise_linear", "periodic"]
BINS = 48  # at most, for each number, where nothing else is said


def flat_numbers(
    numbers: keras.KerasTensor,
    table: Table,
    kind: NumberEmbedding,
    dimension: int,
    bins: int = BINS,
) -> keras.KerasTensor:
    """Numbers (batch, n) as they are for kind "none", else their embeddings (batch, n * dimension).

    bins: of "piecewise_linear", for each number at most.
    A 0/1 mark of missing values is a number like the others: it gets one bin.
    """
    if kind == "none":
        return numbers
    embedded = embed_numbers(numbers, table, kind, dimension, bins)
    return layers.Reshape((numbers.shape[1] * dimension,))(embedded)


def embed_numbers(
    numbers: keras.KerasTensor,
    table: Table,
    kind: NumberEmbedding,
    dimension: int,
    bins: int = BINS,
) -> keras.KerasTensor:
    """Numbers (batch, n) as vectors (batch, n, dimension); any kind but "none"."""
    if kind == "piecewise_linear":
        return piecewise_linear(numbers, quantile_edges(table.numbers, bins), dimension)
    if kind == "periodic":
        return periodic(numbers, dimension)
    return linear(numbers, dimension)


def linear(numbers: keras.KerasTensor, dimension: int) -> keras.KerasTensor:
    """Each number times a vector of its own, plus another: (batch, n) to (batch, n, dimension)."""
    return layers.EinsumDense(
        "bn,nd->bnd",
        (numbers.shape[1], dimension),
        bias_axes="nd",
        kernel_initializer=uniform(dimension),
        bias_initializer=uniform(dimension),
        name="numbers_linear",
    )(numbers)


def piecewise_linear(
    numbers: keras.KerasTensor, edges: list[np.ndarray], dimension: int
) -> keras.KerasTensor:
    """A continuous line with a bend at every edge, in each of the dimensions of each number.

    The form of the TabM paper (version B of the package): the linear embedding plus a matrix,
    at first zero, on the encoding in bins; no activation. It starts linear and learns the bends.
    (Version A is the matrix and a bias alone, with ReLU or without.)
    """
    encoding = piecewise_linear_encoding(numbers, edges)
    bends = layers.EinsumDense(
        "bnt,ntd->bnd",
        (encoding.shape[1], dimension),
        kernel_initializer="zeros",
        name="numbers_bins",
    )(encoding)
    return layers.Add()([linear(numbers, dimension), bends])


def piecewise_linear_encoding(
    numbers: keras.KerasTensor, edges: list[np.ndarray]
) -> keras.KerasTensor:
    """How much of each bin a number fills (equation 1): (batch, n) to (batch, n, most bins).

    Bin t of a number x gives (x - left edge) / width, cut to 0..1; the first bin goes on below 0,
    the last one above 1, so that values beyond the training data stay apart. Numbers with fewer
    bins have zeros in the places that are left. Always float32: in 16 bits narrow bins would blur.
    """
    shape = (len(edges), max(len(own) - 1 for own in edges))
    left, width = np.zeros(shape, "float32"), np.ones(shape, "float32")
    low, high = np.zeros(shape, "float32"), np.zeros(shape, "float32")
    for number, own in enumerate(edges):
        bins = len(own) - 1
        left[number, :bins], width[number, :bins] = own[:-1], np.diff(own)
        high[number, :bins] = 1.0
        low[number, 0] = np.finfo("float32").min
        high[number, bins - 1] = np.finfo("float32").max
    filled = (ops.expand_dims(numbers, -1) - left) / width
    return ops.minimum(ops.maximum(filled, low), high)


def quantile_edges(values: np.ndarray, bins: int) -> list[np.ndarray]:
    """For each column of values (rows, n), the edges of at most `bins` bins."""
    return [column_edges(column, bins) for column in values.T]


def column_edges(column: np.ndarray, bins: int) -> np.ndarray:
    """Edges of at most `bins` bins with equal row counts, frequent values apart.

    column: (rows,). A value that fills a bin alone is an edge, and the other edges are quantiles of
    the rows that are left, as LightGBM cuts its bins (Ke et al., NeurIPS 2017). Quantiles of all
    rows (section 3.2.1) leave five bins to a column of gains where nine of ten people have none,
    and what a gain of 5,000 or 7,000 says falls into one of them. A constant column gets one bin of
    width 1.
    """
    known, counts = np.unique(column.astype("float32"), return_counts=True)
    if len(known) <= bins + 1:
        return known if len(known) > 1 else np.array([known[0], known[0] + 1], "float32")
    frequent = counts > len(column) / bins
    rest = np.repeat(known[~frequent], counts[~frequent])
    quantiles = np.linspace(0, 1, bins + 1 - frequent.sum())
    cut = np.quantile(rest, quantiles, method="nearest") if len(rest) else []
    ends = [known[0], known[-1]]
    return np.unique(np.concatenate([known[frequent], cut, ends]).astype("float32"))


def periodic(
    numbers: keras.KerasTensor,
    dimension: int,
    frequencies: int = 48,
    frequency_scale: float = 0.01,
) -> keras.KerasTensor:
    """Waves of learned frequencies, then a dense layer with ReLU for each number ("PLR").

    cos(2 pi c x) and sin(2 pi c x) of section 3.3, with c from a normal distribution of deviation
    `frequency_scale`, on which the paper says the quality depends. The waves are float32 always.
    """
    count = numbers.shape[1]
    turns = layers.EinsumDense(
        "bn,nf->bnf",
        (count, frequencies),
        kernel_initializer=keras.initializers.RandomNormal(stddev=frequency_scale),
        dtype="float32",
        name="numbers_frequencies",
    )(numbers)
    waves = layers.Concatenate()([ops.cos(2 * np.pi * turns), ops.sin(2 * np.pi * turns)])
    return layers.EinsumDense(
        "bnw,nwd->bnd",
        (count, dimension),
        bias_axes="nd",
        activation="relu",
        kernel_initializer=uniform(2 * frequencies),
        bias_initializer=uniform(2 * frequencies),
        name="numbers_periodic",
    )(waves)


def uniform(width: int) -> keras.Initializer:
    """Uniform within +-1 / sqrt(width): how the papers' layers start, kernels and biases."""
    return keras.initializers.RandomUniform(-(width**-0.5), width**-0.5)
