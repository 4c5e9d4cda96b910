"""Read a table from a file: any of the usual formats, cells as text, with the line of each row.

path --recognise--> FileFormat --batches--> rows, chunk by chunk (predict)
                              \\--read_table--> RawTable (all the rest)
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from common.errors import UserError
from common.reading.csv_file import recognise_text
from common.reading.csv_rows import read_text
from common.reading.file_bytes import check_file, check_head, compression_of, encoding_of, opened
from common.reading.file_format import INDEX_NAMES, Batch, FileFormat
from common.reading.header import ROW_NUMBERS, unique_names
from common.reading.text_folder import read_texts, recognise_texts
from common.reading.typed_files import read_json, read_parquet, recognise_json, recognise_parquet
from common.reading.workbook import read_workbook, recognise_workbook

OLD_EXCEL = b"\xd0\xcf\x11\xe0"
READERS = {
    "csv": read_text,
    "excel": read_workbook,
    "parquet": read_parquet,
    "json_lines": read_json,
    "texts": read_texts,
}


@dataclass(frozen=True)
class RawTable:
    """The cells of a table as text, and what was noticed in reading them.

    table: a column of text for each column of the file but those left out. lines: (rows,) the line
    of the file on which each row ends; in formats without lines, its number from 1. torn: line and
    reason for rows that could not be cut into cells, in the order of the file. renamed: name of a
    column to what stands in the file. told: sentences on format, names and what was left out.
    """

    table: pa.Table
    lines: np.ndarray
    format: FileFormat
    torn: list[tuple[int, str]] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        return self.table.column_names

    def cells(self, name: str) -> pd.Series:
        """The cells of a column as they are written, indexed by "line" (or "row", see `rows`)."""
        index = pd.Index(self.lines, name=INDEX_NAMES[self.format.kind], copy=False)
        text = pd.StringDtype("pyarrow", na_value=np.nan)
        return pd.Series(pd.array(self.table[name], dtype=text), index=index, name=name)

    def __len__(self) -> int:
        return len(self.lines)


def recognise(path: Path, known: Collection[str] = ()) -> FileFormat:
    """Find out how a file writes its table.

    known: names of columns that it should have, where they are known: they tell the header line.
    Raises UserError, with advice, for what is no table: no file, a folder without texts, an empty
    file, a picture, a web page, other bytes, an archive of several files.
    """
    path = Path(path)
    if path.is_dir():
        return recognise_texts(path)
    check_file(path)
    compression = compression_of(path)
    with opened(path, compression) as file:
        head = file.read(1024)
    check_head(head, path)
    if head.startswith(b"PAR1"):
        return recognise_parquet(path, compression)
    if head.startswith((b"PK\x03\x04", OLD_EXCEL)):
        return recognise_workbook(path, compression, known)
    encoding, broken = encoding_of(path, compression)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[{", b"[\n", b"[\r")):
        return recognise_json(path, encoding, broken, compression)
    return recognise_text(path, encoding, broken, compression, known)


def batches(path: Path, format: FileFormat) -> Iterator[Batch]:
    """The rows of the file, some ten thousand at a time; as they are cut, with all columns."""
    return READERS[format.kind](path, format)


def read_table(path: Path, format: FileFormat | None = None, rows: int = 0) -> RawTable:
    """Read a whole file, or its first rows.

    format: what `recognise` says, which is asked where it is not given. rows: how many at most; 0
    for all. Columns that hold nothing and have no name, and a nameless first column that counts
    the rows, are left out; `told` says so. Raises UserError as `recognise` does, and for a file
    without rows.
    """
    path = Path(path)
    format = format or recognise(path)
    names = unique_names(format.columns)
    parts, read = [], 0
    for batch in batches(path, format):
        parts.append(batch)
        read += len(batch.lines)
        if rows and read >= rows:
            break
    lines = np.concatenate([part.lines for part in parts] or [np.array([], "int64")])
    torn = [one for part in parts for one in part.torn]
    if not len(lines):
        raise no_rows(path, format, torn)
    columns = [
        pa.chunked_array([part.columns[number] for part in parts], pa.large_string())
        for number in range(len(names))
    ]
    table = pa.table(columns, names)
    renamed = {
        name: written
        for name, written in zip(names, format.columns, strict=True)
        if name != written.strip()
    }
    told = format.told()
    table, left_out = without_idle_columns(table, renamed)
    renamed = {name: written for name, written in renamed.items() if name in table.column_names}
    if renamed:
        named = ", ".join(f"{written.strip()!r} to {name}" for name, written in renamed.items())
        told.append(f"Columns renamed: {named}.")
    told += left_out
    if blank := sum(part.blank for part in parts):
        told.append(f"{blank:,} lines at the end hold nothing but separators; they are no rows.")
    if torn:
        told.append(
            f"{len(torn):,} rows could not be cut into cells and are left out, the first one in "
            f"line {torn[0][0]}: {torn[0][1]}"
        )
    if rows:
        table, lines = table.slice(0, rows), lines[:rows]
    return RawTable(table, lines, format, torn, renamed, told)


def no_rows(path: Path, format: FileFormat, torn: list[tuple[int, str]]) -> UserError:
    if torn:
        line, what = torn[0]
        return UserError(f"{path}: no row can be cut into cells. Line {line}: {what}")
    return UserError(f"{path} has {'a header but ' * format.header}no rows.")


def without_idle_columns(table: pa.Table, renamed: dict[str, str]) -> tuple[pa.Table, list[str]]:
    """The table without nameless columns that say nothing, and a sentence for each of them."""
    told, whole = [], table
    nameless = [
        name
        for name in table.column_names
        if not any(letter.isalnum() for letter in renamed.get(name, name)) or name in ROW_NUMBERS
    ]
    for name in nameless:
        cells = whole[name]
        number = whole.column_names.index(name) + 1
        if not any(any(map(str.isalnum, text)) for text in cells.unique().to_pylist()):
            told.append(f"Column {number} has neither name nor content and is left out.")
        elif number == 1 and counts_rows(cells):
            told.append("The first column has no name and counts the rows; it is left out.")
        else:
            continue
        table = table.drop_columns([name])
    return table, told


def counts_rows(cells: pa.ChunkedArray) -> bool:
    """Whether the cells are whole numbers, none of them twice, not far above the rows' number."""
    try:
        numbers = cells.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return False
    return numbers.min() >= 0 and len(np.unique(numbers)) == len(numbers)
