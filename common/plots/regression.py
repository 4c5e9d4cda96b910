"""How good predicted numbers are: against the truth, by what is left over, and with intervals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from common.evaluation.regression import RegressionRows
from common.plots.style import (
    MUTED,
    SERIES,
    as_percentages,
    label_rows,
    new_figure,
    shortened,
    styled,
)

FEW_ROWS = 2000  # up to here each row is a point, from here on counts are drawn
DENSITY = LinearSegmentedColormap.from_list("density", ["#e3eaf3", "#5f87b8"])  # dark lines on all
DARK = SERIES[0]["color"]
WINDOWS = 60
BAND = (0.05, 0.5, 0.95)


@styled
def predicted_against_actual(scored: RegressionRows, unit: str) -> Figure:
    """Every row's prediction above its true value; axes are logarithmic where the scale is.

    unit: of the target, "" for none. Up to 2,000 rows are drawn as points, more as counts.
    """
    figure = new_figure(4.7)
    axes = figure.subplots()
    both = np.concatenate([scored.target, scored.prediction])
    limits = widened(both.min(), both.max(), scored.log_scale)
    draw_rows(axes, scored.target, scored.prediction, scored.log_scale, scored.log_scale)
    axes.plot(limits, limits, color=DARK, linewidth=1.2, zorder=3)
    axes.set(xlim=limits, ylim=limits, box_aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        ticks(axis, limits, scored.log_scale)
    axes.set_title("On the line, predictions are right")
    axes.set_xlabel(named("actual", unit))
    axes.set_ylabel(named("predicted", unit))
    return figure


@styled
def residuals(scored: RegressionRows, unit: str) -> Figure:
    """What is left over, against the prediction, with its median and the band of 90 % of the rows.

    Actual less predicted, or divided by it on a logarithmic scale; the few far out are counted in
    the title. Median and band are those of a tenth of the rows at a time, in the order of the
    prediction. unit: as above.
    """
    figure = new_figure(4.0)
    axes = figure.subplots()
    log_scale = scored.log_scale
    left = scored.target / scored.prediction if log_scale else scored.target - scored.prediction
    low, high = np.quantile(left, (0.001, 0.999))
    limits = widened(low, high, log_scale)
    shown = (limits[0] <= left) & (left <= limits[1])
    draw_rows(axes, scored.prediction[shown], left[shown], log_scale, log_scale)
    centres, quantiles = running_quantiles(scored.prediction, left)
    axes.axhline(1 if log_scale else 0, color=MUTED, linewidth=1)
    for line, style in zip(quantiles, ("--", "-", "--"), strict=True):
        name = "median" if style == "-" else "90 % of the rows lie between"
        width = 2.2 if style == "-" else 1.5
        axes.plot(centres, line, color=DARK, linestyle=style, linewidth=width, label=name)
    span = widened(scored.prediction.min(), scored.prediction.max(), log_scale)
    axes.set(xlim=span, ylim=limits)
    ticks(axes.xaxis, span, log_scale)
    ticks(axes.yaxis, limits, log_scale)
    beyond = len(left) - shown.sum()
    what = "Actual divided by predicted" if log_scale else named("Actual less predicted", unit)
    axes.set_title(what + (f"; {beyond:,} rows are beyond" if beyond else ""))
    axes.set_xlabel(named("predicted", unit))
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles[1:], names[1:], loc="outside lower left", ncols=2)
    return figure


def running_quantiles(order: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles .05, .5, .95 of `values` in 60 overlapping windows along `order`; (rows,) each.

    A window has a tenth of the rows, 50 at least where there are as many. Returns the median of
    `order` in each window, (windows,), and the quantiles, (3, windows).
    """
    ranked = np.argsort(order, kind="stable")
    order, values = order[ranked], values[ranked]
    width = min(max(len(order) // 10, 50), len(order))
    starts = np.unique(np.linspace(0, len(order) - width, WINDOWS).astype(int))
    windows = [slice(start, start + width) for start in starts]
    centres = np.array([np.median(order[window]) for window in windows])
    return centres, np.transpose([np.quantile(values[window], BAND) for window in windows])


@styled
def interval_coverage(coverage: dict, unit: str) -> Figure:
    """Share of test rows inside their interval, and its width, by fifth of the prediction.

    coverage: as `common.evaluation.conformal.coverage` gives it. unit: as above.
    """
    rows = [coverage, *coverage["fifths"]]
    labels = ["all rows"] + [f"{told(row['low'])} to {told(row['high'])}" for row in rows[1:]]
    figure = new_figure(1.35 + 0.3 * len(rows))
    inside, width = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    inside.axvline(coverage["level"], color=SERIES[3]["color"], linestyle="--", linewidth=1.6)
    for position, row in enumerate(rows):
        share = row["share"]
        inside.hlines(position, share["low"], share["high"], color=DARK, linewidth=2)
        inside.plot(share["value"], position, marker="o", markersize=6, color=DARK)
    label_rows(inside, labels)
    as_percentages(inside.xaxis)
    inside.set_title("inside (dashed: promised)")
    inside.set_ylabel(named("predicted", shortened(unit, 16)))
    bars = width.barh(
        range(len(rows)), [row["mean_width"] for row in rows], height=0.6, color="#f0c08f"
    )
    width.bar_label(bars, fmt=told, padding=3, fontsize=9)
    width.set_xlim(0, 1.5 * max(row["mean_width"] for row in rows))
    width.set_title("mean width")
    width.tick_params(axis="y", length=0)
    width.xaxis.set_major_locator(NullLocator())
    width.grid(visible=False)
    ends = f"± {told(coverage['margin'])} {shortened(unit, 22)}"
    if coverage["log_scale"]:
        ratio = told(np.exp(coverage["margin"]))
        ends = f"÷ {ratio} to × {ratio}"
    title = f"{100 * coverage['level']:g} % intervals: prediction {ends}"
    figure.suptitle(title, x=0.02, ha="left")
    return figure


def draw_rows(axes: Axes, x: np.ndarray, y: np.ndarray, log_x: bool, log_y: bool) -> None:
    """The rows as points, or where they are many, their number in each small hexagon."""
    axes.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
    if len(x) <= FEW_ROWS:
        axes.plot(x, y, "o", markersize=4, color="#5f87b8", alpha=0.45, markeredgewidth=0)
        return
    drawn = axes.hexbin(
        x,
        y,
        gridsize=50,
        bins="log",
        mincnt=1,
        cmap=DENSITY,
        linewidths=0.1,
        xscale=axes.get_xscale(),
        yscale=axes.get_yscale(),
    )
    beside = axes.inset_axes((1.02, 0, 0.025, 1))  # as high as the axes, whatever their aspect
    bar = axes.figure.colorbar(drawn, cax=beside, label="rows")
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    bar.ax.yaxis.set_minor_locator(NullLocator())


def widened(low: float, high: float, log_scale: bool) -> tuple[float, float]:
    """Limits of an axis around both values, with 4 % of air at either side."""
    if log_scale:
        air = (high / low) ** 0.04
        return low / air, high * air
    air = 0.04 * (high - low)
    return low - air, high + air


def ticks(axis: Axis, limits: tuple[float, float], log_scale: bool) -> None:
    """Few round numbers, millions as M; on a logarithmic scale 1, 2, 5, 10, …, or less of them."""
    spread = limits[1] / limits[0] if log_scale else 1
    if spread > 10:
        steps = (1, 2, 5) if spread < 100 else (1, 3) if spread < 1000 else (1,)
        axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    else:
        axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(lambda value, _: written(value))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def named(what: str, unit: str) -> str:
    return f"{what} ({unit})" if unit else what


def told(value: float) -> str:
    """A number with three digits that count: 0.0123, 98.7, 18,800, 1.25M."""
    return written(float(f"{value:.3g}"))


def written(value: float) -> str:
    return f"{value / 1e6:,.10g}M" if abs(value) >= 1e6 else f"{value:,.10g}"
