"""Pooling: many numbers to one, their largest or their mean. Nothing is learned here."""

import numpy as np

from common.from_scratch.layer import Array, Layer


class Pooling2D(Layer):
    """One number for each window of pool_size x pool_size, channel by channel.

    x: (rows, height, width, channels) to (rows, height // pool_size, width // pool_size, channels);
    windows lie side by side, and what is left over at the end is dropped (padding "valid").
    """

    def __init__(self, pool_size: int) -> None:
        super().__init__()
        self.size = pool_size

    def windows(self, x: Array) -> Array:
        """(rows, out height, out width, channels, pool_size²)"""
        self.shape, size = x.shape, self.size
        rows, height, width, channels = x.shape
        down, right = height // size, width // size
        cut = x[:, : down * size, : right * size].reshape(rows, down, size, right, size, channels)
        return cut.transpose(0, 1, 3, 5, 2, 4).reshape(rows, down, right, channels, size**2)

    def pixels(self, windows: Array) -> Array:
        """What `windows` does, undone; zeros where it dropped pixels."""
        size = self.size
        rows, down, right, channels, _ = windows.shape
        split = windows.reshape(rows, down, right, channels, size, size)
        cut = split.transpose(0, 1, 4, 2, 5, 3).reshape(rows, down * size, right * size, channels)
        x = np.zeros(self.shape, windows.dtype)
        x[:, : down * size, : right * size] = cut
        return x


class MaxPooling2D(Pooling2D):
    """The largest number; dL/dx goes to where it came from, to the first of equal ones."""

    def forward(self, x: Array, training: bool = False) -> Array:
        windows = self.windows(x)
        self.place = windows.argmax(axis=-1)[..., None]
        return np.take_along_axis(windows, self.place, axis=-1)[..., 0]

    def backward(self, gradient: Array) -> Array:
        windows = np.zeros((*gradient.shape, self.size**2), gradient.dtype)
        np.put_along_axis(windows, self.place, gradient[..., None], axis=-1)
        return self.pixels(windows)


class AveragePooling2D(Pooling2D):
    """The mean; each pixel of the window gets an equal share of the gradient."""

    def forward(self, x: Array, training: bool = False) -> Array:
        return self.windows(x).mean(axis=-1)

    def backward(self, gradient: Array) -> Array:
        pixels = self.size**2
        return self.pixels(np.repeat(gradient[..., None] / pixels, pixels, axis=-1))


class GlobalAveragePooling2D(Layer):
    """The mean over the picture: (rows, height, width, channels) to (rows, channels)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        return x.mean(axis=(1, 2))

    def backward(self, gradient: Array) -> Array:
        _, height, width, _ = self.shape
        return np.broadcast_to(gradient[:, None, None] / (height * width), self.shape)


class GlobalAveragePooling1D(Layer):
    """The mean over the steps that are there: (rows, steps, width) to (rows, width).

    mask: (rows, steps), True where a step counts; at least one in every row.
    """

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        counted = np.ones(x.shape[:2]) if mask is None else mask
        shares = counted / counted.sum(axis=1, keepdims=True)
        self.shares = shares.astype(x.dtype)[..., None]
        return (x * self.shares).sum(axis=1)

    def backward(self, gradient: Array) -> Array:
        return gradient[:, None] * self.shares
