"""Does the test part resemble the training part? Every feature, drawn for both."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from common.data.dataset import Dataset, thin
from common.plots.style import (
    PARTS,
    WIDTH,
    as_percentages,
    new_figure,
    shortened,
    styled,
)

SAMPLE = 20_000  # rows of each part in the histograms
BINS = 30
TOP_CATEGORIES = 10
TOP_VALUES = 24
FILL = {"color": "#f0c08f"}  # light areas for training rows, dark lines and points for test rows
DARK = {"color": PARTS["test"]["color"], "linestyle": "-", "marker": "o", "markersize": 4.5}


@styled
def feature_distributions(dataset: Dataset) -> Figure:
    """Each feature on training and on test rows: numbers as histograms, categories as bars.

    Drawn from up to 20,000 evenly spaced rows of each part; the share of missing values, beside
    the titles, is that of all rows.
    """
    rows = thin(dataset.part, SAMPLE)
    part = dataset.part[rows]
    train, test = (dataset.features.iloc[rows[part == name]] for name in ("train", "test"))
    figure, grid = small_panels(len(dataset.schema.columns))
    for axes, name in zip(grid, dataset.schema.columns, strict=True):
        if dataset.schema.features[name] == "number":
            draw_number(axes, train[name].to_numpy(), test[name].to_numpy())
            missing = dataset.features[name].isna().mean()
        else:
            draw_category(axes, train[name], test[name])
            missing = (dataset.features[name] == "").mean()
        axes.set_title(shortened(name, 14 if missing > 0 else 24), x=-0.36, fontsize=10, pad=5)
        if missing > 0:
            told = f"{missing:.1%}" if missing >= 0.001 else "< 0.1%"
            axes.set_title(f"{told} missing", loc="right", fontsize=9, fontweight="normal", pad=5)
    figure.legend(
        handles=[Patch(**FILL, label="train"), Line2D([], [], **DARK, label="test")],
        loc="upper left",
        ncols=2,
    )
    return figure


def small_panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of one size, two a line, with room for labels at their left."""
    lines = -(-count // 2)
    height = 0.45 + 1.7 * lines
    figure = new_figure(height, layout="none")
    grid = figure.subplots(
        lines,
        2,
        squeeze=False,
        gridspec_kw={
            "left": 0.85 / WIDTH,
            "right": 1 - 0.15 / WIDTH,
            "top": 1 - 0.65 / height,
            "bottom": 0.35 / height,
            "wspace": 0.95 / 1.8,
            "hspace": 0.6 / 1.15,
        },
    )
    panels = list(grid.flat)
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def draw_number(axes: Axes, train: np.ndarray, test: np.ndarray) -> None:
    """Share of rows in each bin; the bins at the ends also hold what lies beyond them (0.5 %)."""
    edges = bin_edges(np.concatenate([train, test]))
    shares = []
    for values in (train, test):
        known = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
        shares.append(np.histogram(known, edges)[0] / max(len(known), 1))
    axes.stairs(shares[0], edges, fill=True, **FILL)
    axes.stairs(shares[1], edges, color=DARK["color"], linewidth=1.5)
    axes.set_ylim(0, None)
    as_percentages(axes.yaxis)


def bin_edges(values: np.ndarray) -> np.ndarray:
    """Edges around each whole number where the values are few of these, else 30 equal bins."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return np.array([0.0, 1.0])
    first, last = known.min(), known.max()
    if last - first <= BINS and np.all(known == np.round(known)):
        return np.arange(first - 0.5, last + 1)
    low, high = np.quantile(known, (0.005, 0.995))
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def draw_category(axes: Axes, train: pd.Series, test: pd.Series) -> None:
    """Shares of the ten most frequent training categories, missing ones left out."""
    known = train[train != ""].value_counts(normalize=True)[:TOP_CATEGORIES]
    in_test = test[test != ""].value_counts(normalize=True).reindex(known.index, fill_value=0)
    axes.barh(range(len(known)), known, height=0.7, **FILL)
    axes.plot(in_test.to_numpy(), range(len(known)), **DARK | {"linestyle": "none"})
    axes.set_yticks(range(len(known)), [shortened(name, 10) for name in known.index], fontsize=8)
    axes.set_ylim(max(len(known), 4) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    as_percentages(axes.xaxis)
