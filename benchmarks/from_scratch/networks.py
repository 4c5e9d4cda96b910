"""Whole networks beside Keras's: the same first weights, the same batches, epoch by epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split

from common.from_scratch import losses, metrics, optimizers
from common.from_scratch.activations import ReLU, Tanh
from common.from_scratch.dense import Dense
from common.from_scratch.layer import Array
from common.from_scratch.normalization import BatchNormalization
from common.from_scratch.sequential import Sequential


@dataclass(frozen=True)
class Data:
    """Rows to learn from, in the order in which both learn them, and rows to be scored on."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array


@dataclass(frozen=True)
class Network:
    """A network of ours, the same one in Keras, and how both are trained.

    ours: the generator draws the weights, which Keras's network gets. theirs: in "float32" or
    "float64". The last layer has no activation: one unit is the logit of two classes (y of 0 and 1,
    (rows, 1)), more are the logits of as many classes (y of class numbers, (rows,)).
    """

    name: str
    data: Callable[[], Data]
    ours: Callable[[np.random.Generator], Sequential]
    theirs: Callable[[str], keras.Model]
    optimizers: tuple[Callable[[], optimizers.Optimizer], Callable[[], keras.optimizers.Optimizer]]
    epochs: int = 5
    batch_size: int = 32


def compiled(
    network: Network, data: Data, dtype: str = "float32", seed: int = 0
) -> tuple[Sequential, keras.Model]:
    """Both networks with the same weights, ready to be trained."""
    ours = network.ours(np.random.default_rng(seed)).astype(dtype)
    theirs = network.theirs(dtype)
    theirs(data.x[:2])  # builds it
    for mine, other in zip(ours.all_parameters(), theirs.trainable_weights, strict=True):
        other.assign(mine)
    if data.y.ndim == 2:
        ours.compile(network.optimizers[0](), losses.binary_crossentropy, metrics.binary_accuracy)
        loss = keras.losses.BinaryCrossentropy(from_logits=True, dtype=dtype)
        metric = keras.metrics.BinaryAccuracy(threshold=0.0)
    else:
        loss = losses.sparse_categorical_crossentropy
        ours.compile(network.optimizers[0](), loss, metrics.sparse_categorical_accuracy)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=dtype)
        metric = keras.metrics.SparseCategoricalAccuracy()
    theirs.compile(network.optimizers[1](), loss, metrics=[metric])
    return ours, theirs


def histories(network: Network, dtype: str) -> tuple[dict[str, list], dict[str, list]]:
    """Losses and accuracies of all epochs, ours and Keras's; both also of the test rows."""
    data = network.data()
    cast = [part.astype(dtype) if part.dtype.kind == "f" else part for part in vars(data).values()]
    data = Data(*cast)
    ours, theirs = compiled(network, data, dtype)
    settings = {
        "epochs": network.epochs,
        "batch_size": network.batch_size,
        "validation_data": (data.test_x, data.test_y),
    }
    mine = ours.fit(data.x, data.y, **settings)
    other = theirs.fit(data.x, data.y, **settings, shuffle=False, verbose=0)
    return mine, other.history


def largest_difference(mine: dict[str, list], other: dict[str, list]) -> float:
    """Of any loss or accuracy of any epoch."""
    if mine.keys() != other.keys():
        raise ValueError(f"ours tells {sorted(mine)}, Keras {sorted(other)}")
    return max(float(np.abs(np.subtract(mine[name], other[name])).max()) for name in mine)


def digits() -> Data:
    """scikit-learn's handwritten digits, 8 x 8 pixels from 0 to 1 as rows of 64."""
    x, y = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x / 16, y, test_size=0.25, random_state=0, stratify=y)
    return Data(x.astype("float32"), y, test_x.astype("float32"), test_y)


def breast_cancer() -> Data:
    """scikit-learn's breast cancer data, standardized by the rows to learn from."""
    x, y = load_breast_cancer(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x, test_x = (x - mean) / deviation, (test_x - mean) / deviation
    y, test_y = y[:, None].astype("float32"), test_y[:, None].astype("float32")
    return Data(x.astype("float32"), y, test_x.astype("float32"), test_y)


NETWORKS = [
    Network(
        "digits, MLP",
        digits,
        lambda random: Sequential(
            [Dense(64, 64, random), ReLU(), Dense(64, 32, random), ReLU(), Dense(32, 10, random)]
        ),
        lambda dtype: keras.Sequential(
            [
                layers.Dense(64, "relu", dtype=dtype),
                layers.Dense(32, "relu", dtype=dtype),
                layers.Dense(10, dtype=dtype),
            ]
        ),
        (optimizers.Adam, keras.optimizers.Adam),
    ),
    Network(
        "digits, MLP with batch normalisation",
        digits,
        lambda random: Sequential(
            [Dense(64, 32, random), BatchNormalization(32), ReLU(), Dense(32, 10, random)]
        ),
        lambda dtype: keras.Sequential(
            [
                layers.Dense(32, dtype=dtype),
                layers.BatchNormalization(dtype=dtype),
                layers.ReLU(dtype=dtype),
                layers.Dense(10, dtype=dtype),
            ]
        ),
        (
            lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
            lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        ),
    ),
    Network(
        "breast cancer, MLP",
        breast_cancer,
        lambda random: Sequential([Dense(30, 16, random), Tanh(), Dense(16, 1, random)]),
        lambda dtype: keras.Sequential(
            [layers.Dense(16, "tanh", dtype=dtype), layers.Dense(1, dtype=dtype)]
        ),
        (optimizers.AdamW, keras.optimizers.AdamW),
    ),
]
