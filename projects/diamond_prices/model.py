"""The network: TabM; prices jump at round weights, which bins can follow."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.tabular import TabularConfig, build_tabular


def build(config: TabularConfig, table: Table, target: Target) -> keras.Model:
    """A model from encoded columns to the price in dollars, shape (batch, 1)."""
    return build_tabular(config, table, target)
