"""Fit one rival on a dataset's split, and note down all that its figures depend on."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np

from benchmarks.rivals import boosting, kit, pytorch
from benchmarks.rivals.columns import Predict
from benchmarks.rivals.scores import score
from common.data.dataset import Dataset, Examples, Schema
from common.data.folds import folds_of
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
    "kit_untuned": Rival(kit.kit_untuned, "keras"),
    "kit_census_income": Rival(kit.kit_census_income, "keras"),
    "tabm": Rival(pytorch.tabm, "pytabkit"),
    "tabm_mini_ple": Rival(pytorch.tabm_mini_ple, "pytabkit"),
    "realmlp": Rival(pytorch.realmlp, "pytabkit"),
    "realmlp_as_shipped": Rival(pytorch.realmlp_as_shipped, "pytabkit"),
}
LIMITED = ("tabm",)  # those that can be told to stop; RealMLP plans its rate by its epochs


def check_names(names: tuple[str, ...], epochs: int = 0) -> None:
    """UserError for a rival that does not exist, or whose package is not installed.

    epochs: a limit; where there is one, UserError too for rivals that take none.
    """
    for name in names:
        if name not in RIVALS:
            raise UserError(f"There is no rival {name}. Choose of: {', '.join(RIVALS)}.")
        if epochs and name not in LIMITED:
            raise UserError(
                f"--epochs is {epochs}, but {name} takes no such limit, only {', '.join(LIMITED)}."
            )
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
    folds: int = 1,
    epochs: int = 0,
) -> tuple[dict, np.ndarray]:
    """Fit the rival on the training rows, score it on the test rows.

    rows: train on so many rows only, evenly spaced, since a network may take hours on all; 0: on
    all of them. Validation and test rows are never thinned. folds: fit it once a fold, as the kit
    does where its project has folds, and score the mean answer. epochs: at most so many, for
    those in `LIMITED`; 0: as many as they want.
    Returns a record of JSON values, and the answers on the test rows, (rows,) or (rows, classes).
    """
    fit = partial(RIVALS[name].fit, epochs=epochs) if epochs else RIVALS[name].fit
    test = dataset.examples("test")
    answers, counts, seconds = [], [], 0.0
    for learn, validate in folds_of(dataset, folds, seed):
        if 0 < rows < len(learn):
            learn = learn[np.linspace(0, len(learn) - 1, rows).astype(int)]
        train, validation = dataset.chosen(learn), dataset.chosen(validate)
        started = time.perf_counter()
        predict = fit(train, validation, dataset.schema, seed)
        seconds += time.perf_counter() - started
        answers.append(predict(test.features))
        counts.append((len(train), len(validation)))
    answer = np.mean(answers, axis=0)
    train_rows, validation_rows = (max(count) for count in zip(*counts, strict=True))
    package = RIVALS[name].package
    record = {
        "test": score(test.target, answer, dataset.schema),
        "seconds": round(seconds, 1),
        "rows": {"train": train_rows, "validation": validation_rows, "test": len(test)},
        "folds": folds,
        "epochs": epochs,
        "seed": seed,
        "version": f"{package} {importlib.metadata.version(package)}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {boosting.THREADS} threads",
        "date": date.today().isoformat(),
    }
    return record, answer
