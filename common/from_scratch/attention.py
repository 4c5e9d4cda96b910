"""Attention: every step looks at all steps and takes a weighted mean of what it finds.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2.
"""

import numpy as np

from common.from_scratch.activations import softmax, softmax_backward
from common.from_scratch.initializers import glorot_uniform
from common.from_scratch.layer import Array, Layer


def attend(
    query: Array, key: Array, value: Array, allowed: Array | None = None
) -> tuple[Array, Array]:
    """Scaled dot-product attention: y = A v with A = softmax(q k^T / sqrt(key_dim)) row by row.

    query: (..., steps, key_dim), key: (..., others, key_dim), value: (..., others, value_dim).
    allowed: True where a step may look, of a shape that broadcasts to (..., steps, others).
    Returns y (..., steps, value_dim) and the shares A (..., steps, others), of sum 1, or 0 where no
    look is allowed. The square root keeps the variance of the scores at 1 where that of q and k is:
    larger scores saturate the softmax.
    """
    scores = query @ key.swapaxes(-1, -2) / query.shape[-1] ** 0.5
    if allowed is None:
        shares = softmax(scores)
    else:
        shares = softmax(np.where(allowed, scores, np.finfo(scores.dtype).min)) * allowed
    return shares @ value, shares


def attend_backward(
    gradient: Array, query: Array, key: Array, value: Array, shares: Array
) -> tuple[Array, Array, Array]:
    """dL/dq, dL/dk and dL/dv from dL/dy, with the `shares` that `attend` returned.

    By y = A v, dL/dv = A^T dL/dy and dL/dA = dL/dy v^T; through the softmax to dL/dscores, 0 where
    the share is 0; and by scores = q k^T / sqrt(key_dim) two matrix products again.
    """
    by_value = shares.swapaxes(-1, -2) @ gradient
    by_shares = gradient @ value.swapaxes(-1, -2)
    by_scores = softmax_backward(shares, by_shares) / query.shape[-1] ** 0.5
    return by_scores @ key, by_scores.swapaxes(-1, -2) @ query, by_value


class MultiHeadAttention(Layer):
    """Self-attention by several heads, each with its own query, key and value of every step.

    x: (rows, steps, width) to y of the same shape. Queries, keys and values are linear in x, y is
    linear in what all heads found. One head takes one mean; several look at several places. The
    bias of the keys shifts all scores of a query alike, so its gradient is 0.

    Parameters in Keras's layout: kernels of query, key and value (width, heads, key_dim), of output
    (heads, key_dim, width), each with its bias.
    mask: (rows, steps), True where a step is there; no step looks at the others. causal: steps look
    at themselves and backward only, as a model has to that foretells the next step.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        key_dim: int,
        random: np.random.Generator,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.causal = causal
        inputs, each = (width,), (heads, key_dim)
        self.asking = [Projection(inputs, each, random) for _ in range(3)]
        self.output = Projection(each, inputs, random)
        names = ("query", "key", "value", "output")
        self.parts = dict(zip(names, [*self.asking, self.output], strict=True))

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        allowed = None if mask is None else mask[:, None, None].astype(bool)
        if self.causal:
            triangle = np.tri(x.shape[1], dtype=bool)
            allowed = triangle if allowed is None else allowed & triangle
        # (rows, heads, steps, key_dim): every head attends with matrices of its own
        self.heads = [projection.forward(x).swapaxes(1, 2) for projection in self.asking]
        found, self.shares = attend(*self.heads, allowed)
        return self.output.forward(found.swapaxes(1, 2))

    def backward(self, gradient: Array) -> Array:
        by_found = self.output.backward(gradient).swapaxes(1, 2)
        by_heads = attend_backward(by_found, *self.heads, self.shares)
        pairs = zip(self.asking, by_heads, strict=True)
        return sum(projection.backward(by_head.swapaxes(1, 2)) for projection, by_head in pairs)


class Projection(Layer):
    """A dense layer whose inputs or outputs have several axes: (..., *inputs) to (..., *outputs).

    Parameters kernel (*inputs, *outputs) and bias (*outputs,). They start as those of the dense
    layer they are; Keras takes the three axes for a convolution's and starts them smaller.
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: tuple[int, ...], random: np.random.Generator
    ) -> None:
        super().__init__()
        kernel = glorot_uniform((int(np.prod(inputs)), int(np.prod(outputs))), random)
        self.summed, self.outputs = len(inputs), len(outputs)
        self.parameters = {
            "kernel": kernel.reshape(inputs + outputs),
            "bias": np.zeros(outputs, "float32"),
        }

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        return np.tensordot(x, self.parameters["kernel"], self.summed) + self.parameters["bias"]

    def backward(self, gradient: Array) -> Array:
        rows = tuple(range(gradient.ndim - self.outputs))
        last = tuple(range(-self.outputs, 0))
        self.gradients = {
            "kernel": np.tensordot(self.x, gradient, (rows, rows)),
            "bias": gradient.sum(axis=rows),
        }
        return np.tensordot(gradient, self.parameters["kernel"], (last, last))
