"""The network: an MLP with an embedding for each category, or a linear model to hold it against."""

import keras

from common.models.encoder import Table
from common.models.heads import Target
from common.models.mlp import build_linear, build_mlp


def build(config, table: Table, target: Target) -> keras.Model:
    """A model from encoded columns to the probability of being late, shape (batch, 1)."""
    if config.model == "linear":
        return build_linear(table, target)
    return build_mlp(table, target, config.hidden_units, config.dropout, config.embedding_dimension)
