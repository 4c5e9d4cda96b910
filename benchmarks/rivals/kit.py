"""The kit's own TabM as a rival among others, fitted and scored as they are."""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from benchmarks.rivals.columns import Predict
from common.data.dataset import Examples, Schema
from common.tabular import TabularConfig, build_tabular

CALIFORNIA_HOUSING = TabularConfig(
    blocks=3,
    units=192,
    epochs=60,
    number_bins=256,
    batch_size=256,
    learning_rate=3e-3,
    patience=12,
)  # chosen on validation rows of California Housing


def kit_california_housing(
    train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """One network with the settings above."""
    return learned(CALIFORNIA_HOUSING, train, validation, schema, seed)


def kit_census_income(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """One network with the settings of projects/census_income."""
    from projects.census_income.run import Config

    return learned(Config(), train, validation, schema, seed)


def kit_untuned(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """One network with the settings that `common.new` writes for a table of these rows."""
    from common.new.settings import settings_for
    from projects.template_tabular.run import Config

    rows = len(train) + len(validation)
    settings = settings_for(rows, schema.task, len(schema.numbers), by_time=False, text=False)
    return learned(replace(Config(), **asdict(settings)), train, validation, schema, seed)


def learned(
    config: TabularConfig, train: Examples, validation: Examples, schema: Schema, seed: int
) -> Predict:
    """One network, learned from the training rows, its best epoch chosen on the validation rows."""
    from common.backend import start_backend

    start_backend("float32")
    import keras

    from common.models.encoder import build_encoder, describe_table, encode, predict_rows, stitch
    from common.models.heads import describe_target
    from common.training.fit import fit
    from common.training.part import Part

    keras.utils.set_random_seed(seed)
    encoder = build_encoder(train.features, schema.numbers, schema.categories, schema.orders)
    parts = [Part(encode(encoder, rows.features), rows.target) for rows in (train, validation)]
    target = describe_target(train.target, schema.task, len(schema.labels), schema.log_scale)
    network = build_tabular(config, describe_table(encoder, parts[0].inputs), target)
    with tempfile.TemporaryDirectory() as folder:
        fit(network, target, *parts, config, seed, Path(folder) / "state", verbose=0)
    model = stitch(encoder, network)

    def predict(features: pd.DataFrame):
        answers = predict_rows(model, features)
        return answers if schema.task == "multiclass" else answers[:, 0]

    return predict
