"""How good the predictions are: ranking, calibration, and the errors at the threshold."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from common.evaluation.binary import BinaryRows
from common.plots.style import (
    FAINT,
    MUTED,
    SERIES,
    as_percentages,
    new_figure,
    plain,
    series_styles,
    shortened,
    styled,
)

BINS = 10
SHADES = LinearSegmentedColormap.from_list("shades", ["white", "#86aad3"])  # dark text on all


@styled
def ranking_curves(scored: dict[str, BinaryRows]) -> Figure:
    """ROC and precision-recall curves of the "network" and its baselines, with their areas."""
    figure = new_figure(4.0)
    roc, precision_recall = figure.subplots(1, 2)
    for name, style in series_styles(list(scored)).items():
        false_alarm_rate, recall, precision = operating_points(scored[name])
        area, average_precision = scored[name].ranking()
        # Below the thinner lines of the others, so that equal curves are all seen.
        line = style | {"marker": None, "zorder": 2 if name == "network" else 3}
        roc.plot(
            np.r_[0, false_alarm_rate],
            np.r_[0, recall],
            **line,
            label=f"{area:.3f}  {shortened(plain(name), 22)}",
        )
        # Average precision is a sum of steps, so steps are drawn: the area is the number.
        found = recall > 0
        precision_recall.plot(
            np.r_[0, recall[found]],
            np.r_[precision[found][0], precision[found]],
            drawstyle="steps-pre",
            **line,
            label=f"{average_precision:.3f}  {shortened(plain(name), 22)}",
        )
    roc.set_title("Top left is best")
    roc.set_xlabel("share of negatives flagged")
    roc.set_ylabel("share of positives found")
    precision_recall.set_title("Top right is best")
    precision_recall.set_xlabel("share of positives found")
    precision_recall.set_ylabel("right among the flagged")
    for axes, area in ((roc, "ROC AUC"), (precision_recall, "Average precision")):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        axes.set(xticks=(0, 0.25, 0.5, 0.75, 1), yticks=(0, 0.25, 0.5, 0.75, 1))
        axes.legend(
            title=area,
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(-0.25, -0.24),
            borderaxespad=0,
        )
    return figure


def operating_points(scored: BinaryRows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False alarm rate, recall and precision at each distinct probability, from the highest on.

    Each of shape (distinct probabilities,); the last point flags every row.
    """
    flagged = np.r_[scored.ties[1:], len(scored.target)]
    true_positives = np.cumsum(scored.ranked_target)[flagged - 1]
    positives = true_positives[-1]
    false_alarm_rate = (flagged - true_positives) / (flagged[-1] - positives)
    return false_alarm_rate, true_positives / positives, true_positives / flagged


@styled
def calibration(scored: dict[str, BinaryRows]) -> Figure:
    """Predicted probability against what happened, in bins of equal count; below, how often."""
    figure = new_figure(5.2)
    reliability, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    reliability.axline((0, 0), slope=1, color=MUTED, linewidth=1, zorder=1)
    limit = np.quantile(scored["network"].probability, 0.995)
    for name, style in series_styles(list(scored)).items():
        predicted, observed = reliability_points(scored[name])
        limit = max(limit, predicted.max(), observed.max())
        reliability.plot(
            predicted, observed, **style, markersize=5, label=plain(name), clip_on=False
        )
    limit = min(1.0, 1.08 * limit)
    reliability.set(xlim=(0, limit), ylim=(0, limit))
    reliability.set_title("On the thin line, the probabilities mean what they say")
    reliability.set_ylabel("share of positives")
    below.hist(
        scored["network"].probability,
        bins=np.linspace(0, limit, 41),
        weights=np.full(len(scored["network"].target), 1 / len(scored["network"].target)),
        color=SERIES[0]["color"],
    )
    below.set_title("How often the network predicts what")
    below.set_xlabel("predicted probability")
    below.set_ylabel("share of rows")
    as_percentages(below.yaxis)
    figure.legend(*reliability.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    figure.align_ylabels()
    return figure


def reliability_points(scored: BinaryRows) -> tuple[np.ndarray, np.ndarray]:
    """Mean prediction and share of positives in up to ten bins of equal count, shape (bins,) each.

    Equal predictions stay in one bin, so a constant model has a single point.
    """
    edges = np.quantile(scored.probability, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, scored.probability)
    count = np.bincount(bins, minlength=BINS)
    full = count > 0
    predicted = np.bincount(bins, scored.probability, BINS)[full] / count[full]
    return predicted, np.bincount(bins, scored.target, BINS)[full] / count[full]


@styled
def confusion_matrix(cells: list[list[int]], labels: tuple[str, str], threshold: float) -> Figure:
    """What each class was called: counts, and percentages of the true class.

    cells: [[true negatives, false positives], [false negatives, true positives]].
    labels: names of class 0 and class 1. threshold: the probability from which class 1 is called.
    """
    figure = new_figure(3.2)
    axes = figure.subplots()
    names = [shortened(label, 18) for label in labels]
    counts = np.array(cells)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for (true, called), share in np.ndenumerate(shares):
        axes.text(
            called,
            true,
            f"{counts[true, called]:,}\n{share:.1%}",
            ha="center",
            va="center",
            fontsize=14,
            linespacing=1.5,
            color=SERIES[0]["color"],
            fontweight="bold" if true == called else "normal",
        )
    axes.set_xticks((0, 1), [f'called\n"{name}"' for name in names])
    axes.set_yticks((0, 1), [f'was\n"{name}"' for name in names])
    axes.set_xticks((0.5,), minor=True)
    axes.set_yticks((0.5,), minor=True)
    axes.xaxis.tick_top()
    axes.tick_params(which="both", length=0, labelsize=11)
    axes.grid(visible=False)
    axes.grid(which="minor", color=FAINT, linewidth=1)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(FAINT)
    figure.suptitle(f'Called "{names[1]}" from probability {threshold:.3g} on', x=0.02, ha="left")
    return figure
