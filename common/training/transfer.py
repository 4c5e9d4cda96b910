"""Transfer learning in two trainings: the new head alone, then the backbone with it.

frozen backbone --features, once--> head learns on vectors    (seconds)
head that knows its task, thawed backbone --> all learn       (minutes)
"""

from collections.abc import Iterator
from dataclasses import replace

import keras

from common.models.backbones import freeze, thaw
from common.models.image import FEATURES
from common.models.table import IMAGE
from common.pictures import ImageConfig
from common.training.batches import ordered_batches, rows_at_once
from common.training.part import Part
from common.training.stages import Stage


def head_then_all(config: ImageConfig, network: keras.Model) -> Iterator[Stage]:
    """The stages of a network with a backbone, which is frozen or thawed as each one begins.

    First `head_epochs` of the head at `head_learning_rate`, on features that are computed once from
    pictures as they are, without augmentation; then `epochs` with the last `thawed` share of the
    backbone's layers at `learning_rate`. A stage without epochs, or without thawed layers, is left
    out.
    """
    if config.head_epochs:
        freeze(network)
        first = replace(config, epochs=config.head_epochs, learning_rate=config.head_learning_rate)
        yield Stage("head", head_of(network), first, lambda part: with_features(network, part))
    if config.thawed:
        thaw(network, config.thawed)
        yield Stage("", network, config)


def head_of(network: keras.Model) -> keras.Model:
    """The network from its features on; takes "features" and the columns beside the picture."""
    others = {name: tensor for name, tensor in network.input.items() if name != IMAGE}
    inputs = {FEATURES: network.get_layer(FEATURES).output, **others}
    return keras.Model(inputs, network.output, name=f"head_of_{network.name}")


def with_features(network: keras.Model, part: Part) -> Part:
    """The part with the features (rows, features) of each picture in place of it."""
    body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
    pictures = {IMAGE: part.inputs[IMAGE]}
    batches = ordered_batches((pictures,), rows_at_once(pictures))
    features = body.predict(batches.map(lambda inputs: (inputs[IMAGE],)), verbose=0)
    others = {name: array for name, array in part.inputs.items() if name != IMAGE}
    return Part({FEATURES: features, **others}, part.target)
