"""The network: MobileNetV2, pretrained on other photographs, under a new head."""

import keras

from common.models.heads import Target
from common.models.table import Table
from common.pictures import ImageConfig, build_pictured


def build(config: ImageConfig, table: Table, target: Target) -> keras.Model:
    """A model from pictures to the probability of each garment, (batch, classes)."""
    return build_pictured(config, table, target)
