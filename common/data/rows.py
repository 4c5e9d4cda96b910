"""Read raw rows for prediction: in chunks, as text first, so that every bad cell can be named."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from common.data.dataset import Kind, Schema
from common.errors import UserError
from common.reading.file_format import CHUNK_ROWS, INDEX_NAMES
from common.reading.header import unique_names
from common.reading.notation import Notation, in_marks, typed_cells
from common.reading.table_file import batches, no_rows, recognise


def read_chunks(
    path: Path, known: Collection[str] = (), chunk_rows: int = CHUNK_ROWS
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file as frames of strings, cells exactly as written.

    known: names of the columns that are looked for, which tell the header line. The index, called
    "line", holds the line of the file on which each row ends; in formats without lines the row,
    and it is called so. Blank lines are no rows. Raises UserError for what is no table or has no
    rows, a repeated column, and a line with more or fewer cells than the header.
    """
    path = Path(path)
    format = recognise(path, known)
    names = unique_names(format.columns)
    check_repeated(names, format.columns, known, path)
    rows = 0
    for batch in batches(path, format):
        if batch.torn:
            line, what = batch.torn[0]
            raise UserError(f"{path}, line {line}: {what}")
        columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
        index = pd.Index(batch.lines, name=INDEX_NAMES[format.kind])
        text = pd.DataFrame(dict(zip(names, columns, strict=True)), index=index, dtype="str")
        rows += len(text)
        for start in range(0, len(text), chunk_rows):
            yield text.iloc[start : start + chunk_rows]
    if not rows:
        raise no_rows(path, format, [])


def check_repeated(
    names: list[str], header: tuple[str, ...], known: Collection[str], path: Path
) -> None:
    """UserError where two columns have one name, unless the second is known by its new one."""
    written = [" ".join(cell.split()) for cell in header]
    repeated = sorted(
        {
            cell
            for name, cell in zip(names, written, strict=True)
            if cell not in ("", name) and name not in known
        }
    )
    if repeated:
        raise UserError(
            f"{path} has the column{'s' * (len(repeated) > 1)} {', '.join(repeated)} more than "
            "once. Each column needs a name of its own."
        )


def typed_rows(text: pd.DataFrame, schema: Schema, path: Path) -> pd.DataFrame:
    """Turn cells of text into the kinds of the schema; other columns are left out.

    text: a chunk from `read_chunks`. Returns float64 columns with NaN, datetime64[s] with NaT, and
    string columns with "" for missing. Raises UserError with line and column for a cell that cannot
    be read so.
    """
    return pd.DataFrame(
        {
            name: typed_column(text[name], kind, schema.notation.get(name, Notation()), path)
            for name, kind in (schema.required | schema.optional).items()
            if name in text
        },
        index=text.index,
    )


def typed_column(cells: pd.Series, kind: Kind, notation: Notation, path: Path) -> pd.Series:
    values, unreadable = typed_cells(cells, kind, notation)
    if len(unreadable):
        if kind == "date":
            expected = f"a date written {notation.date}"
        elif notation.is_plain:
            expected = "digits with a decimal point"
        else:
            expected = f"digits{in_marks(notation)}"
        raise UserError(
            f"{path}, {cells.index.name} {unreadable.index[0]}, column {cells.name!r}: "
            f"{unreadable.iloc[0].strip()!r} is not a {kind}. Expected {expected}, or an empty "
            "cell for a missing value."
        )
    return values
