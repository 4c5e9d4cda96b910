"""Read raw rows for prediction: in chunks, as text first, so that every bad cell can be named."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from common.data.dataset import Kind, Schema
from common.errors import UserError

MISSING_MARKS = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?"}
CHUNK_ROWS = 50_000


def read_chunks(path: Path, chunk_rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV file as frames of strings, cells exactly as written.

    The index, called "line", holds the line of the file on which each row ends. Blank lines are no
    rows. Raises UserError for a missing, empty or torn file, one that is not UTF-8, a repeated
    column, or a line with more or fewer cells than the header.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}. --input should name a CSV file with a header.")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            check_header(header, path)
            lines, cells, empty = [], [], True
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise UserError(
                        f"{path}, line {reader.line_num}: {len(row)} cells, but the header has "
                        f"{len(header)} columns. Is the line cut off, or does a cell with a comma "
                        "lack its quotes?"
                    )
                lines.append(reader.line_num)
                cells.append(row)
                empty = False
                if len(cells) == chunk_rows:
                    yield frame_of(cells, header, lines)
                    lines, cells = [], []
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: {error}. Expected a CSV file with matching quotes."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text (byte {error.object[error.start]:#x}). Save it as UTF-8."
        ) from error
    if empty:
        raise UserError(f"{path} has a header but no rows.")
    if cells:
        yield frame_of(cells, header, lines)


def frame_of(cells: list[list[str]], header: list[str], lines: list[int]) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=header, index=pd.Index(lines, name="line"), dtype="str")


def check_header(header: list[str], path: Path) -> None:
    if not any(header):
        raise UserError(f"{path} is empty. Expected a CSV file with a header line and rows.")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise UserError(
            f"{path} has the column{'s' * (len(repeated) > 1)} {', '.join(repeated)} more than "
            "once. Each column needs a name of its own."
        )


def check_columns(columns: list[str], schema: Schema, path: Path) -> None:
    """UserError where a file lacks a column that the schema requires."""
    missing = [name for name in schema.required if name not in columns]
    if missing:
        raise UserError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Needed: {', '.join(schema.required)}. Found: {', '.join(columns)}."
        )


def typed_rows(text: pd.DataFrame, schema: Schema, path: Path) -> pd.DataFrame:
    """Turn cells of text into numbers and categories, by the schema; other columns are left out.

    text: a chunk from `read_chunks`. Returns float64 columns with NaN and string columns with ""
    for missing. Raises UserError with line and column for text where a number belongs.
    """
    known = schema.required | schema.optional
    return pd.DataFrame(
        {
            name: typed_column(text[name], kind, path)
            for name, kind in known.items()
            if name in text
        },
        index=text.index,
    )


def typed_column(cells: pd.Series, kind: Kind, path: Path) -> pd.Series:
    cells = cells.str.strip()
    missing = cells.isin(MISSING_MARKS)
    if kind == "category":
        return cells.where(~missing, "")
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce").astype("float64")
    bad = (numbers.isna() & ~missing) | np.isinf(numbers)
    if bad.any():
        line = bad.index[bad][0]
        raise UserError(
            f"{path}, line {line}, column {cells.name!r}: {cells[line]!r} is not a number. "
            "Expected digits with a decimal point, or an empty cell for a missing value."
        )
    return numbers
