"""How the dates of a column are written, told from all its cells."""

import re
from collections.abc import Sequence
from itertools import product

import numpy as np
import pyarrow as pa

from common.reading.notation import ISO, dates_of

ISO_SHAPE = re.compile(
    r"\d{4}-\d{2}(-\d{2}([ T]\d{2}(:\d{2}){0,2}([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?)?)?"
)
SHAPE = re.compile(r"(?=.*\d)[\w.,:/+ -]{4,40}")
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y"),
    *("%d %b %Y", "%d %B %Y", "%d. %B %Y", "%d. %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d-%B-%Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d%b%Y", "%d/%b/%Y"),
    *("%a, %d %b %Y", "%A, %B %d, %Y", "%A, %d %B %Y"),
)
TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p"),
    *(", %H:%M", ", %H:%M:%S", ", %I:%M %p", "T%H:%M:%S", " %H.%M.%S", ":%H:%M:%S"),
)
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%B-%Y", "%Y-%b")
LONG = ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z")
CLOCK = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H.%M.%S", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p")
CLOCK_SHAPE = re.compile(r"\d{1,2}[:.]\d{2}(:\d{2}(\.\d+)?|\.\d{2})?( ?[AaPp][Mm])?")
FORMATS = (*map("".join, product(DAYS, TIMES)), *MONTHS, *LONG)
SAMPLE = 40
MOST = 0.9  # of the texts have to be dates


def date_notation(texts: pa.Array, counts: np.ndarray) -> tuple[str, str]:
    """How the texts are written as dates, in the letters of `strptime`, and a remark; "" if not.

    texts: distinct ones, in the order in which they came; counts: (distinct,) rows of each. Day and
    month are told apart by all of them, else by the order in which the dates come.
    """
    sample = texts.take(pa.array(np.unique(np.linspace(0, len(texts) - 1, SAMPLE).astype(int))))
    words = sample.to_pylist()
    if sum(bool(SHAPE.fullmatch(word)) for word in words) < MOST * len(words):
        return "", ""
    if sum(bool(ISO_SHAPE.fullmatch(word)) for word in words) >= MOST * len(words):
        candidates = [ISO]
    else:
        candidates = [written for written in FORMATS if alike(written, words)]
        if sum(bool(CLOCK_SHAPE.fullmatch(word)) for word in words) >= MOST * len(words):
            candidates += CLOCK
    shares = {written: share_read(sample, written) for written in candidates}
    shares = {
        written: share_read(texts, written, counts)
        for written, share in shares.items()
        if share >= MOST / 2
    }
    best = max(shares.values(), default=0.0)
    if best < MOST:
        return "", ""
    equal = [written for written, share in shares.items() if share == best]
    return (equal[0], "") if len(equal) == 1 else in_better_order(texts, equal)


def alike(written: str, words: Sequence[str]) -> bool:
    """Whether a format has the separators of one of the first words, and a name where it has."""
    marks = sorted(re.sub("%[a-zA-Z]|[+T]", "", written))
    named = bool(re.search("%[aAbBp]|T", written))
    return any(
        sorted(re.sub(r"\w|[+]", "", word)) == marks and named == bool(re.search("[A-Za-z]", word))
        for word in words[:5]
    )


def share_read(texts: pa.Array, written: str, counts: np.ndarray | None = None) -> float:
    found = ~np.isnat(dates_of(texts, written))
    return float(np.average(found, weights=counts))


def in_better_order(texts: pa.Array, equal: Sequence[str]) -> tuple[str, str]:
    """Of formats that read all texts, the one by which the rows are in the order of time.

    Where several do so, the one with the more regular steps: months, say, rather than the first
    twelve days of each January.
    """
    dates = {written: dates_of(texts, written) for written in equal}
    steps = {one: np.diff(found[~np.isnat(found)].astype("int64")) for one, found in dates.items()}
    ordered = [one for one in equal if (steps[one] >= 0).all() or (steps[one] <= 0).all()]
    unlike = {one: float(np.abs(np.diff(steps[one])).sum()) for one in ordered}
    best = min(unlike, key=unlike.get, default=equal[0])
    others = [one for one in equal if one != best]
    if len(ordered) == 1 or len(set(unlike.values())) > 1:
        return best, f"not {others[0]}, since the rows are in the order of time so"
    return best, f"could be {others[0]} as well: no cell tells"
