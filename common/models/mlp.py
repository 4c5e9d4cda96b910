"""A linear model and a multi-layer perceptron on the encoded columns of a table."""

from collections.abc import Sequence

import keras
from keras import layers

from common.models.heads import Target, with_head
from common.models.names import layer_name
from common.models.number_embeddings import BINS, NumberEmbedding, flat_numbers
from common.models.table import Table

COLUMN_UNITS = 64  # of what is made of columns beside a picture or a text


def build_linear(table: Table, target: Target) -> keras.Model:
    """Linear or logistic regression: one weight per number and per category.

    Returns a model from {"numbers", "categories"} to the answer of `with_head`.
    """
    inputs = table.inputs()
    hidden = joined(inputs, table, embedding_dimension=1)
    return with_head(inputs, hidden, target, "linear")


def build_mlp(
    table: Table,
    target: Target,
    hidden_units: Sequence[int] = (256, 128),
    dropout: float = 0.3,
    embedding_dimension: int = 8,
    number_embedding: NumberEmbedding = "none",
    number_dimension: int = 8,
    number_bins: int = BINS,
) -> keras.Model:
    """Multi-layer perceptron, each category as a learned vector, each number too if asked for.

    Category embeddings after Guo and Berkhahn, "Entity Embeddings of Categorical Variables", 2016,
    https://arxiv.org/abs/1604.06737; a column of s ids gets min(embedding_dimension, (s + 1) // 2)
    dimensions. Numbers as in common/models/number_embeddings.py. Hidden layers are dense with ReLU,
    He initialisation and dropout.
    Returns a model from {"numbers", "categories"} to the answer of `with_head`.
    """
    inputs = table.inputs()
    hidden = joined(
        inputs, table, embedding_dimension, number_embedding, number_dimension, number_bins
    )
    for units in hidden_units:
        hidden = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(hidden)
        hidden = layers.Dropout(dropout)(hidden)
    return with_head(inputs, hidden, target, "mlp")


def joined(
    inputs: dict[str, keras.KerasTensor],
    table: Table,
    embedding_dimension: int,
    number_embedding: NumberEmbedding = "none",
    number_dimension: int = 0,
    number_bins: int = BINS,
) -> keras.KerasTensor:
    """The numbers or their embeddings beside the embedding of each category, (batch, width)."""
    parts = []
    if "numbers" in inputs:
        parts.append(
            flat_numbers(inputs["numbers"], table, number_embedding, number_dimension, number_bins)
        )
    for column, (name, size) in enumerate(table.vocabularies.items()):
        dimension = min(embedding_dimension, (size + 1) // 2)
        embedding = layers.Embedding(size, dimension, name=layer_name(name, "_embedding"))
        parts.append(embedding(inputs["categories"][:, column]))
    return layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def with_columns(
    hidden: keras.KerasTensor, inputs: dict[str, keras.KerasTensor], table: Table
) -> keras.KerasTensor:
    """Hidden units (batch, d) with what a hidden layer makes of the row's columns, if any.

    For networks whose first concern is a picture or a text beside them.
    """
    if not table.has_columns:
        return hidden
    row = joined(inputs, table, embedding_dimension=8)
    beside = layers.Dense(COLUMN_UNITS, "relu", name="columns_beside")(row)
    return layers.Concatenate()([hidden, row, beside])
