"""Convolutional networks for the pixels of a scene with many bands: along the spectrum, over the
surroundings, or over both at once.

Each takes the patch around a pixel, (batch, side, side, bands), brings every band to mean 0 and
deviation 1 as of the training pixels, and answers for the pixel in the middle. Its layer "features"
gives one vector a pixel.
"""

import keras
from keras import layers

from common.models.heads import Target
from common.models.image import FEATURES, on_features
from common.models.resnet import batch_norm
from common.models.table import PATCH, Table


def build_spectral_cnn(
    table: Table,
    target: Target,
    filters: int = 20,
    kernel: int = 24,
    pool: int = 5,
    units: int = 100,
    dropout: float = 0.3,
) -> keras.Model:
    """Convolutions along the spectrum of the pixel itself; of its surroundings it sees nothing.

    kernel: bands that a filter spans, fewer where there are not as many. One convolution, pooling
    by the largest, and one dense layer, after Hu, Huang, Wei, Zhang, Li, "Deep Convolutional Neural
    Networks for Hyperspectral Image Classification", Journal of Sensors 2015; with batch
    norm, ReLU and dropout, which came later.
    Returns a model as `with_scene_head` does.
    """
    inputs = table.inputs()
    half, bands = table.bands.side // 2, len(table.bands.means)
    spectrum = standardised(inputs, table)[:, half, half, :, None]
    hidden = layers.Conv1D(filters, min(kernel, bands), use_bias=False)(spectrum)
    hidden = layers.ReLU()(batch_norm(hidden))
    hidden = layers.MaxPooling1D(pool, padding="same")(hidden)
    return with_scene_head(inputs, hidden, table, target, "spectral_cnn", units, dropout)


def build_spatial_cnn(
    table: Table,
    target: Target,
    components: int = 16,
    filters: tuple[int, int] = (48, 96),
    units: int = 100,
    dropout: float = 0.3,
) -> keras.Model:
    """Convolutions over the surroundings of the pixel, whose bands are first mixed into a few.

    components: mixtures of bands that are learned, where the paper takes principal components; then
    two 3 x 3 convolutions and a dense layer, after Makantasis, Karantzalos, Doulamis, Doulamis,
    "Deep Supervised Learning for Hyperspectral Data Classification through Convolutional Neural
    Networks", IGARSS 2015; with batch norm, ReLU and dropout.
    Returns a model as `with_scene_head` does.
    """
    inputs = table.inputs()
    hidden = layers.Conv2D(components, 1, name="mixtures")(standardised(inputs, table))
    for count in filters:
        hidden = layers.Conv2D(count, at_most(3, hidden), use_bias=False)(hidden)
        hidden = layers.ReLU()(batch_norm(hidden))
    return with_scene_head(inputs, hidden, table, target, "spatial_cnn", units, dropout)


def build_spectral_spatial_cnn(
    table: Table,
    target: Target,
    filters: tuple[int, int] = (8, 16),
    units: int = 100,
    dropout: float = 0.3,
) -> keras.Model:
    """Convolutions over rows, columns and bands at once.

    Two of them, of 3 x 3 pixels and 7, then 3 bands, and a dense layer, after Li, Zhang, Shen,
    "Spectral-Spatial Classification of Hyperspectral Imagery with 3D Convolutional Neural Network",
    Remote Sensing 9 (2017), 67; with more filters, batch norm, dropout, and the second
    convolution in steps of 3 bands.
    Returns a model as `with_scene_head` does.
    """
    inputs = table.inputs()
    hidden = standardised(inputs, table)[..., None]
    for count, depth, step in zip(filters, (7, 3), (1, 3), strict=True):
        kernel = (at_most(3, hidden), at_most(3, hidden), min(depth, hidden.shape[3]))
        hidden = layers.Conv3D(count, kernel, strides=(1, 1, step), use_bias=False)(hidden)
        hidden = layers.ReLU()(batch_norm(hidden))
    return with_scene_head(inputs, hidden, table, target, "spectral_spatial_cnn", units, dropout)


def at_most(pixels: int, hidden: keras.KerasTensor) -> int:
    """Side of a filter over a map (batch, side, side, …): smaller where that is no larger."""
    return min(pixels, hidden.shape[1])


def standardised(inputs: dict[str, keras.KerasTensor], table: Table) -> keras.KerasTensor:
    """The patches with mean 0 and deviation 1 in each band of the training pixels."""
    return layers.Normalization(
        mean=table.bands.means, variance=table.bands.deviations**2, dtype="float32"
    )(inputs[PATCH])


def with_scene_head(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    units: int,
    dropout: float,
) -> keras.Model:
    """Finish a network: a dense layer on all that was found, dropout, and the head of the task.

    inputs: of `table`, whose numbers and categories, if any, join at the head; hidden: (batch, …).
    Returns a model from `inputs` to the answer of `with_head`.
    """
    hidden = layers.Dense(units, activation="relu", name=FEATURES)(layers.Flatten()(hidden))
    return on_features(inputs, hidden, table, target, name, dropout)
