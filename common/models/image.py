"""Convolutional networks for pictures, learned from scratch: a small one, ResNet and ConvMixer.

Each takes pictures as they are stored, uint8 of one size with any number of channels, and does all
the rest itself: augmentation, which acts in training only, scaling, and the head of its task.
Its layer "features" gives one vector a picture, to search by or to draw a map of. Where pictures
are few, a pretrained network (common/models/backbones.py) is usually better.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import keras
from keras import layers, ops

from common.models.augmentation import Augmentation, Flip, augmented
from common.models.heads import Target, with_head
from common.models.mlp import with_columns
from common.models.resnet import batch_norm
from common.models.table import IMAGE, Table

FEATURES = "features"  # the name of the layer that gives a vector (batch, features) a picture
NO_AUGMENTATION = Augmentation()


def build_small_cnn(
    table: Table,
    target: Target,
    augmentation: Augmentation = NO_AUGMENTATION,
    filters: Sequence[int] = (32, 64, 128, 256),
    dropout: float = 0.3,
) -> keras.Model:
    """A plain convolutional network: for each number of filters a 3 x 3 convolution, then pooling.

    Convolutions have batch norm and ReLU; pooling takes the largest of 2 x 2.
    Returns a model as `with_picture_head` does.
    """
    inputs = table.inputs()
    hidden = from_minus_one_to_one(augmented(inputs[IMAGE], augmentation))
    for count in filters:
        hidden = layers.ReLU()(batch_norm(convolution(hidden, count, 3)))
        hidden = layers.MaxPooling2D(2, padding="same")(hidden)
    return with_picture_head(inputs, hidden, table, target, "small_cnn", dropout)


def build_image_resnet(
    table: Table,
    target: Target,
    augmentation: Augmentation = NO_AUGMENTATION,
    blocks: Sequence[int] = (2, 2, 2, 2),
    filters: int = 32,
    stem: Literal["7x7", "3x3"] = "7x7",
    dropout: float = 0.2,
) -> keras.Model:
    """ResNet with basic blocks: stages that halve the side and double the filters.

    blocks: of each stage; filters: of the first one. stem: "7x7" with stride 2, then pooling by 2,
    as for ImageNet, or "3x3" as for the pictures of 32 pixels in CIFAR. With 64 filters the default
    is ResNet-18; "3x3" with blocks (3, 3, 3) and 16 filters is ResNet-20.
    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, sections 3.3 and
    4.2, shortcuts by option B, https://arxiv.org/abs/1512.03385.
    Returns a model as `with_picture_head` does.
    """
    inputs = table.inputs()
    hidden = from_minus_one_to_one(augmented(inputs[IMAGE], augmentation))
    large = stem == "7x7"
    hidden = convolution(hidden, filters, 7 if large else 3, strides=2 if large else 1)
    hidden = layers.ReLU()(batch_norm(hidden))
    if large:
        hidden = layers.MaxPooling2D(3, strides=2, padding="same")(hidden)
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage and not block else 1
            hidden = residual_block(hidden, filters * 2**stage, strides)
    return with_picture_head(inputs, hidden, table, target, "image_resnet", dropout)


def residual_block(hidden: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    """Two 3 x 3 convolutions, added to what came in; that is projected where the shape changes."""
    change = layers.ReLU()(batch_norm(convolution(hidden, filters, 3, strides)))
    change = batch_norm(convolution(change, filters, 3))
    if strides > 1 or hidden.shape[-1] != filters:
        hidden = batch_norm(convolution(hidden, filters, 1, strides))
    return layers.ReLU()(layers.Add()([hidden, change]))


def build_convmixer(
    table: Table,
    target: Target,
    augmentation: Augmentation = NO_AUGMENTATION,
    blocks: int = 8,
    filters: int = 256,
    kernel: int = 5,
    patch: int = 8,
    dropout: float = 0.0,
) -> keras.Model:
    """ConvMixer: the picture in patches, then blocks that mix places and channels in turn.

    A block adds a depthwise convolution (kernel x kernel) to what came in, then follows a dense
    layer on each place, each with GELU and batch norm. All blocks keep the resolution of the
    patches, (height / patch, width / patch), rounded up.
    Trockman, Kolter, "Patches Are All You Need?", TMLR 2023, https://arxiv.org/abs/2201.09792,
    section 2; the default is their ConvMixer-256/8 for CIFAR with larger patches.
    Returns a model as `with_picture_head` does.
    """
    inputs = table.inputs()
    hidden = from_minus_one_to_one(augmented(inputs[IMAGE], augmentation))
    hidden = layers.Conv2D(filters, patch, strides=patch, padding="same")(hidden)
    hidden = activated(hidden)
    for _ in range(blocks):
        mixed = activated(layers.DepthwiseConv2D(kernel, padding="same")(hidden))
        hidden = layers.Add()([hidden, mixed])
        hidden = activated(layers.Conv2D(filters, 1)(hidden))
    return with_picture_head(inputs, hidden, table, target, "convmixer", dropout)


def activated(hidden: keras.KerasTensor) -> keras.KerasTensor:
    return batch_norm(layers.Activation("gelu")(hidden))


def convolution(
    hidden: keras.KerasTensor, filters: int, kernel: int, strides: int = 1
) -> keras.KerasTensor:
    """A convolution without bias, since batch norm follows and has one; He initialisation."""
    return layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(hidden)


def from_minus_one_to_one(picture: keras.KerasTensor) -> keras.KerasTensor:
    """Values from 0 to 255 as -1 to 1."""
    return layers.Rescaling(1 / 127.5, -1)(picture)


def with_picture_head(
    inputs: dict[str, keras.KerasTensor],
    feature_map: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    dropout: float,
) -> keras.Model:
    """Finish a network: the mean of its map over all places, dropout, and the head of the task.

    inputs: of `table`, whose numbers and categories, if any, join the picture's features at the
    head; feature_map: (batch, rows, columns, features).
    Returns a model from `inputs` to the answer of `with_head`.
    """
    features = layers.GlobalAveragePooling2D(name=FEATURES)(feature_map)
    return on_features(inputs, features, table, target, name, dropout)


def build_head(table: Table, target: Target, features: int, dropout: float) -> keras.Model:
    """What stands on the features of a picture, or of a text in BERT, as a network of its own.

    Takes "features", (batch, features), and the table's columns. Its layers with weights have the
    names that they have in a whole network.
    """
    inputs = replace(table, image_shape=None, texts={}).inputs()
    inputs[FEATURES] = keras.Input((features,), name=FEATURES)
    return on_features(inputs, inputs[FEATURES], table, target, "head", dropout)


def over_flips(network: keras.Model, flip: Flip) -> keras.Model:
    """A network that answers with the mean over the picture and its mirror images, two or four.

    flip: as in `Augmentation`; with "none" the network itself comes back. Answers cost as many
    times more. What Krizhevsky, Sutskever and Hinton (NIPS 2012, section 4.1) do at test time.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in network.input.items()
    }
    views = [inputs[IMAGE]]
    for axis, directions in ((2, ("horizontal", "both")), (1, ("vertical", "both"))):
        if flip in directions:
            views += [ops.flip(view, axis) for view in views]
    if len(views) == 1:
        return network
    answers = [network(inputs | {IMAGE: view}) for view in views]
    return keras.Model(inputs, layers.Average()(answers), name=f"{network.name}_over_flips")


def on_features(
    inputs: dict[str, keras.KerasTensor],
    features: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    dropout: float,
) -> keras.Model:
    hidden = with_columns(layers.Dropout(dropout)(features), inputs, table)
    return with_head(inputs, hidden, target, name)
