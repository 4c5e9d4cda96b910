"""Test scores of a rival's answers, computed by scikit-learn."""

import numpy as np
from sklearn import metrics

from common.data.dataset import Schema

# The accuracy of two classes is stored but not shown: the kit's own belongs to another threshold.
SHOWN = {
    "binary": ("roc_auc", "log_loss"),
    "multiclass": ("log_loss", "accuracy", "f1_macro"),
    "regression": ("rmse", "mae", "r2", "rmse_log"),
}


def score(target: np.ndarray, answer: np.ndarray, schema: Schema) -> dict[str, float]:
    """Metrics by their scikit-learn names; target (rows,), answer as a project's network gives it.

    Classes are called by the highest probability (0.5 for two); f1_macro and log_loss count every
    class of the schema. rmse_log, where logarithms are learned: the error of the natural logarithm.
    """
    if schema.task == "regression":
        scores = {
            "rmse": metrics.root_mean_squared_error(target, answer),
            "mae": metrics.mean_absolute_error(target, answer),
            "r2": metrics.r2_score(target, answer),
        }
        if schema.log_scale:
            scores["rmse_log"] = metrics.root_mean_squared_error(np.log(target), np.log(answer))
    elif schema.task == "binary":
        scores = {
            "roc_auc": metrics.roc_auc_score(target, answer),
            "log_loss": metrics.log_loss(target, answer.astype("float64")),
            "accuracy": metrics.accuracy_score(target, answer >= 0.5),
        }
    else:
        classes = np.arange(len(schema.labels))
        normal = answer / answer.sum(axis=1, keepdims=True, dtype="float64")
        called = answer.argmax(axis=1)
        scores = {
            "log_loss": metrics.log_loss(target, normal, labels=classes),
            "accuracy": metrics.accuracy_score(target, called),
            "f1_macro": metrics.f1_score(
                target, called, labels=classes, average="macro", zero_division=0
            ),
        }
    return {name: float(value) for name, value in scores.items()}
