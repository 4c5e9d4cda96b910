"""What a search tries to better: the validation value of one config. No test row gets here."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.data.folds import folds_of
from common.errors import UserError
from common.models.heads import Target
from common.models.table import Table
from common.project import Project, TrainingConfig, lower_is_better
from common.training.fit import check_settings
from common.training.part import Part
from common.training.stages import fit_stages
from common.training.train import prepare_rows

Report = Callable[[int, float], bool]  # step and value; whether the trial should stop


@dataclass(frozen=True)
class Trainings:
    """What all trials learn from: encoded rows of train and validation, and who learns from which.

    splits: for each training its seed, the number of its fold, and the row numbers to learn from
    and to validate on.
    """

    table: Table
    target: Target
    rows: Part
    splits: list[tuple[int, int, np.ndarray, np.ndarray]]


def prepare_trainings(project: Project, config: TrainingConfig) -> tuple[Trainings, str]:
    """Load and encode once for all trials; also the fingerprint of the data.

    Where training rows are stored on disk, trials learn from those in memory, a sample of them.
    Raises UserError where a setting does not fit the task, or folds cannot be cut.
    """
    dataset = project.load(config)
    check_settings(config, dataset.schema.task)
    prepared = prepare_rows(dataset, config.folds)
    if dataset.stored:
        print("note: trials learn from the training rows in memory, not from all that are stored.")
    kept = np.flatnonzero(dataset.part != "test")
    place = np.full(len(dataset.part), -1)
    place[kept] = np.arange(len(kept))
    splits = [
        (seed, number, place[learn], place[validate])
        for seed in range(config.seed, config.seed + config.seeds)
        for number, (learn, validate) in enumerate(folds_of(dataset, config.folds, seed), start=1)
    ]
    trainings = Trainings(prepared.table, prepared.target, prepared.rows.rows(kept), splits)
    return trainings, dataset.fingerprint()


class Reporter(keras.callbacks.Callback):
    """Tells the value of every epoch, and ends the training where the answer is to stop."""

    def __init__(self, monitor: str, first_step: int, report: Report):
        super().__init__()
        self.monitor = monitor
        self.step = first_step
        self.report = report
        self.stopped = False

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if self.report(self.step, float(logs[self.monitor])):
            self.stopped = self.model.stop_training = True
        self.step += 1


def trial_value(
    project: Project,
    config: TrainingConfig,
    trainings: Trainings,
    report: Report,
) -> float | None:
    """The best epoch's `monitor`, the mean over seeds and folds; None where `report` stopped it.

    Seeds are set as in `train_seed`, so that training the same config gives the same value.
    report: called after each epoch with its number, counted on from training to training.
    Raises UserError where the config cannot be trained: the loss is NaN, memory does not suffice.
    """
    best = []
    for index, (seed, fold, learn, validate) in enumerate(trainings.splits):
        keras.utils.clear_session()  # networks of earlier trials would stay in memory
        keras.utils.set_random_seed(seed + 1000 * (fold - 1))
        reporter = Reporter(config.monitor, index * config.epochs, report)
        with tempfile.TemporaryDirectory() as folder:
            try:
                history = fit_stages(
                    project,
                    config,
                    project.build(config, trainings.table, trainings.target),
                    trainings.table,
                    trainings.target,
                    trainings.rows.rows(learn),
                    trainings.rows.rows(validate),
                    seed,
                    Path(folder) / "state",
                    [reporter],
                    verbose=0,
                )
            except tf.errors.ResourceExhaustedError as error:
                raise UserError("The network or its batch does not fit into memory.") from error
        if reporter.stopped:
            return None
        best.append(best_value([epoch[config.monitor] for epoch in history], config.monitor))
    return float(np.mean(best))


def best_value(values: list[float], monitor: str) -> float:
    """The best of some epochs' values; UserError where none of them is a number."""
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        raise UserError(f"{monitor} was NaN in every epoch.")
    return min(finite) if lower_is_better(monitor) else max(finite)
