"""The gated recurrent unit: one state, and two gates that say what of it is replaced.

Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014); the reset gate acts
after the matrix product, as in Keras and cuDNN.
"""

import numpy as np

from common.from_scratch.activations import sigmoid
from common.from_scratch.layer import Array
from common.from_scratch.recurrent import Recurrent


class GRU(Recurrent):
    """h_t = z h_{t-1} + (1 - z) n.

    a and r have three parts each, in Keras's order: z = sigmoid(a_z + r_z), the update gate;
    s = sigmoid(a_s + r_s), the reset gate; n = tanh(a_n + s r_n), the candidate. Since s scales r
    alone, r has a bias of its own: bias is (2, 3 · units), its first row for a, its second for r.

    Backward: dL/dz = dL/dh (h_{t-1} - n), dL/dn = dL/dh (1 - z). With p = dL/dn (1 - n^2):
    dL/da_n = p, dL/dr_n = p s, dL/ds = p r_n. The old state gets dL/dh z directly.
    """

    gates = 3

    def first_bias(self) -> Array:
        return np.zeros((2, 3 * self.units), "float32")

    def project(self, x: Array) -> Array:
        return x @ self.parameters["kernel"] + self.parameters["bias"][0]

    def recur(self, h: Array) -> Array:
        return h @ self.parameters["recurrent_kernel"] + self.parameters["bias"][1]

    def bias_gradient(self, by_a: Array, by_r: Array) -> Array:
        return np.stack([by_a.sum(axis=(0, 1)), by_r.sum(axis=(0, 1))])

    def step(self, a: Array, r: Array, state: Array) -> tuple[Array, tuple]:
        a_z, a_s, a_n = np.split(a, 3, axis=1)
        r_z, r_s, r_n = np.split(r, 3, axis=1)
        z, s = sigmoid(a_z + r_z), sigmoid(a_s + r_s)
        n = np.tanh(a_n + s * r_n)
        return z * state + (1 - z) * n, (z, s, n, r_n, state[0])

    def step_backward(self, gradient: Array, kept: tuple) -> tuple[Array, Array, Array]:
        z, s, n, r_n, old_h = kept
        by_h = gradient[0]
        by_z = by_h * (old_h - n) * z * (1 - z)
        by_n = by_h * (1 - z) * (1 - n**2)
        by_s = by_n * r_n * s * (1 - s)
        by_a = np.concatenate([by_z, by_s, by_n], axis=1)
        by_r = np.concatenate([by_z, by_s, by_n * s], axis=1)
        return by_a, by_r, gradient * z
