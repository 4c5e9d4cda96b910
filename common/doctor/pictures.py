"""How the target goes with the columns that tell most of it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from common.data.columns import as_number, is_date, is_number, plain_value
from common.doctor.patient import Patient, evenly
from common.doctor.summary import LARGEST
from common.plots.data import TOP_CATEGORIES, small_panels
from common.plots.style import SERIES, as_percentages, shortened, styled

ROWS = 100_000
COLUMNS = 8
BINS = 20
YEARS = (-3e10, 3e10)  # about 1020 to 2920: no year beyond 9999 can be drawn
LABEL = 50  # letters of all labels together
FEWEST = 5  # rows of a point


@styled
def target_by_column(patient: Patient) -> Figure:
    """The mean target, or the share of each class, in bins of equal size or in each category.

    Of the eight columns that tell most alone, and of at most five classes; drawn from up to 100,000
    rows. Of two classes only the second is drawn.
    """
    rows = evenly(patient.labelled, ROWS)
    answers = drawn_answers(patient, rows[patient.target])
    names = list(patient.scores)[:COLUMNS]
    figure, grid = small_panels(len(names))
    drawn = []
    for axes, name in zip(grid, names, strict=True):
        drawn.append(draw_column(axes, rows[name], answers))
        axes.set_title(shortened(name, 24), x=-0.36, fontsize=10, pad=5)
    known = np.concatenate(drawn)
    known = known[np.isfinite(known)]
    for axes, name in zip(grid, names, strict=True):  # the target on one scale
        category = by_category(rows[name])
        if len(np.unique(known)) > 1:
            room = 0.05 * np.ptp(known)
            limits = (known.min() - room, known.max() + room)
            axes.set(**{"xlim" if category else "ylim": limits})
        if patient.task != "regression":
            as_percentages(axes.xaxis if category else axes.yaxis)
        else:
            (axes.xaxis if category else axes.yaxis).set_major_locator(MaxNLocator(3))
    if patient.task != "regression":
        figure.legend(
            handles=[
                Line2D([], [], **style_of(place), label=shortened(name, LABEL // len(answers)))
                for place, name in enumerate(answers)
            ],
            loc="upper left",
            ncols=len(answers),
        )
    return figure


def drawn_answers(patient: Patient, target: pd.Series) -> dict[str, np.ndarray]:
    """What is averaged, (rows,): the number itself, or 1 where the row is of a class."""
    if patient.task == "regression":
        return {patient.target: target.to_numpy()}
    values = target.value_counts().index[: len(SERIES)]
    if patient.task == "binary":
        value = target.max()
        return {f"{patient.target} = {plain_value(value)}": (target == value).to_numpy(float)}
    return {plain_value(value): (target == value).to_numpy(float) for value in values}


def draw_column(axes: Axes, column: pd.Series, answers: dict[str, np.ndarray]) -> np.ndarray:
    """Draw each answer's mean in the bins or categories of a column, and return these means."""
    drawn = []
    if by_category(column):
        labels = column[column != ""].value_counts().index[:TOP_CATEGORIES]
        place = labels.get_indexer(column)
        for series, answer in enumerate(answers.values()):
            drawn.append(mean_in(place, answer, len(labels)))
            axes.plot(drawn[-1], range(len(labels)), **style_of(series) | {"linestyle": "none"})
        axes.set_yticks(
            range(len(labels)), [shortened(str(label), 10) for label in labels], fontsize=8
        )
        axes.set_ylim(max(len(labels), 4) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        return np.concatenate(drawn)
    values = as_number(column).clip(-LARGEST, LARGEST)
    if values.nunique() <= BINS:
        place = pd.factorize(values, sort=True)[0]
    else:
        place = pd.qcut(values, BINS, labels=False, duplicates="drop").fillna(-1).to_numpy(int)
    middle = values.groupby(place).median().drop(-1, errors="ignore")
    bins = place.max() + 1
    shown = middle.reindex(range(bins)).to_numpy()
    if is_date(column):
        shown = shown.clip(*YEARS).astype("datetime64[s]")
    for series, answer in enumerate(answers.values()):
        drawn.append(mean_in(place, answer, bins))
        known = np.isfinite(drawn[-1])
        axes.plot(shown[known], drawn[-1][known], **style_of(series))
    axes.tick_params(axis="x", labelsize=8)
    if is_date(column) and np.isfinite(drawn).any():
        dates = AutoDateLocator(maxticks=4)
        axes.xaxis.set_major_locator(dates)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(dates, show_offset=False))
    return np.concatenate(drawn)


def by_category(column: pd.Series) -> bool:
    return not (is_number(column) or is_date(column))


def mean_in(place: np.ndarray, answer: np.ndarray, bins: int) -> np.ndarray:
    """Mean answer in each bin, (bins,), NaN where it has few rows; place: (rows,), -1 for none."""
    counts = np.bincount(place[place >= 0], minlength=bins)
    sums = np.bincount(place[place >= 0], answer[place >= 0], minlength=bins)
    return np.where(counts >= FEWEST, sums / np.maximum(counts, 1), np.nan)


def style_of(place: int) -> dict:
    return SERIES[place] | {"markersize": 3.5, "linewidth": 1.4}
