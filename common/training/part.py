"""Encoded rows as training takes them: arrays in memory, pictures and scenes that stay on disk."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from common.scenes.patches import Patches


@dataclass(frozen=True)
class MappedRows:
    """Rows of an array that is too large for memory, read when they are needed.

    array: (all rows, …), memory-mapped, or patches that are cut out of scenes; chosen: (rows,)
    numbers of those that are meant, in order.
    """

    array: np.ndarray | Patches
    chosen: np.ndarray

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: np.ndarray | slice) -> "MappedRows":
        return MappedRows(self.array, self.chosen[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self), *self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def read(self) -> np.ndarray:
        """These rows in memory, (rows, …)."""
        return self.array[self.chosen]

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """The rows of these numbers, (numbers, …), as a step of a tf.data pipeline."""
        found = tf.numpy_function(lambda some: self[some].read(), [rows], self.dtype)
        found.set_shape((None, *self.shape[1:]))
        return found


@dataclass(frozen=True)
class Part:
    """Encoded inputs, a dict of arrays (rows, …), and target (rows,) as in the dataset.

    weight: (rows,) how much each row counts in training; None where all count alike.
    """

    inputs: dict[str, np.ndarray | MappedRows]
    target: np.ndarray
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, chosen: np.ndarray) -> "Part":
        """The chosen rows, by number."""
        inputs = {name: array[chosen] for name, array in self.inputs.items()}
        weight = None if self.weight is None else self.weight[chosen]
        return Part(inputs, self.target[chosen], weight)
