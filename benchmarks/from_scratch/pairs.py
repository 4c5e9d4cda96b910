"""What is compared with Keras: one `Pair` for every layer and activation."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from common.from_scratch.activations import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from common.from_scratch.dense import Dense
from common.from_scratch.embedding import Embedding
from common.from_scratch.flatten import Flatten
from common.from_scratch.layer import Array, Layer
from common.from_scratch.normalization import BatchNormalization, LayerNormalization
from common.from_scratch.sequential import Sequential


@dataclass(frozen=True)
class Pair:
    """A layer of ours, its Keras counterpart, and an input to try both on.

    ours: makes the layer; the generator draws its weights. theirs: makes the Keras layer or model
    in "float32" or "float64". x: draws an input, floats (turned to the dtype of the comparison) or
    whole numbers such as ids. training: whether both run as in training; never with dropout.
    """

    name: str
    ours: Callable[[np.random.Generator], Layer]
    theirs: Callable[[str], layers.Layer]
    x: Callable[[np.random.Generator], Array]
    training: bool = False


def normal(*shape: int) -> Callable[[np.random.Generator], Array]:
    """Draws an input of this shape, each number standard normal."""
    return lambda random: random.normal(size=shape)


def moved(make: Callable[..., Layer]) -> Callable[[np.random.Generator], Layer]:
    """Makes the layer and adds noise to its parameters: at 0, a bias could stand anywhere."""

    def ours(random: np.random.Generator) -> Layer:
        layer = make(random)
        for value in layer.all_parameters():
            value += 0.2 * random.normal(size=value.shape)
        return layer

    return ours


def batch_normalization(training: bool, *shape: int) -> Pair:
    return Pair(
        f"BatchNormalization, {'training' if training else 'trained'}, {len(shape)} axes",
        moved(lambda random: BatchNormalization(shape[-1])),
        lambda dtype: layers.BatchNormalization(dtype=dtype),
        normal(*shape),
        training,
    )


def keras_gelu(dtype: str, approximate: bool = False) -> Callable:
    """Keras's GELU; in float64 without TensorFlow's rounding of its constants to float32."""
    if dtype == "float32":
        return lambda x: keras.activations.gelu(x, approximate=approximate)
    if approximate:
        return lambda x: x * (1 + ops.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2
    return lambda x: x * (1 + ops.erf(x / 2**0.5)) / 2


PAIRS = [
    Pair(
        "Dense",
        moved(lambda random: Dense(5, 4, random)),
        lambda dtype: layers.Dense(4, dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "Dense, 3 axes",
        moved(lambda random: Dense(5, 4, random)),
        lambda dtype: layers.Dense(4, dtype=dtype),
        normal(2, 4, 5),
    ),
    Pair(
        "Sigmoid",
        lambda random: Sigmoid(),
        lambda dtype: layers.Activation("sigmoid", dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "Tanh",
        lambda random: Tanh(),
        lambda dtype: layers.Activation("tanh", dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "ReLU",
        lambda random: ReLU(),
        lambda dtype: layers.ReLU(dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "LeakyReLU, negative_slope 0.25",  # exact in float32, in which TensorFlow holds it
        lambda random: LeakyReLU(0.25),
        lambda dtype: layers.LeakyReLU(0.25, dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "GELU",
        lambda random: GELU(),
        lambda dtype: layers.Activation(keras_gelu(dtype), dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "GELU, approximate",
        lambda random: GELU(approximate=True),
        lambda dtype: layers.Activation(keras_gelu(dtype, approximate=True), dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "Softmax",
        lambda random: Softmax(),
        lambda dtype: layers.Softmax(dtype=dtype),
        normal(2, 3, 5),
    ),
    batch_normalization(True, 6, 5),
    batch_normalization(True, 2, 3, 4, 5),
    batch_normalization(False, 6, 5),
    Pair(
        "LayerNormalization",
        moved(lambda random: LayerNormalization(5)),
        lambda dtype: layers.LayerNormalization(dtype=dtype),
        normal(6, 5),
    ),
    Pair(
        "LayerNormalization, 3 axes",
        moved(lambda random: LayerNormalization(5)),
        lambda dtype: layers.LayerNormalization(dtype=dtype),
        normal(2, 4, 5),
    ),
    Pair(
        "Embedding, ids that repeat",
        moved(lambda random: Embedding(7, 5, random)),
        lambda dtype: layers.Embedding(7, 5, dtype=dtype),
        lambda random: random.integers(0, 4, (3, 6)),
    ),
    Pair(
        "Flatten",
        lambda random: Flatten(),
        lambda dtype: layers.Flatten(dtype=dtype),
        normal(2, 3, 5),
    ),
    Pair(
        "Sequential, of eight layers",
        moved(
            lambda random: Sequential(
                [
                    Dense(5, 8, random),
                    BatchNormalization(8),
                    GELU(),
                    Dense(8, 4, random),
                    LayerNormalization(4),
                    ReLU(),
                    Dense(4, 3, random),
                    Softmax(),
                ]
            )
        ),
        lambda dtype: keras.Sequential(
            [
                layers.Dense(8, dtype=dtype),
                layers.BatchNormalization(dtype=dtype),
                layers.Activation(keras_gelu(dtype), dtype=dtype),
                layers.Dense(4, dtype=dtype),
                layers.LayerNormalization(dtype=dtype),
                layers.ReLU(dtype=dtype),
                layers.Dense(3, dtype=dtype),
                layers.Softmax(dtype=dtype),
            ]
        ),
        normal(6, 5),
        training=True,
    ),
]
