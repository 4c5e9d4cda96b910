"""Signals brought to mean 0 and variance 1, then scaled and shifted by what is learned.

Both layers compute n = (x - mean) s with s = 1 / sqrt(variance + epsilon), and y = gamma n + beta.
So dL/dgamma = sum of dL/dy n, dL/dbeta = sum of dL/dy, dL/dn = gamma dL/dy. Mean and variance
depend on every x of the group they are taken over, of size N: dmean/dx_j = 1/N,
dvariance/dx_j = 2 (x_j - mean) / N, hence ds/dx_j = -s^3 (x_j - mean) / N = -s^2 n_j / N, and

    dn_i/dx_j = s ([i = j] - 1/N) - s n_i n_j / N,
    dL/dx_j = sum_i dL/dn_i dn_i/dx_j = s (dL/dn_j - mean(dL/dn) - n_j mean(dL/dn n)).

The gradient loses its mean and its part along n: to move or stretch all x of a group alike changes
nothing in y.
"""

import numpy as np

from common.from_scratch.layer import Array, Layer


class Normalization(Layer):
    """What the two layers share; parameters gamma and beta, both (features,)."""

    def __init__(self, features: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.parameters = {
            "gamma": np.ones(features, "float32"),
            "beta": np.zeros(features, "float32"),
        }

    def normalize(self, x: Array, mean: Array, variance: Array) -> Array:
        """y; mean and variance: of shapes that go with x, (..., features)."""
        self.scale = 1 / np.sqrt(variance + self.epsilon)
        self.n = (x - mean) * self.scale
        return self.parameters["gamma"] * self.n + self.parameters["beta"]

    def by_normalized(self, gradient: Array) -> Array:
        """dL/dn; fills the gradients by gamma and beta."""
        rows = tuple(range(gradient.ndim - 1))
        self.gradients = {"gamma": (gradient * self.n).sum(axis=rows), "beta": gradient.sum(rows)}
        return gradient * self.parameters["gamma"]

    def by_input(self, gradient: Array, axes: tuple[int, ...]) -> Array:
        """dL/dx from dL/dn, where mean and variance were taken of x over `axes`."""
        common = gradient.mean(axis=axes, keepdims=True)
        along = (gradient * self.n).mean(axis=axes, keepdims=True)
        return self.scale * (gradient - common - self.n * along)


class BatchNormalization(Normalization):
    """Each feature normalized over the batch; x and y: (..., features).

    After training there may be no batch: then mean and variance are the moving averages of those
    seen, moving = momentum moving + (1 - momentum) seen, and dL/dx = s dL/dn, for they do not
    depend on x (Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1).
    """

    def __init__(self, features: int, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        super().__init__(features, epsilon)
        self.momentum = momentum
        self.state = {
            "moving_mean": np.zeros(features, "float32"),
            "moving_variance": np.ones(features, "float32"),
        }

    def forward(self, x: Array, training: bool = False) -> Array:
        self.trained = training
        if not training:
            return self.normalize(x, self.state["moving_mean"], self.state["moving_variance"])
        rows = tuple(range(x.ndim - 1))
        seen = {"moving_mean": x.mean(axis=rows), "moving_variance": x.var(axis=rows)}
        for name, value in seen.items():
            self.state[name] = self.momentum * self.state[name] + (1 - self.momentum) * value
        return self.normalize(x, *seen.values())

    def backward(self, gradient: Array) -> Array:
        by_n = self.by_normalized(gradient)
        if not self.trained:
            return by_n * self.scale
        return self.by_input(by_n, tuple(range(gradient.ndim - 1)))


class LayerNormalization(Normalization):
    """Each row normalized over its features; x and y: (..., features).

    No row depends on another one, in training and after (Ba et al., "Layer normalization", 2016).
    """

    def __init__(self, features: int, epsilon: float = 1e-3) -> None:
        super().__init__(features, epsilon)

    def forward(self, x: Array, training: bool = False) -> Array:
        return self.normalize(x, x.mean(-1, keepdims=True), x.var(-1, keepdims=True))

    def backward(self, gradient: Array) -> Array:
        return self.by_input(self.by_normalized(gradient), (-1,))
