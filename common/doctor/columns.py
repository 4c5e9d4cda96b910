"""Columns, one by one and in pairs: constant, ids, codes, values far out, hollow zeros, twins."""

from collections.abc import Iterator
from shlex import quote

import numpy as np
import pandas as pd

from common.data.checks import number
from common.data.columns import is_date, is_number, is_whole, plain_value, present
from common.doctor.patient import Advised, Patient, evenly
from common.doctor.reading import SHOWN
from common.new.write import literal

FAR = 5  # widths of the middle 90 % beyond it; of an exponential distribution 1 value in 10 million
FEWEST = 20  # known values, below which nothing is called far out
CODES = 10  # whole numbers as few as these may be codes of categories
STEPS = 5  # usual steps between neighbouring values: a wider gap above 0 sets the zeros apart
EQUAL_RANKS = 0.995  # rank correlation from which a number says the same as another
PAIR_ROWS = 20_000


def check_useless(patient: Patient) -> Iterator[Advised]:
    """Columns with one value, and columns that name the row."""
    frame = patient.frame.drop(columns=patient.target or [])
    constant = {
        name: frame[name].iloc[0]
        for name in frame
        if present(frame[name]).all() and frame[name].nunique() == 1
    }
    if constant:
        told = ", ".join(f"{name} ({plain_value(value)})" for name, value in constant.items())
        yield Advised(
            "constant columns",
            "note",
            f"The same value in all rows: {told}.",
            "Nothing can be learned from them.",
            f"--leave-out {' '.join(map(quote, constant))}",
        )
    else:
        yield Advised("constant columns", "ok", "Every column has two values or more.")
    for name, reason in patient.ids.items():
        yield Advised(
            "id-like columns",
            "note",
            f"Column {name!r} names the row: {reason}.",
            "A network can only learn it by heart. Leave it out; if it counts the rows of a file "
            "that was sorted by the answer, it even gives the answer away.",
            f"--leave-out {quote(name)}",
        )
    if not patient.ids:
        yield Advised("id-like columns", "ok", "No column merely names the rows.")


def check_codes(patient: Patient) -> Iterator[Advised]:
    """Numbers that are so few that they may stand for categories."""
    codes = {
        name: ", ".join(map(plain_value, sorted(known.unique())))
        for name in patient.inputs
        if is_number(patient.frame[name])
        for known in [patient.frame[name].dropna()]
        if 3 <= known.nunique() <= CODES and is_whole(known)
    }
    if codes:
        told = "; ".join(f"{name} ({values})" for name, values in codes.items())
        yield Advised(
            "numbers or codes",
            "ok",
            f"Few whole numbers each: {told}.",
            "Where the numbers stand for kinds of things without an order, call the column a "
            "category.",
            f"--category {' '.join(map(quote, codes))}",
        )


def check_outliers(patient: Patient) -> Iterator[Advised]:
    """Numbers far beyond the bulk of their column: wrong units, typing errors, marks like 99999."""
    quiet = True
    for name in patient.frame:
        column = patient.frame[name]
        known = column.dropna()
        if not is_number(column) or len(known) < FEWEST or name in patient.ids:
            continue
        low, high = known.quantile([0.05, 0.95])
        width = high - low
        if width == 0:
            continue
        least, most = low - FAR * width, high + FAR * width
        far, near = known[~known.between(least, most)], known[known.between(least, most)]
        if far.empty:
            continue
        quiet = False
        commonest = far.value_counts()
        repeated = (
            f" {commonest.iloc[0]:,} times {plain_value(commonest.index[0])}: a mark, or a limit?"
            if commonest.iloc[0] > 5
            else ""
        )
        bounds = f"{plain_value(near.min())}, {plain_value(near.max())}"
        yield Advised(
            "outliers",
            "note",
            f"Column {name!r}: {len(far):,} of {len(known):,} values lie beyond "
            f"{number(least)} to {number(most)}, {FAR} times the width of the middle 90 % "
            f"({number(low)} to {number(high)}): {number(far.min())} to {number(far.max())}."
            f"{repeated}",
            "Wrong ones: mend them or make them missing. True ones may stay: the encoder cuts "
            "numbers into bins by rank; in the target, a logarithmic scale helps.",
            "# load.py, in prepare()\n"
            f"rows[{literal(name)}] = rows[{literal(name)}].clip({bounds})",
            [
                {"line": f"{line:,}", name: plain_value(float(value))}
                for line, value in far.head(SHOWN).items()
            ],
        )
    if quiet:
        yield Advised("outliers", "ok", "No number lies far beyond the bulk of its column.")


def check_zeros(patient: Patient) -> Iterator[Advised]:
    """Zeros with a wide gap above them: often they mean "not measured"."""
    for name in patient.inputs:
        column = patient.frame[name]
        if not is_number(column):
            continue
        zeros = int((column == 0).sum())
        values = np.unique(column[column > 0])
        if not zeros or column.min() < 0 or len(values) < FEWEST or zeros > len(column) / 2:
            continue
        middle = column[column > 0].median()
        if values[0] > max(STEPS * np.median(np.diff(values)), middle / 10):
            yield Advised(
                "zeros",
                "note",
                f"Column {name!r} is 0 in {zeros:,} rows ({zeros / len(column):.1%}), and the next "
                f"value above is {number(values[0])} (median {number(middle)}).",
                "If 0 means not measured, say so; the network then learns of missing values.",
                f"NOTATION[{literal(name)}] = Notation(sentinels=(0,))  # load.py",
            )


def check_equal(patient: Patient) -> Iterator[Advised]:
    """Pairs of columns that say the same: numbers of the same ranks, categories one to one."""
    frame = evenly(patient.frame[patient.inputs], PAIR_ROWS)
    pairs = [*equal_numbers(frame), *equal_categories(frame)]
    if not pairs:
        yield Advised("columns that say the same", "ok", "No two columns say the same.")
        return
    told = ", ".join(f"{first} and {second}" for first, second in pairs[:SHOWN])
    yield Advised(
        "columns that say the same",
        "note",
        f"Pairs of columns that rise together or have one value for each of the other's: {told}.",
        "One of each pair is enough; both do no harm to the score, but blur which column matters.",
        f"--leave-out {' '.join(quote(name) for name in dict.fromkeys(b for _, b in pairs))}",
    )


def equal_numbers(frame: pd.DataFrame) -> list[tuple[str, str]]:
    numbers = [name for name in frame if is_number(frame[name]) and frame[name].nunique() > 2]
    if len(numbers) < 2:
        return []
    related = frame[numbers].rank().corr().abs().to_numpy()
    first, second = np.nonzero(np.triu(related >= EQUAL_RANKS, k=1))
    return [(numbers[i], numbers[j]) for i, j in zip(first, second, strict=True)]


def equal_categories(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs with as many values each as there are pairs of values; missing is a value too."""
    codes = {
        name: pd.factorize(frame[name], use_na_sentinel=False)[0]
        for name in frame
        if not is_date(frame[name]) and 1 < frame[name].nunique() <= 1000
    }
    counts = {name: code.max() + 1 for name, code in codes.items()}
    names = list(codes)
    return [
        (first, second)
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if counts[first] == counts[second]
        and not (is_number(frame[first]) and is_number(frame[second]))
        and len(np.unique(codes[first] * counts[first] + codes[second])) == counts[first]
    ]
