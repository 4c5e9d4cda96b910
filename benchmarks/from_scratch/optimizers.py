"""The optimizers beside Keras's: 50 steps from the same weights on a small real problem."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer

from common.from_scratch import optimizers, schedules
from common.from_scratch.activations import Tanh
from common.from_scratch.dense import Dense
from common.from_scratch.layer import Array
from common.from_scratch.losses import binary_crossentropy
from common.from_scratch.sequential import Sequential

STEPS = 50
MOST = 1e-6


@dataclass(frozen=True)
class OptimizerPair:
    name: str
    ours: Callable[[], optimizers.Optimizer]
    theirs: Callable[[], keras.optimizers.Optimizer]


OPTIMIZERS = [
    OptimizerPair("SGD", optimizers.SGD, keras.optimizers.SGD),
    OptimizerPair(
        "SGD, momentum 0.9",
        lambda: optimizers.SGD(momentum=0.9),
        lambda: keras.optimizers.SGD(momentum=0.9),
    ),
    OptimizerPair(
        "SGD, momentum 0.9, Nesterov",
        lambda: optimizers.SGD(momentum=0.9, nesterov=True),
        lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
    ),
    OptimizerPair("RMSprop", optimizers.RMSprop, keras.optimizers.RMSprop),
    OptimizerPair("Adam", optimizers.Adam, keras.optimizers.Adam),
    OptimizerPair(
        "Adam, all settings exact in float32",
        lambda: optimizers.Adam(2**-10, beta_1=1 - 2**-3, beta_2=1 - 2**-10, epsilon=2**-23),
        lambda: keras.optimizers.Adam(2**-10, beta_1=1 - 2**-3, beta_2=1 - 2**-10, epsilon=2**-23),
    ),
    OptimizerPair("AdamW", optimizers.AdamW, keras.optimizers.AdamW),
    OptimizerPair(
        "SGD, global_clipnorm 0.1",
        lambda: optimizers.SGD(global_clipnorm=0.1),
        lambda: keras.optimizers.SGD(global_clipnorm=0.1),
    ),
    OptimizerPair(
        "AdamW, cosine decay after warm-up",
        lambda: optimizers.AdamW(
            schedules.cosine_decay(0.0, 30, warmup_target=0.002, warmup_steps=10)
        ),
        lambda: keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(0.0, 30, warmup_target=0.002, warmup_steps=10)
        ),
    ),
]


def trajectory_difference(pair: OptimizerPair, dtype: str) -> float:
    """Largest difference of any weight at any step.

    Each optimizer gets the gradients at its own weights, both computed by our network: what differs
    comes from the optimizers alone.
    """
    network, x, y = small_problem(dtype)
    variables = [keras.Variable(w, dtype=dtype) for w in network.all_parameters()]
    copy, _, _ = small_problem(dtype)
    ours, theirs = pair.ours(), pair.theirs()
    largest = 0.0
    for _ in range(STEPS):
        set_gradients(network, x, y)
        ours.step(network)
        copy.set_parameters([variable.numpy() for variable in variables])
        set_gradients(copy, x, y)
        theirs.apply(copy.all_gradients(), variables)
        for w, variable in zip(network.all_parameters(), variables, strict=True):
            largest = max(largest, float(np.abs(w - variable.numpy()).max()))
    return largest


def small_problem(dtype: str) -> tuple[Sequential, Array, Array]:
    """A network of two layers, and scikit-learn's breast cancer data, standardized."""
    random = np.random.default_rng(0)
    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    network = Sequential([Dense(30, 8, random), Tanh(), Dense(8, 1, random)])
    return network.astype(dtype), x.astype(dtype), y[:, None].astype(dtype)


def set_gradients(network: Sequential, x: Array, y: Array) -> None:
    network.backward(binary_crossentropy(y, network.forward(x))[1])
