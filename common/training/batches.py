"""Batches in a fresh order every epoch, and dropout to match, both decided by (seed, epoch) alone.

Keras on TensorFlow repeats one permutation in every epoch once a seed is set, and a killed training
forgets where its random generators were. Here epoch 7 of seed 0 has the same order and the same
dropout masks whether it is reached in one go or after a restart.
"""

import keras
import numpy as np
import tensorflow as tf

from common.training.part import MappedRows


class EpochRandomness(keras.callbacks.Callback):
    """Sets the epoch that the order of rows and every dropout layer depend on."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed
        self.epoch = tf.Variable(0, dtype=tf.int32, trainable=False)

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.epoch.assign(epoch)
        generators = [
            variable for variable in self.model.variables if variable.name == "seed_generator_state"
        ]
        for index, state in enumerate(generators):
            numbers = np.random.SeedSequence([self.seed, epoch, index]).generate_state(2)
            state.assign(numbers.astype(state.dtype))


def shuffled_batches(arrays: tuple, batch_size: int, randomness: EpochRandomness):
    """A tf.data.Dataset that gives every row once per epoch, in batches.

    arrays: (inputs, target) or (inputs, target, weight), arrays or dicts of arrays with the same
    number of rows. Only row numbers are shuffled; each batch is gathered in one operation, which
    measured as fast as `fit` on plain arrays (benchmarks/throughput.py). The last batch is smaller.
    """
    rows = len(arrays[1])
    batch_size = min(batch_size, rows)
    full = rows // batch_size

    def batches_of_rows(_):
        seed = tf.stack([randomness.seed, randomness.epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), seed)
        batches = tf.data.Dataset.from_tensor_slices(
            tf.reshape(order[: full * batch_size], [full, batch_size])
        )
        if rows % batch_size:
            batches = batches.concatenate(tf.data.Dataset.from_tensors(order[full * batch_size :]))
        return batches

    return gathered(tf.data.Dataset.range(1).flat_map(batches_of_rows), arrays, rows, batch_size)


def ordered_batches(arrays: tuple, batch_size: int):
    """A tf.data.Dataset that gives every row in its order, in batches; `arrays` as above."""
    rows = len(next(iter(arrays[0].values())))
    batches = tf.data.Dataset.range(rows).batch(batch_size)
    return gathered(batches, arrays, rows, batch_size)


def rows_at_once(inputs: dict) -> int:
    """How many rows to answer in one batch: 2 MB of inputs, of 16 rows to 8,192.

    inputs: arrays (rows, …). What a network makes of a picture is a hundred times as large.
    """
    bytes_of_row = sum(
        array.dtype.itemsize * int(np.prod(array.shape[1:])) for array in inputs.values()
    )
    return int(np.clip(2**21 // bytes_of_row, 16, 8192))


def gathered(batches: tf.data.Dataset, arrays: tuple, rows: int, batch_size: int):
    """The rows of `arrays` for each batch of row numbers, one batch ahead of who takes them."""
    flat = tf.nest.flatten(arrays)
    mapped = {place: array for place, array in enumerate(flat) if isinstance(array, MappedRows)}
    in_memory = [array for array in flat if not isinstance(array, MappedRows)]

    def gather(indices, tensors):
        tensors = iter(tensors[1:])
        found = [
            mapped[place].gather(indices) if place in mapped else tf.gather(next(tensors), indices)
            for place in range(len(flat))
        ]
        return tf.nest.pack_sequence_as(arrays, found)

    data = tf.data.Dataset.from_tensors((rows, *in_memory)).repeat()  # rows: it wants one at least
    batches = tf.data.Dataset.zip(batches, data).map(gather, num_parallel_calls=tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    batches = batches.with_options(options).prefetch(tf.data.AUTOTUNE)
    return batches.apply(tf.data.experimental.assert_cardinality(-(-rows // batch_size)))


def balanced_weights(target: np.ndarray) -> np.ndarray:
    """Weight of each row such that all classes weigh the same and the mean weight is 1.

    target: (rows,) of class numbers, or of probabilities of class 1, which count as the likelier
    class. Returns (rows,) float32.
    """
    _, number, counts = np.unique(np.round(target), return_inverse=True, return_counts=True)
    return (len(target) / (len(counts) * counts))[number].astype("float32")
