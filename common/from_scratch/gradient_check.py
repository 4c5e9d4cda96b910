"""Is a backward pass right? Compare it with slopes measured by small steps.

The slope of L at w is (L(w + h) - L(w - h)) / 2h up to an error of h^2 (central differences), and
rounding adds about 1e-16 / h. In float64 h = 1e-5 leaves some 1e-10 of the slope: a wrong formula
is off by 1e-2 and more, so nothing between them passes by accident.
"""

from collections.abc import Callable

import numpy as np

from common.from_scratch.layer import Array, Layer

STEP = 1e-5
ROUNDING = 1e-8  # no slope at all, as far as steps of this size can tell


def measured_gradient(loss: Callable[[], float], w: Array) -> Array:
    """dL/dw by central differences; w: float64 of any shape, changed and set back in place."""
    slopes = np.empty_like(w)
    for place in np.ndindex(w.shape):
        kept = w[place]
        w[place] = kept + STEP
        above = loss()
        w[place] = kept - STEP
        slopes[place] = (above - loss()) / (2 * STEP)
        w[place] = kept
    return slopes


def relative_error(a: Array, b: Array) -> float:
    """||a - b|| / (||a|| + ||b||): 0 for equal arrays, 1 for opposite ones.

    0 where both are zero up to rounding, as the gradient by the bias of attention's keys is.
    """
    size = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / size) if size > ROUNDING else 0.0


def check_layer(
    layer: Layer, x: Array, seed: int = 0, training: bool = False, by_input: bool = True
) -> float:
    """The largest relative error of dL/dx and of dL/dparameter, for L = sum of weights * y.

    layer: with float64 parameters. x: float64, or whole numbers with by_input=False. The weights of
    y are drawn at random, so that no two outputs' errors can cancel. Dropout has to be left out:
    the loss must be the same function in every call.
    """
    weights = np.random.default_rng(seed).normal(size=layer.forward(x, training).shape)

    def loss() -> float:
        return float(np.sum(weights * layer.forward(x, training)))

    loss()
    by_x = layer.backward(weights)
    by_parameter = [gradient.copy() for gradient in layer.all_gradients()]
    errors = [relative_error(by_x, measured_gradient(loss, x))] if by_input else []
    for gradient, parameter in zip(by_parameter, layer.all_parameters(), strict=True):
        errors.append(relative_error(gradient, measured_gradient(loss, parameter)))
    return max(errors)
