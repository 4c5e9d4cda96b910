"""A layer of common/from_scratch beside its Keras counterpart, with the same weights."""

import keras
import numpy as np
import tensorflow as tf

from common.from_scratch.layer import Array, Layer


def compare(
    ours: Layer, theirs: keras.layers.Layer, x: Array, training: bool = False, seed: int = 0
) -> tuple[float, float]:
    """Largest difference of outputs, and of gradients by x and by every parameter.

    theirs: a Keras layer or model of the same dtype as `ours` and x; it gets our weights. x: of
    floats, or of whole numbers, by which no gradient is taken. Differences are divided by the
    largest output, or the largest of all gradients, or by 1 where that is below: a gradient that is
    0 in theory, as that by the bias of attention's keys, holds the rounding of the others.
    """
    weights = np.random.default_rng(seed).normal(size=ours.forward(x, training).shape)
    weights = weights.astype(ours.all_parameters()[0].dtype if ours.all_parameters() else x.dtype)
    variable = tf.Variable(x)
    theirs(variable)  # builds it
    for mine, other in zip(ours.all_parameters(), theirs.trainable_weights, strict=True):
        other.assign(mine)
    with tf.GradientTape() as tape:
        outputs = theirs(variable, training=training)
        loss = tf.reduce_sum(outputs * weights)
    sources = [weight.value for weight in theirs.trainable_weights]
    floating = np.issubdtype(x.dtype, np.floating)
    expected = tape.gradient(loss, [*sources, *([variable] if floating else [])])
    answer = ours.forward(x, training)
    by_x = ours.backward(weights)
    gradients = [*ours.all_gradients(), *([by_x] if floating else [])]
    expected = [dense(gradient) for gradient in expected]
    largest = max(np.abs(gradient).max() for gradient in expected)
    pairs = zip(gradients, expected, strict=True)
    apart = max(difference(mine, other, largest) for mine, other in pairs)
    return difference(answer, outputs.numpy()), apart


def dense(gradient: tf.Tensor | tf.IndexedSlices) -> Array:
    """A gradient as an array; an embedding's comes as the rows that were looked up."""
    return tf.convert_to_tensor(gradient).numpy()


def difference(ours: Array, theirs: Array, scale: float | None = None) -> float:
    """Largest difference of two arrays, divided by `scale`, their largest value, if above 1."""
    scale = np.abs(theirs).max() if scale is None else scale
    return float(np.abs(ours - theirs).max() / max(1.0, scale))
