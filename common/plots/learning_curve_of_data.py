"""Would more labels help? The score against the number of training pictures or rows."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy.stats import t as student

from common.evaluation.metrics import METRICS, shown
from common.plots.style import SERIES, new_figure, plain, styled

SMALL = 0.01  # a gain below this share of the score is hardly worth twice the labels


@styled
def learning_curve_of_data(
    scores: pd.DataFrame, metric: str, baseline: tuple[str, float]
) -> Figure:
    """Mean score over the seeds for each number of training rows, the seeds beside it.

    scores: columns rows, seed and score, one row a training; metric: their name; baseline: name
    and score, on all training rows, of a simple rival, drawn as a line.
    """
    figure = new_figure(3.6)
    axes = figure.subplots()
    by_size = scores.groupby("rows")["score"]
    mean = by_size.mean()
    axes.fill_between(
        mean.index, by_size.min(), by_size.max(), color=SERIES[0]["color"], alpha=0.15, linewidth=0
    )
    axes.plot(scores["rows"], scores["score"], "o", color=SERIES[0]["color"], ms=3.5, alpha=0.5)
    axes.plot(mean.index, mean, **SERIES[0], markersize=7, label="network, mean; dots: seeds")
    name, value = baseline
    line = {key: SERIES[3][key] for key in ("color", "linestyle", "linewidth")}
    axes.axhline(value, **line, label=f"{plain(name)}, all rows: {shown(value)}")
    axes.set_xscale("log")
    axes.set_xticks(mean.index, [f"{rows:,}" for rows in mean.index])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("training rows, logarithmic")
    better = "less" if METRICS[metric].lower_is_better else "more"
    axes.set_title(f"{METRICS[metric].title}: {better} is better")
    figure.legend(loc="outside lower left", ncols=2)
    return figure


def would_more_help(scores: pd.DataFrame, metric: str) -> str:
    """Say in a sentence or two whether more labels would help.

    scores, metric: as for `learning_curve_of_data`, every seed at the two largest sizes. The rule:
    each seed's gain from the second largest size to the largest, divided by the number of doublings
    between them, has a mean and a 95 % interval by Student's t. If the interval lies above 0, more
    labels help; if it ends below 1 % of the score, they hardly do; else it cannot be told.
    """
    before, last = sorted(scores["rows"].unique())[-2:]
    by_seed = scores.pivot(index="seed", columns="rows", values="score")
    gains = (by_seed[last] - by_seed[before]) / np.log2(last / before)
    gains = METRICS[metric].gain(gains)
    mean = gains.mean()
    told = (
        f"from {before:,} to {last:,} training rows, each doubling improved "
        f"{METRICS[metric].title} by {shown(mean)}"
    )
    if len(gains) < 2:
        return (
            f"Whether more labels would help, one seed cannot tell: {told}, which may be chance. "
            "Train with three seeds or more."
        )
    half = student.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    told += f" (95 % interval {shown(mean - half)} to {shown(mean + half)}, {len(gains)} seeds)"
    if mean - half > 0:
        return f"More labels would help: {told}. The next doubling may bring somewhat less."
    if mean + half < SMALL * abs(by_seed[last].mean()):
        return f"More labels would hardly help: {told}, less than {SMALL:.0%} of the score."
    return f"Whether more labels would help cannot be told: {told}, which may be chance."
