"""Before a long training: two quick questions to every network, and the whole doctor on request.

Does it start at chance, and can it learn at all? The doctor asks what is wrong where it cannot:
common/training_doctor.py.
"""

from collections.abc import Callable

import keras
import numpy as np

from common.data.checks import Finding
from common.models.heads import Target
from common.project import TrainingConfig
from common.training.doctor.patient import Patient
from common.training.doctor.trials import check_first_loss, check_one_batch
from common.training.fit import Part, compile_learner
from common.training.learner import Learner
from common.training_doctor import diagnose


def check_network(build: Callable[[], keras.Model], sample: Part, target: Target) -> list[Finding]:
    """Build a throw-away network and try it on the first rows of `sample`, mixed in order."""
    learner = Learner.of(build(), target)
    learner.compile(keras.optimizers.Adam(0.01))
    sample = first_rows(sample, 4096)
    with Patient(learner, sample.inputs, target.to_learned(sample.target)) as patient:
        return [check_first_loss(patient), check_one_batch(patient)]


def diagnose_network(
    build: Callable[[], keras.Model], rows: Part, target: Target, config: TrainingConfig
) -> list[Finding]:
    """The training doctor on a throw-away network, with the optimizer that the run will have.

    rows: all training rows, of which it draws its sample after a look for NaN in all of them.
    """
    learner = Learner.of(build(), target)
    compile_learner(learner, target, config, steps=100)
    return diagnose(learner, rows.inputs, target.to_learned(rows.target), seed=config.seed)


def shuffled_sample(part: Part, rows: int, seed: int) -> Part:
    """Up to `rows` rows of the part, drawn at random."""
    return part.rows(np.random.default_rng(seed).permutation(len(part.target))[:rows])


def first_rows(sample: Part, rows: int) -> Part:
    return sample.rows(np.arange(min(rows, len(sample.target))))
