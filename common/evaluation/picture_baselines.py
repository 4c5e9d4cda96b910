"""Rivals for networks that look at pictures: shapes or colours counted, and a classical model.

They are fitted like those of common/evaluation/baselines.py, but on the column of kind "image", and
on at most LARGEST pictures of the training and of the validation part, drawn at random: more would
not fit into memory and time. The validation pictures choose the settings, by their log loss.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import Predict, answers_of, every_class
from common.evaluation.multiclass import MulticlassRows
from common.images.decode import ImageForm, decode
from common.images.hog import CELL, hog
from common.images.survey import THREADS, spread

LARGEST = 5000  # pictures
CHUNK = 1000  # pictures whose vectors are in memory at a time when answers are asked for
HOG_SIDE = 128  # pixels of the longer side
COLOUR_SIDE = 64
LEVELS = 8  # of each colour
HOG_PENALTIES = (0.03, 0.1, 0.3, 1.0)  # C of the logistic regression: the smaller, the stronger
COLOUR_PENALTIES = (1.0, 10.0, 100.0)
SVM_PENALTIES = (1.0, 3.0, 10.0)
SVM_WIDTHS = (1.0, 3.0, 6.0, 10.0)  # gamma as multiples of scikit-learn's "scale"
STEPS = 300  # of a logistic regression's solver

Vectors = Callable[[pd.DataFrame], np.ndarray]  # features to (rows, n) float32
Answer = Callable[[np.ndarray], np.ndarray]  # vectors (rows, n) to probabilities (rows, classes)


def hog_svm(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """Histograms of oriented gradients (common/images/hog.py) and an SVM with an RBF kernel.

    The validation pictures choose penalty and width of the kernel. They also turn the SVM's scores
    into probabilities, by a logistic regression: Platt, "Probabilistic Outputs for Support Vector
    Machines", 1999, here of all classes at once. A class without validation pictures gets 0.
    """
    vectors = hog_vectors(schema)
    learned, target = drawn(train, vectors, seed)
    scale = 1 / (learned.shape[1] * learned.var())

    def apart(features: pd.DataFrame) -> np.ndarray:
        return squared_distances(vectors(features), learned)

    learned_apart = squared_distances(learned, learned)
    validated_apart, validation_target = drawn(validation, apart, seed)

    def fit(gamma: float, penalty: float) -> Answer:
        machine = SVC(C=penalty, kernel="precomputed")
        machine.fit(np.exp(-gamma * learned_apart), target)

        def scores(rows: np.ndarray) -> np.ndarray:
            return machine.decision_function(np.exp(-gamma * rows)).reshape(len(rows), -1)

        platt = LogisticRegression(max_iter=STEPS)
        fit_quietly(platt, scores(validated_apart), validation_target)
        return lambda rows: every_class(platt, scores(rows), schema)

    settings = [(width * scale, penalty) for width in SVM_WIDTHS for penalty in SVM_PENALTIES]
    answers = (fit(*setting) for setting in settings)
    return predicting(best_of(answers, validated_apart, validation_target), apart, schema)


def fit_quietly(model, vectors: np.ndarray, target: np.ndarray) -> None:
    """Fit a logistic regression in STEPS at most; the digits missing then decide nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, target)


def squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of vectors (rows, n) and (others, n): (rows, others).

    Not scikit-learn's, which takes ten times as long for float32 to be exact to the last digit.
    """
    lengths = [(each**2).sum(axis=1) for each in (rows, others)]
    return np.maximum(lengths[0][:, None] + lengths[1] - 2 * rows @ others.T, 0)


def hog_logistic_regression(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """Histograms of oriented gradients (common/images/hog.py) and a logistic regression."""
    vectors = hog_vectors(schema)
    return logistic_regression_on(vectors, HOG_PENALTIES, train, validation, schema, seed)


def colour_histogram_logistic_regression(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """How often each colour comes, wherever in the picture, and a logistic regression.

    Swain, Ballard, "Color Indexing", International Journal of Computer Vision 7, 1991, section 2.
    """
    form = smaller(schema.image, COLOUR_SIDE, multiple=1)
    vectors = vectors_by(colour_histogram, form, schema)
    return logistic_regression_on(vectors, COLOUR_PENALTIES, train, validation, schema, seed)


def colour_histogram(picture: np.ndarray) -> np.ndarray:
    """Square roots of the shares of pixels in LEVELS equal ranges of each channel.

    picture: (height, width, channels) uint8; returns (LEVELS ** channels,) float32. Without the
    root, a large even ground would hide the rest.
    """
    channels = picture.shape[-1]
    levels = picture.reshape(-1, channels).astype(int) * LEVELS // 256
    cells = np.ravel_multi_index(tuple(levels.T), (LEVELS,) * channels)
    counts = np.bincount(cells, minlength=LEVELS**channels)
    return np.sqrt(counts / len(cells)).astype("float32")


def logistic_regression_on(
    vectors: Vectors,
    penalties: Sequence[float],
    train: Examples,
    validation: Examples,
    schema: Schema,
    seed: int,
) -> Predict:
    """A logistic regression on centred vectors, its ridge penalty chosen by validation.

    Centred, the solver needs half the steps; standardised, it answers no better and needs more.
    """
    learned, target = drawn(train, vectors, seed)
    validated, validation_target = drawn(validation, vectors, seed)

    def fit(penalty: float) -> Answer:
        centred = StandardScaler(with_std=False)
        model = make_pipeline(centred, LogisticRegression(C=penalty, max_iter=STEPS))
        fit_quietly(model, learned, target)
        return lambda rows: every_class(model, rows, schema)

    answers = map(fit, penalties)
    return predicting(best_of(answers, validated, validation_target), vectors, schema)


def best_of(answers: Iterable[Answer], validated: np.ndarray, target: np.ndarray) -> Answer:
    """The one with the smallest log loss on validation vectors (rows, n); the first of equal."""

    def loss(answer: Answer) -> float:
        return MulticlassRows(target, answer(validated)).metrics()["log_loss"]

    return min(answers, key=loss)


def predicting(answer: Answer, vectors: Vectors, schema: Schema) -> Predict:
    """From features to answers, CHUNK pictures at a time."""

    def predict(features: pd.DataFrame) -> np.ndarray:
        starts = range(0, len(features), CHUNK)
        parts = [answer(vectors(features[start : start + CHUNK])) for start in starts]
        return answers_of(np.concatenate(parts), schema)

    return predict


def drawn(examples: Examples, vectors: Vectors, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (rows, n) and target (rows,) of at most LARGEST examples."""
    chosen = np.random.default_rng(seed).permutation(len(examples))[:LARGEST]
    return vectors(examples.features.iloc[chosen]), examples.target[chosen]


def hog_vectors(schema: Schema) -> Vectors:
    return vectors_by(hog, smaller(schema.image, HOG_SIDE, multiple=CELL), schema)


def smaller(form: ImageForm, side: int, multiple: int) -> ImageForm:
    """The form with a longer side of `side` pixels, both sides being multiples, two at least."""
    longer = max(form.height, form.width)
    height, width = (
        max(2, round(side * length / longer / multiple)) * multiple
        for length in (form.height, form.width)
    )
    return ImageForm(height, width, form.channels, form.fit)


def vectors_by(
    measure: Callable[[np.ndarray], np.ndarray], form: ImageForm, schema: Schema
) -> Vectors:
    """A function that decodes the pictures of features and gives what each one measures."""

    def measured(path: str) -> np.ndarray:
        return measure(decode(Path(path), form))

    def vectors(features: pd.DataFrame) -> np.ndarray:
        paths = features[schema.images[0]].tolist()
        with ThreadPoolExecutor(THREADS) as pool:
            return np.stack(list(spread(pool, measured, paths)))

    return vectors
