"""Garments: accuracy against training time for four networks, beside linear models.

    python -m benchmarks.clothing_builders                     on the download, some hours
    python -m benchmarks.clothing_builders --folder PICTURES   on the same pictures in a folder
    python -m benchmarks.clothing_builders --models "small CNN" …

What is measured goes to benchmarks/clothing_builders.json, model by model; what is there already is
not measured again. benchmarks/clothing_builders.md and the table in the project's README are
written from it. One seed each; the intervals resample the test pictures.
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

from benchmarks.trained import measured_once, tell, trained
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.metrics import shown
from common.evaluation.multiclass import MulticlassRows
from common.evaluation.picture_baselines import hog_logistic_regression
from common.pictures import picture_baselines
from common.runs import ROOT
from projects.clothing.run import PROJECT, Config

RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "clothing" / "README.md"
SCRATCH = Config(size=96, learning_rate=2e-3, epochs=20, patience=20, head_epochs=0)
NETWORKS = {
    "MobileNetV2, its head alone": Config(thawed=0.0, epochs=1),
    "MobileNetV2, fine-tuned": Config(),
    "small CNN": replace(SCRATCH, model="small-cnn"),
    "ResNet": replace(SCRATCH, model="resnet"),
    "ConvMixer": replace(SCRATCH, model="convmixer"),
}
BASELINES = {"hog_logistic_regression": hog_logistic_regression, **picture_baselines(Config())}


def measure(name: str, folder: str) -> dict:
    """Scores of one model on the test pictures, and what it took."""
    config = replace(NETWORKS.get(name, Config()), folder=folder)
    dataset = PROJECT.load(config)
    test, parameters = dataset.examples("test"), None
    begin = time.perf_counter()
    if name in NETWORKS:
        result = trained(PROJECT, config, dataset)
        answers, parameters = result.test, result.networks[0].count_params()
    else:
        parts = (dataset.examples(part) for part in ("train", "validation"))
        answers = BASELINES[name](*parts, dataset.schema, 0)(test.features)
    seconds = time.perf_counter() - begin
    rows = MulticlassRows(test.target, answers, np.unique(test.groups, return_inverse=True)[1])
    draws = bootstrap({name: rows}, 1000)[name]
    return {
        "scores": {
            metric: interval(value, draws[metric])
            for metric, value in rows.metrics().items()
            if metric in ("accuracy", "f1_macro", "log_loss")
        },
        "minutes": round(seconds / 60, 2),
        "parameters": parameters,
        "pixels": config.size if name in NETWORKS else None,
        "rows": dataset.part_rows(),
        "load_average": round(os.getloadavg()[0], 1),
        "from_folder": bool(folder),
    }


def page(record: dict[str, dict]) -> str:
    """The table, for the page and the README."""
    lines = [
        "| model | Accuracy | Macro F1 | Log loss | weights | pixels | minutes |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in [*BASELINES, *NETWORKS]:
        if name not in record:
            continue
        told = record[name]
        cells = [
            f"{shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"
            for score in (told["scores"][each] for each in ("accuracy", "f1_macro", "log_loss"))
        ]
        weights = f"{told['parameters']:,}" if told["parameters"] else ""
        cells += [weights, str(told["pixels"] or ""), f"{told['minutes']:.1f}"]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    some = next(iter(record.values()))
    lines += [
        "",
        f"{some['rows']['train']:,} training, {some['rows']['validation']:,} validation, "
        f"{some['rows']['test']:,} test pictures; in brackets 95 % intervals over the test "
        "pictures, one seed. Minutes are from decoded pictures to answers, on two cores that "
        "others used, too. Written by `python -m benchmarks.clothing_builders`.",
    ]
    if some["from_folder"]:
        lines[-1] += (
            " Measured on the same pictures from a folder, where they had been shrunk to at most "
            "224 pixels; the same command works on the download."
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default="")
    parser.add_argument("--models", nargs="*", default=[*BASELINES, *NETWORKS])
    chosen = parser.parse_args()
    for name in chosen.models:
        record = measured_once(RECORD, name, measure=partial(measure, name, chosen.folder))
        tell(RECORD, "Garments: accuracy against training time", page(record), README)


if __name__ == "__main__":
    main()
