"""How a file writes its table: what `recognise` finds out, and what the readers go by."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

FileKind = Literal["csv", "excel", "parquet", "json_lines", "texts"]
CHUNK_ROWS = 50_000  # rows of a file that are held as Python objects at a time
# What the numbers of rows count: formats that know types have no lines to speak of.
INDEX_NAMES = {
    "csv": "line",
    "excel": "row",
    "parquet": "row",
    "json_lines": "row",
    "texts": "file",
}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class FileFormat:
    """How a file is written.

    columns: the cells of the header line as they stand there, or column_1, … where there is none.
    header: whether there is a header line. start: the line on which it stands, or else the first
        row. above: what the file begins with, where the table does not begin there.
    encoding, separator, quote, escape: of text; escape is the character that takes a quote its
        meaning, "" where a doubled quote does. spaced: a space follows each separator, also before
        quotes. broken: lines that are not valid in the encoding.
    compression: "gzip", "bzip2", "xz", "zip" or "" for none. sheet: of an Excel file. left_out:
        files of a folder that are no texts.
    """

    kind: FileKind
    columns: tuple[str, ...]
    header: bool = True
    start: int = 1
    above: str = ""
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    escape: str = ""
    spaced: bool = False
    broken: int = 0
    compression: str = ""
    sheet: str = ""
    left_out: int = 0

    def told(self) -> list[str]:
        """What was found, in sentences."""
        if self.kind == "csv":
            name = SEPARATORS.get(self.separator, self.separator)
            separated = f", cells separated by {name}" if len(self.columns) > 1 else ", one column"
            what = f"Text in {self.encoding.removesuffix('-sig')}{separated}"
        else:
            what = {
                "excel": f"Excel, sheet {self.sheet!r}",
                "parquet": "Parquet",
                "json_lines": "JSON, an object a line",
                "texts": "A folder of text files, a file a row",
            }[self.kind]
        sentences = [f"{what}, packed with {self.compression}." if self.compression else f"{what}."]
        if self.left_out:
            sentences.append(f"{self.left_out:,} files of other kinds are left out.")
        if self.above:
            sentences.append(f"The table begins in line {self.start}, below {self.above!r}.")
        if not self.header:
            last = self.columns[-1]
            sentences.append(
                f"There is no header line: line {self.start} is a row like the others. The columns "
                f"are called {self.columns[0]} to {last}."
                if last.startswith("column_")
                else f"The columns' names stand above the table: {', '.join(self.columns)}."
            )
        if self.broken:
            sentences.append(
                f"{self.broken:,} lines have bytes that are not {self.encoding}; each such "
                "character was read as \N{REPLACEMENT CHARACTER}."
            )
        return sentences


@dataclass(frozen=True)
class Batch:
    """Some rows of a file, cells as text.

    columns: one array of large_string for each column, no nulls. lines: (rows,) int64, the line of
    the file on which each row ends; in formats without lines, its number. torn: line and what is
    wrong with it, for rows that could not be cut into cells. blank: lines at the end of the file
    that hold nothing but separators.
    """

    columns: list[pa.Array]
    lines: np.ndarray
    torn: list[tuple[int, str]]
    blank: int = 0


def text_array(cells: Iterable[str]) -> pa.Array:
    """Cells as an Arrow array of text without a limit of 2 GB."""
    return pa.array(cells, pa.large_string())
