"""What stands between two linear layers: without it they would be one linear layer.

All but softmax work on each number by itself, so that dL/dx = dL/dy dy/dx, number by number, with
the slope dy/dx kept from the forward pass. x and y have one shape, any.
"""

import math

import numpy as np

from common.from_scratch.layer import Array, Layer


class Activation(Layer):
    """Base of the layers that work number by number; their forward pass sets `slope` to dy/dx."""

    slope: Array

    def backward(self, gradient: Array) -> Array:
        return gradient * self.slope


class Sigmoid(Activation):
    """y = 1 / (1 + e^-x), dy/dx = y (1 - y)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        y = sigmoid(x)
        self.slope = y * (1 - y)
        return y


class Tanh(Activation):
    """y = (e^x - e^-x) / (e^x + e^-x), dy/dx = 1 - y^2."""

    def forward(self, x: Array, training: bool = False) -> Array:
        y = np.tanh(x)
        self.slope = 1 - y * y
        return y


class ReLU(Activation):
    """y = max(x, 0); the slope is 1 above 0, else 0."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.slope = (x > 0).astype(x.dtype)
        return np.maximum(x, 0)


class LeakyReLU(Activation):
    """y = x above 0, else negative_slope x: a unit below 0 still learns (Maas et al., 2013)."""

    def __init__(self, negative_slope: float = 0.3) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: Array, training: bool = False) -> Array:
        self.slope = np.where(x > 0, 1, self.negative_slope).astype(x.dtype)
        return x * self.slope


class GELU(Activation):
    """y = x P(x), with P the distribution function of a standard normal number, p its density.

    The mean of x times a switch that is on with probability P(x) (Hendrycks and Gimpel, "Gaussian
    error linear units", 2016). dP/dx = p, hence dy/dx = P(x) + x p(x). approximate: the paper's
    (1 + tanh u) / 2 in place of P, with u = sqrt(2 / pi) (x + 0.044715 x^3); y moves by up to 5e-4.
    """

    def __init__(self, approximate: bool = False) -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: Array, training: bool = False) -> Array:
        if self.approximate:
            scale = math.sqrt(2 / math.pi)
            t = np.tanh(scale * (x + 0.044715 * x * x * x))
            share = (1 + t) / 2
            density = (1 - t * t) / 2 * scale * (1 + 3 * 0.044715 * x * x)
        else:
            share = ((1 + erf(x / math.sqrt(2))) / 2).astype(x.dtype)
            density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        self.slope = share + x * density
        return x * share


class Softmax(Layer):
    """Probabilities of the last axis; the one activation that mixes the numbers of a row."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.y = softmax(x)
        return self.y

    def backward(self, gradient: Array) -> Array:
        return softmax_backward(self.y, gradient)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x); for x below 0, where e^-x could overflow, the same as e^x / (1 + e^x)."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softmax(x: Array) -> Array:
    """e^x_i / sum_j e^x_j over the last axis; the same for x less its maximum: no overflow."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(y: Array, gradient: Array) -> Array:
    """dL/dx of y = softmax(x), from y and dL/dy, all of one shape.

    The Jacobian is dy_i/dx_j = y_i ([i = j] - y_j), hence
    dL/dx_j = sum_i dL/dy_i dy_i/dx_j = y_j (dL/dy_j - sum_i dL/dy_i y_i).
    """
    return y * (gradient - (gradient * y).sum(axis=-1, keepdims=True))


# NumPy has no error function; the standard library's takes one number at a time.
erf = np.vectorize(math.erf, otypes=["float64"])
