"""Long short-term memory: a state that is added to, not rewritten, so that gradients survive.

Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins, "Learning
to forget" (2000).
"""

import numpy as np

from common.from_scratch.activations import sigmoid
from common.from_scratch.layer import Array
from common.from_scratch.recurrent import Recurrent


class LSTM(Recurrent):
    """c_t = f c_{t-1} + i g,  h_t = o tanh(c_t); the state is (h, c).

    The parts of a + r, in Keras's order, give the input gate i, the forget gate f, the candidate g
    and the output gate o: tanh for g, sigmoid for the others. The bias of f starts at 1, so that at
    first the memory is kept (Jozefowicz et al., 2015, section 2.2).

    Backward: dL/do = dL/dh tanh(c) and dL/dc += dL/dh o (1 - tanh(c)^2); by c_t, dL/di = dL/dc g,
    dL/df = dL/dc c_{t-1}, dL/dg = dL/dc i; each times its function's slope. And dL/dc_{t-1} = dL/dc
    f: through the memory gradients go back by f alone, past every matrix and every tanh.
    """

    gates = 4
    states = 2

    def first_bias(self) -> Array:
        bias = super().first_bias()
        bias[self.units : 2 * self.units] = 1
        return bias

    def step(self, a: Array, r: Array, state: Array) -> tuple[Array, tuple]:
        i, f, g, o = np.split(a + r, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * state[1] + i * g
        shown = np.tanh(c)
        return np.stack([o * shown, c]), (i, f, g, o, state[1], shown)

    def step_backward(self, gradient: Array, kept: tuple) -> tuple[Array, Array, Array]:
        i, f, g, o, old_c, shown = kept
        by_h, by_c = gradient
        by_c = by_c + by_h * o * (1 - shown**2)
        by_i, by_f, by_g, by_o = by_c * g, by_c * old_c, by_c * i, by_h * shown
        by_parts = [by_i * i * (1 - i), by_f * f * (1 - f), by_g * (1 - g**2), by_o * o * (1 - o)]
        by_a = np.concatenate(by_parts, axis=1)
        return by_a, by_a, np.stack([np.zeros_like(by_c), by_c * f])
