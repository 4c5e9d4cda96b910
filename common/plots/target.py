"""What is predicted: how often each class happens, or how the number is spread, part by part."""

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from common.data.dataset import PARTS as PART_NAMES
from common.data.dataset import Dataset
from common.plots.data import FILL
from common.plots.regression import ticks
from common.plots.style import (
    PARTS,
    as_percentages,
    in_order,
    new_figure,
    row_panels,
    styled,
)

TOP_VALUES = 24
BINS = 40


@styled
def target_by_part(dataset: Dataset) -> Figure:
    """The target in each part: the share of class 1, of every class, or how a number is spread.

    The share of class 1 is drawn week by week where rows have a time, else by slice; of a slice
    column with more than 24 values, those with most rows are drawn.
    """
    if dataset.schema.task == "regression":
        return spread_by_part(dataset)
    if dataset.schema.answers > 1:
        return classes_by_part(dataset)
    return share_by_slice(dataset) if dataset.time is None else share_by_week(dataset)


def spread_by_part(dataset: Dataset) -> Figure:
    figure = new_figure(3.2)
    axes = figure.subplots()
    low, high = np.quantile(dataset.target, (0.001, 0.999))
    cut = np.geomspace if dataset.schema.log_scale else np.linspace
    edges = cut(low, high, BINS + 1)
    for part, style in PARTS.items():
        values = np.clip(dataset.target[dataset.part == part], low, high)
        shares = np.histogram(values, edges)[0] / len(values)
        line = {name: value for name, value in style.items() if name != "marker"}
        axes.stairs(shares, edges, **line, linewidth=1.5, label=f"{part}: {len(values):,}")
    if dataset.schema.log_scale:
        axes.set_xscale("log")
    ticks(axes.xaxis, (low, high), dataset.schema.log_scale)
    axes.set_title("The target in each part; beside the names: rows")
    axes.set_xlabel(dataset.schema.unit)
    axes.set_ylabel("share of rows")
    as_percentages(axes.yaxis)
    figure.legend(loc="outside lower left", ncols=3)
    return figure


def classes_by_part(dataset: Dataset) -> Figure:
    labels = list(dataset.schema.labels)
    title = "Share of each class, and training rows; dots: validation and test"
    figure, panels = row_panels(title, {"of the training rows": labels})
    axes = panels["of the training rows"]
    places = range(len(labels))
    for part in PART_NAMES:
        target = dataset.target[dataset.part == part].astype(int)
        counts = np.bincount(target, minlength=len(labels)) if target.ndim == 1 else target.sum(0)
        shares = counts / len(target)
        if part == "train":
            axes.barh(places, shares, height=0.62, **FILL)
            for place, count in zip(places, counts, strict=True):  # at the edge, clear of the dots
                at = (0.99, place)
                where = axes.get_yaxis_transform()
                axes.text(*at, f"{count:,}", transform=where, ha="right", va="center", fontsize=9)
        else:
            axes.plot(shares, places, **PARTS[part] | {"linestyle": "none"}, markersize=4)
    axes.set_xlim(0, 1.25 * axes.get_xlim()[1])
    as_percentages(axes.xaxis)
    return figure


def share_by_week(dataset: Dataset) -> Figure:
    figure = new_figure(3.6)
    axes = figure.subplots()
    day = dataset.time.astype("datetime64[D]")
    week = day - (day - day.min()) % np.timedelta64(7, "D")
    weekly = pd.Series(dataset.target).groupby([dataset.part, week]).mean()
    for part, style in PARTS.items():
        share = dataset.target[dataset.part == part].mean()
        weeks = weekly[part].index
        axes.plot(
            weeks,
            weekly[part].to_numpy(),
            **style,
            markersize=3.5,
            linewidth=1.3,
            label=f"{part}: {share:.1%}",
        )
        axes.hlines(share, weeks.min(), weeks.max(), color=style["color"], linewidth=1)
    axes.set_title(f'Share of "{dataset.schema.labels[1]}" week by week; level lines: whole part')
    axes.set_ylim(0, None)
    dates = AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(dates)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(dates))
    as_percentages(axes.yaxis)
    figure.legend(loc="outside lower left", ncols=3)
    return figure


def share_by_slice(dataset: Dataset) -> Figure:
    target = pd.Series(dataset.target)
    shares = {"part": target.groupby(dataset.part).mean()[list(PARTS)]}
    for column in dataset.slices:
        grouped = target.groupby(dataset.slices[column].astype(str).to_numpy())
        largest = grouped.size().nlargest(TOP_VALUES).index
        more = f" ({TOP_VALUES} of {grouped.ngroups})" if grouped.ngroups > TOP_VALUES else ""
        shares[column + more] = grouped.mean()[in_order(list(largest))]
    figure, panels = row_panels(
        f'Share of "{dataset.schema.labels[1]}"',
        {name: list(values.index) for name, values in shares.items()},
    )
    widest = max(values.max() for values in shares.values())
    for name, values in shares.items():
        bars = panels[name].barh(range(len(values)), values, height=0.62, **FILL)
        panels[name].bar_label(bars, fmt=lambda share: f"{share:.1%}", padding=3, fontsize=9)
        panels[name].set_xlim(0, 1.25 * widest)
        as_percentages(panels[name].xaxis)
    return figure
