"""The rows of a table in text, cut into cells, each with its line.

They are cut by the `csv` module of the standard library, which knows the line of every row, also
after quoted line ends, and tells where quotes do not match. pyarrow cuts the same file in less
than half of the time, but its rows bear no line, and it takes stray quotes as text.
"""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from common.reading.file_bytes import opened_text
from common.reading.file_format import CHUNK_ROWS, SEPARATORS, Batch, FileFormat, text_array

PIECE_ROWS = 500  # few enough for the garbage collector: pieces of 20,000 take twice the time


def read_text(path: Path, format: FileFormat) -> Iterator[Batch]:
    """The rows of a file of text, some ten thousand at a time."""
    with opened_text(path, format.encoding, format.compression) as lines:
        yield from cut(lines, format)


def settings(format: FileFormat) -> dict:
    """The arguments of `csv.reader`."""
    return {
        "delimiter": format.separator,
        "quotechar": format.quote,
        "escapechar": format.escape or None,
        "doublequote": not format.escape,
        "skipinitialspace": format.spaced,
    }


def spaces_joined(lines: Iterable[str], format: FileFormat) -> Iterable[str]:
    """Where spaces separate, several in a row count as one, and none at the ends of a line."""
    if format.separator != " ":
        return lines
    return (" ".join(line.split()) + "\n" for line in lines)


class Rows:
    """Rows on the way to a batch: whole ones, torn ones, and empty ones that may be the last."""

    def __init__(self, width: int):
        self.width = width
        self.empty: list[tuple[int, list[str]]] = []
        self.clear()

    def clear(self) -> None:
        self.cells: list[list[str]] = []
        self.pieces: list[list[pa.Array]] = []
        self.lines: list[int] = []
        self.torn: list[tuple[int, str]] = []

    def add(self, line: int, row: list[str]) -> None:
        """Keep a row; one of empty cells counts only once another row follows it."""
        if not row[0] and self.width > 1 and not "".join(row).strip(" ,;|\t\x1a"):
            self.empty.append((line, row))
            return
        if self.empty:
            self.lines += [line for line, _ in self.empty]
            self.cells += [row for _, row in self.empty]
            self.empty = []
        self.lines.append(line)
        self.cells.append(row)
        if len(self.cells) >= PIECE_ROWS:
            self.pack()

    def pack(self) -> None:
        self.pieces.append([text_array(column) for column in zip(*self.cells, strict=True)])
        self.cells = []

    def batch(self, blank: int = 0) -> Batch:
        if self.cells or not self.pieces:
            self.pack()
        columns = [pa.concat_arrays(parts) for parts in zip(*self.pieces, strict=True)]
        columns = columns or [text_array([])] * self.width
        done = Batch(columns, np.array(self.lines, "int64"), self.torn, blank)
        self.clear()
        return done


def cut(lines: Iterable[str], format: FileFormat) -> Iterator[Batch]:
    """Cut lines of a file into rows of as many cells as `format` has columns.

    Blank lines are no rows. Where a quote does not match, or a row of several lines has a wrong
    number of cells, its first line counts as torn, and reading goes on with the second one.
    """
    rows, width = Rows(len(format.columns)), len(format.columns)
    feed = iter(spaces_joined(lines, format))
    before = sum(1 for _ in islice(feed, format.start - 1))  # lines that were read already
    is_header = format.header
    while True:
        kept: list[str] = []  # the lines of the present row
        reader = csv.reader(keeping(feed, kept), strict=True, **settings(format))
        problem = None
        try:
            for row in reader:
                if is_header and row:
                    is_header = False
                elif len(row) == width:
                    rows.add(before + reader.line_num, row)
                    if len(rows.lines) >= CHUNK_ROWS:
                        yield rows.batch()
                elif len(row) > width and not any(cell.strip() for cell in row[width:]):
                    rows.add(before + reader.line_num, row[:width])
                elif len(kept) > 1:
                    problem = wrong_length(row, format)
                    break
                elif "".join(row).strip(" \t\x1a"):
                    rows.torn.append((before + reader.line_num, wrong_length(row, format)))
                kept.clear()
        except csv.Error as error:
            problem = (
                f"its quotes do not match ({error}). Expected a CSV file with matching quotes: a "
                "quote within a quoted cell is doubled."
            )
        if problem is None:
            yield rows.batch(len(rows.empty))
            return
        is_header = False
        before += reader.line_num - len(kept) + 1
        rows.torn.append((before, problem))
        feed = chain(kept[1:], feed)


def keeping(lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def wrong_length(row: list[str], format: FileFormat) -> str:
    separator = SEPARATORS.get(format.separator, format.separator).removesuffix("s")
    named = f"{len(row)} cell{'s' * (len(row) > 1)}"
    what = "header" if format.header else "table"
    return (
        f"{named}, but the {what} has {len(format.columns)} columns. Is the line cut off, or does "
        f"a cell with a {separator} lack its quotes?"
    )
