"""What the network looks at, and for which rows it is good."""

from collections import defaultdict

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.plots.style import MUTED, SERIES, in_order, row_panels, styled

TOP_COLUMNS = 20
TOP_VALUES = 24


@styled
def importance(entries: list[dict]) -> Figure:
    """The 20 most important columns, with the deviation over shuffles.

    entries: column, mean and deviation each, largest first, as `permutation_importance` gives them.
    """
    shown = entries[:TOP_COLUMNS]
    name = "ROC AUC lost" + (
        "" if shown == entries else f" ({TOP_COLUMNS} of {len(entries)} columns)"
    )
    figure, panels = row_panels(
        "How much worse is the ranking when one column is shuffled?",
        {name: [entry["column"] for entry in shown]},
    )
    panels[name].barh(
        range(len(shown)),
        [entry["mean"] for entry in shown],
        xerr=[entry["deviation"] for entry in shown],
        height=0.62,
        color=SERIES[0]["color"],
        error_kw={"ecolor": SERIES[3]["color"], "elinewidth": 2.2},
    )
    panels[name].axvline(0, color=MUTED, linewidth=1)
    return figure


@styled
def slices(rows: list[dict], overall: float) -> Figure:
    """ROC AUC with interval for each value of each slice column, beside that of all rows.

    rows: as `score_slices` gives them; roc_auc is None where a value has too few rows. Of a column
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
        f"ROC AUC by group; dashed: all test rows, {overall:.3f}",
        {name: [row["value"] for row in values] for name, values in panels.items()},
    )
    known = [row["roc_auc"] for row in rows if row["roc_auc"] is not None]
    low = min([overall] + [area["low"] for area in known])
    high = max([overall] + [area["high"] for area in known])
    margin = 0.05 * (high - low) + 0.005
    for name, values in panels.items():
        axes[name].set_xlim(low - margin, high + margin)
        axes[name].axvline(overall, color=SERIES[3]["color"], linestyle="--", linewidth=1.4)
        axes[name].locator_params(axis="x", nbins=3)
        for position, row in enumerate(values):
            draw_row(axes[name], position, row["roc_auc"])
    return figure


def draw_row(axes: Axes, position: int, area: dict[str, float] | None) -> None:
    if area is None:
        axes.text(
            0.03,
            position,
            "too few rows",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            color=MUTED,
        )
    else:
        axes.hlines(position, area["low"], area["high"], color=SERIES[0]["color"], linewidth=2)
        axes.plot(area["value"], position, marker="o", markersize=6, color=SERIES[0]["color"])
