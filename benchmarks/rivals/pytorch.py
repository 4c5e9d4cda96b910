"""The PyTorch reference: TabM and RealMLP as the library pytabkit trains them, on two CPU threads.

Default settings, with one exception for classification that the library's authors advise where
probabilities count: the validation metric is the cross entropy, not the share of wrong classes, and
RealMLP learns without label smoothing. One thing is mended: how TabM computes that cross entropy,
see `tabm_scored_by_probabilities`. Networks need numbers without gaps: missing ones become the
median of the training rows, beside a column of 0 and 1 that marks them.
"""

import logging
import warnings
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.rivals.boosting import THREADS, raw
from benchmarks.rivals.columns import (
    Columns,
    Predict,
    answers,
    describe_columns,
    learned_target,
)
from common.data.dataset import Examples, Schema


def tabm(
    train: Examples, validation: Examples, schema: Schema, seed: int, epochs: int = 0
) -> Predict:
    """TabM with 32 members, 3 blocks of 512, no embeddings of numbers (Gorishniy et al., 2025).

    epochs: at most so many; 0: until more than 16 in a row were not better, as the library does.
    """
    most = {"n_epochs": epochs} if epochs else {}
    return fitted("TabM_D", train, validation, schema, seed, **most)


def tabm_mini_ple(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """TabM-mini with piecewise-linear embeddings of numbers, the variant its paper recommends.

    All else is the library's: 48 bins of width 16, 2 blocks of 512. The batch size is chosen from
    the number of rows, as in the paper.
    """
    return fitted(
        "TabM_D",
        train,
        validation,
        schema,
        seed,
        arch_type="tabm-mini",
        num_emb_type="pwl",
        batch_size="auto",
    )


def realmlp(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """RealMLP with its tuned defaults, 256 epochs (Holzmüller et al., 2024)."""
    smoothing = {} if schema.task == "regression" else {"use_ls": False}
    return fitted("RealMLP_TD", train, validation, schema, seed, **smoothing)


def realmlp_as_shipped(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """RealMLP for classes by the share of wrong ones, with label smoothing: pytabkit untouched."""
    return fitted("RealMLP_TD", train, validation, schema, seed, val_metric_name="class_error")


def fitted(
    name: str, train: Examples, validation: Examples, schema: Schema, seed: int, **settings
) -> Predict:
    """Fit pytabkit's `name` with `settings`; returns the function from features to answers."""
    import pytabkit

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # it advertises on every fit
    columns, learned = describe_columns(train, schema), learned_target(train, validation, schema)
    if schema.task != "regression":
        settings = {"val_metric_name": "cross_entropy", **settings}
    kind = getattr(
        pytabkit, f"{name}_{'Regressor' if schema.task == 'regression' else 'Classifier'}"
    )
    # Talkative, since a fit can take an hour: one line an epoch tells how far it is.
    model = kind(device="cpu", n_threads=THREADS, random_state=seed, verbosity=1, **settings)
    typed = columns.typed(train.features)
    complete = partial(without_gaps, columns, typed[ranked_numbers(columns)])
    with warnings.catch_warnings(), tabm_scored_by_probabilities(schema):
        warnings.simplefilter("ignore")  # of Lightning and torch, on their own internals
        model.fit(
            complete(train.features),
            learned.train,
            complete(validation.features[learned.validation_rows]),
            learned.validation,
            cat_col_names=list(columns.values),
        )

    def predict(features: pd.DataFrame) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return answers(raw(model, complete(features)), learned, schema)

    return predict


@contextmanager
def tabm_scored_by_probabilities(schema: Schema):
    """Mend the validation metric of pytabkit 1.7.3's TabM while it learns classes.

    It hands probabilities to metrics that expect logits, so that the cross entropy is of a second
    softmax: the lowest it can be is 0.31 for two classes, and overconfidence lowers it. Logarithms
    of probabilities are logits too. Its predictions do take the logarithm.
    """
    from pytabkit.models.alg_interfaces import tabm_interface
    from pytabkit.models.training.metrics import Metrics

    class MetricsOfProbabilities(Metrics):
        @staticmethod
        def apply(y_pred, y, metric_name):
            return Metrics.apply(y_pred.clamp(min=1e-30).log(), y, metric_name)

    if schema.task == "regression":
        yield
    else:
        with patch.object(tabm_interface, "Metrics", MetricsOfProbabilities):
            yield


def ranked_numbers(columns: Columns) -> list[str]:
    return [*columns.schema.numbers, *columns.schema.orders]


def without_gaps(columns: Columns, fitted: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Typed columns with gaps filled and marked, by the training numbers `fitted`."""
    typed = columns.typed(features)
    middle = fitted.median().fillna(0)
    gappy = fitted.columns[fitted.isna().any()]
    marks = typed[gappy].isna().astype("float32").add_suffix(" is missing")
    numbers = typed[fitted.columns].fillna(middle)
    return pd.concat([numbers, marks, typed[list(columns.values)]], axis=1)
