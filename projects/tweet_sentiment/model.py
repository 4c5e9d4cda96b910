"""The network: convolutions over the vectors of words; or BERT, which has read before."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.texts import TextConfig, build_text


def build(config: TextConfig, table: Table, target: Target) -> keras.Model:
    """A model from ids of tokens to the probability of each class, (batch, 3)."""
    return build_text(config, table, target)
