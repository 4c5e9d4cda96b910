"""What a model's loss expects of outputs and labels, and what guessing would score in it."""

from dataclasses import dataclass

import keras
import numpy as np

from common.errors import UserError

CLASSES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
NUMBERS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


@dataclass(frozen=True)
class LossFacts:
    """name: as Keras's function is called; from_logits: whether it takes numbers before softmax."""

    name: str
    from_logits: bool

    @property
    def of_classes(self) -> bool:
        return self.name in CLASSES

    @property
    def of_numbers(self) -> bool:
        return self.name in NUMBERS

    def class_numbers(self, y: np.ndarray) -> np.ndarray:
        """Labels as class numbers, (labels,)."""
        if self.name == "categorical_crossentropy":
            return y.reshape(-1, y.shape[-1]).argmax(axis=1)
        if self.name == "binary_crossentropy" and y.ndim > 1 and y.shape[-1] > 1:
            return y.argmax(axis=-1).ravel()
        return y.ravel().astype(int)

    def guessing(self, y: np.ndarray) -> float | None:
        """The loss of guessing the class shares, or the mean, for every row; None if not known."""
        if self.name == "binary_crossentropy" and several_at_once(y):
            shares = np.clip(y.mean(axis=0, dtype=float), 1e-6, 1 - 1e-6)
            return float(-(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).mean())
        if self.of_classes:
            counts = np.bincount(np.maximum(self.class_numbers(y), 0))
            shares = counts[counts > 0] / counts.sum()
            return float(-(shares * np.log(shares)).sum())
        if self.name == "mean_squared_error":
            return float(y.var(axis=0, dtype=float).mean())
        if self.name == "mean_absolute_error":
            return float(np.abs(y - np.median(y, axis=0)).mean(dtype=float))
        return None

    def zeros(self, y: np.ndarray, units: int) -> float:
        """The loss of zeros before the last activation, which new networks nearly give."""
        if self.of_classes:
            return float(np.log(max(units, 2)))
        return float((np.abs(y) ** (1 if self.name == "mean_absolute_error" else 2)).mean())


def several_at_once(y: np.ndarray) -> bool:
    """Whether labels (rows, labels) are such that of a row none or several may hold."""
    return y.ndim == 2 and y.shape[1] > 1 and bool((y.sum(axis=1) != 1).any())


def describe_loss(model: keras.Model) -> LossFacts:
    """The facts of a compiled model's loss, or of its `loss_function`, where it has one.

    UserError for a model without a loss, or with several.
    """
    loss = getattr(model, "loss_function", None) or getattr(model, "loss", None)
    if isinstance(loss, list | tuple | dict):
        losses = list(loss.values() if isinstance(loss, dict) else loss)
        if len(losses) != 1:
            raise UserError(f"The doctor examines models with one output; this has {len(losses)}.")
        (loss,) = losses
    if loss is None:
        raise UserError(
            "The model has no loss yet. Compile it first, model.compile(optimizer, loss), or give "
            "diagnose(…, loss=…)."
        )
    loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        return LossFacts(snake_case(type(loss).__name__), getattr(loss, "from_logits", False))
    return LossFacts(loss.__name__, False)


def snake_case(name: str) -> str:
    """CategoricalCrossentropy as categorical_crossentropy."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
