"""How the training went: loss and ROC AUC, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.plots.style import PARTS, new_figure, styled


def best_epochs(history: pd.DataFrame, monitor: str) -> pd.DataFrame:
    """The row of `history` with the best `monitor` for each seed, the earliest of equal ones."""
    by_seed = history.sort_values("epoch").groupby("seed")[monitor]
    return history.loc[by_seed.idxmin() if monitor == "val_loss" else by_seed.idxmax()]


@styled
def learning_curves(history: pd.DataFrame, monitor: str = "val_loss") -> Figure:
    """Loss and ROC AUC on training and validation rows, one line a seed, the best epoch marked.

    history: columns seed, epoch, loss, roc_auc, val_loss, val_roc_auc; one row an epoch.
    monitor: "val_loss" or "val_roc_auc", whose best epoch gave the weights that were kept.
    """
    figure = new_figure(3.5)
    best = best_epochs(history, monitor)
    panels = zip(
        figure.subplots(1, 2), ("loss", "roc_auc"), ("Loss: less", "ROC AUC: more"), strict=True
    )
    for axes, metric, title in panels:
        for part, column in (("train", metric), ("validation", f"val_{metric}")):
            for seed, rows in history.groupby("seed"):
                axes.plot(
                    rows["epoch"],
                    rows[column],
                    **PARTS[part],
                    linewidth=1.2,
                    markersize=3,
                    label=part if seed == history["seed"].min() else None,
                )
        axes.plot(
            best["epoch"],
            best[f"val_{metric}"],
            linestyle="none",
            marker="*",
            markersize=13,
            color="white",
            markeredgecolor=PARTS["validation"]["color"],
            zorder=3,
            label="best epoch: weights kept",
        )
        axes.set_title(f"{title} is better")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure
