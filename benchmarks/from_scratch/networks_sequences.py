"""A convolutional, a recurrent and an attending network beside Keras's, on handwritten digits."""

import keras
from keras import layers

from benchmarks.from_scratch.keras_bert import AddPositions, KerasBlock
from benchmarks.from_scratch.networks import Data, Network, digits
from common.from_scratch import optimizers
from common.from_scratch.activations import ReLU
from common.from_scratch.convolution import Conv2D
from common.from_scratch.dense import Dense
from common.from_scratch.lstm import LSTM
from common.from_scratch.pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from common.from_scratch.sequential import Sequential
from common.from_scratch.transformer import PositionEmbedding, TransformerBlock

# Numbers that float32 holds exactly, as Keras turns them to it in float64 too.
SETTING = {"learning_rate": 0.0625, "momentum": 0.75}
MOMENTUM = (lambda: optimizers.SGD(**SETTING), lambda: keras.optimizers.SGD(**SETTING))


def pictures() -> Data:
    """The digits as pictures of one channel, (rows, 8, 8, 1)."""
    data = digits()
    return Data(data.x.reshape(-1, 8, 8, 1), data.y, data.test_x.reshape(-1, 8, 8, 1), data.test_y)


def lines() -> Data:
    """The digits read line by line: 8 steps of 8 pixels."""
    data = digits()
    return Data(data.x.reshape(-1, 8, 8), data.y, data.test_x.reshape(-1, 8, 8), data.test_y)


NETWORKS = [
    Network(
        "digits as pictures, CNN",
        pictures,
        lambda random: Sequential(
            [
                Conv2D(1, 8, 3, random, padding="same"),
                ReLU(),
                MaxPooling2D(2),
                Conv2D(8, 16, 3, random),
                ReLU(),
                GlobalAveragePooling2D(),
                Dense(16, 10, random),
            ]
        ),
        lambda dtype: keras.Sequential(
            [
                layers.Conv2D(8, 3, padding="same", activation="relu", dtype=dtype),
                layers.MaxPooling2D(2, dtype=dtype),
                layers.Conv2D(16, 3, activation="relu", dtype=dtype),
                layers.GlobalAveragePooling2D(dtype=dtype),
                layers.Dense(10, dtype=dtype),
            ]
        ),
        MOMENTUM,
    ),
    Network(
        "digits line by line, LSTM",
        lines,
        lambda random: Sequential([LSTM(8, 32, random), Dense(32, 10, random)]),
        lambda dtype: keras.Sequential(
            [layers.LSTM(32, dtype=dtype), layers.Dense(10, dtype=dtype)]
        ),
        MOMENTUM,
    ),
    Network(
        "digits line by line, Transformer",
        lines,
        lambda random: Sequential(
            [
                Dense(8, 16, random),
                PositionEmbedding(8, 16),
                TransformerBlock(16, 4, 32, random),
                GlobalAveragePooling1D(),
                Dense(16, 10, random),
            ]
        ),
        lambda dtype: keras.Sequential(
            [
                layers.Dense(16, dtype=dtype),
                AddPositions(8, 16, dtype),
                KerasBlock(16, 4, 32, dtype),
                layers.GlobalAveragePooling1D(dtype=dtype),
                layers.Dense(10, dtype=dtype),
            ]
        ),
        MOMENTUM,
    ),
]
