"""The losses beside Keras's, on predictions and logits of usual sizes and of large ones."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from benchmarks.from_scratch.checks import MOST, Check
from benchmarks.from_scratch.compare import difference
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.from_scratch.layer import Array
from common.from_scratch.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    hinge,
    huber,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)

ROWS, CLASSES = 8, 5


@dataclass(frozen=True)
class LossPair:
    """A loss of ours and Keras's; target: draws one for predictions of (ROWS, CLASSES)."""

    ours: Callable[[Array, Array], tuple[float, Array]]
    theirs: Callable[[str], keras.losses.Loss]
    target: Callable[[np.random.Generator], Array]
    scale: float = 2.0

    @property
    def name(self) -> str:
        return f"{self.ours.__name__}, numbers of about {self.scale:g}"


def numbers(random: np.random.Generator) -> Array:
    return random.normal(size=(ROWS, CLASSES))


def zeros_and_ones(random: np.random.Generator) -> Array:
    return random.integers(0, 2, (ROWS, CLASSES))


def shares(random: np.random.Generator) -> Array:
    return random.dirichlet(np.ones(CLASSES), ROWS)


def class_numbers(random: np.random.Generator) -> Array:
    return random.integers(0, CLASSES, ROWS)


LOSSES = [
    LossPair(mean_squared_error, lambda dtype: keras.losses.MeanSquaredError(dtype=dtype), numbers),
    LossPair(
        mean_absolute_error, lambda dtype: keras.losses.MeanAbsoluteError(dtype=dtype), numbers
    ),
    LossPair(huber, lambda dtype: keras.losses.Huber(dtype=dtype), numbers),
    LossPair(hinge, lambda dtype: keras.losses.Hinge(dtype=dtype), zeros_and_ones),
    *(
        LossPair(ours, lambda dtype, loss=loss: loss(from_logits=True, dtype=dtype), target, scale)
        for ours, loss, target in (
            (binary_crossentropy, keras.losses.BinaryCrossentropy, zeros_and_ones),
            (categorical_crossentropy, keras.losses.CategoricalCrossentropy, shares),
            (
                sparse_categorical_crossentropy,
                keras.losses.SparseCategoricalCrossentropy,
                class_numbers,
            ),
        )
        for scale in (2, 200)
    ),
]


def check_loss(pair: LossPair) -> Check:
    random = np.random.default_rng(0)
    target, prediction = pair.target(random), pair.scale * random.normal(size=(ROWS, CLASSES))
    outputs, gradients = {}, {}
    for dtype in MOST:
        variable = tf.Variable(prediction.astype(dtype))
        with tf.GradientTape() as tape:
            expected = pair.theirs(dtype)(target, variable)
        value, gradient = pair.ours(target, variable.numpy())
        outputs[dtype] = difference(np.array(value), expected.numpy())
        gradients[dtype] = difference(gradient, tape.gradient(expected, variable).numpy())
    gradient = pair.ours(target, prediction)[1]
    measured = measured_gradient(lambda: pair.ours(target, prediction)[0], prediction)
    return Check(pair.name, relative_error(gradient, measured), outputs, gradients)
