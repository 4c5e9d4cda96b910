"""Dropout: while training, each number is set to 0 by chance."""

import numpy as np

from common.from_scratch.layer import Array, Layer


class Dropout(Layer):
    """y = x m / (1 - rate) while training, m = 0 with probability `rate`, else 1; y = x otherwise.

    No unit can rely on another one (Srivastava et al., "Dropout", 2014). Dividing by 1 - rate keeps
    the expected value of y at x, so that nothing changes after training. The derivative is the same
    factor: dL/dx = dL/dy m / (1 - rate).
    """

    def __init__(self, rate: float, random: np.random.Generator) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of dropout is a share from 0 to below 1, given {rate}")
        self.rate, self.random = rate, random

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            self.factor = 1.0
        else:
            kept = self.random.random(x.shape) >= self.rate
            self.factor = kept.astype(x.dtype) / (1 - self.rate)
        return x * self.factor

    def backward(self, gradient: Array) -> Array:
        return gradient * self.factor
