"""Fit one rival on a dataset's split, and note down all that its figures depend on."""

import dataclasses
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from benchmarks.rivals import boosting, kit, pytorch
from benchmarks.rivals.columns import Predict
from benchmarks.rivals.paired import gains
from benchmarks.rivals.scores import SHOWN, score
from common.data.dataset import Dataset, Examples, Schema
from common.errors import UserError


@dataclass(frozen=True)
class Rival:
    """fit: as a baseline in common/evaluation/baselines.py; package: whose version is noted."""

    fit: Callable[[Examples, Examples, Schema, int], Predict]
    package: str


RIVALS = {
    "lightgbm": Rival(boosting.lightgbm, "lightgbm"),
    "xgboost": Rival(boosting.xgboost, "xgboost"),
    "catboost": Rival(boosting.catboost, "catboost"),
    "hist_gradient_boosting": Rival(boosting.hist_gradient_boosting, "scikit-learn"),
    "kit_california_housing": Rival(kit.kit_california_housing, "keras"),
    "kit_census_income": Rival(kit.kit_census_income, "keras"),
    "tabm": Rival(pytorch.tabm, "pytabkit"),
    "tabm_mini_ple": Rival(pytorch.tabm_mini_ple, "pytabkit"),
    "realmlp": Rival(pytorch.realmlp, "pytabkit"),
    "realmlp_as_shipped": Rival(pytorch.realmlp_as_shipped, "pytabkit"),
}


def check_names(names: tuple[str, ...]) -> None:
    """UserError for a rival that does not exist, or whose package is not installed."""
    for name in names:
        if name not in RIVALS:
            raise UserError(f"There is no rival {name}. Choose of: {', '.join(RIVALS)}.")
        package = RIVALS[name].package
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise UserError(
                f"{name} needs the package {package}, which is not installed. Install all that "
                "the measurements need: pip install -r requirements-bench.txt"
            ) from None


def measure(
    name: str,
    dataset: Dataset,
    seed: int,
    rows: int = 0,
    kit: dict[str, np.ndarray] | None = None,
) -> dict:
    """Fit the rival on the training rows, score it on the test rows; a record of JSON values.

    rows: train on so many rows only, evenly spaced, since a network may take hours on all; 0: on
    all of them. Validation and test rows are never thinned. kit: the kit's answers on the test rows
    by seed, see `kit_answers`; with them the record tells how far the kit is ahead.
    """
    train, validation, test = (dataset.examples(part) for part in ("train", "validation", "test"))
    if 0 < rows < len(train):
        train = chosen_rows(train, np.linspace(0, len(train) - 1, rows).astype(int))
    started = time.perf_counter()
    predict = RIVALS[name].fit(train, validation, dataset.schema, seed)
    seconds = time.perf_counter() - started
    answer = predict(test.features)
    metrics = SHOWN[dataset.schema.task]
    paired = {"seeds": len(kit), **gains(dataset, kit, answer, metrics)} if kit else None
    package = RIVALS[name].package
    return {
        "test": score(test.target, answer, dataset.schema),
        **({"kit_ahead": paired} if paired else {}),
        "seconds": round(seconds, 1),
        "rows": {"train": len(train), "validation": len(validation), "test": len(test)},
        "seed": seed,
        "version": f"{package} {importlib.metadata.version(package)}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {boosting.THREADS} threads",
        "date": date.today().isoformat(),
    }


def chosen_rows(examples: Examples, rows: np.ndarray) -> Examples:
    """The examples at these places, in this order."""
    values = {field.name: getattr(examples, field.name) for field in dataclasses.fields(Examples)}
    return Examples(
        **{
            name: value[rows] if isinstance(value, np.ndarray) else value.iloc[rows]
            for name, value in values.items()
        }
    )
