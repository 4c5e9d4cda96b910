"""The simple recurrent layer of Elman, "Finding structure in time" (1990)."""

import numpy as np

from common.from_scratch.layer import Array
from common.from_scratch.recurrent import Recurrent


class SimpleRNN(Recurrent):
    """h_t = tanh(a + r), so dL/da = dL/dr = dL/dh_t (1 - h_t^2).

    Going back n steps multiplies n times by 1 - h^2, below 1, and by U: gradients vanish, or
    explode where U is large.
    """

    def step(self, a: Array, r: Array, state: Array) -> tuple[Array, tuple]:
        h = np.tanh(a + r)
        return h[None], (h,)

    def step_backward(self, gradient: Array, kept: tuple) -> tuple[Array, Array, Array]:
        (h,) = kept
        by_a = gradient[0] * (1 - h**2)
        return by_a, by_a, np.zeros_like(gradient)
