"""report.html: one self-contained page, made only from what is in the run folder."""

import base64
import math
from collections.abc import Callable
from pathlib import Path

import jinja2
import pandas as pd

from common.errors import UserError
from common.evaluation.cross_validation import fold_words
from common.evaluation.metrics import METRICS, shown, shown_difference
from common.files import read_json, write_text
from common.plots.learning import best_epochs

LEVELS = ("alarm", "note", "ok")


def write_report(folder: Path, question: str) -> Path:
    """Write report.html into the run folder and return its path.

    Reads config.json, environment.json, checks.json, history.csv, metrics.json and plots/*.png.
    Raises UserError where one of the files is missing or damaged.
    """
    metrics = read(folder, "metrics.json", read_json)
    config = read(folder, "config.json", read_json)
    checks = read(folder, "checks.json", read_json)
    history = read(folder, "history.csv", pd.read_csv)
    page = template().render(
        question=question,
        metrics=metrics,
        config=config,
        environment=read(folder, "environment.json", read_json),
        checks=sorted(checks, key=lambda finding: LEVELS.index(finding["level"])),
        trainings=trainings(history, config["monitor"]),
        scores=score_table(
            {"network": metrics["test"]} | metrics["baselines"],
            metrics["labels"] if metrics["task"] == "binary" else ["other", "labelled"],
        ),
        cross_validated=fold_words(metrics["cross_validation"], metrics["metric"])
        if "cross_validation" in metrics
        else "",
        seconds=rounded(metrics["seconds"]),
        pictures=pictures(folder / "plots"),
        command=f"python projects/{metrics['project']}/run.py",
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def read(folder: Path, name: str, reader: Callable[[Path], object]):
    """The content of a file of the run; UserError with the command that makes it."""
    run = folder.resolve()
    command = f"python projects/{run.parent.name}/run.py"
    if name == "metrics.json":
        advice = f"Make it with: {command} evaluate --run {run.name}"
    else:
        advice = f"Training writes it, so train again: {command}"
    try:
        return reader(folder / name)
    except FileNotFoundError:
        raise UserError(f"The report needs {run / name}, which is missing. {advice}") from None
    except ValueError as error:
        raise UserError(f"{run / name} is damaged ({error}). {advice}") from error


def template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = lambda name: name.replace("_", " ")
    environment.filters["setting"] = setting
    environment.filters["title_of"] = lambda metric: METRICS[metric].title
    environment.filters["lower_is_better"] = lambda metric: METRICS[metric].lower_is_better
    environment.filters["shown"] = shown
    environment.filters["shown_difference"] = shown_difference
    environment.filters["exp"] = math.exp
    return environment.get_template("template.html")


def setting(value: object) -> str:
    """A value of the config as one would write it on the command line."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def trainings(history: pd.DataFrame, monitor: str) -> list[dict]:
    """For each training: its epochs, the one with the best `monitor`, and its value there."""
    epochs = history.groupby(["seed", "fold"]).size()
    return [
        {
            "seed": row["seed"],
            "fold": row["fold"],
            "epochs": epochs[row["seed"], row["fold"]],
            "best": row["epoch"],
            "value": row[monitor],
        }
        for row in best_epochs(history, monitor).to_dict("records")
    ]


def rounded(seconds: dict[str, float]) -> dict[str, str]:
    """Seconds of each stage with one decimal, and their sum."""
    return {
        stage: f"{spent:.1f}"
        for stage, spent in (seconds | {"together": sum(seconds.values())}).items()
    }


def score_table(models: dict[str, dict], labels: list[str]) -> list[dict]:
    """One row a metric: its title and meaning, whether lower is better, and a cell a model.

    A cell: model, value, low and high, and whether it is the best as shown; several may be.
    """
    rows = []
    for name in models["network"]:
        metric = METRICS[name]
        gains = {
            model: metric.gain(float(shown(scores[name]["value"]).replace(",", "")))
            for model, scores in models.items()
        }
        cells = [
            {"model": model, **scores[name], "best": gains[model] == max(gains.values())}
            for model, scores in models.items()
        ]
        told = metric.meaning.format(first=labels[0], second=labels[1])
        rows.append(
            {
                "title": metric.title,
                "meaning": told,
                "lower": metric.lower_is_better,
                "cells": cells,
            }
        )
    return rows


def pictures(folder: Path) -> dict[str, str]:
    """Name to data address of every PNG in the folder."""
    return {
        path.stem: "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        for path in sorted(folder.glob("*.png"))
    }
