"""Every column in one line of a table: what it is, what is typical, and a small picture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from common.data.checks import number
from common.data.columns import as_number, is_clock, is_date, is_number, present
from common.doctor.patient import Patient, evenly
from common.plots.data import bin_edges
from common.plots.style import shortened

ROWS = 100_000  # that are drawn, at most
BARS = 12  # of a category's picture
LARGEST = 1e15  # number that is drawn; larger ones have no fractions to cut into bins
FEWEST = 20  # rows in a bar whose target is drawn


@dataclass(frozen=True)
class Summary:
    """One column. bars: shares of the rows in each bin or value; line: the mean target in each, NaN
    for few rows, or none; ends: what stands below the first and the last bar."""

    name: str
    kind: str
    told: str
    missing: float
    distinct: int
    typical: str
    score: float | None
    bars: np.ndarray
    line: np.ndarray
    ends: tuple[str, str]

    def drawn_bars(self) -> list[float]:
        """Heights from 0 to 1."""
        return (self.bars / max(self.bars.max(initial=0), 1e-12)).tolist()


def summaries(patient: Patient) -> list[Summary]:
    """All columns in their order in the file, the empty ones too."""
    sample = evenly(patient.frame, ROWS)
    target = drawn_target(patient, sample)
    return [
        summary(patient, name, sample, target)
        if name in patient.frame
        else Summary(name, "empty", "", 1.0, 0, "", None, np.array([]), np.array([]), ("", ""))
        for name in patient.raw.columns
    ]


def drawn_target(patient: Patient, sample: pd.DataFrame) -> pd.Series | None:
    """What the lines show: the number, or 1 for the second of two classes; None if neither."""
    if patient.task == "regression":
        return sample[patient.target]
    if patient.task == "binary":
        column = sample[patient.target]
        return (column == column[present(column)].max()).where(present(column)).astype("float64")
    return None


def summary(patient: Patient, name: str, sample: pd.DataFrame, target: pd.Series | None) -> Summary:
    column, reading = patient.frame[name], patient.readings[name]
    drawn = sample[name]
    if is_date(column) or is_number(column):
        values = as_number(drawn).clip(-LARGEST, LARGEST).to_numpy()
        edges = bin_edges(values)
        if is_date(column):
            edges = np.linspace(np.nanmin(values), np.nanmax(values) + 1, 31)
        known = np.isfinite(values)
        place = np.searchsorted(edges, values.clip(edges[0], edges[-1]), "right") - 1
        place = np.where(known, place.clip(0, len(edges) - 2), -1)
        bins = len(edges) - 1
    else:
        top = drawn[drawn != ""].value_counts().index[:BARS]
        place, bins = top.get_indexer(drawn), max(len(top), 1)
    bars = np.bincount(place[place >= 0], minlength=bins)
    return Summary(
        name=name,
        kind="target" if name == patient.target else reading.kind,
        told=reading.told,
        missing=float((~present(column)).mean()),
        distinct=reading.distinct,
        typical=typical(column),
        score=patient.scores.get(name),
        bars=bars / max(bars.sum(), 1),
        line=mean_by(place, target, bins) if name != patient.target else np.array([]),
        ends=ends(drawn),
    )


def mean_by(place: np.ndarray, target: pd.Series | None, bins: int) -> np.ndarray:
    """The mean target in each bin, (bins,), NaN where it has few rows; none without a target."""
    if target is None:
        return np.array([])
    told = (place >= 0) & target.notna().to_numpy()
    counts = np.bincount(place[told], minlength=bins)
    sums = np.bincount(place[told], target.to_numpy()[told], minlength=bins)
    return np.where(counts >= FEWEST, sums / np.maximum(counts, 1), np.nan)


def typical(column: pd.Series) -> str:
    """The median and the middle 90 % of a number, the span of dates, the commonest of the rest."""
    if is_date(column):
        return " to ".join(ends(column))
    if is_number(column):
        low, middle, high = column.quantile([0.05, 0.5, 0.95])
        return f"{number(middle)} ({number(low)} to {number(high)})"
    counts = column[column != ""].value_counts()
    return ", ".join(
        f"{shortened(value, 24)} {count / len(column):.0%}" for value, count in counts[:3].items()
    )


def ends(drawn: pd.Series) -> tuple[str, str]:
    """What stands below the first and the last bar."""
    if is_date(drawn):
        shown = slice(11, 16) if is_clock(drawn) else slice(10)
        return str(drawn.min())[shown], str(drawn.max())[shown]
    if is_number(drawn):
        edges = bin_edges(drawn.clip(-LARGEST, LARGEST).to_numpy())
        shown = drawn.clip(edges[0], edges[-1])
        return number(shown.min()), number(shown.max())
    top = drawn[drawn != ""].value_counts().index[:BARS]
    return (shortened(top[0], 9), shortened(top[-1], 9)) if len(top) else ("", "")
