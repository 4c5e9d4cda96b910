"""Garments: accuracy against training time for four networks, beside linear models.

    python -m benchmarks.clothing_builders                     on the download, some hours
    python -m benchmarks.clothing_builders --folder PICTURES   on the same pictures in a folder
    python -m benchmarks.clothing_builders --models "small CNN" …

What is measured goes to benchmarks/clothing_builders.json, model by model; what is there already is
not measured again. benchmarks/clothing_builders.md and the table in the project's README are
written from it. One seed each; the intervals resample the test pictures.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

from benchmarks.trained import SCORE_TITLES, measured_once, score_cells, scored, tell
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
    config = replace(NETWORKS.get(name, Config()), folder=folder)
    pixels = config.size if name in NETWORKS else None
    told = scored(PROJECT, config, BASELINES.get(name))
    return told | {"pixels": pixels, "from_folder": bool(folder)}


def page(record: dict[str, dict]) -> str:
    """The table, for the page and the README."""
    lines = [
        f"| model | {SCORE_TITLES} | weights | pixels | minutes |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in filter(record.get, [*BASELINES, *NETWORKS]):
        told = record[name]
        cells = [*score_cells(told), str(told["pixels"] or ""), f"{told['seconds'] / 60:.1f}"]
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
