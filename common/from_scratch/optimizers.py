"""From gradients to better parameters; names, defaults and every update's order are Keras's."""

from collections.abc import Callable

import numpy as np

from common.from_scratch.layer import Array, Layer

LearningRate = float | Callable[[int], float]


class Optimizer:
    """learning_rate: a number, or a function of the steps done before this one (`schedules.py`).

    global_clipnorm: gradients longer than this, all taken as one vector, are shortened to it: their
    direction stays (Pascanu et al., "On the difficulty of training recurrent neural networks",
    2013, algorithm 1).
    """

    remembered: tuple[str, ...] = ()  # arrays kept for each parameter, of its shape, 0 at first

    def __init__(self, learning_rate: LearningRate, global_clipnorm: float | None = None) -> None:
        self.learning_rate = learning_rate
        self.global_clipnorm = global_clipnorm
        self.steps = 0
        self.memories: list[dict[str, Array]] = []

    def step(self, layer: Layer) -> None:
        """Change all parameters in place, by the gradients of the last backward pass."""
        rate = self.learning_rate
        if callable(rate):
            rate = rate(self.steps)
        self.steps += 1
        parameters, gradients = layer.all_parameters(), layer.all_gradients()
        if not self.memories:
            self.memories = [{n: np.zeros_like(w) for n in self.remembered} for w in parameters]
        if self.global_clipnorm is not None:
            gradients = clip_by_global_norm(gradients, self.global_clipnorm)
        for w, gradient, memory in zip(parameters, gradients, self.memories, strict=True):
            self.update(w, gradient, memory, rate)

    def update(self, w: Array, gradient: Array, memory: dict[str, Array], rate: float) -> None:
        """Change one parameter and what is remembered of it, in place."""
        raise NotImplementedError


class SGD(Optimizer):
    """w -= rate gradient; with momentum m = momentum m - rate gradient and w += m.

    A ball with friction: steps that agree add up to 1 / (1 - momentum) of one, those that alternate
    cancel (Polyak, 1964). Nesterov: w += momentum m - rate gradient, the step that would follow
    (Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013).
    """

    remembered = ("momentum",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, global_clipnorm)
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, w: Array, gradient: Array, memory: dict[str, Array], rate: float) -> None:
        m = memory["momentum"]
        m *= self.momentum
        m -= rate * gradient
        w += self.momentum * m - rate * gradient if self.nesterov else m


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) gradient^2, w -= rate gradient / sqrt(v + epsilon).

    Every parameter's step is measured by the usual size of its own gradient (Tieleman and Hinton,
    "Neural networks for machine learning", lecture 6.5, 2012). epsilon stands under the root.
    """

    remembered = ("velocity",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, global_clipnorm)
        self.rho, self.epsilon = rho, epsilon

    def update(self, w: Array, gradient: Array, memory: dict[str, Array], rate: float) -> None:
        v = memory["velocity"]
        v *= self.rho
        v += (1 - self.rho) * gradient**2
        w -= rate * gradient / np.sqrt(v + self.epsilon)


class Adam(Optimizer):
    """Momentum measured by the usual size of the gradient (Kingma and Ba, "Adam", 2015).

    m and v are moving averages of gradient and gradient^2. Both start at 0 and after k steps are
    too small by the factors 1 - beta_1^k and 1 - beta_2^k, which the rate makes up for. The order
    is that at the end of the paper's section 2: epsilon joins sqrt(v) before this correction.
    """

    remembered = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, global_clipnorm)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def update(self, w: Array, gradient: Array, memory: dict[str, Array], rate: float) -> None:
        m, v = memory["momentum"], memory["velocity"]
        corrected = rate * (1 - self.beta_2**self.steps) ** 0.5 / (1 - self.beta_1**self.steps)
        m += (gradient - m) * (1 - self.beta_1)
        v += (gradient**2 - v) * (1 - self.beta_2)
        w -= m * corrected / (np.sqrt(v) + self.epsilon)


class AdamW(Adam):
    """Adam, and before each step w -= rate weight_decay w.

    As a part of the loss the decay would be divided by sqrt(v) like every gradient; apart from it,
    all weights shrink alike (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019,
    algorithm 2). Keras lets biases and scales shrink too.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, global_clipnorm)
        self.weight_decay = weight_decay

    def update(self, w: Array, gradient: Array, memory: dict[str, Array], rate: float) -> None:
        w -= w * self.weight_decay * rate
        super().update(w, gradient, memory, rate)


def clip_by_global_norm(gradients: list[Array], norm: float) -> list[Array]:
    """The gradients as they are where their common length is at most `norm`, else scaled to it."""
    length = float(np.sqrt(sum(np.sum(gradient**2) for gradient in gradients)))
    return [gradient * (norm / max(length, norm)) for gradient in gradients]
