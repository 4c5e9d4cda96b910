"""Rows among themselves: equal ones, nearly equal ones, conflicting labels, groups, time."""

from collections.abc import Iterator
from shlex import quote

import numpy as np
import pandas as pd

from common.data.checks import conflicting_rows
from common.data.columns import plain_value
from common.data.texts import near_duplicates
from common.doctor.patient import Advised, Patient, evenly
from common.doctor.reading import SHOWN
from common.new.write import literal
from common.plots.style import shortened

COLUMNS = 6  # of a row that are shown
TEXTS = 20_000  # compared for near duplicates, at most


def check_duplicates(patient: Patient) -> Iterator[Advised]:
    """Rows that are there more than once, apart from columns that name the row."""
    frame = patient.frame.drop(columns=list(patient.ids))
    keys = row_keys(frame)
    again = pd.Series(keys).duplicated().to_numpy()
    apart = f", but for {', '.join(patient.ids)}" if patient.ids else ""
    if not again.any():
        yield Advised("duplicate rows", "ok", f"No row is there twice{apart}.")
        return
    yield Advised(
        "duplicate rows",
        "alarm" if again.mean() > 0.05 else "note",
        f"{again.sum():,} of {len(frame):,} rows ({again.mean():.2%}) equal an earlier row in all "
        f"columns{apart}.",
        "Two of a kind must not stand on both sides of a split: the template's load.py keeps them "
        "together. If they are one observation entered twice, leave the second out.",
        "# load.py, after the table is read\n"
        'table = table.where(~table.rows.duplicated(), "equal to an earlier row")',
        of_one_key(frame, keys, pd.Series(keys).duplicated(keep=False).to_numpy()),
    )


def check_conflicts(patient: Patient) -> Iterator[Advised]:
    """Rows with the same inputs and another label."""
    if not patient.target:
        return
    rows, regression = patient.labelled, patient.task == "regression"
    target = rows[patient.target]
    codes = target.to_numpy() if regression else pd.factorize(target)[0]
    keys = row_keys(rows[patient.inputs])
    clash = conflicting_rows(keys, codes, regression)
    other = "a target more than 10 % apart" if regression else "another label"
    if not clash.any():
        yield Advised(
            "conflicting labels",
            "ok",
            f"No two rows have equal inputs and {other}{patient.without_leaks}.",
        )
        return
    yield Advised(
        "conflicting labels",
        "note" if clash.mean() > 0.01 else "ok",
        f"{clash.sum():,} of {len(rows):,} rows ({clash.mean():.2%}) have the inputs of a row with "
        f"{other}{patient.without_leaks}: no model can tell them apart.",
        "Look whether a column is missing that would tell them apart, or a label is wrong. They "
        "bound the score that can be reached.",
        "# load.py, after the table is read: to go on without them\n"
        "alike = table.rows.groupby(list(RAW), dropna=False)[TARGET]\n"
        + (
            'least, most = alike.transform("min"), alike.transform("max")\n'
            "near = most - least <= 0.1 * least.abs().clip(upper=most.abs())\n"
            if regression
            else 'near = alike.transform("nunique") == 1\n'
        )
        + 'table = table.where(near, "same inputs, other target")',
        of_one_key(rows[[patient.target, *patient.inputs]], keys, clash),
    )


def check_texts(patient: Patient) -> Iterator[Advised]:
    """Texts that are nearly the same."""
    for name in patient.texts:
        texts = evenly(patient.labelled, TEXTS)[name]
        if (texts == "").mean() > 0.5 or len(texts) < 2:
            continue
        texts = texts[texts != ""]
        groups = near_duplicates(texts)
        again = pd.Series(groups).duplicated(keep=False).to_numpy()
        sample = f" (of {TEXTS:,} that were compared)" if len(patient.labelled) > TEXTS else ""
        if not again.any():
            yield Advised(
                "near duplicate texts", "ok", f"No two texts of {name!r} are nearly equal{sample}."
            )
            continue
        conflict = ""
        if patient.target and patient.task != "regression":
            labels = patient.labelled.loc[texts.index, patient.target]
            clash = (labels.groupby(groups).transform("nunique") > 1).sum()
            conflict = f" {clash:,} of them are near a text with another label." if clash else ""
        yield Advised(
            "near duplicate texts",
            "alarm" if again.mean() > 0.1 else "note",
            f"{again.sum():,} of {len(texts):,} texts of {name!r} ({again.mean():.2%}) share "
            f"four fifths of their runs of five letters with another{sample}.{conflict}",
            "One on each side of a split, and the test asks for what was learned. Keep each kind "
            "together.",
            "# load.py, in place of groups = …; import it from common.data.texts\n"
            f"groups = near_duplicates(columns[{literal(name)}])",
            of_one_key(texts.to_frame(), groups, again),
        )


def check_group(patient: Patient) -> Iterator[Advised]:
    """Whom or what the rows are about."""
    name, reason = patient.group
    if name is None:
        yield Advised("groups", "ok", f"Looked for groups of rows: {reason}.")
        return
    yield Advised(
        "groups",
        "note",
        f"Column {name!r} tells whom or what a row is about: {reason}.",
        "Rows of one value must stay in one part of the split, or the score is that of "
        "recognising known ones.",
        f"--group {quote(name)}  # a flag of common.new\nGROUP = {literal(name)}  # or load.py",
    )


def check_time(patient: Patient) -> Iterator[Advised]:
    """When the rows happened."""
    name, reason = patient.time
    if name is None:
        yield Advised("time", "ok", f"Looked for a time: {reason}.")
        return
    yield Advised(
        "time",
        "note",
        f"Column {name!r} tells when a row happened: {reason}.",
        "If the model is to answer for later rows, split by time: the first rows train, the last "
        "ones test.",
        f"--time {quote(name)}  # a flag of common.new\nTIME = {literal(name)}  # or load.py",
    )


def row_keys(frame: pd.DataFrame) -> np.ndarray:
    """A hash of each row, (rows,) uint64."""
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def of_one_key(frame: pd.DataFrame, keys: np.ndarray, chosen: np.ndarray) -> list[dict[str, str]]:
    """The first chosen rows, those of one key below each other, as cells of text."""
    places = np.flatnonzero(chosen)
    first = pd.Series(places).groupby(keys[places]).transform("min").to_numpy()
    places = places[np.lexsort((places, first))][:SHOWN]
    return shown_rows(frame.iloc[places])


def shown_rows(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Rows with their line and up to six columns, as cells of text."""
    return [
        {"line": f"{line:,}", **{name: shortened(cell_text(row[name]), 80) for name in row.index}}
        for line, row in frame[frame.columns[:COLUMNS]].astype(object).iterrows()
    ]


def cell_text(value: object) -> str:
    """A cell as a person writes it, "" for a missing one."""
    if isinstance(value, float):
        return "" if np.isnan(value) else plain_value(value)
    return "" if value is pd.NaT else str(value)
