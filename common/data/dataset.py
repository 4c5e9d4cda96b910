"""What a project's `load` returns: cleaned examples, split, with their schema and account."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from common.data.finding import Finding
from common.data.ranking import Ranking
from common.data.target_values import PARTS, check_soft_target, check_target
from common.errors import UserError
from common.images.decode import ImageForm
from common.images.survey import survey
from common.reading.notation import Notation
from common.scenes.form import PatchForm
from common.scenes.patches import by_content
from common.text.form import TextForm

if TYPE_CHECKING:
    from common.data.stored_rows import StoredRows

# Where pyarrow is installed pandas keeps text in its buffers, and every way from there to
# TensorFlow copies it: encoding the flights took nearly twice as long.
pd.set_option("mode.string_storage", "python")

# Features are no dates and no scenes; a patch is cut out of a scene.
Kind = Literal["number", "category", "date", "text", "image", "scene", "patch"]
Task = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True)
class Schema:
    """The columns of a table and their meaning.

    features: model input, name to kind; a number is float32 with NaN for missing, a category
        is a string with "" for missing, a text too, an image the path of its file, a patch the
        name of a pixel (common/scenes/patches.py); of images and of patches one column at most.
    required, optional: columns of a raw row as `predict` reads it, name to kind, which may also be
        "date", "text" or "scene"; where an optional one is absent, its value counts as missing.
    notation: how the cells of a raw column are written, where not plainly.
    image: the form that the pictures are brought to, where there are some.
    patch: how much a network sees around a pixel, where there are scenes.
    texts: column of texts among the features to how they become tokens.
    costs: of two classes, what a "false_alarm" (class 0 called 1) and a "missed" row of class 1
        cost, where that is known: it chooses the threshold, which else has the best F1.
    labels: the names of class 0, 1, …; none when a number is predicted. several: each of them holds
        for a row or not, by itself.
    orders: the values of those categories that have an order, lowest first.
    unit: of a number that is predicted ("dollars"). log_scale: learn its logarithm, since an error
        counts by its ratio; predictions and metrics stay in the unit.
    """

    features: dict[str, Kind]
    required: dict[str, Kind]
    labels: tuple[str, ...] = ()
    several: bool = False
    optional: dict[str, Kind] = field(default_factory=dict)
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unit: str = ""
    log_scale: bool = False
    notation: dict[str, Notation] = field(default_factory=dict)
    image: ImageForm | None = None
    patch: PatchForm | None = None
    texts: dict[str, TextForm] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.images) != (self.image is not None):
            raise ValueError("an image column needs a form, a form needs an image column, one each")
        if len(self.patches) != (self.patch is not None):
            raise ValueError("a patch column needs a form, a form needs a patch column, one each")
        texts = {name for name, kind in self.features.items() if kind == "text"}
        if texts != set(self.texts):
            raise ValueError(f"the text columns are {texts}, but forms are for {set(self.texts)}")

    @property
    def task(self) -> Task:
        if not self.labels:
            return "regression"
        if self.several:
            return "multilabel"
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def answers(self) -> int:
        """Numbers that a model gives for a row: one a label, or one for two classes or a number."""
        return len(self.labels) if self.task in ("multiclass", "multilabel") else 1

    @property
    def numbers(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "number"]

    @property
    def categories(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "category"]

    @property
    def images(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "image"]

    @property
    def patches(self) -> list[str]:
        return [name for name, kind in self.features.items() if kind == "patch"]

    @property
    def columns(self) -> list[str]:
        """The features of a table: all but pictures, patches and texts."""
        return [name for name, kind in self.features.items() if kind in ("number", "category")]


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

    features: (rows, columns) frame; target: (rows,) float32, the number of the class or what is
    predicted in its unit, or (rows, labels) of 0 and 1 where several may hold; ids: frame that
    names each row to a person; groups: (rows,) what shares one fate (a day, a patient), so that
    intervals resample it whole; slices: frame of the columns by which the scores are broken down.
    """

    features: pd.DataFrame
    target: np.ndarray
    ids: pd.DataFrame
    groups: np.ndarray
    slices: pd.DataFrame

    def __len__(self) -> int:
        return len(self.target)

    @property
    def group_numbers(self) -> np.ndarray:
        """`groups` as whole numbers from 0, (rows,)."""
        return np.unique(self.groups, return_inverse=True)[1]


@dataclass(frozen=True)
class Dataset:
    """Everything that training, checks and evaluation need to know of the data.

    time: (rows,) datetime64 of each row when the split is by time, else None.
    tables: what the project's `prepare` looks up beside a raw row (a weather table, say); stored in
        the bundle.
    weight: (rows,) float32, how much each row counts in training, where that differs; scores count
        all rows alike.
    soft_target: (rows,) float32, the probability of class 1 that training learns in place of the
        target, where labels are in doubt; of two classes only. Scores count the target.
    findings: what was noticed in loading, told with the findings of the checks.
    stored: all training rows, on disk, where they are too many for memory. The rows here are then
        those of validation and test, and of the training rows a sample that is drawn like them: it
        serves the checks, the baselines, the pictures and the fitting of the encoder.
    ranking: where rows are pairs of texts, what is to be found for the first texts of the test part
        among all second ones.
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
    soft_target: np.ndarray | None = None
    weight: np.ndarray | None = None
    findings: Sequence[Finding] = ()
    stored: "StoredRows | None" = None
    ranking: Ranking | None = None

    def __post_init__(self) -> None:
        if self.stored:
            if self.schema.several:
                raise UserError("Stored rows have one answer each; several labels do not fit.")
            self.stored.check(self.schema)
        rows = sum(self.part_rows().values())
        if self.account.rows_used != rows:
            raise UserError(
                f"The account says {self.account.rows_used} rows are used, but the dataset has "
                f"{rows}. Name every dropped row with its reason in the account."
            )
        for name in self.schema.numbers:
            infinite = np.isinf(self.features[name].to_numpy()).sum()
            if infinite:
                raise UserError(
                    f"Column {name!r} has {infinite} infinite values. Make them missing (NaN) or "
                    "mend them, and say so in the account."
                )
        check_target(self.schema, self.target, self.part)
        if self.soft_target is not None:
            check_soft_target(self.schema, self.soft_target)
        if self.weight is not None and not (np.isfinite(self.weight) & (self.weight >= 0)).all():
            raise UserError("Weights of rows have to be finite numbers from 0 on.")

    def part_rows(self) -> dict[str, int]:
        """The number of rows of each part; of the training part all that are stored, if any."""
        rows = {part: int((self.part == part).sum()) for part in PARTS}
        return rows | {"train": self.stored.count()} if self.stored else rows

    def examples(self, part: str) -> Examples:
        """The rows in memory of "train", "validation" or "test", in their order."""
        return self.chosen(np.flatnonzero(self.part == part))

    def chosen(self, rows: np.ndarray) -> Examples:
        """The rows of these numbers, in this order."""
        return Examples(
            self.features.iloc[rows].reset_index(drop=True),
            self.target[rows],
            self.ids.iloc[rows].reset_index(drop=True),
            self.groups[rows],
            self.slices.iloc[rows].reset_index(drop=True),
        )

    def fingerprint(self) -> str:
        """SHA-256 of features, target and split: equal only for the same rows in the same order.

        With stored rows, also of the bytes of their files; a picture and a scene count by their
        content, not by their place.
        """
        features = self.features
        for name in self.schema.images:
            features = features.assign(**{name: survey(features[name])["sha256"].to_numpy()})
        for name in self.schema.patches:
            features = features.assign(**{name: by_content(features[name]).to_numpy()})
        digest = hashlib.sha256(",".join(features.columns).encode())
        digest.update(pd.util.hash_pandas_object(features, index=False).to_numpy().tobytes())
        digest.update(np.ascontiguousarray(self.target).tobytes())
        if self.soft_target is not None:
            digest.update(np.ascontiguousarray(self.soft_target).tobytes())
        if self.weight is not None:
            digest.update(np.ascontiguousarray(self.weight).tobytes())
        digest.update(pd.util.hash_array(self.part.astype(object)).tobytes())
        if self.stored:
            digest.update(self.stored.fingerprint().encode())
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
