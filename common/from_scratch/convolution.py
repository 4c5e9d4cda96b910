"""The convolution of pictures: one small dense layer, applied at every place."""

from typing import Literal

import numpy as np

from common.from_scratch.initializers import glorot_uniform
from common.from_scratch.layer import Array, Layer


class Conv2D(Layer):
    """y[r, i, j] = sum over a, b of x[r, i s + a, j s + b] K[a, b] + bias, s = strides.

    x: (rows, height, width, channels) to y: (rows, out height, out width, filters); parameters
    kernel (kernel_size, kernel_size, channels, filters) and bias (filters,). Padding "valid" takes
    windows that lie in the picture; "same" adds zeros so that the output is ceil(height / strides)
    high. (As in every framework this is the cross-correlation: the kernel is not flipped.)

    Forward: each window of kernel_size² · channels numbers becomes a row, and all rows meet the
    kernel in one matrix product. `convolution_loops.py` has the same sum written out.

    Backward: K[a, b] maps the pixels x[:, i s + a, j s + b] to y[:, i, j] as a dense layer does, so
    its gradient is that of a dense layer on those pixels. A pixel lies in several windows, and
    dL/dx adds up what each of them hands back.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel_size: int,
        random: np.random.Generator,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
    ) -> None:
        super().__init__()
        self.size, self.strides, self.padding = kernel_size, strides, padding
        kernel = glorot_uniform((kernel_size, kernel_size, channels, filters), random)
        self.parameters = {"kernel": kernel, "bias": np.zeros(filters, "float32")}

    def forward(self, x: Array, training: bool = False) -> Array:
        kernel = self.parameters["kernel"]
        if x.ndim != 4 or x.shape[-1] != kernel.shape[2]:
            raise ValueError(
                f"pictures of shape (rows, height, width, {kernel.shape[2]}) are expected, "
                f"got {x.shape}"
            )
        self.shape = x.shape
        self.edges = [self.edge(length) for length in x.shape[1:3]]
        self.padded = np.pad(x, [(0, 0), *self.edges, (0, 0)])
        windows = sliding_windows(self.padded, self.size, self.strides)
        return np.tensordot(windows, kernel, axes=((3, 4, 5), (2, 0, 1))) + self.parameters["bias"]

    def backward(self, gradient: Array) -> Array:
        windows = sliding_windows(self.padded, self.size, self.strides)
        by_kernel = np.tensordot(windows, gradient, axes=((0, 1, 2), (0, 1, 2)))
        self.gradients = {
            "kernel": by_kernel.transpose(1, 2, 0, 3),
            "bias": gradient.sum(axis=(0, 1, 2)),
        }
        by_padded = np.zeros_like(self.padded)
        height, width = gradient.shape[1:3]
        for a, b in np.ndindex(self.size, self.size):
            down = slice(a, a + height * self.strides, self.strides)
            right = slice(b, b + width * self.strides, self.strides)
            by_padded[:, down, right] += gradient @ self.parameters["kernel"][a, b].T
        (top, _), (left, _) = self.edges
        _, height, width, _ = self.shape
        return by_padded[:, top : top + height, left : left + width]

    def edge(self, length: int) -> tuple[int, int]:
        """Zeros (before, after) an axis of this length; the odd one comes after, as in Keras."""
        if self.padding == "valid":
            return 0, 0
        outputs = -(-length // self.strides)  # rounded up
        zeros = max((outputs - 1) * self.strides + self.size - length, 0)
        return zeros // 2, zeros - zeros // 2


def sliding_windows(x: Array, size: int, strides: int) -> Array:
    """All windows, without a copy: (rows, out height, out width, channels, size, size)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::strides, ::strides]
