"""The network: TabM, or what --model names; build your own here, of Keras layers."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.tabular import TabularConfig, build_tabular


def build(config: TabularConfig, table: Table, target: Target) -> keras.Model:
    """A model from encoded columns to the answer, as common/models/heads.py shapes it."""
    return build_tabular(config, table, target)
