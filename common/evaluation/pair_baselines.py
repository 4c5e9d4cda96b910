"""Baselines for pairs of texts, made of searches that need no training."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.data.dataset import Examples, Schema
from common.data.ranking import Index
from common.evaluation.baselines import Fit, Predict


def pairs_by(index: Index) -> Fit:
    """A baseline for pairs: the score of the second text for the first, made a probability.

    A pair is scored in a search among all second texts of the frame; logistic regression on the
    scores of the training pairs makes probabilities of them.
    """

    def fit(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        scaler, model = StandardScaler(), LogisticRegression()
        model.fit(scaler.fit_transform(pair_scores(index, train.features)), train.target)

        def predict(features: pd.DataFrame) -> np.ndarray:
            return model.predict_proba(scaler.transform(pair_scores(index, features)))[:, 1]

        return predict

    return fit


def pair_scores(index: Index, features: pd.DataFrame) -> np.ndarray:
    """The score of each pair, (rows, 1), of a frame with a first and a second column of texts."""
    query, queries = pd.factorize(features.iloc[:, 0])
    candidate, candidates = pd.factorize(features.iloc[:, 1])
    return index(candidates)(queries)[query, candidate][:, None]
