"""The network: TabM; nearly every column is a category."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.tabular import TabularConfig, build_tabular


def build(config: TabularConfig, table: Table, target: Target) -> keras.Model:
    """A model from encoded columns to the probability of each class of injury, shape (batch, 8)."""
    return build_tabular(config, table, target)
