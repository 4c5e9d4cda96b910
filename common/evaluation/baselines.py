"""Simple rivals on the same rows and columns, so that a network's score can be judged.

Each is fitted by a function (train, validation, schema, seed) and gives one from features to
answers: the probability of class 1, (rows,); of every class, (rows, classes); or a number, (rows,).
Of several labels at once, each is learned by itself, and the answers are (rows, labels).
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from common.data.dataset import Dataset, Examples, Schema
from common.data.folds import folds_of
from common.models.encoder import minimum_count

Predict = Callable[[pd.DataFrame], np.ndarray]
Fit = Callable[[Examples, Examples, Schema, int], Predict]


def class_prior(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """The shares of the classes among the training rows, for everyone."""
    counts = np.bincount(train.target.astype(int), minlength=len(schema.labels))
    shares = counts / counts.sum()
    return lambda features: answers_of(np.tile(shares, (len(features), 1)), schema)


def mean(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """The mean of the training rows for everyone, the geometric one for a logarithmic scale."""
    target = np.log(train.target) if schema.log_scale else train.target
    value = np.exp(target.mean(dtype=float)) if schema.log_scale else target.mean(dtype=float)
    return lambda features: np.full(len(features), value)


def logistic_regression(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """`linear_columns`, default ridge penalty, at most 300 steps of the solver.

    With many categories and classes it may not have converged by then; the last digits that are
    missing decide nothing, and waiting for them would take longer than the network.
    """
    columns = linear_columns(schema, len(train))
    model = make_pipeline(columns, LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train.features, train.target)
    return lambda features: answers_of(every_class(model, features, schema), schema)


def ridge_regression(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """`linear_columns`, default penalty; of the logarithm where the schema says so."""
    model = on_learned_scale(make_pipeline(linear_columns(schema, len(train)), Ridge()), schema)
    model.fit(train.features, train.target)
    return model.predict


def linear_columns(schema: Schema, rows: int) -> Pipeline:
    """One-hot categories, standardised numbers with marks for missing ones."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=minimum_count(rows)
    )
    return make_column_transformer((numbers, schema.numbers), (categories, schema.categories))


def gradient_boosting(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """scikit-learn's histogram gradient boosting, early stopping on validation rows.

    Categories with an order are given as their rank, the others as categories. Defaults but for one
    setting: of many classes the leaves are shrunk, since the default is too sure of itself on
    leaves of a few rows, which costs it log loss where classes are rare (crash_injuries).
    """
    known = {
        name: train.features[name].value_counts().index[:254].sort_values()
        for name in schema.categories
        if name not in schema.orders
    }

    def typed(features: pd.DataFrame) -> pd.DataFrame:
        categorical = {
            name: pd.Categorical(
                features[name].where(features[name].isin(values)), categories=values
            )
            for name, values in known.items()
        }
        ranks = {
            name: features[name].map({value: rank for rank, value in enumerate(order)})
            for name, order in schema.orders.items()
        }
        return features.assign(**categorical, **ranks)

    known_target = np.ones(len(validation), bool)
    if schema.task != "regression":  # it refuses classes that it has not learned
        known_target = np.isin(validation.target, train.target)
    validated = {
        "X_val": typed(validation.features[known_target]),
        "y_val": validation.target[known_target],
    }
    settings = {"early_stopping": True, "random_state": seed}
    if schema.task == "regression":
        if schema.log_scale:  # the scale wrapper passes y_val on as it is
            validated["y_val"] = np.log(validation.target)
        model = on_learned_scale(HistGradientBoostingRegressor(**settings), schema)
        model.fit(typed(train.features), train.target, **validated)
        return lambda features: model.predict(typed(features))
    shrinkage = 10.0 if schema.task == "multiclass" else 0.0
    model = HistGradientBoostingClassifier(l2_regularization=shrinkage, **settings)
    model.fit(typed(train.features), train.target, **validated)
    return lambda features: answers_of(every_class(model, typed(features), schema), schema)


def on_learned_scale(model, schema: Schema):
    """The regressor itself, or one that learns the logarithm and answers in the unit."""
    if not schema.log_scale:
        return model
    return TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp, check_inverse=False)


def every_class(model, features, schema: Schema) -> np.ndarray:
    """Probabilities (rows, classes) for a frame or array; 0 for a class without training rows."""
    probability = np.zeros((features.shape[0], len(schema.labels)))
    probability[:, model.classes_.astype(int)] = model.predict_proba(features)
    return probability


def of_each_label(fit: Fit) -> Fit:
    """The same rival once for each label, as two classes; a label that all or none have is given.

    scikit-learn calls this a MultiOutputClassifier.
    """

    def fit_labels(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        predicts = []
        for number, label in enumerate(schema.labels):
            parts = [replace(part, target=part.target[:, number]) for part in (train, validation)]
            alone = replace(schema, labels=(f"not {label}", label), several=False)
            learned = fit if len(np.unique(parts[0].target)) == 2 else class_prior
            predicts.append(learned(*parts, alone, seed))
        return lambda features: np.stack([predict(features) for predict in predicts], axis=1)

    return fit_labels


def answers_of(probability: np.ndarray, schema: Schema) -> np.ndarray:
    return probability[:, 1] if schema.task == "binary" else probability


CLASSIFIERS = {
    "class_prior": class_prior,
    "logistic_regression": logistic_regression,
    "hist_gradient_boosting": gradient_boosting,
}
REGRESSORS = {
    "mean": mean,
    "ridge_regression": ridge_regression,
    "hist_gradient_boosting": gradient_boosting,
}


def fit_baselines(
    train: Examples,
    validation: Examples,
    schema: Schema,
    seed: int,
    others: Mapping[str, Fit] | None = None,
) -> dict[str, Predict]:
    """Fit every baseline of the task on the training rows.

    others: the project's own; they take the place of the linear model and the boosted trees, which
    need the columns of a table.
    """
    of_task = REGRESSORS if schema.task == "regression" else CLASSIFIERS
    constant, *_ = of_task
    baselines = {constant: of_task[constant], **others} if others else of_task
    if schema.several:
        baselines = {name: of_each_label(fit) for name, fit in baselines.items()}
    return {name: fit(train, validation, schema, seed) for name, fit in baselines.items()}


def baseline_answers(
    dataset: Dataset, folds: int, seed: int, others: Mapping[str, Fit] | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """Every baseline fitted like the network: once, or once a fold with the mean as its answer.

    Where the dataset has a ranking, "ranking" are answers to each query with each candidate,
    (queries, candidates).
    """
    test = dataset.examples("test")
    held_out, answers = [], {}
    for learn, validate in folds_of(dataset, folds, seed):
        train, validation = dataset.chosen(learn), dataset.chosen(validate)
        held_out.append(validate)
        for name, predict in fit_baselines(train, validation, dataset.schema, seed, others).items():
            parts = answers.setdefault(name, {"validation": [], "test": []})
            parts["validation"].append(predict(validation.features))
            parts["test"].append(predict(test.features))
            if dataset.ranking:
                pairs = predict(dataset.ranking.pairs())
                found = pairs.reshape(len(dataset.ranking.queries), -1)
                parts.setdefault("ranking", []).append(found)
    order = np.argsort(np.concatenate(held_out))
    return {
        name: {
            "validation": np.concatenate(parts["validation"])[order],
            **{part: np.mean(parts[part], axis=0) for part in parts if part != "validation"},
        }
        for name, parts in answers.items()
    }
