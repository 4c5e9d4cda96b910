"""FT-Transformer: every column of a row is a token, and the tokens attend to one another.

After Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting Deep Learning Models for Tabular Data",
NeurIPS 2021, https://arxiv.org/abs/2106.11959, section 3.3.
"""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from common.errors import UserError
from common.models.heads import Target, with_head
from common.models.number_embeddings import BINS, embed_numbers, uniform
from common.models.table import Table


def build_ft_transformer(
    table: Table,
    target: Target,
    blocks: int = 2,
    units: int = 64,
    heads: int = 8,
    attention_dropout: float = 0.2,
    hidden_dropout: float = 0.1,
    number_embedding: Literal["linear", "piecewise_linear", "periodic"] = "linear",
    number_bins: int = BINS,
) -> keras.Model:
    """FT-Transformer: feature tokenizer, transformer blocks, and a head on the CLS token.

    Normalisation comes before attention and before the feed-forward layers, except before the very
    first attention, as in the paper. The last block works for the CLS token alone, since nothing
    reads the others after it. The cost grows with the square of the number of columns.
    Returns a model from {"numbers", "categories"} to the answer of `with_head`; UserError where
    `units` is no multiple of `heads`.
    """
    if units % heads:
        raise UserError(
            f"units ({units}) has to be a multiple of heads ({heads}): each head attends with an "
            f"equal share of them. Try units {max(units // heads, 1) * heads}."
        )
    inputs = table.inputs()
    hidden = tokens(inputs, table, units, number_embedding, number_bins)
    for block in range(blocks):
        source = normalised(hidden) if block else hidden
        if block == blocks - 1:
            hidden, query = hidden[:, :1], source[:, :1]
        else:
            query = source
        hidden = layers.Add()([hidden, attention(query, source, heads, attention_dropout)])
        hidden = layers.Add()([hidden, feed_forward(normalised(hidden), hidden_dropout)])
    answer = layers.ReLU()(normalised(hidden[:, 0]))
    return with_head(inputs, answer, target, "ft_transformer")


def tokens(
    inputs: dict[str, keras.KerasTensor],
    table: Table,
    units: int,
    number_embedding: str,
    number_bins: int,
) -> keras.KerasTensor:
    """The CLS token, then one for each category and number: (batch, 1 + columns, units).

    One look-up serves the CLS token, id 0, and all categories, whose ids are moved past those of
    the columns before. The paper's bias of a category column is left out: each of the column's
    embeddings can hold it.
    """
    anything = next(iter(inputs.values()))
    ids = ops.zeros_like(anything[:, :1], dtype="int32")
    sizes = list(table.vocabularies.values())
    if sizes:
        offsets = np.cumsum([1, *sizes[:-1]]).astype("int32")
        ids = ops.concatenate([ids, inputs["categories"] + offsets], axis=1)
    embedding = layers.Embedding(1 + sum(sizes), units, uniform(units), name="cls_and_categories")
    parts = [embedding(ids)]
    if "numbers" in inputs:
        parts.append(embed_numbers(inputs["numbers"], table, number_embedding, units, number_bins))
    return layers.Concatenate(axis=1)(parts) if len(parts) > 1 else parts[0]


def attention(
    query: keras.KerasTensor, source: keras.KerasTensor, heads: int, dropout: float
) -> keras.KerasTensor:
    """Multi-head attention of query (batch, q, units) on source (batch, t, units).

    From dense layers: Keras's MultiHeadAttention starts its three-dimensional kernels several times
    too small, as its initialisers take them for convolutions.
    """
    units = source.shape[-1]

    def split(hidden: keras.KerasTensor) -> keras.KerasTensor:
        each = layers.Reshape((hidden.shape[1], heads, units // heads))(layers.Dense(units)(hidden))
        return ops.transpose(each, (0, 2, 1, 3))

    asked, keys, values = split(query), split(source), split(source)
    scores = ops.matmul(asked, ops.transpose(keys, (0, 1, 3, 2))) / (units // heads) ** 0.5
    shares = layers.Dropout(dropout)(ops.softmax(scores))
    mixed = ops.transpose(ops.matmul(shares, values), (0, 2, 1, 3))
    return layers.Dense(units)(layers.Reshape((query.shape[1], units))(mixed))


def feed_forward(hidden: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    """Two dense layers with ReGLU, a * relu(b), between them; 4/3 as wide inside."""
    units = hidden.shape[-1]
    a, b = ops.split(layers.Dense(2 * (units * 4 // 3))(hidden), 2, axis=-1)
    return layers.Dense(units)(layers.Dropout(dropout)(a * ops.relu(b)))


def normalised(hidden: keras.KerasTensor) -> keras.KerasTensor:
    return layers.LayerNormalization(epsilon=1e-5)(hidden)
