"""The network: one for texts, which takes the numbers and categories beside the text, too."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.texts import TextConfig, build_text


def build(config: TextConfig, table: Table, target: Target) -> keras.Model:
    """A model from the ids of tokens, and columns if there are any, to the answer."""
    return build_text(config, table, target)
