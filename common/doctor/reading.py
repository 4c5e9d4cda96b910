"""What the reading of the file already showed: its format, torn rows, cells that do not fit."""

from collections.abc import Iterator
from shlex import quote

from common.data.columns import plain_value
from common.doctor.patient import Advised, Patient
from common.new.write import literal

SHOWN = 20  # rows in a finding's table, at most
NAMED = 3  # columns in the code
MANY_UNREADABLE = 0.01  # share of a column's cells, from which something else must be the matter


def check_format(patient: Patient) -> Iterator[Advised]:
    """How the file was understood, and which of its names had to be changed."""
    raw, frame = patient.raw, patient.frame
    told = f"{len(raw):,} rows and {len(raw.columns)} columns."
    yield Advised("file", "ok", " ".join([told, *raw.told]))
    renamed = {new: old for new, old in raw.renamed.items() if new in raw.columns}
    if renamed:
        named = ", ".join(f"{old!r} is {new!r}" for new, old in renamed.items())
        yield Advised(
            "renamed columns",
            "note",
            f"Columns without a name of their own were given one: {named}.",
            "Give each column a name of its own in the file: predict needs the same names.",
        )
    empty = [name for name in raw.columns if name not in frame]
    if empty:
        yield Advised(
            "empty columns",
            "note",
            f"No cell has a value: {', '.join(empty)}.",
            "They are left out by themselves; drop them where the file is made.",
        )


def check_torn(patient: Patient) -> Iterator[Advised]:
    """Lines that could not be cut into the cells of the header."""
    torn = patient.raw.torn
    if not torn:
        yield Advised("torn rows", "ok", "Every row has as many cells as the header.")
        return
    yield Advised(
        "torn rows",
        "alarm" if len(torn) > MANY_UNREADABLE * len(patient.raw) else "note",
        f"{len(torn):,} lines do not have the cells of the header and are left out.",
        "Mend them in the file: a cell with the separator or a line break in it needs quotes.",
        rows=[{"line": f"{line:,}", "what is wrong": wrong} for line, wrong in torn[:SHOWN]],
    )


def check_unreadable(patient: Patient) -> Iterator[Advised]:
    """Cells that do not fit the kind of their column; they count as missing."""
    broken = {
        name: reading for name, reading in patient.readings.items() if len(reading.unreadable)
    }
    if not broken:
        yield Advised("unreadable cells", "ok", "Every cell could be read as what its column is.")
    for name, reading in broken.items():
        share = len(reading.unreadable) / len(patient.raw)
        marks = reading.unreadable.value_counts()
        common = marks.index[0]
        yield Advised(
            "unreadable cells",
            "alarm" if share > MANY_UNREADABLE else "note",
            f"Column {name!r} is read as {reading.kind}; {len(reading.unreadable):,} of its cells "
            f"({share:.2%}) are not, most often {common!r} ({marks.iloc[0]:,}). They count as "
            "missing.",
            "Mend the cells, or say which words mean missing, or that the column is a category.",
            f"NOTATION[{literal(name)}] = Notation(missing=({literal(common)},))  # load.py\n"
            f"--category {quote(name)}  # or a flag of common.new",
            [
                {"line": f"{line:,}", name: str(cell)}
                for line, cell in reading.unreadable.head(SHOWN).items()
            ],
        )


def check_marks(patient: Patient) -> Iterator[Advised]:
    """Numbers and words that were taken for a missing value, those of several columns together."""
    columns = {}
    for name, reading in patient.readings.items():
        notation = reading.notation
        if notation.missing or notation.sentinels:
            columns.setdefault((notation.missing, notation.sentinels), []).append(name)
    for (missing, sentinels), names in columns.items():
        marks = " and ".join([*map(repr, missing), *map(plain_value, sentinels)])
        told = "; ".join(f"{name} ({patient.readings[name].missing:,})" for name in names)
        yield Advised(
            "missing marks",
            "note",
            f"{marks} counts as missing in {told}; in brackets, the missing cells.",
            "Right? Then nothing is to do: common.new writes these lines. Else take the mark out.",
            "# load.py\n"
            + "\n".join(
                f"NOTATION[{literal(name)}] = {literal(patient.readings[name].notation)}"
                for name in names[:NAMED]
            ),
        )


def check_missing(patient: Patient) -> Iterator[Advised]:
    """Columns with missing values."""
    shares = {
        name: reading.missing / len(patient.raw)
        for name, reading in patient.readings.items()
        if name in patient.frame
    }
    gaps = sorted((name for name in shares if shares[name] > 0), key=shares.get, reverse=True)
    if not gaps:
        yield Advised("missing values", "ok", "No cell is missing.")
        return
    listed = ", ".join(f"{name} {shares[name]:.1%}" for name in gaps[:SHOWN])
    more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
    worst = [name for name in gaps if shares[name] > 0.5 and name != patient.target]
    yield Advised(
        "missing values",
        "note" if shares[gaps[0]] > 0.05 else "ok",
        f"{len(gaps)} of {len(shares)} columns have gaps: {listed}{more}.",
        "The network is told which cells are missing, so nothing has to be filled in. Ask why they "
        "are: what is missing for a reason known only later gives the answer away."
        + (" Columns that are mostly empty may be left out." if worst else ""),
        f"--leave-out {' '.join(map(quote, worst))}" if worst else "",
    )
