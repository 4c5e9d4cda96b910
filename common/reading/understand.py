"""What the cells of a column are: numbers, categories, dates or text, and how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from common.reading.column_texts import MARKS, WORDS, Texts, parted
from common.reading.date_notation import CLOCK, date_notation
from common.reading.notation import (
    MISSING_MARKS,
    Notation,
    RawKind,
    dates_of,
    distinct_texts,
    in_marks,
    numbers_of,
    trimmed,
)
from common.reading.number_notation import looks_made_up, number_notation, sentinels
from common.reading.table_file import RawTable

MOST = 0.9  # of a column's cells have to be numbers, or dates, for it to be of that kind
FIRST_ROWS = 10_000  # that tell whether most texts are distinct
LONG_TEXT = 4  # words a cell, on average, from which they are sentences
LONG_SCRIPT = 10  # characters a cell of scripts that do not part their words
MANY = 0.5  # distinct texts a row, from which the rows mostly differ
CODE = "^0[0-9]{2}"
LONG_NAME = 30  # characters of a value in a sentence
UNPARTED = r"[\x{3040}-\x{30ff}\x{4e00}-\x{9fff}\x{0e00}-\x{0e7f}]"


@dataclass(frozen=True)
class ColumnReading:
    """What was understood of a column.

    told: the evidence in words, without a stop. unreadable: the cells, by line of the file, that do
    not fit the kind. missing: rows without a value. distinct: distinct values or texts besides.
    """

    name: str
    kind: RawKind
    notation: Notation
    told: str
    unreadable: pd.Series
    missing: int
    distinct: int


def understand_table(table: RawTable) -> dict[str, ColumnReading]:
    """Understand every column; where one does not tell its decimal mark, the others do."""
    readings = {name: understand(name, table.cells(name)) for name in table.columns}
    commas = [r for r in readings.values() if r.kind == "number" and r.notation.decimal == ","]
    if commas:
        for name, reading in readings.items():
            if reading.kind == "number" and reading.notation.decimal == ".":
                readings[name] = understand(name, table.cells(name), decimal=",")
    return readings


def understand(name: str, cells: pd.Series, decimal: str = "") -> ColumnReading:
    """Tell the kind and the notation of a column from its cells.

    cells: (rows,) strings, as `RawTable.cells` gives them. decimal: the decimal mark of the file's
    other columns, which counts where this one could be read either way ("1,234").
    """
    if not decimal and (plain := plain_numbers(name, cells)):
        return plain
    texts, codes = distinct_texts(cells)
    counts = np.bincount(codes, minlength=len(texts))
    blank = pc.is_in(texts, pa.array(MISSING_MARKS, pa.large_string()))
    filled = Texts(texts, counts).without(blank.to_numpy(zero_copy_only=False))
    found = as_numbers(filled, decimal) or as_dates(filled) or as_words(filled)
    told, unreadable = found.told, cells.iloc[:0]
    if len(found.bad):
        unreadable = cells[pc.is_in(texts, found.bad).to_numpy(zero_copy_only=False)[codes]]
        several = "s" * (len(unreadable) > 1)
        told += (
            f"; {len(unreadable):,} cell{several} cannot be read so, the first in line "
            f"{unreadable.index[0]}: {unreadable.iloc[0]!r}"
        )
    marks = found.notation.missing
    if marks:
        verb = "count" if len(marks) > 1 else "counts"
        named = ", ".join(map(repr, marks[:5])) + ", …" * (len(marks) > 5)
        told += f"; {named} {verb} as missing"
    return ColumnReading(
        name=name,
        kind=found.kind,
        notation=found.notation,
        told=told,
        unreadable=unreadable,
        missing=len(cells) - found.values.rows() - len(unreadable),
        distinct=len(found.values.texts),
    )


def plain_numbers(name: str, cells: pd.Series) -> ColumnReading | None:
    """Numbers about which there is nothing to tell; None where a closer look has to be taken.

    The closer look gives the same. It goes over the distinct texts, and is quick where they are
    few; finding a million of them takes longer than all the rest.
    """
    texts = trimmed(cells)
    first = texts.slice(0, FIRST_ROWS)
    if len(first.unique()) < MANY * len(first):
        return None
    blank = pc.is_in(texts, pa.array(MISSING_MARKS, pa.large_string()))
    try:
        numbers = pc.if_else(blank, None, texts).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    values = np.unique(numbers.drop_null().to_numpy())
    if (
        not len(values)
        or not np.isfinite(values).all()
        or any(map(looks_made_up, values[[0, -1]]))
        or are_days(texts)
        or pc.any(pc.match_substring_regex(texts, CODE)).as_py()
    ):
        return None
    nothing = cells.iloc[:0]
    missing = numbers.null_count
    return ColumnReading(name, "number", Notation(), span(values), nothing, missing, len(values))


@dataclass(frozen=True)
class Found:
    """One way to read a column: its values, and the texts that do not fit, an Arrow array."""

    kind: RawKind
    notation: Notation
    told: str
    values: Texts
    bad: Sequence[str] | pa.Array = ()


def as_numbers(filled: Texts, decimal: str) -> Found | None:
    """The column as numbers; None where more than a tenth of the cells are none.

    Digits with leading zeros are codes: a category.
    """
    clear, marks = parted(filled, MARKS | WORDS)
    if not len(clear.texts):
        return None
    notation = Notation()
    numbers = numbers_of(clear.texts, notation)
    if decimal or np.isnan(numbers).any():
        other = number_notation(clear.sample(), decimal)
        others = numbers_of(clear.texts, other)
        if decimal or clear.share(np.isnan(others)) < clear.share(np.isnan(numbers)):
            notation, numbers = other, others
    bad = np.isnan(numbers)
    if clear.share(bad) > 1 - MOST or (notation.is_plain and are_days(clear.texts)):
        return None
    if notation.is_plain and (code := first_code(clear)):
        words = as_words(filled)
        return replace(words, told=f"codes rather than numbers, as {code!r}; {words.told}")
    values, counts = np.unique(numbers[~bad], return_inverse=True)
    counts = np.bincount(counts, clear.counts[~bad])
    gone = sentinels(values, counts)
    kept = ~np.isin(values, gone)
    told = f"{span(values[kept])}{in_marks(notation)}"
    for value in gone:
        rows = counts[values == value][0]
        told += f"; {value:g} in {rows:,.0f} rows, far from all others, counts as missing"
    return Found(
        "number",
        replace(notation, missing=marks, sentinels=gone),
        told,
        clear.without(bad | np.isin(numbers, gone)),
        clear.texts.filter(pa.array(bad)),
    )


def as_dates(filled: Texts) -> Found | None:
    """The column as dates or times of day; None where more than a tenth of the cells are none."""
    clear, marks = parted(filled, MARKS | WORDS)
    if not len(clear.texts):
        return None
    written, remark = date_notation(clear.texts, clear.counts)
    if not written:
        return None
    dates = dates_of(clear.texts, written)
    bad = np.isnat(dates)
    first, last = (
        str(end).replace("T", " ").removesuffix(" 00:00:00")
        if written not in CLOCK
        else str(end)[11:]
        for end in (dates[~bad].min(), dates[~bad].max())
    )
    what = "times of day" if written in CLOCK else "dates"
    told = f"{what}, {first} to {last}, written {written}" + f" ({remark})" * bool(remark)
    notation = Notation(missing=marks, date=written)
    return Found("date", notation, told, clear.without(bad), clear.texts.filter(pa.array(bad)))


def as_words(filled: Texts) -> Found:
    """The column as categories, as free text, or as empty."""
    clear, marks = parted(filled, MARKS)
    notation = Notation(missing=marks)
    if not len(clear.texts):
        return Found("empty", notation, "no cell has a value", clear)
    words = pc.add(pc.count_substring_regex(clear.texts, r"\s+"), 1).to_numpy()
    unparted = pc.count_substring_regex(clear.texts, UNPARTED).to_numpy()
    length, script = (float(np.average(one, weights=clear.counts)) for one in (words, unparted))
    if len(clear.texts) > MANY * clear.rows() and (length >= LONG_TEXT or script >= LONG_SCRIPT):
        size = f"{length:.0f} words" if length >= LONG_TEXT else f"{script:.0f} characters"
        return Found("text", notation, f"free text, {size} on average", clear)
    order = np.argsort(-clear.counts, kind="stable")[:3]
    named = ", ".join(map(shortened, clear.texts.take(pa.array(order)).to_pylist()))
    if len(clear.texts) == 1:
        return Found("category", notation, f"one value, {named}", clear)
    told = f"{len(clear.texts):,} values, {'most often' * (len(clear.texts) > 3)} {named}"
    return Found("category", notation, " ".join(told.split()), clear)


def shortened(text: str) -> str:
    return repr(text if len(text) <= LONG_NAME else f"{text[: LONG_NAME - 1]}…")


def are_days(texts: pa.Array) -> bool:
    """Whether all texts are days such as 20200131."""
    if not pc.all(pc.match_substring_regex(texts, "^(1[6-9]|20)[0-9]{6}$")).as_py():
        return False
    return not np.isnat(dates_of(texts, "%Y%m%d")).any()


def first_code(clear: Texts) -> str:
    """A text such as "01234", if the column holds codes of digits; "" if not.

    All have to be digits; and either all of one length, or one in twenty with such a zero. Two
    digits are rather a number that was filled up: months, hours, ages.
    """
    if not pc.all(pc.match_substring_regex(clear.texts, "^[0-9]+$")).as_py():
        return ""
    zero = pc.match_substring_regex(clear.texts, CODE).to_numpy(zero_copy_only=False)
    one_length = len(pc.unique(pc.utf8_length(clear.texts))) == 1
    if not zero.any() or not (one_length or clear.share(zero) > 0.05):
        return ""
    return clear.texts[int(np.argmax(zero))].as_py()


def span(values: np.ndarray) -> str:
    if (values == np.round(values)).all():
        return f"whole numbers, {values[0]:.15g} to {values[-1]:.15g}"
    return f"numbers, {values[0]:.6g} to {values[-1]:.6g}"
