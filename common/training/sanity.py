"""Before a long training: two quick questions to every network, and the whole doctor on request.

Does it start at chance, and can it learn at all? The doctor asks what is wrong where it cannot:
common/training_doctor.py.
"""

from collections.abc import Callable

import keras
import numpy as np

from common.data.finding import Finding
from common.models.heads import Target
from common.project import TrainingConfig
from common.training.batches import rows_at_once
from common.training.doctor.patient import Patient
from common.training.doctor.trials import check_first_loss, check_one_batch
from common.training.fit import compile_learner
from common.training.learner import Learner
from common.training.part import MappedRows, Part
from common.training_doctor import diagnose


def check_network(build: Callable[[], keras.Model], sample: Part, target: Target) -> list[Finding]:
    """Build a throw-away network and try it on `sample`, rows in memory and mixed in order."""
    learner = Learner.of(build(), target)
    learner.compile(keras.optimizers.Adam(0.01))
    with Patient(learner, sample.inputs, target.to_learned(sample.target)) as patient:
        return [check_first_loss(patient), check_one_batch(patient)]


def diagnose_network(
    build: Callable[[], keras.Model], rows: Part, target: Target, config: TrainingConfig
) -> list[Finding]:
    """The training doctor on a throw-away network, with the optimizer that the run will have.

    rows: all training rows, of which it draws its sample after a look for NaN in all of them; of
    pictures and patches, which have no NaN, a sample is drawn here.
    """
    if any(isinstance(array, MappedRows) for array in rows.inputs.values()):
        rows = shuffled_sample(rows, rows_at_once(rows.inputs), config.seed)
    learner = Learner.of(build(), target)
    compile_learner(learner, target, config, steps=100)
    return diagnose(learner, rows.inputs, target.to_learned(rows.target), seed=config.seed)


def shuffled_sample(part: Part, rows: int, seed: int) -> Part:
    """Up to `rows` rows of the part, drawn at random, in memory."""
    drawn = part.rows(np.random.default_rng(seed).permutation(len(part))[:rows])
    inputs = {
        name: array.read() if isinstance(array, MappedRows) else array
        for name, array in drawn.inputs.items()
    }
    return Part(inputs, drawn.target)
