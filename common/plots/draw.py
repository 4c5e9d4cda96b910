"""All pictures of a run, drawn into its plots folder."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd
from matplotlib.figure import Figure

from common.data.dataset import Dataset, Schema
from common.evaluation.bootstrap import Rows
from common.plots import classes, regression
from common.plots.data import feature_distributions
from common.plots.explain import importance, slices
from common.plots.fairness import fairness
from common.plots.learning import learning_curves
from common.plots.scores import calibration, confusion_matrix, ranking_curves
from common.plots.style import save
from common.plots.target import target_by_part


def draw_plots(
    folder: Path,
    dataset: Dataset,
    history: pd.DataFrame,
    monitor: str,
    scored: dict[str, Rows],
    metrics: dict,
    inside: Mapping[str, Figure] = MappingProxyType({}),
) -> None:
    """Draw every picture of the report; `metrics` as in metrics.json, inside: further figures."""
    metric = metrics["metric"]
    figures = {
        "learning_curves": learning_curves(history, monitor),
        **pictures_of_task(dataset.schema, scored, metrics),
        "target_by_part": target_by_part(dataset),
    }
    if metrics["importance"]:
        figures["importance"] = importance(metrics["importance"], metric)
    if dataset.schema.columns:
        figures["feature_distributions"] = feature_distributions(dataset)
    if metrics["slices"]:
        overall = metrics["test"][metric]["value"]
        figures["slices"] = slices(metrics["slices"], metric, overall)
    if "fairness" in metrics:
        figures["fairness"] = fairness(metrics["fairness"], dataset.schema.labels[1])
    figures |= inside
    folder.mkdir(exist_ok=True)
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")


def pictures_of_task(schema: Schema, scored: dict[str, Rows], metrics: dict) -> dict[str, Figure]:
    """How good the answers are, as only this task can be drawn."""
    network = scored["network"]
    if schema.task == "regression":
        return {
            "predicted_and_actual": regression.predicted_against_actual(network, schema.unit),
            "residuals": regression.residuals(network, schema.unit),
            "interval_coverage": regression.interval_coverage(metrics["intervals"], schema.unit),
        }
    if schema.task == "multilabel":
        return {
            "scores_of_classes": classes.class_scores(metrics["classes"]),
            "calibration": calibration({name: rows.together() for name, rows in scored.items()}),
        }
    if schema.task == "multiclass":
        return {
            "confusion_of_classes": classes.class_confusion(metrics["confusion"], schema.labels),
            "scores_of_classes": classes.class_scores(metrics["classes"]),
            "confidence": classes.confidence(scored),
        }
    return {
        "ranking_curves": ranking_curves(scored),
        "calibration": calibration(scored),
        "confusion_matrix": confusion_matrix(
            metrics["confusion"], schema.labels, metrics["threshold"]
        ),
    }
