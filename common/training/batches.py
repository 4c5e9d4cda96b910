"""Batches in a fresh order every epoch, and dropout to match, both decided by (seed, epoch) alone.

Keras on TensorFlow repeats one permutation in every epoch once a seed is set, and a killed training
forgets where its random generators were. Here epoch 7 of seed 0 has the same order and the same
dropout masks whether it is reached in one go or after a restart.
"""

import keras
import numpy as np
import tensorflow as tf

from common.models.table import TOKENS
from common.training.part import MappedRows

WINDOW_BATCHES = 50  # whose rows are sorted by the length of their texts


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
    Texts of like length come together, see `by_length`.
    """
    rows = len(arrays[1])
    batch_size = min(batch_size, rows)
    full = rows // batch_size
    lengths = lengths_of(arrays[0])

    def batches_of_rows(_):
        seed = tf.stack([randomness.seed, randomness.epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), seed)
        if lengths is not None:
            order = by_length(order, lengths, batch_size, seed)
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


def lengths_of(inputs: dict) -> np.ndarray | None:
    """Tokens of each row, (rows,), in its longest text; None where there are no texts."""
    counts = [
        np.count_nonzero(array, axis=1) for name, array in inputs.items() if name.endswith(TOKENS)
    ]
    return np.max(counts, axis=0) if counts else None


def by_length(order: tf.Tensor, lengths: np.ndarray, batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """Row numbers (rows,) in random order, such that a batch has texts of like length.

    Of each window of WINDOW_BATCHES batches the rows are sorted by length; then the batches change
    places at random. What is left over for the last, smaller batch stays at the end.
    """
    rows = len(lengths)
    full = rows // batch_size
    window = tf.range(full * batch_size) // (WINDOW_BATCHES * batch_size)
    longest = int(lengths.max()) + 1
    known = tf.cast(tf.gather(tf.constant(lengths), order[: full * batch_size]), tf.int32)
    place = tf.argsort(window * longest + known, stable=True)
    batches = tf.reshape(tf.gather(order, place), [full, batch_size])
    batches = tf.random.experimental.stateless_shuffle(batches, seed)
    return tf.concat([tf.reshape(batches, [-1]), order[full * batch_size :]], axis=0)


def trimmed(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The batch without columns that are padding in every row of a text; two stay at least."""
    return {
        name: tensor[:, : tf.maximum(tf.reduce_max(tf.math.count_nonzero(tensor, axis=1)), 2)]
        if name.endswith(TOKENS)
        else tensor
        for name, tensor in inputs.items()
    }


def rows_at_once(inputs: dict) -> int:
    """How many rows to answer in one batch: 2 MB of inputs, of 16 rows to 8,192.

    inputs: arrays (rows, …). What a network makes of a picture is a hundred times as large; and of
    a token, which counts as much as 16 numbers here.
    """
    bytes_of_row = sum(
        (16 if name.endswith(TOKENS) else 1) * array.dtype.itemsize * int(np.prod(array.shape[1:]))
        for name, array in inputs.items()
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

    def gather_trimmed(indices, tensors):
        inputs, *others = gather(indices, tensors)
        return trimmed(inputs), *others

    data = tf.data.Dataset.from_tensors((rows, *in_memory)).repeat()  # rows: it wants one at least
    batches = tf.data.Dataset.zip(batches, data)
    batches = batches.map(gather_trimmed, num_parallel_calls=tf.data.AUTOTUNE)
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
