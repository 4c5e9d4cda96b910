"""A table of one's own, read by the kinds of its columns, with an account of rows and cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from common.data.columns import is_number, present
from common.data.dataset import Account, Kind
from common.errors import UserError
from common.reading.notation import Notation, typed_cells
from common.reading.table_file import RawTable, read_table
from common.reading.understand import ColumnReading

NAMED = 3  # unreadable cells that a sentence names


@dataclass(frozen=True)
class TypedTable:
    """rows: a column of float64, str or datetime64 for each kind, indexed by line of the file."""

    rows: pd.DataFrame
    account: Account

    def where(self, kept: pd.Series | np.ndarray, otherwise: str) -> "TypedTable":
        """The rows where `kept` (rows,) holds; the others are dropped `otherwise`, a reason.

        Raises UserError where none is kept.
        """
        lost = len(self.rows) - int(np.sum(kept))
        if lost == len(self.rows):
            raise UserError(f"No row is left: all {lost:,} are {otherwise}.")
        if not lost:
            return self
        dropped = self.account.dropped | {otherwise: lost}
        return TypedTable(self.rows[np.asarray(kept)], replace(self.account, dropped=dropped))

    def known(self, *columns: str) -> "TypedTable":
        """The rows that have a value in each column; those without are dropped with that reason."""
        table = self
        for column in columns:
            if column not in table.rows:
                raise UserError(
                    f"There is no column {column!r} among {', '.join(table.rows)}. A project's "
                    'TARGET is a list of names that are in COLUMNS: TARGET = ["price"].'
                )
            table = table.where(present(table.rows[column]), f"without {column}")
        return table


def read_typed_table(
    path: Path, kinds: dict[str, Kind], notation: dict[str, Notation]
) -> TypedTable:
    """Read the columns that `kinds` names; other columns of the file are left out.

    A cell that cannot be read as its column's kind counts as missing, a line that cannot be cut
    into cells is dropped: the account tells how many, and where the first ones are. Raises
    UserError for a file that is no table, and for a column that is not there.
    """
    table = read_table(path)
    check_names(kinds, table.columns, path)
    columns, mended = {}, {}
    for name, kind in kinds.items():
        columns[name], unreadable = typed_cells(
            table.cells(name), kind, notation.get(name, Notation())
        )
        if len(unreadable):
            mended[f"cells of {name!r} that are no {kind} ({places(unreadable)})"] = len(unreadable)
    torn = {}
    if table.torn:
        lines = ", ".join(str(line) for line, _ in table.torn[:NAMED])
        torn[f"not to be cut into cells (line {lines}{', …' * (len(table.torn) > NAMED)})"] = len(
            table.torn
        )
    rows = pd.DataFrame(columns, index=pd.Index(table.lines, name="line"))
    return TypedTable(rows, Account(len(rows) + len(table.torn), torn, mended))


def typed_frame(table: RawTable, readings: dict[str, ColumnReading]) -> pd.DataFrame:
    """The columns that are not empty, as they were understood, indexed by line.

    Cells that do not fit are missing.
    """
    columns = {
        name: typed_cells(table.cells(name), reading.kind, reading.notation)[0]
        for name, reading in readings.items()
        if reading.kind != "empty"
    }
    return pd.DataFrame(columns, index=pd.Index(table.lines, name="line"))


def check_names(wanted: Sequence[str], there: Sequence[str], path: Path) -> None:
    """UserError with the nearest name where a wanted column is not in the file."""
    for name in wanted:
        if name not in there:
            near = get_close_matches(name, there, n=1)
            advice = f"Did you mean {near[0]!r}? " if near else ""
            raise UserError(
                f"{path} has no column {name!r}. {advice}Its columns: {', '.join(there)}."
            )


def places(unreadable: pd.Series) -> str:
    """The first unreadable cells with their lines."""
    told = ", ".join(f"line {line}: {cell!r}" for line, cell in unreadable[:NAMED].items())
    return f"{told}{', …' * (len(unreadable) > NAMED)}"


def features_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Typed columns as features: float32 with NaN, str with ""."""
    return rows.astype({name: "float32" for name in rows if is_number(rows[name])})


def kinds_of(features: pd.DataFrame) -> dict[str, Kind]:
    """The kind of each feature column."""
    return {name: "number" if is_number(features[name]) else "category" for name in features}


def equal_rows(features: pd.DataFrame) -> np.ndarray:
    """A number for each row, (rows,) int64, the same for rows that are equal in all columns."""
    return pd.factorize(pd.util.hash_pandas_object(features, index=False))[0]


def whole_groups(column: pd.Series) -> np.ndarray:
    """A number for each row, (rows,) int64, the same for equal values; a missing one is alone."""
    groups = pd.factorize(column.where(present(column)))[0]
    alone = groups < 0
    groups[alone] = groups.max() + 1 + np.arange(alone.sum())
    return groups
