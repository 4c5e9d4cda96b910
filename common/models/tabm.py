"""TabM: many multi-layer perceptrons in one that share almost all their weights.

After Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with
Parameter-Efficient Ensembling", ICLR 2025, https://arxiv.org/abs/2410.24210, and Wen, Tran, Ba,
"BatchEnsemble", ICLR 2020, https://arxiv.org/abs/2002.06715. benchmarks/reference_tabm.py compares
with the authors' package tabm.
"""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from common.models.heads import Target, with_head
from common.models.names import layer_name
from common.models.number_embeddings import BINS, NumberEmbedding, flat_numbers, uniform
from common.models.table import Table


def build_tabm(
    table: Table,
    target: Target,
    variant: Literal["tabm", "tabm-mini"] = "tabm",
    members: int = 16,
    blocks: int = 2,
    units: int = 256,
    dropout: float = 0.1,
    number_embedding: NumberEmbedding = "piecewise_linear",
    number_dimension: int = 8,
    number_bins: int = BINS,
    embedding_dimension: int = 8,
    one_hot_values: int = 8,
) -> keras.Model:
    """TabM, or TabM-mini; each member is an MLP with `blocks` layers of `units`.

    Member i computes s_i * (W (r_i * x)) + b_i in each layer (BatchEnsemble): the matrix W is
    shared, the vectors r_i, s_i, b_i are its own. The first r_i are random, which sets the members
    apart; all others start at one, and b_i alike. TabM-mini has only the first r_i, and the rest of
    its layers in common. Each member has its own last layer; its answers are averaged by
    `with_head`, and it should be trained on the mean of the members' losses.
    Categories of at most `one_hot_values` values are one-hot, others embeddings: 8 as in RealMLP
    (Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024, https://arxiv.org/abs/2407.04491). The authors
    of TabM have all of them one-hot.
    Returns a model from {"numbers", "categories"} to the answer of `with_head`.
    """
    inputs = table.inputs()
    row, widths = flat_columns(
        inputs,
        table,
        number_embedding,
        number_dimension,
        number_bins,
        embedding_dimension,
        one_hot_values,
    )
    one = ops.ones_like(row[:1, :1])
    start = random_scales(members, widths, signs=number_embedding == "none")
    hidden = ops.expand_dims(row, 1) * of_members(one, start, "scale_in_1")
    for block in range(1, blocks + 1):
        width = hidden.shape[-1]
        ones = np.ones((members, units), "float32")
        if variant == "tabm-mini":
            hidden = layers.Dense(
                units,
                kernel_initializer=uniform(width),
                bias_initializer=uniform(width),
                name=f"shared_{block}",
            )(hidden)
        else:
            if block > 1:
                hidden = hidden * of_members(one, ones, f"scale_in_{block}")
            hidden = layers.Dense(
                units, use_bias=False, kernel_initializer=uniform(width), name=f"shared_{block}"
            )(hidden)
            bias = ones * keras.random.uniform((units,), -(width**-0.5), width**-0.5)
            hidden = hidden * of_members(one, ones, f"scale_out_{block}")
            hidden = hidden + of_members(one, bias, f"bias_{block}")
        hidden = layers.Dropout(dropout)(layers.ReLU()(hidden))
    return with_head(inputs, hidden, target, variant, kernel_initializer=uniform(units))


def of_members(one: keras.KerasTensor, start, name: str) -> keras.KerasTensor:
    """Weights (1, members, width) that begin at `start` (members, width), to scale or shift by.

    They are the kernel of a dense layer on `one`, the number 1 as (1, 1): Keras has no layer for a
    bare weight, and EinsumDense("bkd,kd->bkd") takes five times as long on TensorFlow's CPU, as
    `einsum` makes of it a matrix product for each member and unit.
    """
    members, width = start.shape
    layer = layers.Dense(members * width, use_bias=False, name=name)
    weights = layers.Reshape((members, width))(layer(one))
    layer.kernel.assign(ops.reshape(start, (1, -1)))
    return weights


def random_scales(members: int, widths: list[int], signs: bool):
    """The first scales (members, sum of widths): one random value for each member and column.

    signs: -1 or 1, for bare numbers; else normal, where numbers are embedded, as the package does.
    All dimensions of a column share the value.
    """
    shape = (members, len(widths))
    if signs:
        values = 2.0 * ops.cast(keras.random.randint(shape, 0, 2), "float32") - 1.0
    else:
        values = keras.random.normal(shape)
    return ops.repeat(values, np.array(widths), axis=1)


def flat_columns(
    inputs: dict[str, keras.KerasTensor],
    table: Table,
    number_embedding: NumberEmbedding,
    number_dimension: int,
    number_bins: int,
    embedding_dimension: int,
    one_hot_values: int,
) -> tuple[keras.KerasTensor, list[int]]:
    """All columns side by side, (batch, sum of widths), and the width of each."""
    parts, widths = [], []
    if "numbers" in inputs:
        parts.append(
            flat_numbers(inputs["numbers"], table, number_embedding, number_dimension, number_bins)
        )
        count = inputs["numbers"].shape[1]
        widths += [parts[0].shape[1] // count] * count
    for column, (name, size) in enumerate(table.vocabularies.items()):
        ids = inputs["categories"][:, column]
        if size - 2 <= one_hot_values:  # two of the ids are for missing and unseen values
            parts.append(ops.one_hot(ids, size))
        else:
            layer = layers.Embedding(
                size,
                embedding_dimension,
                uniform(embedding_dimension),
                name=layer_name(name, "_embedding"),
            )
            parts.append(layer(ids))
        widths.append(parts[-1].shape[1])
    return (layers.Concatenate()(parts) if len(parts) > 1 else parts[0]), widths
