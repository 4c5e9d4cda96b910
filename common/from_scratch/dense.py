"""The fully connected layer: y = x W + b."""

import numpy as np

from common.from_scratch.initializers import glorot_uniform
from common.from_scratch.layer import Array, Layer


class Dense(Layer):
    """y = x W + b on the last axis.

    x: (..., inputs) to y: (..., units); parameters kernel (inputs, units) and bias (units,).

    With y_j = sum_i x_i W_ij + b_j the chain rule gives dL/dW_ij = sum over rows of x_i dL/dy_j,
    dL/db_j = sum over rows of dL/dy_j, and dL/dx_i = sum_j W_ij dL/dy_j: each a matrix product.
    """

    def __init__(self, inputs: int, units: int, random: np.random.Generator) -> None:
        super().__init__()
        kernel = glorot_uniform((inputs, units), random)
        self.parameters = {"kernel": kernel, "bias": np.zeros(units, "float32")}

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        rows = x.reshape(-1, x.shape[-1])  # one product: NumPy makes many small ones of more axes
        y = rows @ self.parameters["kernel"] + self.parameters["bias"]
        return y.reshape(*x.shape[:-1], -1)

    def backward(self, gradient: Array) -> Array:
        x = self.x.reshape(-1, self.x.shape[-1])
        rows = gradient.reshape(-1, gradient.shape[-1])
        self.gradients = {"kernel": x.T @ rows, "bias": rows.sum(axis=0)}
        return (rows @ self.parameters["kernel"].T).reshape(self.x.shape)
