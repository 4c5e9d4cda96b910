"""Transfer learning in two trainings: the new head alone, then the backbone with it.

frozen backbone --features, once--> head learns on vectors
head that knows its task, thawed backbone --> all learn
"""

from collections.abc import Iterator
from dataclasses import replace

import keras

from common.models.backbones import thaw
from common.models.heads import Target
from common.models.image import FEATURES, build_head
from common.models.table import IMAGE, Table
from common.pictures import ImageConfig
from common.training.batches import ordered_batches, rows_at_once
from common.training.part import Part
from common.training.stages import Stage


def head_then_all(
    config: ImageConfig, network: keras.Model, table: Table, target: Target
) -> Iterator[Stage]:
    """The stages of a network with a backbone.

    First `head_epochs` of the head at `head_learning_rate`, on features that are computed once from
    pictures as they are, without augmentation; then `epochs` with the last `thawed` share of the
    backbone's layers at `learning_rate`. A stage without epochs, or without thawed layers, is left
    out.
    """
    if config.head_epochs:
        width = network.get_layer(FEATURES).output.shape[-1]
        head = build_head(table, target, width, config.dropout)
        copy_weights(network, head)
        yield Stage(
            "head",
            head,
            replace(config, epochs=config.head_epochs, learning_rate=config.head_learning_rate),
            lambda part: with_features(network, part),
            lambda: copy_weights(head, network),
        )
    if config.thawed:
        thaw(network, config.thawed)
        yield Stage("all", network, config)


def copy_weights(source: keras.Model, destination: keras.Model) -> None:
    """Give each layer of `destination` the weights of the one in `source` that bears its name."""
    names = {layer.name for layer in source.layers} & {layer.name for layer in destination.layers}
    for name in names:
        destination.get_layer(name).set_weights(source.get_layer(name).get_weights())


def with_features(network: keras.Model, part: Part) -> Part:
    """The part with the features (rows, features) of each picture in place of it."""
    body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
    pictures = {IMAGE: part.inputs[IMAGE]}
    batches = ordered_batches((pictures,), rows_at_once(pictures))
    features = body.predict(batches.map(lambda inputs: (inputs[IMAGE],)), verbose=0)
    others = {name: array for name, array in part.inputs.items() if name != IMAGE}
    return replace(part, inputs={FEATURES: features, **others})
