"""The network: characters and runs of them, each with a vector; their mean decides."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.texts import TextConfig, build_text


def build(config: TextConfig, table: Table, target: Target) -> keras.Model:
    """A model from ids of characters to the probability of a positive review, (batch, 1)."""
    return build_text(config, table, target)
