"""Classes and labels: their names in the cells of a table, and each row's as numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from common.data.columns import present
from common.errors import UserError
from common.reading.notation import Notation

SEPARATORS = (";", "|", ",")
SAMPLE = 20_000  # rows in which a separator is looked for
MOST_LABELS = 100  # that cells may name, and a few words each
MOST_WORDS = 4
SHARED = 0.9  # of the labels stand in two different cells or more


def labels_of(column: pd.Series) -> tuple[str, ...]:
    """The classes in a column of categories: numbers by size, words by the alphabet."""
    return in_order(set(column) - {""})


def in_order(labels: set[str]) -> tuple[str, ...]:
    labels = sorted(labels)
    if pd.to_numeric(pd.Series(labels), errors="coerce").notna().all():
        labels.sort(key=float)
    return tuple(labels)


def class_numbers(column: pd.Series, labels: Sequence[str]) -> pd.Series:
    """The number of each row's class."""
    return column.map({label: number for number, label in enumerate(labels)})


def labels_and_target(
    columns: pd.DataFrame, kinds: Mapping[str, str], notation: Mapping[str, Notation]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of classes or labels, none for a number, and the target of each row, float32.

    columns: of the target, without missing values; kinds: of these columns, notation: of those that
    are not written plainly. One column is a number or a category, and the target (rows,). Where
    its notation has a separator, a cell names several labels; and of several columns each is a
    label, which holds where the column has the second of its two values ("yes", 1, "true"): the
    target is then (rows, labels) of 0 and 1. UserError for a label that is not so.
    """
    first = columns.columns[0]
    if len(columns.columns) > 1:
        return tuple(columns), np.column_stack([held(columns[name]) for name in columns])
    separator = notation[first].separator if first in notation else ""
    if separator:
        named = named_labels(columns[first], separator)
        labels = in_order({label for row in named for label in row})
        return labels, np.array([[label in row for label in labels] for row in named], "float32")
    if kinds[first] == "number":
        return (), columns[first].to_numpy("float32")
    labels = labels_of(columns[first])
    return labels, class_numbers(columns[first], labels).to_numpy("float32")


def held(column: pd.Series) -> np.ndarray:
    """1 for the second of a column's two values, else 0: (rows,) float32."""
    values = labels_of(column)
    if len(values) != 2:
        raise UserError(
            f"Column {column.name!r} has {len(values)} different values. Among several target "
            "columns each should have two, such as 0 and 1, no and yes."
        )
    return (column == values[1]).to_numpy("float32")


def named_labels(column: pd.Series, separator: str) -> list[set[str]]:
    """The labels that each cell names."""
    return [{label.strip() for label in cell.split(separator)} - {""} for cell in column]


def label_separator(column: pd.Series) -> str:
    """What parts the labels, where cells of strings name one or several of a few; else "".

    Cells name different numbers of them, and labels come back in other cells: neither is so of
    "Paris, France" or of names of people.
    """
    cells = column[present(column)].head(SAMPLE).drop_duplicates()
    for separator in SEPARATORS:
        named = pd.Series(named_labels(cells, separator))
        labels = named.explode().dropna()
        counts = labels.value_counts()
        if (
            named.map(len).nunique() > 1
            and len(counts) <= MOST_LABELS
            and (counts > 1).mean() >= SHARED
            and labels.str.count(r"\s+").max() < MOST_WORDS
        ):
            return separator
    return ""
