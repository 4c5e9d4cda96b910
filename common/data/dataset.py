"""What a project's `load` returns: cleaned examples, split, with their schema and account."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from common.errors import UserError

Kind = Literal["number", "category"]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Schema:
    """The columns of a table and their meaning.

    features: model input, name to kind; a number is float32 with NaN for missing, a category
        is a string with "" for missing.
    labels: the names of class 0 and class 1.
    required, optional: columns of a raw row as `predict` reads it, name to kind; where an
        optional one is absent, its value counts as missing.
    """

    features: dict[str, Kind]
    labels: tuple[str, str]
    required: dict[str, Kind]
    optional: dict[str, Kind] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "number"]

    @property
    def categories(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "category"]


@dataclass(frozen=True)
class Account:
    """Rows in = rows used + rows dropped, with the reason for each drop and the cells mended."""

    rows_in: int
    dropped: dict[str, int]
    cells_cleaned: dict[str, int] = field(default_factory=dict)

    @property
    def rows_used(self) -> int:
        return self.rows_in - sum(self.dropped.values())

    def as_dict(self) -> dict:
        return {
            "rows_in": self.rows_in,
            "rows_used": self.rows_used,
            "dropped": self.dropped,
            "cells_cleaned": self.cells_cleaned,
        }


@dataclass(frozen=True)
class Examples:
    """The rows of one part of a dataset, in one order.

    features: (rows, columns) frame; target: (rows,) float32 of 0 and 1; ids: frame that names each
    row to a person; groups: (rows,) what shares one fate (a day, a patient), so that intervals
    resample it whole; slices: frame of the columns by which the scores are broken down.
    """

    features: pd.DataFrame
    target: np.ndarray
    ids: pd.DataFrame
    groups: np.ndarray
    slices: pd.DataFrame

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Dataset:
    """Everything that training, checks and evaluation need to know of the data.

    time: (rows,) datetime64 of each row when the split is by time, else None.
    tables: what the project's `prepare` looks up beside a raw row (a weather table, say); stored in
        the bundle.
    """

    schema: Schema
    features: pd.DataFrame
    target: np.ndarray
    ids: pd.DataFrame
    groups: np.ndarray
    slices: pd.DataFrame
    part: np.ndarray
    account: Account
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    time: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.account.rows_used != len(self.features):
            raise UserError(
                f"The account says {self.account.rows_used} rows are used, but the dataset has "
                f"{len(self.features)}. Name every dropped row with its reason in the account."
            )
        for name in self.schema.numbers:
            infinite = np.isinf(self.features[name].to_numpy()).sum()
            if infinite:
                raise UserError(
                    f"Column {name!r} has {infinite} infinite values. Make them missing (NaN) or "
                    "mend them, and say so in the account."
                )
        strange = ~np.isin(self.target, (0, 1))
        if strange.any():
            raise UserError(
                f"{strange.sum()} target values are neither 0 nor 1, the first one "
                f"{self.target[strange][0]}. Drop those rows with their reason in the account."
            )
        for part in PARTS:
            classes = np.unique(self.target[self.part == part])
            if len(classes) < 2:
                raise UserError(
                    f"The {part} part needs rows of both classes, but has "
                    f"{'no rows' if len(classes) == 0 else f'only class {classes[0]:g}'}. "
                    "Use more rows, or move the borders of the split."
                )

    def examples(self, part: str) -> Examples:
        """The rows of "train", "validation" or "test", in their order."""
        rows = np.flatnonzero(self.part == part)
        return Examples(
            self.features.iloc[rows].reset_index(drop=True),
            self.target[rows],
            self.ids.iloc[rows].reset_index(drop=True),
            self.groups[rows],
            self.slices.iloc[rows].reset_index(drop=True),
        )

    def fingerprint(self) -> str:
        """SHA-256 of features, target and split: equal only for the same rows in the same order."""
        digest = hashlib.sha256(",".join(self.features.columns).encode())
        digest.update(pd.util.hash_pandas_object(self.features, index=False).to_numpy().tobytes())
        digest.update(np.ascontiguousarray(self.target).tobytes())
        digest.update(pd.util.hash_array(self.part.astype(object)).tobytes())
        return digest.hexdigest()


def thin(part: np.ndarray, rows: int) -> np.ndarray:
    """Indices that keep about `rows` rows of each part, evenly spaced, in order; 0 keeps all."""
    kept = [np.flatnonzero(part == name) for name in PARTS]
    if rows > 0:
        kept = [
            indices[np.unique(np.linspace(0, len(indices) - 1, rows).astype(int))]
            if len(indices) > rows
            else indices
            for indices in kept
        ]
    return np.sort(np.concatenate(kept))
