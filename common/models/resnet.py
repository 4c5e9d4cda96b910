"""A residual network for tables.

After Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting Deep Learning Models for Tabular Data",
NeurIPS 2021, https://arxiv.org/abs/2106.11959, section 3.2.
"""

import keras
from keras import layers

from common.models.heads import Target, with_head
from common.models.mlp import joined
from common.models.number_embeddings import BINS, NumberEmbedding
from common.models.table import Table


def build_resnet(
    table: Table,
    target: Target,
    blocks: int = 2,
    units: int = 192,
    hidden_dropout: float = 0.15,
    residual_dropout: float = 0.0,
    number_embedding: NumberEmbedding = "none",
    number_dimension: int = 8,
    number_bins: int = BINS,
    embedding_dimension: int = 8,
) -> keras.Model:
    """ResNet: a linear layer, then blocks that each add a correction to what came before.

    A block is x + dropout(linear(dropout(relu(linear(batch norm(x)))))), twice as wide inside;
    batch norm and ReLU stand before the last layer. Keras's usual initialisation.
    Returns a model from {"numbers", "categories"} to the answer of `with_head`.
    """
    inputs = table.inputs()
    row = joined(
        inputs, table, embedding_dimension, number_embedding, number_dimension, number_bins
    )
    hidden = layers.Dense(units)(row)
    for _ in range(blocks):
        change = layers.Dense(2 * units, activation="relu")(batch_norm(hidden))
        change = layers.Dense(units)(layers.Dropout(hidden_dropout)(change))
        hidden = layers.Add()([hidden, layers.Dropout(residual_dropout)(change)])
    return with_head(inputs, layers.ReLU()(batch_norm(hidden)), target, "resnet")


def batch_norm(hidden: keras.KerasTensor) -> keras.KerasTensor:
    """Batch normalisation whose running statistics settle within tens of steps.

    Keras's momentum of 0.99 needs hundreds, more than some epochs on a small table have.
    """
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(hidden)
