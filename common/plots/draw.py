"""All pictures of a run, drawn into its plots folder."""

from pathlib import Path

import pandas as pd

from common.data.dataset import Dataset
from common.evaluation.metrics import ScoredRows
from common.plots.data import feature_distributions, target_share
from common.plots.explain import importance, slices
from common.plots.learning import learning_curves
from common.plots.scores import calibration, confusion_matrix, ranking_curves
from common.plots.style import save


def draw_plots(
    folder: Path,
    dataset: Dataset,
    history: pd.DataFrame,
    monitor: str,
    scored: dict[str, ScoredRows],
    metrics: dict,
) -> None:
    """Draw every picture of the report; `metrics` as in metrics.json."""
    figures = {
        "learning_curves": learning_curves(history, monitor),
        "ranking_curves": ranking_curves(scored),
        "calibration": calibration(scored),
        "confusion_matrix": confusion_matrix(
            metrics["confusion"], dataset.schema.labels, metrics["threshold"]
        ),
        "importance": importance(metrics["importance"]),
        "slices": slices(metrics["slices"], metrics["test"]["roc_auc"]["value"]),
        "target_share": target_share(dataset),
        "feature_distributions": feature_distributions(dataset),
    }
    folder.mkdir(exist_ok=True)
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")
