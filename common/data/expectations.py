"""What training data looked like, column by column, and what to do where new rows look otherwise.

    features of the training rows --expect--> Expectations <--> bundle/expectations.json
    rows to score, chunk by chunk --deviations.py--> warnings with counts, or one error

Expected are the features, not the raw columns. They are what the network was fitted on, and rows to
score come to them by the same `prepare`, so both sides are cut from the same cloth: the zeros that
a project mends are no outliers, and a date out of training's year shows in what is made of it. Most
features bear the name of their raw column, and messages then show the cell as the file has it.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from common.data.dataset import Schema
from common.data.stability import DRIFT, bin_counts, tenths

Rule = Literal["fail", "warn", "ignore"]
RULES: dict[str, Rule] = {  # the sorts of deviation, and what is done unless the user says else
    "missing_columns": "fail",
    "extra_columns": "warn",
    "reordered_columns": "ignore",  # columns are found by their names: the answers are the same
    "changed_types": "fail",
    "unseen_categories": "warn",
    "out_of_range": "warn",
    "more_missing": "warn",
    "drift": "warn",
}
COLUMN_RULES = ("unseen_categories", "out_of_range", "more_missing", "drift")
LISTED = 1000  # categories of a column, the commonest
MARGIN = 0.25  # of a column's range: a number farther beyond an end of it is out of range
SHARED = (5, 0.01)  # rows, and share of them, at an end of the range that make it a fixed one


@dataclass(frozen=True, kw_only=True)
class ExpectedColumn:
    """missing: share of training rows without a value, and the share from which it is too many.

    rules: those of COLUMN_RULES that differ for this column.
    """

    missing: float
    missing_accepted: float
    rules: dict[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExpectedNumber(ExpectedColumn):
    """lowest, highest: in training; accepted: the borders that are checked, None where open.

    bin_shares: of the known training values, len(bin_edges) + 1; a value on an edge is below it.
    """

    lowest: float | None
    highest: float | None
    accepted: tuple[float | None, float | None]
    bin_edges: tuple[float, ...]
    bin_shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ExpectedCategory(ExpectedColumn):
    """categories: to their share of the known training values; not_listed: further ones, rarer."""

    categories: dict[str, float]
    not_listed: int = 0


@dataclass(frozen=True)
class Expectations:
    """rows: of training; columns: features that are looked at; drift: the index that is too high.

    rules: for each sort of deviation what is done. Without columns, nothing is expected of them.
    """

    rows: int = 0
    drift: float = DRIFT
    rules: dict[str, Rule] = field(default_factory=RULES.copy)
    columns: dict[str, ExpectedColumn] = field(default_factory=dict)

    def rule(self, sort: str, column: str) -> Rule:
        """What is done about a sort of deviation in this column."""
        expected = self.columns.get(column)
        return (expected.rules if expected else {}).get(sort, self.rules[sort])


def expect_alike(schema: Schema, features: pd.DataFrame) -> Expectations:
    """What rows should look like that are like these training rows, (rows, features)."""
    columns = {
        name: expect_number(features[name]) if kind == "number" else expect_category(features[name])
        for name, kind in schema.features.items()
        if name in schema.columns  # not pictures and texts
    }
    return Expectations(rows=len(features), columns=columns)


def expect_number(column: pd.Series) -> ExpectedNumber:
    """What to expect of a column of numbers, with NaN for missing."""
    column = column.astype("float32")
    known = column.dropna()
    edges = np.unique(tenths(column).astype("float32"))  # between equal numbers they round alike
    counts = bin_counts(column, edges)[:-1]
    return ExpectedNumber(
        **missing_shares(int(column.isna().sum()), len(column)),
        lowest=short(known.min()) if len(known) else None,
        highest=short(known.max()) if len(known) else None,
        accepted=accepted_range(known) if len(known) else (None, None),
        bin_edges=tuple(short(edge) for edge in edges),
        bin_shares=tuple(rounded(count / max(len(known), 1)) for count in counts),
    )


def expect_category(column: pd.Series) -> ExpectedCategory:
    """What to expect of a column of categories, with "" for missing."""
    counts = column[column != ""].value_counts()
    listed = counts.iloc[:LISTED]
    return ExpectedCategory(
        **missing_shares(int((column == "").sum()), len(column)),
        categories={str(value): rounded(count / counts.sum()) for value, count in listed.items()},
        not_listed=len(counts) - len(listed),
    )


def missing_shares(missing: int, rows: int) -> dict[str, float]:
    """The share of missing values, and the one that is accepted: half as much again.

    And five rows in the size of training: what it has few of, or none, it does not know well.
    """
    share = missing / rows
    accepted = min(1.0, 1.5 * share + 5 / rows)
    return {"missing": rounded(share), "missing_accepted": rounded(accepted)}


def accepted_range(known: pd.Series) -> tuple[float, float]:
    """From the lowest to the highest of the numbers (rows,), with a margin, rounded outwards.

    An end that many rows share is one by nature (100 %, month 12) and has no margin; no margin goes
    beyond 0.
    """
    low, high = short(known.min()), short(known.max())
    margin = MARGIN * (high - low)
    unit = 10.0 ** np.floor(np.log10(margin)) if margin else 1.0
    shared = max(SHARED[0], SHARED[1] * len(known))
    if (known == known.min()).sum() < shared:
        lower = float(f"{np.floor((low - margin) / unit) * unit:.12g}")
        low = plain(max(lower, 0.0) if low >= 0 else lower)
    if (known == known.max()).sum() < shared:
        upper = float(f"{np.ceil((high + margin) / unit) * unit:.12g}")
        high = plain(min(upper, 0.0) if high <= 0 else upper)
    return low, high


def short(value: float) -> float:
    """The number with the fewest digits that is this one in float32: 0.23, not 0.23000000417."""
    return plain(float(str(np.float32(value))))


def rounded(share: float) -> float:
    """Six significant digits."""
    return plain(float(f"{share:.6g}"))


def plain(value: float) -> float:
    """A whole number without ".0"."""
    return int(value) if value.is_integer() else value
