"""Two quick questions before a long training: does it start at chance, and can it learn at all?

After A. Karpathy, "A Recipe for Training Neural Networks" (2019), step 2: verify the loss at
initialisation, overfit one batch.
"""

from collections.abc import Callable

import keras
import numpy as np

from common.data.checks import Finding
from common.models.heads import Target
from common.training.fit import Part
from common.training.learner import Learner


def check_network(build: Callable[[], keras.Model], sample: Part, target: Target) -> list[Finding]:
    """Build a throw-away network and try it on the first rows of `sample`, mixed in order."""
    learner = Learner.of(build(), target)
    learner.compile(keras.optimizers.Adam(0.01))
    return [
        check_first_loss(learner, first_rows(sample, 4096), target),
        check_one_batch(learner, first_rows(sample, 32), target),
    ]


def check_first_loss(learner: Learner, sample: Part, target: Target) -> Finding:
    """The untrained loss should be near that of guessing the class shares, or the mean."""
    chance = guessing_loss(sample.target, target)
    loss = loss_of(learner, sample, target)
    guess = "the mean" if target.task == "regression" else "the class shares"
    told = f"Loss before training {loss:.3f}, guessing {guess} {chance:.3f}."
    if loss > 1.5 * chance + 0.1:
        advice = " The network starts far from chance: check input scales and initialisation."
        return Finding("first loss", "note", told + advice)
    return Finding("first loss", "ok", told)


def guessing_loss(values: np.ndarray, target: Target) -> float:
    """Entropy of the classes in `values` (rows,), or variance of the numbers as learned."""
    learned = target.to_learned(values)
    if target.task == "regression":
        return float(learned.var())
    shares = np.bincount(learned.astype(int)) / len(learned)
    return float(-sum(share * np.log(share) for share in shares if share > 0))


def check_one_batch(learner: Learner, batch: Part, target: Target) -> Finding:
    """A network that cannot learn 32 rows by heart has a broken path from input to loss."""
    before = loss_of(learner, batch, target)
    for _ in range(100):
        learner.train_on_batch(batch.inputs, target.to_learned(batch.target))
    after = loss_of(learner, batch, target)
    told = f"One batch of 32 rows, 100 steps: loss {before:.3f} to {after:.3f}."
    if not after < 0.5 * before:
        advice = (
            " It should fall far below: check that inputs and targets are in the same order, "
            "that no layer is frozen, and that the inputs are not constant."
        )
        return Finding("one batch learned by heart", "alarm", told + advice)
    return Finding("one batch learned by heart", "ok", told)


def loss_of(learner: Learner, sample: Part, target: Target) -> float:
    return float(learner.test_on_batch(sample.inputs, target.to_learned(sample.target)))


def shuffled_sample(part: Part, rows: int, seed: int) -> Part:
    """Up to `rows` rows of the part, drawn at random."""
    return part.rows(np.random.default_rng(seed).permutation(len(part.target))[:rows])


def first_rows(sample: Part, rows: int) -> Part:
    return sample.rows(np.arange(min(rows, len(sample.target))))
