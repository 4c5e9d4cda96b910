"""Where weights start: wide enough that signals live, narrow enough that they do not explode.

A sum of n independent terms x_i w_i of mean 0 has the variance n var(x) var(w). It stays level from
layer to layer for var(w) = 1 / n; seen from behind, gradients sum over the outputs instead. All
arrays are float32.
"""

import numpy as np

from common.from_scratch.layer import Array

# The standard deviation of a standard normal number that is drawn anew while beyond ± 2.
TRUNCATED_DEVIATION = 0.8796256610342398


def glorot_uniform(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Uniform in ± sqrt(6 / (inputs + outputs)), of variance 2 / (inputs + outputs).

    Keeps the variance of signals forward and of gradients backward about level where activations
    are near the identity (Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16).
    """
    inputs, outputs = fans(shape)
    return uniform(2 / (inputs + outputs), shape, random)


def glorot_normal(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Truncated normal of variance 2 / (inputs + outputs)."""
    inputs, outputs = fans(shape)
    return truncated_normal(2 / (inputs + outputs), shape, random)


def he_uniform(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Uniform of variance 2 / inputs.

    ReLU sets half of the signal to 0, and the 2 makes up for it (He et al., "Delving deep into
    rectifiers", 2015, equation 10).
    """
    return uniform(2 / fans(shape)[0], shape, random)


def he_normal(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Truncated normal of variance 2 / inputs; see `he_uniform`."""
    return truncated_normal(2 / fans(shape)[0], shape, random)


def orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Orthonormal columns, or rows where those are fewer; all axes but the last count as rows.

    Such a matrix keeps lengths, however often it is applied: what a recurrent layer needs (Saxe et
    al., "Exact solutions to the nonlinear dynamics of learning", 2014). Q of a normal matrix's QR
    decomposition is spread evenly over all such matrices once the diagonal of R is made positive.
    """
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, r = np.linalg.qr(random.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return (q if rows >= columns else q.T).reshape(shape).astype("float32")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output sums up, and how many outputs an input goes to."""
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]


def uniform(variance: float, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Uniform in ± a; its variance is a^2 / 3."""
    limit = np.sqrt(3 * variance)
    return random.uniform(-limit, limit, shape).astype("float32")


def truncated_normal(variance: float, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Normal, drawn anew while beyond two standard deviations; widened to the given variance."""
    values = random.normal(size=shape)
    while (far := np.abs(values) > 2).any():
        values[far] = random.normal(size=far.sum())
    return (values * np.sqrt(variance) / TRUNCATED_DEVIATION).astype("float32")
