"""LightGBM, XGBoost and CatBoost with their own defaults, stopped early on the validation rows.

Only what early stopping needs is set: enough trees, and 50 rounds without a better validation loss.
Learning rate, depth and regularisation are the library's; each treats categories its own way.
"""

import numpy as np
import pandas as pd

from benchmarks.rivals.columns import Predict, answers, describe_columns, learned_target
from common.data.dataset import Examples, Schema

THREADS = 2
TREES = 2000  # at the default learning rates of LightGBM (0.1) and XGBoost (0.3) never reached
PATIENCE = 50


def lightgbm(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """Leaf-wise trees, learning rate 0.1, 31 leaves; categories split by gradient statistics."""
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

    columns, learned = describe_columns(train, schema), learned_target(train, validation, schema)
    kind = LGBMRegressor if schema.task == "regression" else LGBMClassifier
    model = kind(n_estimators=TREES, n_jobs=THREADS, random_state=seed, verbose=-1)
    model.fit(
        columns.typed(train.features),
        learned.train,
        eval_X=columns.typed(validation.features[learned.validation_rows]),
        eval_y=learned.validation,
        callbacks=[early_stopping(PATIENCE, verbose=False)],
    )
    return lambda features: answers(raw(model, columns.typed(features)), learned, schema)


def xgboost(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """Depth-wise histogram trees, learning rate 0.3, depth 6; categories taken natively."""
    from xgboost import XGBClassifier, XGBRegressor

    columns, learned = describe_columns(train, schema), learned_target(train, validation, schema)
    kind = XGBRegressor if schema.task == "regression" else XGBClassifier
    model = kind(
        n_estimators=TREES,
        early_stopping_rounds=PATIENCE,
        enable_categorical=True,
        n_jobs=THREADS,
        random_state=seed,
    )
    checked = columns.typed(validation.features[learned.validation_rows])
    model.fit(
        columns.typed(train.features),
        learned.train,
        eval_set=[(checked, learned.validation)],
        verbose=False,
    )
    return lambda features: answers(raw(model, columns.typed(features)), learned, schema)


def catboost(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """Symmetric trees of depth 6, categories as ordered target statistics.

    CatBoost chooses its learning rate from the number of rows and of iterations, which therefore
    stays at its default of 1000.
    """
    from catboost import CatBoostClassifier, CatBoostRegressor

    columns, learned = describe_columns(train, schema), learned_target(train, validation, schema)
    kind = CatBoostRegressor if schema.task == "regression" else CatBoostClassifier
    model = kind(
        early_stopping_rounds=PATIENCE,
        cat_features=list(columns.values),
        thread_count=THREADS,
        random_seed=seed,
        logging_level="Silent",
        allow_writing_files=False,
    )
    checked = columns.text(validation.features[learned.validation_rows])
    model.fit(columns.text(train.features), learned.train, eval_set=(checked, learned.validation))
    return lambda features: answers(raw(model, columns.text(features)), learned, schema)


def hist_gradient_boosting(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """The kit's own baseline, scikit-learn's boosting, under the same clock."""
    from common.evaluation.baselines import gradient_boosting

    return gradient_boosting(train, validation, schema, seed)


def raw(model, features: pd.DataFrame) -> np.ndarray:
    """Probabilities (rows, classes) of a classifier, numbers (rows,) of a regressor."""
    probabilities = getattr(model, "predict_proba", None)
    return probabilities(features) if probabilities else model.predict(features)
