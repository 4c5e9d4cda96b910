"""A learned vector for every id."""

import numpy as np

from common.from_scratch.layer import Array, Layer


class Embedding(Layer):
    """y = rows of the table `embeddings` (input_dim, output_dim) by ids.

    x: whole numbers (...) to y: (..., output_dim). The same as one-hot rows times the table, so
    that dL/dtable = one-hot^T dL/dy: row k gets the sum of dL/dy over all places where the id is k.
    """

    def __init__(self, input_dim: int, output_dim: int, random: np.random.Generator) -> None:
        super().__init__()
        table = random.uniform(-0.05, 0.05, (input_dim, output_dim)).astype("float32")
        self.parameters = {"embeddings": table}

    def forward(self, x: Array, training: bool = False) -> Array:
        table = self.parameters["embeddings"]
        if not np.issubdtype(x.dtype, np.integer) or x.min() < 0 or x.max() >= len(table):
            raise ValueError(f"ids must be whole numbers from 0 to {len(table) - 1}")
        self.ids = x
        return table[x]

    def backward(self, gradient: Array) -> Array:
        """Fills the gradient of the table; ids have no derivative, 0 stands for it."""
        table = np.zeros_like(self.parameters["embeddings"])
        np.add.at(table, self.ids, gradient)
        self.gradients = {"embeddings": table}
        return np.zeros(self.ids.shape, gradient.dtype)
