"""How good the predictions of many classes are: what is taken for what, and which to trust."""

import numpy as np
from matplotlib.figure import Figure

from common.evaluation.multiclass import MulticlassRows
from common.plots.scores import SHADES
from common.plots.style import (
    FAINT,
    LETTER,
    MUTED,
    SERIES,
    WIDTH,
    as_percentages,
    new_figure,
    plain,
    row_panels,
    series_styles,
    shortened,
    styled,
)

DARK = SERIES[0]["color"]
LABEL = 18  # letters of a class name at most
BINS = 10
SMALLEST_TYPE = 6.0  # points
CENTRED = {"ha": "center", "va": "center", "color": DARK}


@styled
def class_confusion(cells: list[list[int]], labels: tuple[str, ...]) -> Figure:
    """What each class was called: shares of the true class as shades, counts if all fit.

    cells: as `MulticlassRows.confusion` gives them, (classes, classes), true class first. Counts
    that are too long for their cell are told in thousands; empty cells say nothing.
    """
    counts = np.array(cells)
    classes = len(labels)
    names = [shortened(label, LABEL) for label in labels]
    type_size = min(10.0, 220 / classes)
    longest = LETTER * type_size / 10 * max(len(name) for name in names)  # inches
    left = 0.4 + longest
    cell = (WIDTH - left - 0.1) / classes
    level = longest < 0.9 * cell  # else the names of the columns are turned
    top = 0.6 if level else 0.4 + longest
    height = top + classes * min(cell, 0.6) + 0.1
    figure = new_figure(height, layout="none")
    axes = figure.add_axes(
        (left / WIDTH, 0.1 / height, classes * cell / WIDTH, 1 - (top + 0.1) / height)
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    told = {place: fitting(count, 72 * cell) for place, count in np.ndenumerate(counts) if count}
    if all(text for text, _ in told.values()):
        for (true, called), (text, size) in told.items():
            weight = "bold" if true == called else "normal"
            axes.text(called, true, text, fontsize=size, fontweight=weight, **CENTRED)
    axes.set_xticks(range(classes), names, rotation=0 if level else 90)
    axes.set_yticks(range(classes), names)
    axes.set_xticks(np.arange(0.5, classes - 1), minor=True)
    axes.set_yticks(np.arange(0.5, classes - 1), minor=True)
    axes.xaxis.tick_top()
    axes.tick_params(which="both", length=0, labelsize=type_size)
    axes.grid(visible=False)
    axes.grid(which="minor", color=FAINT, linewidth=0.6)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(FAINT)
    figure.suptitle(
        "Row: what it was. Column: what it was called. Shade: share.",
        x=0.1 / WIDTH,
        y=1 - 0.1 / height,
        ha="left",
        va="top",
    )
    return figure


def fitting(count: int, width: float) -> tuple[str, float]:
    """The count as text, "" for none, and its size in points, that fit into `width` points."""
    for text in (f"{count:,}", f"{count / 1000:.0f}k"):
        size = min(10, width / (0.72 * len(text)))
        if size >= SMALLEST_TYPE and text != "0k":
            return text, size
    return "", SMALLEST_TYPE


@styled
def class_scores(rows: list[dict]) -> Figure:
    """Precision, recall and F1 of each class beside the number of its rows.

    rows: as `MulticlassRows.per_class` gives them. A class never called has no precision, and one
    without rows nothing at all.
    """
    panel = "class (rows)"
    labels = [f"{shortened(row['label'], 17)} ({row['rows']:,})" for row in rows]
    figure, panels = row_panels(
        "Precision: right among the called; recall: found of its rows", {panel: labels}
    )
    axes = panels[panel]
    points = {
        "precision": {"marker": "s", "markerfacecolor": "white", "markersize": 7},
        "recall": {"marker": "^", "markerfacecolor": SERIES[2]["color"], "markersize": 8},
        "f1": {"marker": "o", "markerfacecolor": DARK, "markersize": 6},
    }
    for position, row in enumerate(rows):
        if row["rows"] == 0:
            note(axes, position, "no rows")
            continue
        names = [name for name in points if name != "precision" or row["called"] > 0]
        values = [row[name] for name in names]
        axes.hlines(position, min(values), max(values), color=DARK, linewidth=1.2)
        for name, value in zip(names, values, strict=True):
            axes.plot(value, position, color=DARK, linestyle="none", clip_on=False, **points[name])
        if row["called"] == 0:
            note(axes, position, "never called")
    for name, style in points.items():
        axes.plot([], [], color=DARK, linestyle="none", **style, label=name.replace("f1", "F1"))
    axes.set_xlim(-0.03, 1.03)
    axes.legend(loc="lower right", bbox_to_anchor=(1.04, 1.0), ncols=3, borderaxespad=0.1)
    return figure


def note(axes, position: int, words: str) -> None:
    axes.text(0.05, position, words, va="center", fontsize=9, color=MUTED)


@styled
def confidence(scored: dict[str, MulticlassRows]) -> Figure:
    """Probability of the likeliest class against how often it is right; below, how often it comes.

    In bins of equal count. scored: the "network" and its baselines.
    """
    figure = new_figure(5.2)
    reliability, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    reliability.axline((0, 0), slope=1, color=MUTED, linewidth=1, zorder=1)
    highest = scored["network"].probability.max(axis=1)
    lowest = highest.min()
    for name, style in series_styles(list(scored)).items():
        predicted, observed = confidence_points(scored[name])
        lowest = min(lowest, predicted.min(), observed.min())
        reliability.plot(
            predicted, observed, **style, markersize=5, label=plain(name), clip_on=False
        )
    lowest = max(0.0, lowest - 0.04)
    reliability.set(xlim=(lowest, 1), ylim=(lowest, 1))
    reliability.set_title("On the thin line, the probabilities mean what they say")
    reliability.set_ylabel("share called right")
    below.hist(
        highest,
        bins=np.linspace(lowest, 1, 41),
        weights=np.full(len(highest), 1 / len(highest)),
        color=DARK,
    )
    below.set_title("How often the network is how sure")
    below.set_xlabel("probability of the likeliest class")
    below.set_ylabel("share of rows")
    as_percentages(below.yaxis)
    figure.legend(*reliability.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    figure.align_ylabels()
    return figure


def confidence_points(scored: MulticlassRows) -> tuple[np.ndarray, np.ndarray]:
    """Mean highest probability and share called right in up to ten bins of equal count, (bins,).

    Equal probabilities stay in one bin, so a constant model has a single point.
    """
    highest = scored.probability.max(axis=1)
    right = scored.called == scored.target
    edges = np.quantile(highest, np.arange(1, BINS) / BINS)
    bins = np.unique(np.searchsorted(edges, highest), return_inverse=True)[1]
    rows = np.bincount(bins)
    return np.bincount(bins, highest) / rows, np.bincount(bins, right) / rows
