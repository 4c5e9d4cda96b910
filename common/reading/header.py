"""Where a table begins, whether it has a header line, and what its columns are called."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

NUMBER = re.compile(r"[-+(]?\s*[$€£¥]?\s*(\d[\d.,' ]*|[.,]\d+)([eE][-+]?\d+)?\s*[%€$£¥)]?")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T]\d{1,2}[:.]\d{2}.*)?|\d{1,2}:\d{2}.*")
BLANK = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?", "-", "n/a", "."}
YEAR = re.compile(r"(1[89]|20)\d\d")
ROW_NUMBERS = ("Unnamed: 0", "__index_level_0__")  # as pandas calls a column without a name


def unique_names(header: Sequence[str]) -> list[str]:
    """Names without spaces around them, each only once: a, a_2; column_3 for the third if empty."""
    names: list[str] = []
    wanted = [" ".join(cell.split()) or f"column_{n}" for n, cell in enumerate(header, start=1)]
    taken = set(wanted)
    for name in wanted:
        number = 1
        unique = name
        while unique in names or (number > 1 and unique in taken):
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    return names


def is_value(cell: str) -> bool:
    """Whether the cell is written like a number or a date."""
    return bool(NUMBER.fullmatch(cell) or DATE.fullmatch(cell))


def begin_of_table(
    records: list[tuple[int, list[str]]], known: Collection[str]
) -> tuple[int, bool, tuple[str, ...]]:
    """Line where the table begins, whether that is a header, and the cells of the header.

    records: line and cells of the first rows of a file, which has at least one; known: names of
    columns, some of which a header should have; empty where none are known.
    """
    width = usual_width([row for _, row in records])
    for place, (line, row) in enumerate(records):
        rest = [other for _, other in records[place + 1 :] if len(other) == width]
        cells = fitted(row, width, rest)
        if 2 * len(set(known) & set(unique_names(row))) > len(known) > 0:
            return line, True, tuple(cells or row)
        if cells is None:
            continue
        if len(row) == width - 1 and rest and header_score(rest[0], rest[1:]) > 0:
            continue  # a title that happens to have a separator
        if set(known) <= set(made_up(width)) if known else header_score(cells, rest) < 0:
            return line, False, made_up(width)
        return line, True, tuple(cells)
    return records[0][0], True, tuple(records[0][1])


def made_up(width: int) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, width + 1))


def usual_width(rows: list[list[str]]) -> int:
    """The number of cells that most rows have; that of the first row where they disagree."""
    (width, count), *_ = Counter(map(len, rows)).most_common(1)
    return width if 2 * count >= len(rows) else len(rows[0])


def fitted(row: list[str], width: int, rest: list[list[str]]) -> list[str] | None:
    """The cells of a header for rows of `width` cells; None where it is none.

    R writes one name less than columns, since the row names have none; others end every row, but
    not the header, with a separator, or the other way round.
    """
    if len(row) == width:
        return row
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    if len(row) == width - 1 >= 2 and rest:
        ends_empty = not any(other[-1].strip() for other in rest)
        return [*row, ""] if ends_empty else ["", *row]
    return None


def header_score(first: list[str], rest: list[list[str]]) -> int:
    """Above 0 where the first row looks like a header, below where it looks like a row."""
    cells = [cell.strip() for cell in first]
    values = [cell for cell in cells if is_value(cell)]
    if values and all(map(YEAR.fullmatch, values)) and len(set(values)) == len(values) > 2:
        return 1  # a column a year
    if not rest:
        return -1 if values else 0
    score = 0
    for number, cell in enumerate(cells):
        if cell in BLANK:
            continue
        column = [other[number].strip() for other in rest]
        filled = [other for other in column if other not in BLANK]
        if not filled:
            continue
        if sum(map(is_value, filled)) > 0.8 * len(filled):
            score += -1 if is_value(cell) else 1
        elif is_value(cell) or cell in filled:
            score -= 1
        elif " " not in cell and sum(" " in other for other in filled) > 0.8 * len(filled):
            score += 1  # a name above texts
    return score
