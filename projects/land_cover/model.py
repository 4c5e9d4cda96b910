"""The network: convolutions along the spectrum, over the surroundings, or over both at once."""

from typing import TYPE_CHECKING

import keras

from common.models.heads import Target
from common.models.scene import build_spatial_cnn, build_spectral_cnn, build_spectral_spatial_cnn
from common.models.table import Table

if TYPE_CHECKING:
    from projects.land_cover.run import Config


def build(config: "Config", table: Table, target: Target) -> keras.Model:
    """A model from the patch around a pixel to the probability of each class, (batch, 16)."""
    build_network = {
        "spectral": build_spectral_cnn,
        "spatial": build_spatial_cnn,
        "spectral-spatial": build_spectral_spatial_cnn,
    }[config.model]
    return build_network(table, target, dropout=config.dropout)
