"""A slice of flight_delays for both sides, and the network on it: embeddings, then an MLP."""

from functools import cache

import keras
import numpy as np
from keras import layers

from benchmarks.from_scratch.networks import Data, Network
from common.from_scratch import optimizers
from common.from_scratch.activations import ReLU
from common.from_scratch.dense import Dense
from common.from_scratch.embedding import Embedding
from common.from_scratch.layer import Array, Layer
from common.from_scratch.sequential import Sequential
from common.training.train import prepare_rows
from projects.flight_delays.load import load

ROWS = 20_000  # of each part
SETTING = {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}


class Columns(Layer):
    """Numbers as they are beside a learned vector of each category: (rows, width).

    x: (rows, numbers + categories), the ids of the categories last. sizes: ids of each category,
    embedded in up to 8 dimensions as in common/models/mlp.py.
    """

    def __init__(self, numbers: int, sizes: list[int], random: np.random.Generator) -> None:
        super().__init__()
        self.numbers = numbers
        self.parts = {
            str(column): Embedding(size, dimension(size), random)
            for column, size in enumerate(sizes)
        }

    def forward(self, x: Array, training: bool = False) -> Array:
        ids = x[:, self.numbers :].astype(int).T
        parts = self.parts.values()
        vectors = [part.forward(column) for part, column in zip(parts, ids, strict=True)]
        return np.concatenate([x[:, : self.numbers], *vectors], axis=1)

    def backward(self, gradient: Array) -> Array:
        """Numbers and ids are data: their gradients are of no use, and so are 0."""
        start = self.numbers
        for part in self.parts.values():
            end = start + part.parameters["embeddings"].shape[1]
            part.backward(gradient[:, start:end])
            start = end
        return np.zeros((len(gradient), self.numbers + len(self.parts)), gradient.dtype)


def dimension(size: int) -> int:
    return min(8, (size + 1) // 2)


def keras_network(numbers: int, sizes: list[int], units: int) -> keras.Model:
    inputs = keras.Input((numbers + len(sizes),))
    ids = keras.ops.cast(inputs[:, numbers:], "int32")
    vectors = [
        layers.Embedding(size, dimension(size))(ids[:, column]) for column, size in enumerate(sizes)
    ]
    hidden = layers.Concatenate()([inputs[:, :numbers], *vectors])
    for _ in range(2):
        hidden = layers.Dense(units, "relu")(hidden)
    return keras.Model(inputs, layers.Dense(1)(hidden))


@cache
def flights_slice() -> tuple[Data, int, list[int]]:
    """The project's rows through its encoder, how many numbers they have, and ids by category.

    Training rows are mixed once, since they come in the order of time.
    """
    prepared = prepare_rows(load(rows=ROWS))
    arrays = []
    for name in ("train", "test"):
        part = prepared.part(name)
        x = np.concatenate([part.inputs["numbers"], part.inputs["categories"]], axis=1)
        arrays += [x.astype("float32"), part.target[:, None].astype("float32")]
    order = np.random.default_rng(0).permutation(len(arrays[0]))
    data = Data(arrays[0][order], arrays[1][order], *arrays[2:])
    return data, prepared.table.numbers.shape[1], list(prepared.table.vocabularies.values())


def flights(batch_size: int, units: int) -> Network:
    """A network of two hidden layers on the slice."""
    data, numbers, sizes = flights_slice()
    width = numbers + sum(map(dimension, sizes))
    return Network(
        f"flight delays, {units} units, batches of {batch_size}",
        lambda: data,
        lambda random: Sequential(
            [
                Columns(numbers, sizes, random),
                Dense(width, units, random),
                ReLU(),
                Dense(units, units, random),
                ReLU(),
                Dense(units, 1, random),
            ]
        ),
        lambda dtype: keras_network(numbers, sizes, units),
        # Not Adam: on embeddings Keras's has a formula of its own, see benchmarks/from_scratch.md.
        (lambda: optimizers.SGD(**SETTING), lambda: keras.optimizers.SGD(**SETTING)),
        epochs=3,
        batch_size=batch_size,
    )
