"""Where weights start: wide enough that signals live, narrow enough that they do not explode."""

import numpy as np

from common.from_scratch.layer import Array


def glorot_uniform(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Uniform in ± sqrt(6 / (inputs + outputs)), float32.

    Keeps the variance of signals forward and of gradients backward about level where activations are
    near the identity (Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16).
    """
    inputs, outputs = fans(shape)
    limit = np.sqrt(6 / (inputs + outputs))
    return random.uniform(-limit, limit, shape).astype("float32")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output sums up, and how many outputs an input goes to."""
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]
