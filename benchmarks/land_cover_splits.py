"""Crops of a scene: three networks and their rivals, by area, by whole fields and at random.

    python -m benchmarks.land_cover_splits                    all models, an hour or so
    python -m benchmarks.land_cover_splits --splits area random --draws 0
    python -m benchmarks.land_cover_splits --models svm "spectral network"
    python -m benchmarks.land_cover_splits --map              only the picture of the maps

What is measured goes to benchmarks/land_cover_splits.json, model by model; what is there already is
not measured again. benchmarks/land_cover_splits.md, the table in the project's README and, where it
is missing, the picture beside it are written from it. Intervals over the draws of a split are those
of benchmarks/trained.py. The field calls accuracy OA, balanced accuracy AA; kappa is Cohen's.
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
from matplotlib.patches import Patch
from sklearn.metrics import cohen_kappa_score

from benchmarks.trained import measured_once, tell, trained, with_interval
from common.bundle import Bundle
from common.evaluation.metrics import shown
from common.evaluation.multiclass import MulticlassRows
from common.evaluation.spectrum_baselines import RIVALS
from common.files import read_json
from common.plots.scenes import COLOURS, RIGHT, WRONG, draw_classes, draw_numbers, on_map
from common.plots.style import new_figure, plain, save, styled
from common.runs import ROOT
from projects.land_cover.load import LABELS, PIXEL, read_raw
from projects.land_cover.run import PROJECT, Config

SPLITS = {
    "area": "By area: fields are cut, and no patch of one part shares a pixel with another's",
    "fields": "By whole fields, where a class has three",
    "random": "At random, as in most papers: the score of the gaps in known fields",
}
DRAWS = range(3)
RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "land_cover" / "README.md"
MAPS = README.with_name("maps.png")
NETWORKS = {
    "spectral network": Config(model="spectral"),
    "spatial network": Config(model="spatial"),
    "spectral-spatial network": Config(model="spectral-spatial"),
}
MAPPED = "spectral-spatial network"
METRICS = ("accuracy", "balanced_accuracy", "kappa", "f1_macro")


def measure(name: str, split: str, draw: int, epochs: int | None) -> dict[str, float]:
    """Scores of one model on the test pixels of one draw of a split."""
    begin = time.perf_counter()
    config = replace(NETWORKS.get(name, Config()), split=split, draw=draw)
    dataset = PROJECT.load(config)
    train, validation, test = map(dataset.examples, ("train", "validation", "test"))
    if name in NETWORKS:
        config = config if epochs is None else replace(config, epochs=epochs)
        answers = trained(PROJECT, config, dataset).test
    else:
        answers = RIVALS[name](train, validation, dataset.schema, 0)(test.features)
    scores = MulticlassRows(test.target, answers).metrics()
    return {
        "kappa": float(cohen_kappa_score(test.target, answers.argmax(axis=1))),
        **{metric: float(value) for metric, value in scores.items()},
        "test_rows": len(test),
        "train_rows": len(train) + len(validation),
        "seconds": round(time.perf_counter() - begin, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def page(record: dict[str, dict[str, dict]]) -> str:
    lines = [
        "Written by `python -m benchmarks.land_cover_splits`. Each split is drawn anew; mean "
        "and, from three draws on, its 95 % interval (Nadeau and Bengio, 2003), then the accuracy "
        "of the single ones. Balanced accuracy is the mean over the classes of their recall."
    ]
    for split, told in SPLITS.items():
        rows = []
        for name in [*NETWORKS, *RIVALS]:
            found = record.get(name, {})
            scores = [found[key] for key in sorted(found) if key.split()[0] == split]
            if not scores:
                continue
            cells = [plain(name), str(len(scores))]
            cells += [with_interval(scores, metric) for metric in METRICS]
            cells.append(f"{np.mean([each['seconds'] for each in scores]) / 60:.1f}")
            cells.append(", ".join(shown(each["accuracy"]) for each in scores))
            rows.append(f"| {' | '.join(cells)} |")
        if rows:
            lines += [
                "",
                f"**{told}.**",
                "",
                "| model | draws | Accuracy | Balanced accuracy | Kappa | Macro F1 | minutes | "
                "accuracy of each |",
                "| --- |" + " --- |" * 7,
                *rows,
            ]
    return "\n".join(lines) + "\n"


def draw_maps(epochs: int | None) -> None:
    """Train a network on two splits, and store what both say of all labelled pixels."""
    maps, config = (
        {},
        NETWORKS[MAPPED] if epochs is None else replace(NETWORKS[MAPPED], epochs=epochs),
    )
    everywhere = PROJECT.load(replace(config, split="random"))
    labels = read_raw()[1]
    for split in ("area", "random"):
        dataset = PROJECT.load(replace(config, split=split))
        (network,) = trained(PROJECT, replace(config, split=split), dataset).networks
        bundle = Bundle(network, dataset.schema, {}, {})
        called = bundle.answers(everywhere.features[[PIXEL]]).argmax(axis=1)
        places = everywhere.ids[["row", "column"]].to_numpy()
        tests = dataset.part == "test"
        tested = np.zeros(labels.shape, bool)
        tested[*dataset.ids.loc[tests, ["row", "column"]].to_numpy().T] = True
        learned = np.full(labels.shape, -1)
        train = dataset.part == "train"
        learned[*dataset.ids.loc[train, ["row", "column"]].to_numpy().T] = dataset.target[train]
        maps[split] = (learned, on_map(labels.shape, places, called, -1), tested)
    save(two_splits(labels - 1, maps), MAPS)


@styled
def two_splits(truth: np.ndarray, maps: dict[str, tuple]):
    """A row a split: what was learned from, what the network says, where it errs in the test.

    truth: (rows, columns) class numbers, -1 for none; maps: split to (rows, columns) of the classes
    of training pixels, of the called classes, and of whether a pixel is a test pixel.
    """
    figure = new_figure(5.4, layout="none")
    panels = figure.subplots(
        2, 3, gridspec_kw={
            "left": 0.02, "right": 0.98, "top": 0.94, "bottom": 0.25, "wspace": 0.05, "hspace": 0.17
        },
    )  # fmt: skip
    titles = {"area": "Split by area", "random": "Split at random"}
    for row, (split, (learned, called, tested)) in zip(panels, maps.items(), strict=True):
        draw_classes(row[0], learned, titles[split], len(LABELS))
        draw_classes(row[1], called, "the network says", len(LABELS))
        wrong = np.where(tested, called != truth, -1)
        share = 1 - (called == truth)[tested].mean()
        draw_numbers(row[2], wrong, f"test: {share:.0%} wrong", [RIGHT, WRONG])
    handles = [
        Patch(color=COLOURS[number % len(COLOURS)], label=label)
        for number, label in enumerate(LABELS)
    ]
    handles += [Patch(color=RIGHT, label="right"), Patch(color=WRONG, label="wrong")]
    figure.legend(handles=handles, loc="lower left", ncols=3, fontsize=7.5, handlelength=1.0)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", nargs="*", default=list(SPLITS), choices=list(SPLITS))
    parser.add_argument("--draws", type=int, nargs="*", default=list(DRAWS))
    parser.add_argument("--models", nargs="*", default=[*RIVALS, *NETWORKS])
    parser.add_argument("--epochs", type=int, help="fewer than the project's, to try this out")
    parser.add_argument("--map", action="store_true", help="draw the maps anew, measure nothing")
    chosen = parser.parse_args()
    if not chosen.map:
        for draw in chosen.draws:
            for split in chosen.splits:
                for name in chosen.models:
                    one = partial(measure, name, split, draw, chosen.epochs)
                    measured_once(RECORD, name, f"{split} {draw}", measure=one)
        title = "Crops of a scene, by area, by field and at random"
        tell(RECORD, title, page(read_json(RECORD)), README)
    if chosen.map or not MAPS.exists():
        draw_maps(chosen.epochs)


if __name__ == "__main__":
    main()
