"""Automatic differentiation: gradients of any expression, from the rules of its few operations.

A `Tensor` remembers what it was computed from. `backward` walks that graph from end to leaves
("reverse mode": Baydin et al., "Automatic Differentiation in Machine Learning: a Survey", 2018,
section 3.2), multiplies the gradient that arrived, g = dL/dy, by an operation's derivative, and
adds the product to dL/dx of what went in: L moves by every use of x, dL/dx = sum of dL/dy dy/dx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from common.from_scratch.layer import Array


class Tensor:
    """An array of floats, `data`; `gradient`, dL/ddata, after L.backward(); and how it came about:
    from `parents`, with `rules`, one each, that turn dL/ddata into dL/dparent.
    """

    __array_ufunc__ = None  # array + tensor comes here (__radd__), not to NumPy's loop

    def __init__(self, data: Array | float, parents: tuple[Tensor, ...] = (), *rules: Callable):
        self.data, self.parents, self.rules = np.asarray(data), parents, rules
        if self.data.dtype.kind != "f":
            raise ValueError(f"gradients need floating-point numbers, not {self.data.dtype}")
        self.gradient = np.zeros_like(self.data)

    def backward(self) -> None:
        """Fill `gradient` of every tensor that this number, the loss L, was computed from."""
        if self.data.size != 1:
            raise ValueError(f"backward starts from one number, not from shape {self.data.shape}")
        order = list(self.parents_first())
        for tensor in order:
            tensor.gradient = np.zeros_like(tensor.data)
        self.gradient = np.ones_like(self.data)  # dL/dL
        for tensor in reversed(order):  # by now its own gradient is complete
            for parent, rule in zip(tensor.parents, tensor.rules, strict=True):
                parent.gradient += unbroadcast(rule(tensor.gradient), parent.data.shape)

    def parents_first(self) -> Iterator[Tensor]:
        """The graph's tensors, each once, and after all that it was computed from."""
        seen, waiting = set(), [(self, False)]  # no recursion: graphs outgrow Python's stack
        while waiting:
            tensor, after_parents = waiting.pop()
            if after_parents:
                yield tensor
            elif tensor not in seen:
                seen.add(tensor)
                waiting += [(tensor, True), *((parent, False) for parent in tensor.parents)]

    def operand(self, other: Tensor | Array | float) -> Tensor:
        """`other` itself, or as a leaf of this tensor's dtype."""
        return other if isinstance(other, Tensor) else Tensor(np.asarray(other, self.data.dtype))

    def __add__(self, other: Tensor | Array | float) -> Tensor:
        """d(a + b)/da = d(a + b)/db = 1: both get the gradient."""
        b = self.operand(other)
        return Tensor(self.data + b.data, (self, b), lambda g: g, lambda g: g)

    def __mul__(self, other: Tensor | Array | float) -> Tensor:
        """d(ab)/da = b, d(ab)/db = a."""
        b = self.operand(other)
        return Tensor(self.data * b.data, (self, b), lambda g: g * b.data, lambda g: g * self.data)

    def __pow__(self, n: float) -> Tensor:
        """d(a^n)/da = n a^(n - 1), n a number."""
        return Tensor(self.data**n, (self,), lambda g: g * n * self.data ** (n - 1))

    def __matmul__(self, other: Tensor | Array) -> Tensor:
        """(rows, n) @ (n, columns); as in Dense, dL/dA = G B^T and dL/dB = A^T G."""
        a, b = self.data, self.operand(other)
        if a.ndim != 2 or b.data.ndim != 2 or a.shape[1] != b.data.shape[0]:
            raise ValueError(f"(r, n) @ (n, c) cannot be {a.shape} @ {b.data.shape}")
        return Tensor(a @ b.data, (self, b), lambda g: g @ b.data.T, lambda g: a.T @ g)

    def __neg__(self) -> Tensor:
        return self * -1

    def __sub__(self, other: Tensor | Array | float) -> Tensor:
        return self + -self.operand(other)

    def __truediv__(self, other: Tensor | Array | float) -> Tensor:
        return self * self.operand(other) ** -1

    def __rsub__(self, other: Array | float) -> Tensor:
        return -self + other

    def __rmatmul__(self, other: Array) -> Tensor:
        return self.operand(other) @ self

    def __rtruediv__(self, other: Array | float) -> Tensor:
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Tensor:
        """d(exp a)/da = exp a."""
        y = np.exp(self.data)
        return Tensor(y, (self,), lambda g: g * y)

    def log(self) -> Tensor:
        """d(log a)/da = 1/a."""
        return Tensor(np.log(self.data), (self,), lambda g: g / self.data)

    def tanh(self) -> Tensor:
        """d(tanh a)/da = 1 - tanh(a)^2."""
        y = np.tanh(self.data)
        return Tensor(y, (self,), lambda g: g * (1 - y * y))

    def relu(self) -> Tensor:
        """max(a, 0): slope 1 above zero, 0 below, and 0 at zero, as frameworks have it."""
        return Tensor(np.maximum(self.data, 0), (self,), lambda g: g * (self.data > 0))

    def sum(self, axis: int | None = None) -> Tensor:
        """Over all values, or along an axis, which stays, of length 1; each slope is 1."""
        y = self.data.sum() if axis is None else self.data.sum(axis, keepdims=True)
        return Tensor(y, (self,), lambda g: np.broadcast_to(g, self.data.shape))

    def mean(self, axis: int | None = None) -> Tensor:
        return self.sum(axis) * (1 / (self.data.size if axis is None else self.data.shape[axis]))


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """What broadcasting repeated was used many times: the sum over the copies, in `shape`."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    return gradient.sum(axis=tuple(np.flatnonzero(np.equal(shape, 1))), keepdims=True)
