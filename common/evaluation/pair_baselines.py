"""Baselines for pairs of texts: searches that need no training, and how much both texts share."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.data.dataset import Examples, Schema
from common.data.ranking import Index
from common.evaluation.baselines import Fit, Predict, linear_columns

SCORES_AT_ONCE = 2**24  # of a search, in memory
LETTERS = 500  # of a text whose runs are compared: they slow the rival down, not up
Describe = Callable[[pd.DataFrame], np.ndarray]  # from both texts of pairs to (rows, numbers)


def pairs_by(index: Index) -> Fit:
    """A baseline for pairs: the score of the second text for the first, made a probability.

    A pair is scored in a search among all second texts of the frame; logistic regression on the
    scores of the training pairs makes probabilities of them.
    """
    return by_scores(lambda pairs: pair_scores(index, pairs))


def by_minilm() -> Fit:
    """As `pairs_by(minilm_cosine)`; each text is read once, however many folds there are."""
    vectors: dict[str, np.ndarray] = {}

    def cosines(pairs: pd.DataFrame) -> np.ndarray:
        from common.models.sentences import encode_texts

        first, second = (pairs.iloc[:, place] for place in (0, 1))
        unread = [text for text in pd.unique(pd.concat([first, second])) if text not in vectors]
        vectors.update(zip(unread, encode_texts(unread), strict=True))
        return np.array(
            [[vectors[one] @ vectors[other]] for one, other in zip(first, second, strict=True)]
        )

    return by_scores(cosines)


def by_scores(score: Describe) -> Fit:
    """Logistic regression on what `score` gives for both texts of a pair, standardised."""

    def fit(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        texts = list(schema.texts)
        return on_numbers(lambda features: score(features[texts]), train)

    return fit


def on_numbers(describe: Describe, train: Examples) -> Predict:
    """Logistic regression on standardised numbers of a row, fitted on the training rows."""
    scaler, model = StandardScaler(), LogisticRegression(max_iter=300)
    model.fit(scaler.fit_transform(describe(train.features)), train.target)
    return lambda features: model.predict_proba(scaler.transform(describe(features)))[:, 1]


def pair_scores(index: Index, features: pd.DataFrame) -> np.ndarray:
    """The score of each pair, (rows, 1), of a frame with a first and a second column of texts."""
    query, queries = pd.factorize(features.iloc[:, 0])
    candidate, candidates = pd.factorize(features.iloc[:, 1])
    search, scores = index(candidates), np.zeros((len(features), 1))
    at_once = max(1, SCORES_AT_ONCE // len(candidates))
    for start in range(0, len(queries), at_once):
        found = search(queries[start : start + at_once])
        rows = np.flatnonzero((query >= start) & (query < start + at_once))
        scores[rows, 0] = found[query[rows] - start, candidate[rows]]
    return scores


def overlap_regression(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """Logistic regression on what both texts share, and on numbers and categories of the row.

    What they share: the shares of the words of one that are in the other, both ways; the cosines of
    TF-IDF of words and of runs of three letters; and the lengths in words.
    """
    texts = list(schema.texts)
    known = pd.concat([train.features[name] for name in texts]).drop_duplicates()
    word = r"\w" if schema.texts[texts[0]].unit == "characters" else r"\w+"
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=rf"{word}|[^\w\s]").fit(known)
    runs = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 3))
    runs.fit(known.str.slice(0, LETTERS))
    columns = linear_columns(schema, len(train)) if schema.columns else None
    if columns:
        columns.fit(train.features)

    def describe(features: pd.DataFrame) -> np.ndarray:
        by_word = [words.transform(features[name]) for name in texts]
        by_run = [runs.transform(features[name].str.slice(0, LETTERS)) for name in texts]
        there = [(found > 0).astype("float64") for found in by_word]
        sizes = [np.asarray(found.sum(axis=1)).ravel() for found in there]
        numbers = [
            *(products(*there) / np.maximum(size, 1) for size in sizes),
            products(*by_word),
            products(*by_run),
            *map(np.log1p, sizes),
        ]
        shared = np.stack(numbers, axis=1)
        if columns is None:
            return shared
        others = columns.transform(features)
        return np.hstack([shared, others.toarray() if hasattr(others, "toarray") else others])

    return on_numbers(describe, train)


def products(first: csr_matrix, second: csr_matrix) -> np.ndarray:
    """Of each row of both matrices (rows, n) the scalar product, (rows,)."""
    return np.asarray(first.multiply(second).sum(axis=1)).ravel()
