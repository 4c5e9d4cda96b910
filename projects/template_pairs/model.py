"""The network: one for pairs of texts, which takes the numbers and categories beside them, too."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.pairs import PairConfig, build_pairs


def build(config: PairConfig, table: Table, target: Target) -> keras.Model:
    """A model from ids of tokens, and columns if there are any, to the probability of a match."""
    return build_pairs(config, table, target)
