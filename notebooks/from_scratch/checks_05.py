"""Checks of notebook 5, convolution."""

import numpy as np

from common.from_scratch.convolution import Conv2D


def check_output_length(output_length):
    x = np.zeros((1, 8, 8, 1), "float32")
    for size, strides, padding in [
        (3, 1, "valid"),
        (3, 2, "valid"),
        (2, 3, "valid"),
        (8, 1, "valid"),
        (3, 1, "same"),
        (3, 3, "same"),
    ]:
        layer = Conv2D(1, 1, size, np.random.default_rng(0), strides, padding)
        tried = f"length 8, size {size}, strides {strides}, {padding}"
        yield tried, output_length(8, size, strides, padding), layer.forward(x).shape[1]


def wrong_output_length(length, size, strides, padding):
    if padding == "same":
        return -(-length // strides)
    return (length - size) // strides  # the window at the start is forgotten


def check_depthwise(depthwise):
    random = np.random.default_rng(0)
    picture, kernel = random.normal(size=(6, 5, 3)), random.normal(size=(3, 3, 3))
    expected = np.empty((4, 3, 3))
    for i, j in np.ndindex(4, 3):
        expected[i, j] = (picture[i : i + 3, j : j + 3] * kernel).sum(axis=(0, 1))
    yield "a picture of 6 x 5 pixels with 3 channels", depthwise(picture, kernel), expected


def wrong_depthwise(picture, kernel):
    # The kernel is flipped: a convolution in the sense of signal processing, not that of layers.
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape[:2], axis=(0, 1))
    return np.einsum("ijcab,abc->ijc", windows, kernel[::-1, ::-1])


def check_pixel_gradient(pixel_gradient):
    random = np.random.default_rng(0)
    for size in (2, 3):
        layer = Conv2D(1, 1, size, random).astype("float64")
        g = random.normal(size=layer.forward(np.zeros((1, 6, 5, 1))).shape)
        answer = pixel_gradient(g[0, ..., 0], layer.parameters["kernel"][..., 0, 0])
        yield f"a filter of {size} x {size}", answer, layer.backward(g)[0, ..., 0]


def wrong_pixel_gradient(g, k):
    padded = np.pad(g, len(k) - 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, k.shape)
    return np.einsum("ijab,ab->ij", windows, k)  # not flipped
