"""How a classifier treats groups of people: the rates of each group, side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.plots.style import (
    LETTER,
    MUTED,
    ROW,
    SERIES,
    WIDTH,
    as_percentages,
    in_order,
    label_rows,
    new_figure,
    shortened,
    styled,
)

RATES = {
    "selection_rate": "selection",
    "true_positive_rate": "true positive",
    "false_positive_rate": "false positive",
}
GAPS = {
    "demographic_parity_difference": "parity difference",
    "equalised_odds_difference": "odds difference",
}
LETTERS = 18  # of a group's name, at most
HEADING = 0.72  # inches; likewise the next three
ABOVE_PANEL = 0.26
BELOW_PANEL = 0.36
BETWEEN = 0.2
ESTIMATE = {"color": SERIES[0]["color"], "marker": "o", "markersize": 6}
TRUTH = {"color": SERIES[3]["color"], "marker": "s", "markersize": 6, "markerfacecolor": "white"}


@styled
def fairness(scored: dict[str, dict], label: str) -> Figure:
    """The rates of each group with intervals: a row of panels for each column, a panel a rate.

    scored: as `score_fairness` gives it; label: the name of class 1. Open squares beside the
    selection rate show the share that really is class 1. Beside a column's name, its differences.
    """
    groups = {
        column: {group["value"]: group for group in entry["groups"]}
        for column, entry in scored.items()
    }
    height = HEADING + sum(
        ABOVE_PANEL + ROW * len(known) + BELOW_PANEL for known in groups.values()
    )
    figure = new_figure(height, layout="none")

    def write(x: float, from_top: float, words: str, **style) -> None:
        figure.text(x / WIDTH, 1 - from_top / height, words, **{"va": "top", "ha": "left"} | style)

    write(0.1, 0.12, f'Who is called "{shortened(label, 18)}"? Squares: who is', weight="bold")
    longest = max(
        (len(shortened(value, LETTERS)) for known in groups.values() for value in known), default=0
    )
    left = 0.2 + LETTER * longest
    width = (WIDTH - left - 0.25 + BETWEEN) / len(RATES)
    limits = {rate: 1.08 * highest(groups, rate) for rate in RATES}
    top = HEADING
    for column, known in groups.items():
        write(0.1, top, shortened(column, 16), weight="bold")
        write(WIDTH - 0.25, top, told_gaps(scored[column]), ha="right", size=9.5)
        values = in_order(list(known))
        panel = ROW * len(values)
        for place, (rate, name) in enumerate(RATES.items()):
            box = (left + place * width, height - top - ABOVE_PANEL - panel, width - BETWEEN, panel)
            axes = figure.add_axes(np.divide(box, (WIDTH, height, WIDTH, height)))
            label_rows(axes, [shortened(value, LETTERS) for value in values])
            axes.tick_params(axis="y", labelleft=place == 0)
            axes.set_xlim(0, limits[rate])
            as_percentages(axes.xaxis)
            if top == HEADING:
                write(box[0], 0.4, name)
            for position, value in enumerate(values):
                draw_rate(axes, position, known[value], rate)
        top += ABOVE_PANEL + panel + BELOW_PANEL
    return figure


def told_gaps(entry: dict) -> str:
    gaps = [
        f"{name} {entry[key]['value']:.3f}" for key, name in GAPS.items() if entry[key] is not None
    ]
    return ", ".join(gaps) or "no two groups to compare"


def highest(groups: dict[str, dict[str, dict]], rate: str) -> float:
    """The upper end of the axis of one rate: the highest end of an interval, of the truth too."""
    names = (rate, "positive_share") if rate == "selection_rate" else (rate,)
    ends = [
        group[name]["high"]
        for known in groups.values()
        for group in known.values()
        for name in names
        if group[name] is not None
    ]
    return max(ends, default=1.0) or 1.0


def draw_rate(axes: Axes, position: int, group: dict, rate: str) -> None:
    known = group[rate]
    if known is None:
        axes.text(
            0.03,
            position,
            "too few rows",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            color=MUTED,
        )
        return
    if rate == "selection_rate":
        axes.plot(group["positive_share"]["value"], position, **TRUTH, clip_on=False)
    axes.hlines(position, known["low"], known["high"], color=ESTIMATE["color"], linewidth=2)
    axes.plot(known["value"], position, **ESTIMATE, clip_on=False)
