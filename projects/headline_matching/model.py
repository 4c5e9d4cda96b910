"""The network: MiniLM reads headline and article each by itself; their cosine decides."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.pairs import PairConfig, build_pairs


def build(config: PairConfig, table: Table, target: Target) -> keras.Model:
    """A model from ids of tokens to the probability that the two belong together, (batch, 1)."""
    return build_pairs(config, table, target)
