"""What the network looks at, and for which rows it is good."""

from collections import defaultdict

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.evaluation.metrics import METRICS, shown
from common.plots.style import MUTED, SERIES, in_order, row_panels, styled

TOP_COLUMNS = 20
TOP_VALUES = 24


@styled
def importance(entries: list[dict], metric: str) -> Figure:
    """The 20 most important columns, with the deviation over shuffles.

    entries: column, mean and deviation each, largest first, as `permutation_importance` gives them
    for `metric`.
    """
    first = entries[:TOP_COLUMNS]
    title = METRICS[metric].title
    name = f"{title} {'added' if METRICS[metric].lower_is_better else 'lost'}" + (
        "" if first == entries else f" ({TOP_COLUMNS} of {len(entries)} columns)"
    )
    figure, panels = row_panels(
        "How much worse is the score when one column is shuffled?",
        {name: [entry["column"] for entry in first]},
    )
    panels[name].barh(
        range(len(first)),
        [entry["mean"] for entry in first],
        xerr=[entry["deviation"] for entry in first],
        height=0.62,
        color=SERIES[0]["color"],
        error_kw={"ecolor": SERIES[3]["color"], "elinewidth": 2.2},
    )
    panels[name].axvline(0, color=MUTED, linewidth=1)
    return figure


@styled
def slices(rows: list[dict], metric: str, overall: float) -> Figure:
    """Score with interval for each value of each slice column, beside that of all rows.

    rows: as `score_slices` gives them; score is None where a value has too few rows. Of a column
    with more than 24 values, those with most rows are drawn.
    """
    by_column = defaultdict(list)
    for row in rows:
        by_column[row["column"]].append(row)
    panels = {}
    for column, values in by_column.items():
        largest = sorted(values, key=lambda row: -row["rows"])[:TOP_VALUES]
        more = f" ({TOP_VALUES} of {len(values)})" if len(values) > TOP_VALUES else ""
        by_value = {row["value"]: row for row in largest}
        panels[column + more] = [by_value[value] for value in in_order(list(by_value))]
    figure, axes = row_panels(
        f"{METRICS[metric].title} by group; dashed: all test rows, {shown(overall)}",
        {name: [row["value"] for row in values] for name, values in panels.items()},
    )
    scores = [row["score"] for row in rows if row["score"] is not None]
    low = min([overall] + [area["low"] for area in scores])
    high = max([overall] + [area["high"] for area in scores])
    margin = 0.05 * (high - low) + 0.005 * abs(overall)
    for name, values in panels.items():
        axes[name].set_xlim(low - margin, high + margin)
        axes[name].axvline(overall, color=SERIES[3]["color"], linestyle="--", linewidth=1.4)
        axes[name].locator_params(axis="x", nbins=3)
        for position, row in enumerate(values):
            draw_row(axes[name], position, row["score"])
    return figure


def draw_row(axes: Axes, position: int, score: dict[str, float] | None) -> None:
    if score is None:
        axes.text(
            0.03,
            position,
            "too few rows",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            color=MUTED,
            bbox={"color": "white", "pad": 0.5},  # over the dashed line
        )
    else:
        axes.hlines(position, score["low"], score["high"], color=SERIES[0]["color"], linewidth=2)
        axes.plot(score["value"], position, marker="o", markersize=6, color=SERIES[0]["color"])
