"""One training with Keras `fit`: schedule, early stopping, checkpoints, and a stop on NaN."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import keras
import numpy as np
import tensorflow as tf

from common.data.dataset import Task
from common.errors import UserError
from common.models.heads import Target
from common.models.table import IMAGE
from common.project import TrainingConfig, lower_is_better
from common.training.batches import (
    EpochRandomness,
    balanced_weights,
    ordered_batches,
    rows_at_once,
    shuffled_batches,
)
from common.training.checkpoint import Checkpoint
from common.training.layer_rates import LayerwiseAdamW
from common.training.learner import SCORES, Learner, Mix, score_metric
from common.training.part import Part
from common.training.streaming import EncodedRows, streamed_batches

STEPS_PER_EXECUTION = 32  # steps in one call into TensorFlow: benchmarks/throughput.py
PICTURE_STEPS = 4  # with pictures, whose steps take long; Ctrl-C waits for a call to end


class Diverged(UserError):
    """The loss became NaN or infinite."""


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
    mix: Mix | None = None,
    rates: Mapping[str, float] = MappingProxyType({}),
    kind: type[Learner] = Learner,
) -> list[dict[str, float]]:
    """Train `network` in place and leave the best weights in it.

    mix: joins the pictures of a training batch, and their targets (common/models/augmentation.py).
    rates: path of a weight to what its learning rate is of the common one, 1 where it has none.
    kind: of learner, which has the loss.
    Goes on from the checkpoint where there is one. Returns the history, one dict an epoch with
    loss, val_loss, and the task's score (roc_auc, accuracy, rmse) on both. Raises Diverged with
    advice when the loss is NaN, UserError where a setting does not fit the task.
    """
    check_settings(config, target.task)
    steps = -(-len(train) // config.batch_size)
    learner = kind.of(network, target, mix)
    compile_learner(learner, target, config, steps, rates)
    early_stopping = keras.callbacks.EarlyStopping(
        config.monitor,
        patience=config.patience,
        restore_best_weights=True,
        mode="min" if lower_is_better(config.monitor) else "max",
    )
    checkpoint = Checkpoint(checkpoint_path, early_stopping)
    randomness = EpochRandomness(seed)
    checkpoint.load()
    validated = ordered_batches(
        (validation.inputs, target.to_learned(validation.target)), rows_at_once(validation.inputs)
    )
    history = learner.fit(
        training_batches(train, target, config, randomness),
        validation_data=validated,
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
    """Batches of (inputs, learned target), with weights where rows do not all count alike."""
    balanced = config.class_weights == "balanced"
    if isinstance(train, EncodedRows):
        return streamed_batches(train, config.batch_size, randomness, balanced)
    arrays = (train.inputs, target.to_learned(train.target))
    if balanced or train.weight is not None:
        weights = balanced_weights(train.target) if balanced else np.ones(len(train), "float32")
        arrays += (weights if train.weight is None else weights * train.weight,)
    return shuffled_batches(arrays, config.batch_size, randomness)


def check_settings(config: TrainingConfig, task: Task) -> None:
    """UserError where `monitor` is no score of the task, or what has no classes is balanced."""
    possible = ("val_loss", f"val_{SCORES[task]}")
    if config.monitor not in possible:
        raise UserError(
            f"monitor {config.monitor} is not measured in this task ({task}). "
            f"Choose {' or '.join(possible)}."
        )
    if config.class_weights == "balanced" and task in ("regression", "multilabel"):
        predicted = "a number is" if task == "regression" else "several labels at once are"
        raise UserError(f"class_weights is for classes. Leave it out: {predicted} predicted.")


def compile_learner(
    learner: Learner,
    target: Target,
    config: TrainingConfig,
    steps: int,
    rates: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Compile with AdamW on a warm-up of one epoch and a cosine to zero at the last epoch."""
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=config.learning_rate,
        warmup_steps=steps,
        decay_steps=max(1, steps * (config.epochs - 1)),
    )
    learner.compile(
        LayerwiseAdamW(rates, schedule, config.weight_decay),
        metrics=[score_metric(target)],
        steps_per_execution=min(
            PICTURE_STEPS if IMAGE in learner.input else STEPS_PER_EXECUTION, steps
        ),
    )
    # Built within the first step, as Keras would, the optimizer makes TensorFlow trace it twice.
    learner.optimizer.build(learner.trainable_variables)


def tensorboard(folder: Path) -> keras.callbacks.Callback:
    """Keras's TensorBoard callback; UserError where the package is missing, before any epoch."""
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("TensorBoard is not installed. Install it with: pip install tensorboard")
    return keras.callbacks.TensorBoard(folder)
