"""Rivals for networks that look at the pixels of a scene: classical models on their spectra.

They are fitted like those of common/evaluation/baselines.py, but on the column of kind "patch".
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import (
    Fit,
    Predict,
    answers_of,
    gradient_boosting,
    logistic_regression,
)
from common.evaluation.multiclass import MulticlassRows
from common.scenes.form import PatchForm
from common.scenes.patches import patches_of, spectra_of

PENALTIES = (10.0, 100.0, 1000.0)  # C of the SVM
SHARPNESS = (0.5, 1.0, 2.0, 4.0, 8.0)  # by which scores are multiplied before the softmax
CHUNK = 1000  # patches that are in memory at a time

Spectra = Callable[[pd.Series, PatchForm], np.ndarray]  # named pixels to (pixels, bands) float32


def on_spectra(fit: Fit) -> Fit:
    """A baseline for tables as one for pixels: their bands are its columns, all numbers."""

    def fitted(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        names = [f"band {number}" for number in range(schema.patch.bands)]

        def tabled(features: pd.DataFrame) -> pd.DataFrame:
            return pd.DataFrame(
                spectra_of(features[schema.patches[0]], schema.patch), columns=names
            )

        train, validation = (
            replace(part, features=tabled(part.features)) for part in (train, validation)
        )
        table = replace(schema, features=dict.fromkeys(names, "number"), patch=None)
        predict = fit(train, validation, table, seed)
        return lambda features: predict(tabled(features))

    return fitted


def mean_spectra(pixels: pd.Series, form: PatchForm) -> np.ndarray:
    """The mean over the patch around each named pixel, (pixels, bands)."""
    patches = patches_of(pixels, form)
    starts = range(0, len(patches), CHUNK)
    means = [patches[start : start + CHUNK].mean(axis=(1, 2)) for start in starts]
    return np.concatenate(means)


def svm_on(spectra: Spectra) -> Fit:
    """An SVM with an RBF kernel on standardised bands, the field's usual classifier.

    Melgani, Bruzzone, "Classification of Hyperspectral Remote Sensing Images with Support Vector
    Machines", IEEE Transactions on Geoscience and Remote Sensing 42 (2004). The validation pixels
    choose the penalty, and how sure the softmax of the scores is, both by their log loss: unlike
    Platt's regression that needs no validation pixels of every class. The width of the kernel is
    scikit-learn's "scale".
    """

    def fitted(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        def vectors(features: pd.DataFrame) -> np.ndarray:
            return spectra(features[schema.patches[0]], schema.patch)

        learned, validated = vectors(train.features), vectors(validation.features)
        best, smallest = None, np.inf
        for penalty in PENALTIES:
            machine = make_pipeline(StandardScaler(), SVC(C=penalty))
            machine.fit(learned, train.target.astype(int))
            scores = machine.decision_function(validated)
            for sharpness in SHARPNESS:
                answers = softmax_of(scores, sharpness, machine.classes_, len(schema.labels))
                loss = MulticlassRows(validation.target, answers).metrics()["log_loss"]
                if best is None or loss < smallest:
                    best, smallest = (machine, sharpness), loss
        machine, sharpness = best

        def predict(features: pd.DataFrame) -> np.ndarray:
            scores = machine.decision_function(vectors(features))
            return answers_of(
                softmax_of(scores, sharpness, machine.classes_, len(schema.labels)), schema
            )

        return predict

    return fitted


def softmax_of(scores: np.ndarray, sharpness: float, known: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities (rows, classes) from scores (rows, known), of two classes (rows,).

    known: numbers of the classes that were learned; the others have probability 0.
    """
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores]) / 2
    probability = np.zeros((len(scores), classes))
    probability[:, known] = softmax(sharpness * scores, axis=1)
    return probability


RIVALS: dict[str, Fit] = {  # by what they see: the pixel alone, or the mean of its surroundings
    "logistic_regression": on_spectra(logistic_regression),
    "hist_gradient_boosting": on_spectra(gradient_boosting),
    "svm": svm_on(spectra_of),
    "svm_on_mean_of_patch": svm_on(mean_spectra),
}
