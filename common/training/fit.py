"""One training with Keras `fit`: schedule, early stopping, checkpoints, and a stop on NaN."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.data.dataset import Task
from common.errors import UserError
from common.models.heads import Target
from common.project import TrainingConfig
from common.training.batches import EpochRandomness, balanced_weights, shuffled_batches
from common.training.checkpoint import Checkpoint
from common.training.learner import SCORES, Learner, score_metric
from common.training.streaming import EncodedRows, streamed_batches

STEPS_PER_EXECUTION = 32  # steps in one call into TensorFlow: benchmarks/throughput.py


class Diverged(UserError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Part:
    """Encoded inputs, a dict of arrays (rows, …), and target (rows,) as in the dataset."""

    inputs: dict[str, np.ndarray]
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, chosen: np.ndarray) -> "Part":
        """The chosen rows, by number."""
        inputs = {name: array[chosen] for name, array in self.inputs.items()}
        return Part(inputs, self.target[chosen])


def fit(
    network: keras.Model,
    target: Target,
    train: Part | EncodedRows,
    validation: Part,
    config: TrainingConfig,
    seed: int,
    checkpoint_path: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 2,
) -> list[dict[str, float]]:
    """Train `network` in place and leave the best weights in it.

    Goes on from the checkpoint where there is one. Returns the history, one dict an epoch with
    loss, val_loss, and the task's score (roc_auc, accuracy, rmse) on both. Raises Diverged with
    advice when the loss is NaN, UserError where a setting does not fit the task.
    """
    check_settings(config, target.task)
    steps = -(-len(train) // config.batch_size)
    learner = Learner.of(network, target)
    compile_learner(learner, target, config, steps)
    early_stopping = keras.callbacks.EarlyStopping(
        config.monitor,
        patience=config.patience,
        restore_best_weights=True,
        mode="min" if config.monitor in ("val_loss", "val_rmse") else "max",
    )
    checkpoint = Checkpoint(checkpoint_path, early_stopping)
    randomness = EpochRandomness(seed)
    checkpoint.load()
    history = learner.fit(
        training_batches(train, target, config, randomness),
        validation_data=(validation.inputs, target.to_learned(validation.target)),
        validation_batch_size=8192,
        initial_epoch=config.epochs if checkpoint.stopped_early else checkpoint.epochs_done,
        epochs=config.epochs,
        callbacks=[
            randomness,
            keras.callbacks.TerminateOnNaN(),
            early_stopping,
            checkpoint,
            *callbacks,
        ],
        shuffle=False,  # training_batches does
        verbose=verbose,
    )
    if not np.all(np.isfinite(history.history.get("loss", [0.0]))):
        raise Diverged(
            f"The loss became NaN or infinite in epoch {checkpoint.epochs_done + 1}. Lower "
            f"learning_rate (now {config.learning_rate:g}), try precision float32, and look in the "
            "checks above for columns with wild values."
        )
    return checkpoint.history


def training_batches(
    train: Part | EncodedRows, target: Target, config: TrainingConfig, randomness: EpochRandomness
) -> tf.data.Dataset:
    """Batches of (inputs, learned target), with a weight of each row where classes are balanced."""
    balanced = config.class_weights == "balanced"
    if isinstance(train, EncodedRows):
        return streamed_batches(train, config.batch_size, randomness, balanced)
    arrays = (train.inputs, target.to_learned(train.target))
    if balanced:
        arrays += (balanced_weights(train.target),)
    return shuffled_batches(arrays, config.batch_size, randomness)


def check_settings(config: TrainingConfig, task: Task) -> None:
    """UserError where `monitor` is no score of the task, or classes of a number are balanced."""
    possible = ("val_loss", f"val_{SCORES[task]}")
    if config.monitor not in possible:
        raise UserError(
            f"monitor {config.monitor} is not measured in this task ({task}). "
            f"Choose {' or '.join(possible)}."
        )
    if config.class_weights == "balanced" and task == "regression":
        raise UserError("class_weights is for classes. Leave it out: a number is predicted.")


def compile_learner(learner: Learner, target: Target, config: TrainingConfig, steps: int) -> None:
    """Compile with AdamW on a warm-up of one epoch and a cosine to zero at the last epoch."""
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=config.learning_rate,
        warmup_steps=steps,
        decay_steps=max(1, steps * (config.epochs - 1)),
    )
    learner.compile(
        keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        metrics=[score_metric(target)],
        steps_per_execution=min(STEPS_PER_EXECUTION, steps),
    )


def tensorboard(folder: Path) -> keras.callbacks.Callback:
    """Keras's TensorBoard callback; UserError where the package is missing, before any epoch."""
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("TensorBoard is not installed. Install it with: pip install tensorboard")
    return keras.callbacks.TensorBoard(folder)
