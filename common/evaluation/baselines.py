"""Simple rivals on the same rows and columns, so that a network's score can be judged."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from common.data.dataset import Examples, Schema

Predict = Callable[[pd.DataFrame], np.ndarray]


def class_prior(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """The share of class 1 among the training rows, for everyone."""
    share = float(train.target.mean())
    return lambda features: np.full(len(features), share)


def logistic_regression(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """One-hot categories, standardised numbers with marks for missing ones, default ridge."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20)
    columns = make_column_transformer((numbers, schema.numbers), (categories, schema.categories))
    model = make_pipeline(columns, LogisticRegression(max_iter=300))
    model.fit(train.features, train.target)
    return lambda features: model.predict_proba(features)[:, 1]


def gradient_boosting(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """scikit-learn's histogram gradient boosting, defaults, early stopping on validation rows."""
    known = {
        name: train.features[name].value_counts().index[:254].sort_values()
        for name in schema.categories
    }

    def typed(features: pd.DataFrame) -> pd.DataFrame:
        categorical = {
            name: pd.Categorical(
                features[name].where(features[name].isin(values)), categories=values
            )
            for name, values in known.items()
        }
        return features.assign(**categorical)

    model = HistGradientBoostingClassifier(early_stopping=True, random_state=seed)
    model.fit(
        typed(train.features),
        train.target,
        X_val=typed(validation.features),
        y_val=validation.target,
    )
    return lambda features: model.predict_proba(typed(features))[:, 1]


BASELINES = {
    "class_prior": class_prior,
    "logistic_regression": logistic_regression,
    "hist_gradient_boosting": gradient_boosting,
}


def fit_baselines(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> dict[str, Predict]:
    """Fit every baseline on the training rows; name to a function from features to probability."""
    return {name: fit(train, validation, schema, seed) for name, fit in BASELINES.items()}
