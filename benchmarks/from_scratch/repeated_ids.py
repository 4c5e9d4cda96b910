"""One step of an embedding whose ids repeat: where Keras's Adam and RMSprop leave the textbook."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from common.from_scratch import optimizers
from common.from_scratch.embedding import Embedding

IDS = np.array([0, 0, 0, 0, 1])
OPTIMIZERS = {
    "SGD": (optimizers.SGD, keras.optimizers.SGD),
    "RMSprop": (optimizers.RMSprop, keras.optimizers.RMSprop),
    "Adam": (optimizers.Adam, keras.optimizers.Adam),
}


def steps_by_id(ours: Callable, theirs: Callable) -> tuple[list[float], list[float], list[float]]:
    """How far ids 0 (looked up four times) and 1 (once) move when the loss is the sum of outputs.

    Ours; Keras's from the rows of gradient that TensorFlow gives for an embedding; Keras's from the
    same gradient as one array.
    """
    layer = Embedding(2, 1, np.random.default_rng(0))
    start = layer.parameters["embeddings"].copy()
    layer.backward(np.ones_like(layer.forward(IDS)))
    ours().step(layer)
    moved = [layer.parameters["embeddings"] - start]
    for turn in (lambda rows: rows, tf.convert_to_tensor):
        other = keras.layers.Embedding(2, 1)
        other.build()
        other.embeddings.assign(start)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(other(IDS))
        gradient = tape.gradient(loss, other.embeddings.value)
        theirs().apply([turn(gradient)], [other.embeddings])
        moved.append(other.embeddings.numpy() - start)
    return tuple(change[:, 0].tolist() for change in moved)
