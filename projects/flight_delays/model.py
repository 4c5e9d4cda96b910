"""The network: an MLP with an embedding for each category, or a linear model to hold it against."""

import keras

from common.models.tabular import build_linear, build_mlp


def build(config, encoder: keras.Model, prior: float) -> keras.Model:
    """A model from the encoder's outputs to the probability of being late, shape (batch, 1)."""
    if config.model == "linear":
        return build_linear(encoder, prior)
    return build_mlp(
        encoder, prior, config.hidden_units, config.dropout, config.embedding_dimension
    )
