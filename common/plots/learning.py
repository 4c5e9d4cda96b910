"""How the training went: loss and score, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.evaluation.metrics import METRICS
from common.plots.style import PARTS, new_figure, styled
from common.project import lower_is_better

FAR_OFF = 4  # times the range of the later epochs; beyond it they could not be read


def best_epochs(history: pd.DataFrame, monitor: str) -> pd.DataFrame:
    """Each training's row of `history` with the best `monitor`, the earliest of equal ones."""
    trainings = history.sort_values("epoch").groupby(["seed", "fold"])[monitor]
    best = trainings.idxmin() if lower_is_better(monitor) else trainings.idxmax()
    return history.loc[best]


def score_of(history: pd.DataFrame) -> str:
    """The score that was measured beside the loss: roc_auc, accuracy or rmse."""
    return next(name for name in ("roc_auc", "accuracy", "rmse") if name in history)


def settled_range(history: pd.DataFrame, best: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Least and largest value of a metric once the first eighth of the epochs is over.

    The loss of the first epoch can be so far off that all others would look alike beside it. The
    best epochs count whenever they were.
    """
    settled = history[history["epoch"] > history["epoch"].max() // 8]
    values = pd.concat([settled, best])[[metric, f"val_{metric}"]].to_numpy()
    return values.min(), values.max()


@styled
def learning_curves(history: pd.DataFrame, monitor: str = "val_loss") -> Figure:
    """Loss and score on training and validation rows, one line a training, the best epoch marked.

    history: columns seed, fold, epoch, loss, val_loss, and the score on both; one row an epoch.
    monitor: "val_loss" or the validation score, whose best epoch gave the weights that were kept.
    First epochs that are far off leave the picture, which the axis then says.
    """
    figure = new_figure(3.5)
    best = best_epochs(history, monitor)
    score = score_of(history)
    better = "less" if METRICS[score].lower_is_better else "more"
    titles = ("Loss: less is better", f"{METRICS[score].title}: {better} is better")
    for axes, metric, title in zip(figure.subplots(1, 2), ("loss", score), titles, strict=True):
        for part, column in (("train", metric), ("validation", f"val_{metric}")):
            for number, (_, rows) in enumerate(history.groupby(["seed", "fold"])):
                axes.plot(
                    rows["epoch"],
                    rows[column],
                    **PARTS[part],
                    linewidth=1.2,
                    markersize=3,
                    markevery=max(1, len(rows) // 20),
                    label=part if number == 0 else None,
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
        axes.set_title(title)
        low, high = settled_range(history, best, metric)
        bottom, top = axes.get_ylim()
        far_off = top - bottom > FAR_OFF * (high - low) > 0
        if far_off:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        axes.set_xlabel("epoch\n(the first lie outside)" if far_off else "epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure
