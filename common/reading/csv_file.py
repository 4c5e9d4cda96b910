"""How a file of text is separated, quoted and named, told from its first lines."""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import replace
from itertools import islice
from pathlib import Path

from common.errors import UserError
from common.reading.csv_rows import cut, settings, spaces_joined
from common.reading.file_bytes import HEAD, opened_text
from common.reading.file_format import FileFormat
from common.reading.header import begin_of_table, is_value, made_up

CANDIDATES = (",", ";", "\t", "|", "^", "~", " ")
NONE = "\x1f"  # of a file with one column: a character that no text has
SAMPLE_ROWS = 300
ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE)


def recognise_text(
    path: Path, encoding: str, broken: int, compression: str, known: Collection[str]
) -> FileFormat:
    """The format of a file of text; UserError where it has no rows of cells.

    known: names of columns that the header should have; empty where none are known.
    """
    format = FileFormat("csv", (), encoding=encoding, broken=broken, compression=compression)
    with opened_text(path, encoding, compression) as file:
        text = file.read(HEAD)
    lines = list(io.StringIO(text, newline=""))
    if len(text) == HEAD and len(lines) > 1:
        lines.pop()  # cut off in the middle
    if not any(line.strip() for line in lines):
        raise UserError(f"{path} is empty. Expected a CSV file with a header line and rows.")
    filled = [line.strip() for line in lines if line.strip()]
    remarked = filled[0].startswith("%")
    first = next((line for line in filled if not (remarked and line[0] == "%")), "")
    if first.lower().startswith(("@relation", "@attribute")):
        return of_attributes(path, format, lines)
    stated = re.fullmatch(r'"?sep=(.)"?', first)  # as Excel understands it
    if stated:
        dialect, skipped = quoted(replace(format, separator=stated[1]), lines[1:]), 1
    else:
        dialect, skipped = best_dialect(format, lines, known), 0
    records = [(line + skipped, row) for line, row in sample_records(lines[skipped:], dialect)]
    if not records:
        raise UserError(f"{path} is empty: no line has a cell. Expected a header line and rows.")
    start, header, columns = begin_of_table(records, known)
    above = records[0][1][0].strip() if records[0][0] < start else ""
    return replace(dialect, start=start, header=header, columns=columns, above=above)


def of_attributes(path: Path, format: FileFormat, lines: list[str]) -> FileFormat:
    """Weka's and KEEL's format: a line for each column, @data, then rows without a header."""
    starts = [number for number, line in enumerate(lines) if line.strip().lower() == "@data"]
    if not starts:
        raise UserError(
            f"{path} begins like an ARFF file (@relation or @attribute), but has no line @data."
        )
    names = [found[1].strip("'\"") for found in map(ATTRIBUTE.match, lines[: starts[0]]) if found]
    start = starts[0] + 1
    dialect = quoted(replace(format, separator=","), lines[start:])
    return replace(dialect, columns=tuple(names), header=False, start=start + 1)


def best_dialect(format: FileFormat, lines: list[str], known: Collection[str]) -> FileFormat:
    """The separator (and quotes) by which the lines become rows of equal length and clean cells."""
    best, best_score = quoted(replace(format, separator=NONE), lines), (0, 0.3)
    for separator in CANDIDATES:
        dialect = quoted(replace(format, separator=separator), lines)
        rows = [row for _, row in sample_records(lines, dialect)]
        score = (most_known(rows, known), tidiness(rows, separator))
        if score > best_score:
            best, best_score = dialect, score
    return best


def most_known(rows: list[list[str]], known: Collection[str]) -> int:
    names = set(known)
    return max((len(names & {cell.strip() for cell in row}) for row in rows), default=0)


def tidiness(rows: list[list[str]], separator: str) -> float:
    """0 to 1: the share of rows of the usual length, times that of cells that look whole."""
    lengths = [len(row) for row in rows]
    width = max(set(lengths), key=lengths.count, default=1)
    if width < 2:
        return 0.0
    rows = rows[lengths.index(width) :]
    regular = sum(len(row) == width for row in rows) / len(rows)
    cells = [cell.strip() for row in rows[:100] if len(row) == width for cell in row]
    if separator == " ":
        values = sum(map(is_value, cells)) >= 0.5 * len(cells)
        codes = regular == 1 and width > 4 and len(rows) >= 20  # sentences are of unequal length
        if lengths[0] != width or regular < 0.98 or not (values or codes):
            return 0.0
    whole = sum(is_whole(cell, separator) for cell in cells) / len(cells)
    return regular * whole


def is_whole(cell: str, separator: str) -> bool:
    """Whether a cell shows no other separator; ", " may stand in any text."""
    if is_value(cell):
        return True
    others = [mark for mark in (";", "\t", "|") if mark != separator]
    return not any(mark in cell for mark in others) and not re.search(r",\S", cell)


def quoted(format: FileFormat, lines: list[str]) -> FileFormat:
    """The format with the quotes that the lines use, how they are escaped, and spaces before."""
    separator = re.escape(format.separator)
    text = "".join(lines)
    counts = {}
    for mark in ('"', "'"):
        cell = f"(?:^|{separator}) ?{mark}[^{mark}\n]*{mark} ?(?={separator}|\r|$)"
        counts[mark] = len(re.findall(cell, text, re.MULTILINE))
    single = counts["'"] > counts['"'] and counts["'"] > 0.5 * len(lines)
    mark = "'" if single else '"'
    spaced = format.separator != " " and f"{format.separator} {mark}" in text
    changed = replace(format, quote=mark, spaced=spaced)
    if f"\\{mark}" in text:
        escaped = replace(changed, escape="\\")
        lost = {one: len(torn_records(lines, one)) for one in (changed, escaped)}
        changed = min((changed, escaped), key=lost.get)
    return changed


def torn_records(lines: list[str], format: FileFormat) -> list[tuple[int, str]]:
    records = [row for _, row in sample_records(lines, format)]
    width = len(max(records, key=len, default=[]))
    whole = replace(format, columns=made_up(width), header=False)
    return [torn for batch in cut(lines, whole) for torn in batch.torn]


def sample_records(lines: list[str], format: FileFormat) -> list[tuple[int, list[str]]]:
    """The first rows, torn or not, each with the line on which it begins; blank lines left out."""
    records, begin = [], 1
    reader = csv.reader(spaces_joined(lines, format), **settings(format))
    try:
        for row in islice(reader, 4 * SAMPLE_ROWS):
            if any(cell.strip("\x1a \t\r\n") for cell in row):
                records.append((begin, row))
            begin = reader.line_num + 1
    except csv.Error:  # a cell without end: what came before has to do
        pass
    return records[:SAMPLE_ROWS]
