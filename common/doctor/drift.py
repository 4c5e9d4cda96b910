"""Does the table change with time, or on its way through the file? First rows against last ones."""

from collections.abc import Iterator
from shlex import quote

import numpy as np
import pandas as pd

from common.data.columns import is_date, is_number
from common.data.stability import DRIFT, bin_counts, chance, index_of_counts, tenths
from common.doctor.patient import Advised, Patient, evenly
from common.doctor.reading import SHOWN

RISK = 0.001  # below this probability a difference is not put down to chance
ROWS = 20_000  # of the first and of the last third, at most
FEWEST = 60  # rows in the file


def check_drift(patient: Patient) -> Iterator[Advised]:
    """The population stability index of each column, the first third of the rows to the last one.

    In the order of the time column where there is one, else of the file.
    """
    frame, (time, _) = patient.frame, patient.time
    if len(frame) < FEWEST:
        return
    ordered = frame.sort_values(time, kind="stable") if time else frame
    third = len(ordered) // 3
    first, last = (evenly(part, ROWS) for part in (ordered[:third], ordered[-third:]))
    drifted = {
        name: index
        for name in frame
        if name not in (time, *patient.ids, *patient.texts) and not is_date(frame[name])
        for index in [drift(first[name], last[name])]
        if index > DRIFT
    }
    where = f"with time ({time})" if time else "along the file"
    told = ", ".join(
        f"{name} ({drifted[name]:.2f})" for name in sorted(drifted, key=drifted.get)[::-1][:SHOWN]
    )
    means = f"population stability index, first third to last third of the rows, above {DRIFT}"
    if not drifted:
        yield Advised("drift", "ok", f"No column changes {where}: none has a {means}.")
        return
    if patient.target in drifted and not time:
        yield Advised(
            "sorted file",
            "note",
            f"The target changes along the file (index {drifted[patient.target]:.2f}): the rows "
            f"are sorted by it, or by something that goes with it. So do: {told}.",
            "The template shuffles the rows before it splits them. A column that counts the rows "
            "would give the answer away.",
        )
        return
    yield Advised(
        "drift",
        "note",
        f"Columns that change {where}: {told} ({means}).",
        "A random split hides that the future looks different: split by time, so that the score "
        "is that of later rows."
        if time
        else "The file is not in random order. Do its rows come from several places or times? A "
        "column that tells which would allow an honest split.",
        f"--time {quote(time)}  # a flag of common.new" if time else "",
    )


def drift(first: pd.Series, last: pd.Series) -> float:
    """The stability index, 0 where chance explains it."""
    if is_number(first):
        edges = tenths(first)
        counts = [bin_counts(part, edges) for part in (first, last)]
    else:
        codes = pd.factorize(pd.concat([first, last]))[0]
        counts = [
            np.bincount(part, minlength=codes.max() + 1)
            for part in (codes[: len(first)], codes[len(first) :])
        ]
    return index_of_counts(*counts) if chance(*counts) < RISK else 0.0
