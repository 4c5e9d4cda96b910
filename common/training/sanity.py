"""Two quick questions before a long training: does it start at chance, and can it learn at all?

After A. Karpathy, "A Recipe for Training Neural Networks" (2019), step 2: verify the loss at
initialisation, overfit one batch.
"""

from collections.abc import Callable

import keras
import numpy as np

from common.data.checks import Finding


def check_network(
    build: Callable[[], keras.Model], inputs: dict[str, np.ndarray], target: np.ndarray
) -> list[Finding]:
    """Build a throw-away network and try it on the first rows of `inputs` and `target`.

    inputs: dict of arrays (rows, …); target: (rows,) of 0 and 1, mixed in order.
    """
    network = build()
    return [
        check_first_loss(network, first_rows(inputs, 4096), target[:4096]),
        check_one_batch(network, first_rows(inputs, 32), target[:32]),
    ]


def check_first_loss(network: keras.Model, inputs: dict, target: np.ndarray) -> Finding:
    """The untrained loss should be near what guessing the class shares costs, their entropy."""
    share = np.clip(target.mean(), 1e-6, 1 - 1e-6)
    chance = float(-share * np.log(share) - (1 - share) * np.log(1 - share))
    loss = log_loss(network, inputs, target)
    told = f"Log loss before training {loss:.3f}, guessing the class shares {chance:.3f}."
    if loss > 1.5 * chance + 0.1:
        advice = " The network starts far from chance: check input scales and initialisation."
        return Finding("first loss", "note", told + advice)
    return Finding("first loss", "ok", told)


def check_one_batch(network: keras.Model, inputs: dict, target: np.ndarray) -> Finding:
    """A network that cannot learn 32 rows by heart has a broken path from input to loss."""
    before = log_loss(network, inputs, target)
    network.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    for _ in range(100):
        network.train_on_batch(inputs, target)
    after = log_loss(network, inputs, target)
    told = f"One batch of 32 rows, 100 steps: log loss {before:.3f} to {after:.3f}."
    if not after < 0.5 * before:
        advice = (
            " It should fall far below: check that inputs and targets are in the same order, "
            "that no layer is frozen, and that the inputs are not constant."
        )
        return Finding("one batch learned by heart", "alarm", told + advice)
    return Finding("one batch learned by heart", "ok", told)


def log_loss(network: keras.Model, inputs: dict, target: np.ndarray) -> float:
    probability = np.clip(network.predict_on_batch(inputs)[:, 0], 1e-7, 1 - 1e-7)
    return float(-np.mean(np.log(np.where(target == 1, probability, 1 - probability))))


def first_rows(inputs: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    return {name: array[:rows] for name, array in inputs.items()}
