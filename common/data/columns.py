"""Small questions to ask of one typed column: what is missing, what kind it is, how it is called.

Numbers are float64 with NaN for missing, texts and categories strings with "" for missing, dates
datetime64 with NaT.
"""

import re

import numpy as np
import pandas as pd

SAMPLE = 10_000  # rows at which a column is looked at first, where all would take long
MANY_WORDS = 4  # a mean above it makes a text of a string column


def present(column: pd.Series) -> pd.Series:
    """Which cells hold a value."""
    return column.notna() if is_number(column) or is_date(column) else column != ""


def distinct(column: pd.Series) -> int:
    return column[present(column)].nunique()


def is_date(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column)


def is_clock(column: pd.Series) -> bool:
    """Whether these are times of day, which stand on the first day of 1900."""
    return is_date(column) and set(column.dropna().dt.normalize()) == {pd.Timestamp("1900-01-01")}


def is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def is_whole(numbers: pd.Series) -> bool:
    return bool((numbers == np.round(numbers)).all())


def is_text(column: pd.Series) -> bool:
    """Whether strings are sentences rather than names or codes: more than four words on average."""
    if is_number(column) or is_date(column):
        return False
    known = column[present(column)].head(SAMPLE)
    return bool(known.str.count(r"\s+").mean() + 1 > MANY_WORDS)


def as_number(column: pd.Series) -> pd.Series:
    """Dates as seconds; every other column as it is."""
    if not is_date(column):
        return column
    seconds = column.astype("datetime64[s]").astype("int64").astype("float64")
    return seconds.where(column.notna())


def in_file_order(column: pd.Series) -> bool:
    known = column.dropna()
    return bool(known.is_monotonic_increasing or known.is_monotonic_decreasing)


def name_words(name: str) -> list[str]:
    """The words of a column's name in small letters: "PassengerId" and "passenger_id" alike."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return re.findall(r"[^\W\d_]+", apart.lower())


def ends(column: pd.Series) -> str:
    return f"{plain_value(column.min())} to {plain_value(column.max())}"


def plain_value(value: object) -> str:
    """A value as a person writes it: 3 instead of 3.0."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)
