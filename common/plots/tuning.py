"""What a search found: its values trial by trial, and over each field it searched."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from common.plots.style import PARTS, SERIES, new_figure, plain, shortened, styled
from common.tune.space import Choice, Dimension, label

COLORS = {"complete": SERIES[0]["color"], "pruned": SERIES[1]["color"]}
MARKERS = {"complete": "o", "pruned": "x"}
BEST = {"color": PARTS["validation"]["color"], "linewidth": 1.8, "drawstyle": "steps-post"}
DEFAULT = {"marker": "*", "s": 150, "color": "white", "edgecolor": SERIES[3]["color"], "zorder": 4}
VIEW = 5  # the scale goes this many times as far from the best value as the middle one is
LETTERS = 22  # of all labels of an axis together, beyond which they are slanted


@styled
def search_picture(
    frame: pd.DataFrame, monitor: str, space: Mapping[str, Dimension], lower_is_better: bool
) -> Figure:
    """The monitored value of each trial with the best so far, and below it over each field.

    frame: as `trials_frame` gives it, with at least one completed trial. Failed trials are left
    out; those far worse than the middle one stand at the edge.
    """
    drawn = within_view(frame[(frame["outcome"] != "failed")], monitor, lower_is_better)
    rows = -(-len(space) // 2)
    figure = new_figure(3.1 + 1.9 * rows)
    grid = figure.add_gridspec(1 + rows, 2, height_ratios=[1.25] + [1] * rows)
    first = figure.add_subplot(grid[0, :])
    scatter(first, drawn, drawn["trial"], lower_is_better)
    complete = drawn[drawn["outcome"] == "complete"]
    best = complete["value"].cummin() if lower_is_better else complete["value"].cummax()
    first.plot(complete["trial"], best, label="best so far", **BEST)
    first.set_title(f"{monitor} of each trial: {'less' if lower_is_better else 'more'} is better")
    first.set_xlabel("trial")
    first.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    first.yaxis.set_major_locator(MaxNLocator(4))
    for place, (name, dimension) in enumerate(space.items()):
        axes = figure.add_subplot(grid[1 + place // 2, place % 2], sharey=first)
        axes.set_title(shortened(plain(name), 30))
        positions = field_axis(axes, dimension, drawn[name])
        scatter(axes, drawn, positions, lower_is_better)
    figure.legend(
        *first.get_legend_handles_labels(), loc="outside lower left", ncols=3, columnspacing=1.2
    )
    return figure


def within_view(frame: pd.DataFrame, monitor: str, lower_is_better: bool) -> pd.DataFrame:
    """The trials with their `value`, at the edge where it is `far` worse than most."""
    frame = frame[frame[monitor].notna()]
    complete = frame.loc[frame["outcome"] == "complete", monitor]
    best = complete.min() if lower_is_better else complete.max()
    edge = best + VIEW * (complete.median() - best)
    if edge == best:  # most trials are equally good: nothing to cut off by
        return frame.assign(value=frame[monitor], far=False)
    far = frame[monitor] > edge if lower_is_better else frame[monitor] < edge
    return frame.assign(value=frame[monitor].mask(far, edge), far=far)


def field_axis(axes: Axes, dimension: Dimension, values: pd.Series) -> np.ndarray:
    """Draw the x axis of a field from end to end; returns the place of each of `values` on it."""
    if isinstance(dimension, Choice):
        labels = [label(option) for option in dimension.options]
        axes.set_xticks(range(len(labels)), [shortened(text, 14) for text in labels])
        if sum(map(len, labels)) > LETTERS:
            axes.tick_params(axis="x", rotation=30)
            for text in axes.get_xticklabels():
                text.set(ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(labels) - 0.5)
        return np.array([labels.index(str(value)) for value in values])
    low, high = dimension.ends()
    if dimension.logarithmic:
        axes.set_xscale("log")
        wide = high / low > 300
        axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5), numticks=5))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("e-0", "e-"))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        margin = (high / low) ** 0.05
        axes.set_xlim(low / margin, high * margin)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        margin = 0.05 * (high - low)
        axes.set_xlim(low - margin, high + margin)
    return values.to_numpy(float)


def scatter(
    axes: Axes, drawn: pd.DataFrame, positions: np.ndarray | pd.Series, lower_is_better: bool
) -> None:
    """The trials at `positions`, by outcome; a star where the default settings are."""
    positions, values, far, default = (
        np.asarray(column) for column in (positions, drawn["value"], drawn["far"], drawn["default"])
    )
    edge = "^" if lower_is_better else "v"
    for outcome, marker in MARKERS.items():
        chosen = (drawn["outcome"] == outcome).to_numpy() & ~default
        for rows, shape, name in (
            (chosen & ~far, marker, outcome),
            (chosen & far, edge, f"{outcome}, off scale"),
        ):
            style = {"marker": shape, "color": COLORS[outcome], "alpha": 0.8, "s": 24}
            if rows.any():
                axes.scatter(positions[rows], values[rows], label=name, **style)
    axes.scatter(positions[default], values[default], label="default", **DEFAULT)
