"""From pictures or sequences to rows."""

from common.from_scratch.layer import Array, Layer


class Flatten(Layer):
    """(rows, ...) to (rows, all the rest); gradients take the way back."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self.shape)
