"""Convolution and pooling: fast against readable. Gradients and Keras: test_basics.py."""

import numpy as np
import pytest

from common.from_scratch.convolution import Conv2D
from common.from_scratch.convolution_loops import convolve, pool
from common.from_scratch.pooling import AveragePooling2D, MaxPooling2D


@pytest.fixture
def pictures():
    return np.random.default_rng(0).normal(size=(2, 9, 8, 3))


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_sliding_windows_give_what_the_loops_give(pictures, strides, kernel_size):
    random = np.random.default_rng(1)
    layer = Conv2D(3, 4, kernel_size, random, strides).astype("float64")
    layer.parameters["bias"] += random.normal(size=4)
    slow = convolve(pictures, *layer.parameters.values(), strides)
    np.testing.assert_allclose(layer.forward(pictures), slow, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("layer", "reduce"), [(MaxPooling2D, np.max), (AveragePooling2D, np.mean)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pooling_gives_what_the_loops_give(pictures, layer, reduce, size):
    slow = pool(pictures, size, reduce)
    np.testing.assert_allclose(layer(size).forward(pictures), slow, rtol=0, atol=1e-15)


def test_the_gradient_of_equal_numbers_goes_to_the_first():
    layer = MaxPooling2D(2)
    layer.forward(np.ones((1, 2, 2, 1)))
    assert layer.backward(np.full((1, 1, 1, 1), 5.0)).ravel().tolist() == [5, 0, 0, 0]


def test_pictures_of_another_shape_are_refused(pictures):
    layer = Conv2D(1, 4, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"height, width, 1\) are expected, got \(2, 9, 8, 3\)"):
        layer.forward(pictures)
    with pytest.raises(ValueError, match=r"got \(2, 9, 8\)"):
        layer.forward(pictures[..., 0])
