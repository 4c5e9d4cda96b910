"""One training with Keras `fit`: schedule, early stopping, checkpoints, and a stop on NaN."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from common.errors import UserError
from common.project import TrainingConfig
from common.training.batches import EpochRandomness, balanced_weights, shuffled_batches
from common.training.checkpoint import Checkpoint

STEPS_PER_EXECUTION = 32  # steps in one call into TensorFlow: benchmarks/throughput.py


@dataclass(frozen=True)
class Part:
    """Encoded inputs, a dict of arrays (rows, …), and target (rows,) of 0 and 1."""

    inputs: dict[str, np.ndarray]
    target: np.ndarray


def fit(
    network: keras.Model,
    train: Part,
    validation: Part,
    config: TrainingConfig,
    seed: int,
    checkpoint_path: Path,
    tensorboard_folder: Path | None = None,
    verbose: int = 2,
) -> list[dict[str, float]]:
    """Train `network` in place and leave the best weights in it.

    Goes on from the checkpoint where there is one. Returns the history, one dict an epoch with
    loss, roc_auc, val_loss, val_roc_auc. Raises UserError with advice when the loss is NaN.
    """
    steps = -(-len(train.target) // config.batch_size)
    compile_network(network, config, steps)
    early_stopping = keras.callbacks.EarlyStopping(
        config.monitor, patience=config.patience, restore_best_weights=True
    )
    checkpoint = Checkpoint(checkpoint_path, early_stopping)
    randomness = EpochRandomness(seed)
    callbacks = [randomness, keras.callbacks.TerminateOnNaN(), early_stopping, checkpoint]
    if tensorboard_folder is not None:
        callbacks.append(tensorboard(tensorboard_folder))
    checkpoint.load()
    arrays = (train.inputs, train.target)
    if config.class_weights == "balanced":
        arrays += (balanced_weights(train.target),)
    history = network.fit(
        shuffled_batches(arrays, config.batch_size, randomness),
        validation_data=(validation.inputs, validation.target),
        validation_batch_size=8192,
        initial_epoch=config.epochs if checkpoint.stopped_early else checkpoint.epochs_done,
        epochs=config.epochs,
        callbacks=callbacks,
        shuffle=False,  # shuffled_batches does
        verbose=verbose,
    )
    if not np.all(np.isfinite(history.history.get("loss", [0.0]))):
        raise UserError(
            f"The loss became NaN or infinite in epoch {checkpoint.epochs_done + 1}. Lower "
            f"learning_rate (now {config.learning_rate:g}), try precision float32, and look in the "
            "checks above for columns with wild values."
        )
    return checkpoint.history


def compile_network(network: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Compile with AdamW on a warm-up of one epoch and a cosine to zero at the last epoch."""
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=config.learning_rate,
        warmup_steps=steps,
        decay_steps=max(1, steps * (config.epochs - 1)),
    )
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        "binary_crossentropy",
        metrics=[keras.metrics.AUC(name="roc_auc")],
        steps_per_execution=min(STEPS_PER_EXECUTION, steps),
    )


def tensorboard(folder: Path) -> keras.callbacks.Callback:
    """Keras's TensorBoard callback; UserError where the package is missing, before any epoch."""
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("TensorBoard is not installed. Install it with: pip install tensorboard")
    return keras.callbacks.TensorBoard(folder)
