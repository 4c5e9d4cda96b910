"""Recurrent layers: one step's function applied to every step, its state handed on.

Here is what all of them share: the loop over the steps, forward and backward. `simple_rnn.py`,
`lstm.py` and `gru.py` have their steps.
"""

import numpy as np

from common.from_scratch.initializers import glorot_uniform, orthogonal
from common.from_scratch.layer import Array, Layer


class Recurrent(Layer):
    """state_t = step(a_t, r_t, state_{t-1}) with a_t = x_t W + b and r_t = h_{t-1} U.

    x: (rows, steps, inputs) to h of every step (rows, steps, units), or of the last step (rows,
    units) without return_sequences. h is the first part of a state (states, rows, units), which
    starts at 0. Parameters: kernel W (inputs, gates · units), recurrent_kernel U (units, gates ·
    units), bias (gates · units,).

    mask: (rows, steps), True where a step is there. At the others the state is carried over as it
    is, as in Keras.

    Back-propagation through time (Werbos, 1990): the loop is a deep network whose layers share
    their weights. A state acts on the loss by its own output and by the next step, so from the last
    step to the first

        dL/dstate_t = (dL/dh_t from the layer above) + (what step t + 1 hands back).

    Step t hands back dL/dr_t U^T and what of state_{t-1} it used directly. As the weights are
    shared, gradients are sums over the steps: dL/dW = sum x_t^T dL/da_t, dL/dU = sum h_{t-1}^T
    dL/dr_t.
    """

    gates = 1
    states = 1

    def __init__(
        self, inputs: int, units: int, random: np.random.Generator, return_sequences: bool = False
    ) -> None:
        super().__init__()
        self.units, self.return_sequences = units, return_sequences
        self.parameters = {
            "kernel": glorot_uniform((inputs, self.gates * units), random),
            "recurrent_kernel": orthogonal((units, self.gates * units), random),
            "bias": self.first_bias(),
        }

    def first_bias(self) -> Array:
        return np.zeros(self.gates * self.units, "float32")

    def project(self, x: Array) -> Array:
        """a of all steps at once: (rows, steps, inputs) to (rows, steps, gates · units)."""
        return x @ self.parameters["kernel"] + self.parameters["bias"]

    def recur(self, h: Array) -> Array:
        """r of one step: (rows, units) to (rows, gates · units)."""
        return h @ self.parameters["recurrent_kernel"]

    def step(self, a: Array, r: Array, state: Array) -> tuple[Array, tuple]:
        """The new state, and what `step_backward` needs; a, r: (rows, gates · units)."""
        raise NotImplementedError

    def step_backward(self, gradient: Array, kept: tuple) -> tuple[Array, Array, Array]:
        """dL/da, dL/dr and the direct part of dL/d(old state), from dL/d(new state)."""
        raise NotImplementedError

    def bias_gradient(self, by_a: Array, by_r: Array) -> Array:
        """From dL/da and dL/dr of all steps, (rows, steps, gates · units)."""
        return by_a.sum(axis=(0, 1))

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        inputs = self.parameters["kernel"].shape[0]
        if x.ndim != 3 or x.shape[-1] != inputs:
            raise ValueError(f"x of shape (rows, steps, {inputs}) is expected, got {x.shape}")
        self.x = x
        rows, steps, _ = x.shape
        self.there = np.ones((rows, steps), bool) if mask is None else mask
        a = self.project(x)
        state = np.zeros((self.states, rows, self.units), a.dtype)
        self.h = np.zeros((rows, steps + 1, self.units), a.dtype)  # h[:, t] goes into step t
        self.kept = []
        for t in range(steps):
            new, kept = self.step(a[:, t], self.recur(state[0]), state)
            state = np.where(self.there[:, t, None], new, state)
            self.h[:, t + 1] = state[0]
            self.kept.append(kept)
        return self.h[:, 1:] if self.return_sequences else state[0]

    def backward(self, gradient: Array) -> Array:
        by_h = np.zeros_like(self.h[:, 1:])
        by_h[:, slice(None) if self.return_sequences else -1] = gradient
        rows, steps, units = by_h.shape
        by_a = np.zeros((rows, steps, self.gates * units), by_h.dtype)
        by_r = np.zeros_like(by_a)
        by_state = np.zeros((self.states, rows, units), by_h.dtype)
        for t in reversed(range(steps)):
            by_state[0] += by_h[:, t]
            there = self.there[:, t, None]
            taken = np.where(there, by_state, 0)  # the rest was carried over: it passes the step
            by_a[:, t], by_r[:, t], direct = self.step_backward(taken, self.kept[t])
            by_state = by_state - taken + direct
            by_state[0] += by_r[:, t] @ self.parameters["recurrent_kernel"].T
        self.gradients = {
            "kernel": np.tensordot(self.x, by_a, axes=((0, 1), (0, 1))),
            "recurrent_kernel": np.tensordot(self.h[:, :-1], by_r, axes=((0, 1), (0, 1))),
            "bias": self.bias_gradient(by_a, by_r),
        }
        return by_a @ self.parameters["kernel"].T
