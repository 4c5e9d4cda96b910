"""What every layer here has: a forward pass, a backward pass, parameters and their gradients.

A layer is a function y = f(x; parameters). Training needs two derivatives of the loss L: by the
parameters, for the optimizer, and by x, for the layer below. The chain rule gives both from the
derivative by y, which the layer above hands down. So `backward` takes dL/dy and returns dL/dx, and
what it needs of the forward pass is kept there between the two calls.

Parameters have the shapes and the order of the Keras layer of the same name: weights can be copied
either way, and every layer is compared with its Keras counterpart.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np

Array = np.ndarray


class Layer:
    """Base of all layers.

    parameters: what is learned, by name. gradients: dL/dparameter of the last backward pass, by the
    same names. state: what changes in training without being learned (moving averages). parts:
    layers inside this one, by name; their parameters come after the layer's own.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.parts: dict[str, Layer] = {}

    def forward(self, x: Array, training: bool = False) -> Array:
        """y from x; `training` switches what differs there, as dropout does."""
        raise NotImplementedError

    def backward(self, gradient: Array) -> Array:
        """dL/dx from dL/dy of the last forward pass; fills `gradients`."""
        raise NotImplementedError

    def walk(self) -> Iterator["Layer"]:
        """This layer and every layer inside it, in the order of Keras's weights."""
        yield self
        for part in self.parts.values():
            yield from part.walk()

    def all_parameters(self) -> list[Array]:
        """The parameters of this layer and of all inside it; the arrays themselves, no copies."""
        return [value for layer in self.walk() for value in layer.parameters.values()]

    def all_gradients(self) -> list[Array]:
        """The gradients in the order of `all_parameters`."""
        return [layer.gradients[name] for layer in self.walk() for name in layer.parameters]

    def set_parameters(self, values: list[Array]) -> None:
        """Replace all parameters, given in the order of `all_parameters`; shapes must agree."""
        for old, new in zip(self.all_parameters(), values, strict=True):
            if old.shape != np.shape(new):
                raise ValueError(f"a parameter of shape {old.shape} cannot be {np.shape(new)}")
            old[...] = new

    def astype(self, dtype: str) -> Self:
        """Turn all parameters and states to "float32" or "float64", in place; returns the layer."""
        for layer in self.walk():
            layer.parameters = {n: value.astype(dtype) for n, value in layer.parameters.items()}
            layer.state = {name: value.astype(dtype) for name, value in layer.state.items()}
        return self
