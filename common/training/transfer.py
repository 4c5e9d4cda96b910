"""Transfer learning in two trainings: the new head alone, then what was trained before with it.

frozen backbone or BERT --features, once--> head learns on vectors
head that knows its task, thawed backbone or BERT --> all learn
"""

from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np

from common.models.backbones import thaw
from common.models.bert import bert_inside, depth, freeze, rate_factors
from common.models.heads import Target
from common.models.image import FEATURES, build_head
from common.models.pairs import vectors_head
from common.models.table import IMAGE, TOKENS, Table
from common.pairs import PairConfig
from common.pictures import ImageConfig
from common.texts import TextConfig
from common.training.batches import lengths_of, ordered_batches, rows_at_once
from common.training.part import Part
from common.training.stages import Stage


def head_then_all(
    config: ImageConfig, network: keras.Model, table: Table, target: Target
) -> Iterator[Stage]:
    """The stages of a network with a backbone.

    First that of the head, on pictures as they are, without augmentation: see `head_first`. Then
    `epochs` with the last `thawed` share of the backbone's layers at `learning_rate`, if any.
    """
    yield from head_first(config, network, table, target)
    if config.thawed:
        thaw(network, config.thawed)
        yield Stage("all", network, config)


def head_then_bert(
    config: TextConfig, network: keras.Model, table: Table, target: Target
) -> Iterator[Stage]:
    """The stages of a network with a BERT inside.

    First that of the head: see `head_first`. Then `epochs` with the last `thawed` share of the
    blocks, at least one, at learning rates that fall by `layer_decay` from block to block; only
    with all of them the embeddings learn, too. With `thawed` 0 that is left out: the head on frozen
    vectors is a linear probe.
    """
    yield from head_first(config, network, table, target)
    if not config.thawed:
        return
    if config.thawed < 1:
        blocks = max(depth(layer.name) for layer in bert_inside(network).layers)
        freeze(network, blocks - max(1, round(config.thawed * blocks)))
    rates = rate_factors(network, config.layer_decay) if config.layer_decay < 1 else {}
    yield Stage("all", network, config, rates=rates)


def head_first(
    config: ImageConfig | TextConfig, network: keras.Model, table: Table, target: Target
) -> Iterator[Stage]:
    """`head_epochs` of the head at `head_learning_rate`, if any, on features computed once."""
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


def head_alone(
    config: PairConfig, network: keras.Model, table: Table, target: Target
) -> list[Stage]:
    """The one stage of sentence vectors: their head, on features computed once."""
    head = vectors_head(table, target, network.get_layer(FEATURES).output.shape[-1])

    def copy(source: keras.Model, destination: keras.Model) -> None:
        for weight, learned in zip(
            destination.trainable_weights, source.trainable_weights, strict=True
        ):
            weight.assign(learned)

    copy(network, head)
    return [
        Stage(
            "head",
            head,
            config,
            lambda part: with_features(network, part),
            lambda: copy(head, network),
        )
    ]


def copy_weights(source: keras.Model, destination: keras.Model) -> None:
    """Give each layer of `destination` the weights of the one in `source` that bears its name."""
    names = {layer.name for layer in source.layers} & {layer.name for layer in destination.layers}
    for name in names:
        destination.get_layer(name).set_weights(source.get_layer(name).get_weights())


def with_features(network: keras.Model, part: Part) -> Part:
    """The part with the features (rows, features) of each picture or text in place of it."""
    names = [name for name in part.inputs if name == IMAGE or name.endswith(TOKENS)]
    body = keras.Model(
        {name: network.input[name] for name in names}, network.get_layer(FEATURES).output
    )
    content = {name: part.inputs[name] for name in names}
    lengths = lengths_of(content)
    # Texts of like length together: less padding to compute.
    order = np.arange(len(part)) if lengths is None else np.argsort(lengths, kind="stable")
    content = {name: array[order] for name, array in content.items()}
    features = body.predict(ordered_batches((content,), rows_at_once(content)), verbose=0)
    others = {name: array for name, array in part.inputs.items() if name not in names}
    return replace(part, inputs={FEATURES: features[np.argsort(order)], **others})
