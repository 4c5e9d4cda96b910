"""Several labels at once: in the cells of one column, or as columns of yes and no."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from common.data.columns import present
from common.data.labels import SEPARATORS, held, label_separator, labels_and_target
from common.errors import UserError
from common.reading.notation import typed_cells
from common.reading.table_file import RawTable
from common.reading.understand import ColumnReading


def as_text(table: RawTable, readings: dict[str, ColumnReading], name: str) -> pd.Series:
    """The cells of a column as categories, whatever it was understood as."""
    return typed_cells(table.cells(name), "category", readings[name].notation)[0]


def with_label_sets(
    frame: pd.DataFrame,
    table: RawTable,
    readings: dict[str, ColumnReading],
    labels: Sequence[str],
) -> tuple[str, pd.DataFrame]:
    """The name of a column that tells which labels hold, and the frame with it in place of them.

    It is "" where a label is missing. UserError for a single one, or one that has not two values.
    """
    if len(labels) == 1:
        raise UserError(
            "--labels are several columns of yes and no, which are predicted together. Name at "
            "least two; or the one to predict with --target."
        )
    columns = {name: as_text(table, readings, name).set_axis(table.lines) for name in labels}
    known = np.all([present(column) for column in columns.values()], axis=0)
    sets = pd.Series("", index=frame.index)
    for name, column in columns.items():
        holds = held(column[known].rename(name)) == 1
        sets[known] += np.where(holds, f"{name};", "")
    sets[known] = sets[known].replace("", "none")
    name = ", ".join(labels)
    others = frame.drop(columns=[name for name in labels if name in frame])
    return name, others.assign(**{name: sets})


def with_separator(reading: ColumnReading, column: pd.Series) -> ColumnReading:
    """How a column is read whose cells name several labels; UserError where nothing parts them."""
    there = [mark for mark in SEPARATORS if column.str.contains(mark, regex=False).any()]
    separator = label_separator(column) or next(iter(there), "")
    if not separator:
        raise UserError(
            f"No cell of column {column.name!r} names several labels: none has one of "
            f"{' '.join(SEPARATORS)}. Leave out --task labels."
        )
    notation = replace(reading.notation, separator=separator)
    return replace(reading, kind="category", notation=notation)


def labels_in(
    lines: pd.Index, table: RawTable, readings: dict[str, ColumnReading], targets: Sequence[str]
) -> tuple[str, ...]:
    """The classes or labels that rows of these lines have."""
    columns = {
        name: as_text(table, readings, name).set_axis(table.lines)[lines] for name in targets
    }
    notation = {name: readings[name].notation for name in targets}
    return labels_and_target(pd.DataFrame(columns), dict.fromkeys(targets, "category"), notation)[0]
