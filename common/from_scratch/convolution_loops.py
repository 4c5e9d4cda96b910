"""Convolution and pooling by plain loops: to be read, and to test the fast ones with."""

from collections.abc import Callable

import numpy as np

from common.from_scratch.layer import Array


def convolve(x: Array, kernel: Array, bias: Array, strides: int) -> Array:
    """What `Conv2D` computes with padding "valid": the kernel's sum at every window.

    x: (rows, height, width, channels), kernel: (size, size, channels, filters), bias: (filters,) to
    (rows, out height, out width, filters).
    """
    filters = range(kernel.shape[-1])
    return at_every_window(
        lambda window: [np.sum(window * kernel[..., f]) + bias[f] for f in filters],
        x, kernel.shape[0], strides,
    )  # fmt: skip


def pool(x: Array, size: int, reduce: Callable[[Array], float]) -> Array:
    """What `MaxPooling2D` (reduce: np.max) and `AveragePooling2D` (np.mean) compute."""
    channels = range(x.shape[-1])
    return at_every_window(
        lambda window: [reduce(window[..., channel]) for channel in channels], x, size, size
    )


def at_every_window(
    answers: Callable[[Array], list[float]], x: Array, size: int, strides: int
) -> Array:
    """`answers` takes a window (size, size, channels); the answers of all, by row and place."""
    _, height, width, _ = x.shape
    downs = range(0, height - size + 1, strides)
    rights = range(0, width - size + 1, strides)
    return np.array(
        [[[answers(picture[i : i + size, j : j + size]) for j in rights] for i in downs]
         for picture in x]
    )  # fmt: skip
