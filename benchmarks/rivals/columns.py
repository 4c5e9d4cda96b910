"""A schema's columns as the other libraries take them, and targets as they learn them.

Every rival gets the same columns: numbers as they are, with NaN for missing; ordered categories as
their rank, NaN where a value has none; all other categories as pandas categories, with the values
of the training rows ("" for missing is one of them) and NaN for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from common.data.dataset import Examples, Schema

Predict = Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Columns:
    """The columns of `schema`, and the values its unordered categories had in training."""

    schema: Schema
    values: dict[str, pd.Index]

    def typed(self, features: pd.DataFrame) -> pd.DataFrame:
        """A frame of float32 and category columns, in the order of the schema."""
        typed = features[list(self.schema.features)].copy()
        for name, order in self.schema.orders.items():
            ranks = {value: rank for rank, value in enumerate(order)}
            typed[name] = features[name].map(ranks).astype("float32")
        for name, values in self.values.items():
            known = features[name].where(features[name].isin(values))
            typed[name] = pd.Categorical(known, categories=values)
        return typed

    def text(self, features: pd.DataFrame) -> pd.DataFrame:
        """The same frame with unordered categories as text, unseen values included."""
        typed = self.typed(features)
        for name in self.values:
            typed[name] = features[name].astype(object)
        return typed


def describe_columns(train: Examples, schema: Schema) -> Columns:
    """The columns of `schema` with the categories of the training rows."""
    unordered = [name for name in schema.categories if name not in schema.orders]
    values = {name: pd.Index(sorted(train.features[name].unique())) for name in unordered}
    return Columns(schema, values)


@dataclass(frozen=True)
class Learned:
    """The target as a library learns it.

    train, validation: (rows,) float64 numbers, or int64 classes without gaps. validation_rows: the
    validation rows that can be used, (rows,) of bool. classes: the number of every class that has
    training rows; empty for regression.
    """

    train: np.ndarray
    validation: np.ndarray
    validation_rows: np.ndarray
    classes: np.ndarray


def learned_target(train: Examples, validation: Examples, schema: Schema) -> Learned:
    """Logarithms where the schema has `log_scale`; classes renumbered if training lacks some.

    Validation rows of a class without training rows are left out: no library can score them.
    """
    if schema.task == "regression":
        scale = np.log if schema.log_scale else np.asarray
        targets = (scale(part.target.astype("float64")) for part in (train, validation))
        return Learned(*targets, np.ones(len(validation), bool), np.array([], int))
    classes = np.unique(train.target).astype(int)
    usable = np.isin(validation.target, classes)
    return Learned(
        np.searchsorted(classes, train.target),
        np.searchsorted(classes, validation.target[usable]),
        usable,
        classes,
    )


def answers(raw: np.ndarray, learned: Learned, schema: Schema) -> np.ndarray:
    """A library's output as the project's answer.

    raw: (rows,) numbers, or (rows, classes) probabilities of the classes in training. Returns
    (rows,) in the unit of the target, (rows,) probabilities of class 1, or (rows, classes).
    """
    if schema.task == "regression":
        return np.exp(raw) if schema.log_scale else np.asarray(raw)
    if schema.task == "binary":
        return raw[:, 1]
    probabilities = np.zeros((len(raw), len(schema.labels)))
    probabilities[:, learned.classes] = raw
    return probabilities
