"""How the numbers of a column are written: marks within them, signs and units around them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from common.reading.notation import Notation

# One number with whatever stands before and after it.
SHAPE = re.compile(
    r"\(?[-+]?\s?(?P<prefix>[^\d\s.,()+-]{1,4}\.?)?\s?[-+]?\s?"
    r"(?P<body>\d(?:[\d.,' ]*\d)?[.,]?|[.,]\d+)(?:[eE][-+]?\d{1,3})?"
    r"\s?(?P<suffix>[^\d.,()'-][^\d,()]{0,11})?\)?"
)
CURRENCIES = {
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "AUD", "CAD", "SEK", "NOK", "DKK"),
    *("PLN", "CZK", "BRL", "US$", "A$", "C$", "R$", "HK$", "Rs", "Rs.", "kr", "Fr.", "zł"),
}
# Numbers that stand for a missing value where they lie far outside all others.
NINES = re.compile(r"-?9+")
ROUND = re.compile(r"-[1-9]0*")  # -200, -1000; also -9
FEWEST_OTHERS = 10  # distinct values besides; with fewer, codes such as 1, 2, 9 are the rule


def number_notation(texts: Sequence[str], decimal: str = "") -> Notation:
    """The notation in which most of the texts are numbers, if they are numbers at all.

    texts: distinct ones. decimal: the mark of other columns of the file, "" if not known; it counts
    where all texts could be read either way ("1,234").
    """
    found = [shape for text in texts if (shape := SHAPE.fullmatch(one_kind(text)))]
    bodies = [shape["body"] for shape in found]
    decimal, thousands = marks(bodies, decimal)
    prefix = commonest(shape["prefix"] for shape in found)
    if prefix not in CURRENCIES and not any(unicodedata.category(one) == "Sc" for one in prefix):
        prefix = ""
    return Notation(decimal, thousands, prefix, commonest(shape["suffix"] for shape in found))


def one_kind(text: str) -> str:
    """The text with one kind of minus, of apostrophe and of space; as `notation.as_plain` does."""
    text = re.sub("[−–]", "-", text)
    return re.sub(r"\s", " ", re.sub("[’`´]", "'", text))


def commonest(found) -> str:
    counted = Counter(text.strip() for text in found if text)
    return counted.most_common(1)[0][0] if counted else ""


def marks(bodies: Sequence[str], decimal: str) -> tuple[str, str]:
    """Decimal and thousands mark of numbers such as "1.234,5" or "1 234"."""
    votes = Counter()
    groups = Counter()
    for body in bodies:
        points, commas = body.count("."), body.count(",")
        groups[" "] += " " in body
        groups["'"] += "'" in body
        if points and commas:
            votes[max(".,", key=body.rfind)] += 1
            groups[min(".,", key=body.rfind)] += 1
        elif points + commas > 1:
            groups[".,"[commas > 0]] += 1
        elif points + commas == 1:
            mark = ".,"[commas]
            whole, _, rest = body.partition(mark)
            if len(rest) != 3 or len(whole) > 3 or whole in ("", "0") or " " in whole:
                votes[mark] += 1
            else:
                votes[f"{mark} or thousands"] += 1
    if votes["."] or votes[","]:
        decimal = max(".,", key=votes.__getitem__)
    elif not decimal:  # nothing speaks for a decimal mark: 1,234 has thousands, 1.234 a point
        decimal = "," if groups["."] else "."
    other = ".,".replace(decimal, "")
    thousands = other if groups[other] or votes[f"{other} or thousands"] else ""
    if not thousands:
        thousands = max(" '", key=groups.__getitem__) if groups[" "] or groups["'"] else ""
    return decimal, thousands


def sentinels(values: np.ndarray, counts: np.ndarray) -> tuple[float, ...]:
    """Numbers that behave like a mark of missing values: repeated, extreme and far off.

    values: (distinct,) of them, counts: (distinct,) how many rows have each. Such a number is the
    lowest or highest, made of nines, or negative and round, in three rows and a thousandth of all
    at least; and it is farther from all others than those are apart, or the only negative one.
    """
    order = np.argsort(values)
    values, counts = values[order], counts[order]
    found: list[float] = []
    for _ in range(2):
        if len(values) < FEWEST_OTHERS + 1:
            break
        for end in (0, -1):
            value, others = values[end], np.delete(values, end)
            far = abs(value - others[end]) > others[-1] - others[0]
            alone = value < 0 <= others[0]
            if (
                looks_made_up(value)
                and counts[end] >= max(3, 0.001 * counts.sum())
                and (far or alone)
            ):
                found.append(float(value))
                values, counts = others, np.delete(counts, end)
                break
    return tuple(found)


def looks_made_up(value: float) -> bool:
    if abs(value) < 9 or not float(value).is_integer():
        return False
    text = f"{value:.0f}"
    return bool(ROUND.fullmatch(text) or (NINES.fullmatch(text) and (value < 0 or value >= 99)))
