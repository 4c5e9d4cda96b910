"""The state of a training after each epoch in one file, from which it goes on as if never stopped.

Keras's own BackupAndRestore forgets the best value and the patience of early stopping; here they
are in the file beside weights, optimizer and history. Dropout needs nothing kept, since its masks
follow from (seed, epoch): see common/training/batches.py.
"""

import json
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from common.errors import UserError
from common.files import replacing


class Checkpoint(keras.callbacks.Callback):
    """Saves after each epoch; at the start of `fit`, restores what it was given by `load`.

    Has to stand after `early_stopping` in the list of callbacks: it records and restores its state.
    """

    def __init__(self, path: Path, early_stopping: keras.callbacks.EarlyStopping):
        super().__init__()
        self.path = path
        self.early_stopping = early_stopping
        self.history: list[dict[str, float]] = []
        self.tensors: dict[str, np.ndarray] = {}
        self.state: dict = {}

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def stopped_early(self) -> bool:
        return bool(self.state.get("stopped_early"))

    def load(self) -> None:
        """Read the file, if there is one; UserError where it is damaged."""
        if not self.path.exists():
            return
        try:
            with safe_open(self.path, framework="numpy") as file:
                self.state = json.loads(file.metadata()["state"])
                self.tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{self.path} is not a readable checkpoint ({error}). "
                "Delete it to train this seed from the start."
            ) from error
        self.history = self.state["history"]

    def on_train_begin(self, logs=None) -> None:
        if not self.tensors:
            return
        for group, variables in self.variables().items():
            for index, variable in enumerate(variables):
                variable.assign(self.tensors[f"{group}/{index}"])
        self.early_stopping.best = self.state["best"]
        self.early_stopping.wait = self.state["wait"]
        self.early_stopping.best_epoch = self.state["best_epoch"]
        self.early_stopping.best_weights = [
            self.tensors[f"best/{index}"] for index in range(len(self.model.get_weights()))
        ]

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        logs = {name: float(value) for name, value in (logs or {}).items()}
        if not np.isfinite(logs["loss"]):
            return  # weights of NaN are nothing to go on from
        self.history.append({"epoch": epoch + 1, **logs})
        tensors = {
            f"{group}/{index}": np.asarray(variable)
            for group, variables in self.variables().items()
            for index, variable in enumerate(variables)
        }
        tensors |= {
            f"best/{index}": weights
            for index, weights in enumerate(self.early_stopping.best_weights)
        }
        state = {
            "history": self.history,
            "best": float(self.early_stopping.best),
            "wait": self.early_stopping.wait,
            "best_epoch": self.early_stopping.best_epoch,
            "stopped_early": self.model.stop_training,
        }
        with replacing(self.path) as temporary:
            temporary.write_bytes(save(tensors, metadata={"state": json.dumps(state)}))

    def variables(self) -> dict[str, list]:
        return {"weights": self.model.weights, "optimizer": self.model.optimizer.variables}
