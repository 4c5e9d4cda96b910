"""How the cells of a column are written, and the way from there to typed values.

Everything is done once for each distinct text of a column, whatever the number of rows.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MISSING_MARKS = frozenset({"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?"})
SPACES = "[\\x{00a0}\\x{2007}\\x{2009}\\x{202f}\\x{3000}]"  # that stand within numbers, besides " "
ISO = "ISO8601"  # pandas' name for all forms of 2020-01-31 18:00:00

RawKind = Literal["number", "category", "date", "text", "image", "scene", "empty"]


@dataclass(frozen=True)
class Notation:
    """How the cells of a column are written, where not plainly.

    decimal, thousands: the marks within a number; any kind of space counts as " ". prefix, suffix:
    what stands before and after it in some or all cells ("$", "kg", "%"). missing: marks of a
    missing value besides MISSING_MARKS. sentinels: numbers that mean "missing" (-999). date: how
    a date is written, in the letters of `strptime`, or "ISO8601". separator: what parts the labels
    of a target whose cells name several.
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    missing: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()
    date: str = ""
    separator: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as Python writes them."""
        return (self.decimal, self.thousands, self.prefix, self.suffix) == (".", "", "", "")


def read_notation(record: dict) -> Notation:
    """A notation from its JSON, where tuples have become lists."""
    return Notation(**record | {name: tuple(record[name]) for name in ("missing", "sentinels")})


def typed_cells(cells: pd.Series, kind: RawKind, notation: Notation) -> tuple[pd.Series, pd.Series]:
    """Turn cells of text into values of one kind.

    Returns the values, with the index of `cells`: float64 with NaN, datetime64[s] with NaT, or for
    all other kinds strings without spaces around them and "" for missing, of texts and names of
    pictures only where nothing is written; and those of the cells
    that cannot be read so (their value is missing). Cells of a file that knows types, indexed by
    "row", may be written plainly as well, whatever the notation.
    """
    texts, codes = distinct_texts(cells)
    missing = marked_missing(texts, notation)
    knows_types = cells.index.name == "row"
    if kind == "number":
        numbers = numbers_of(texts, notation)
        if knows_types and not notation.is_plain:
            numbers = np.where(np.isnan(numbers), numbers_of(texts, Notation()), numbers)
        bad = np.isnan(numbers) & ~missing
        values = np.where(missing | np.isin(numbers, notation.sentinels), np.nan, numbers)
    elif kind == "date":
        values = dates_of(texts, notation.date)
        if knows_types:
            values = np.where(np.isnat(values), dates_of(texts, ISO), values)
        bad = np.isnat(values) & ~missing
        values[missing] = np.datetime64("NaT")
    else:
        values = texts.to_numpy(zero_copy_only=False)
        if kind not in ("text", "image", "scene"):  # there "NA" and "-" are what somebody wrote
            values = np.where(missing, "", values)
        bad = np.zeros(len(texts), bool)
    column = pd.Series(values[codes], index=cells.index, name=cells.name)
    return column, cells[bad[codes]] if bad.any() else cells.iloc[:0]


def distinct_texts(cells: pd.Series) -> tuple[pa.Array, np.ndarray]:
    """The distinct cells without spaces around them, by their first place; and each cell's number.

    cells: (rows,) strings. Returns an array of large_string and (rows,) int32.
    """
    encoded = trimmed(cells).dictionary_encode()
    return encoded.dictionary, encoded.indices.to_numpy()


def trimmed(cells: pd.Series) -> pa.Array:
    """The cells (rows,) as an array of large_string, without spaces around them."""
    texts = pa.array(cells.array, pa.large_string(), from_pandas=True)
    if isinstance(texts, pa.ChunkedArray):  # so where pandas keeps them in Arrow
        texts = texts.combine_chunks()
    return pc.utf8_trim_whitespace(texts).fill_null("")


def marked_missing(texts: pa.Array, notation: Notation) -> np.ndarray:
    marks = pa.array(MISSING_MARKS | set(notation.missing), pa.large_string())
    return pc.is_in(texts, marks).to_numpy(zero_copy_only=False)


def numbers_of(texts: pa.Array, notation: Notation) -> np.ndarray:
    """The texts as float64, NaN for those that are no finite number in this notation."""
    try:
        numbers = (texts if notation.is_plain else as_plain(texts, notation)).cast(pa.float64())
    except pa.ArrowInvalid:  # of plain ones some are no numbers, or have a sign of their own
        numbers = as_plain(texts, notation).cast(pa.float64())
    numbers = numbers.to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def as_plain(texts: pa.Array, notation: Notation) -> pa.Array:
    """Numbers in a notation written as Arrow reads them; null for other texts.

    A minus may be a longer dash, and a number in parentheses is negative, as in accounts.
    """
    decimal, thousands, prefix, suffix = (
        literal(mark)
        for mark in (notation.decimal, notation.thousands, notation.prefix, notation.suffix)
    )
    grouped = f"[0-9]{{1,3}}(?:{thousands}[0-9]{{2,3}})*{thousands}[0-9]{{3}}|" * bool(thousands)
    body = f"(?:(?:{grouped}[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    sign = f"[+]?(-?) ?(?:{prefix})? ?|(?:{prefix}) ?[+]?(-?) ?" if prefix else "[+]?(-?) ?()"
    pattern = f"^(?:{sign})({body}) ?(?:{suffix})?$"
    for found, written in ((SPACES, " "), ("[−–]", "-"), ("[’`´]", "'"), (r"^\((.*)\)$", r"-\1")):
        texts = pc.replace_substring_regex(texts, found, written)
    texts = pc.if_else(pc.match_substring_regex(texts, pattern), texts, None)
    texts = pc.replace_substring_regex(texts, pattern, r"\1\2\3")
    if notation.thousands:
        texts = pc.replace_substring(texts, notation.thousands, "")
    return pc.replace_substring(texts, notation.decimal, ".")


def literal(text: str) -> str:
    """The text as a regular expression that matches it alone."""
    return re.sub(r"([\\.^$|()\[\]{}*+?-])", r"\\\1", text)


def dates_of(texts: pa.Array, written: str) -> np.ndarray:
    """The texts as datetime64[s], NaT for those not written so; with an offset, in UTC."""
    found = pd.to_datetime(
        pd.Series(texts.to_numpy(zero_copy_only=False), dtype="object"),
        format=written,
        errors="coerce",
        utc=True,
    )
    return found.dt.tz_localize(None).to_numpy("datetime64[s]").copy()


def in_marks(notation: Notation) -> str:
    """How numbers are written, where not plainly: ", with ',' as decimal mark", else ""."""
    told = [
        f"{mark!r} {what}"
        for mark, what in (
            (notation.decimal.replace(".", ""), "as decimal mark"),
            (notation.thousands, "between thousands"),
            (notation.prefix, "before them"),
            (notation.suffix, "after them"),
        )
        if mark
    ]
    return f", with {', '.join(told)}" if told else ""
