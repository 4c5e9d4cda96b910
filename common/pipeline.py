"""One run, step by step: load, check, train, bundle, evaluate, draw, report.

Every step leaves its result in the run folder. A run that was killed goes on from what is there.
"""

import importlib.metadata
import platform
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from common.bundle import Bundle, load_bundle, save_bundle
from common.data.checks import Finding, check_dataset
from common.data.dataset import PARTS, Dataset
from common.errors import UserError
from common.evaluation.baselines import fit_baselines
from common.evaluation.evaluate import SLICE_ROUNDS, score_models, seed_spread
from common.evaluation.importance import permutation_importance
from common.evaluation.metrics import best_f1_threshold
from common.evaluation.slices import score_slices
from common.files import read_json, replacing, write_json, write_text
from common.models.tabular import build_encoder, encode, stitch
from common.plots.draw import draw_plots
from common.project import Project, TrainingConfig
from common.report.page import write_report
from common.runs import Run
from common.training.fit import Part, fit
from common.training.sanity import check_network

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "matplotlib")


def train_run(
    project: Project, config: TrainingConfig, run: Run, machine: dict[str, str], verbose: int
) -> None:
    """Do, or go on with, everything that makes a run complete; `machine` from `start_backend`."""
    with run.stage("load"):
        dataset = project.load(config)
        record_environment(run, dataset, machine)
    with run.stage("check"):
        record_findings(run, check_dataset(dataset))
    if not (run.bundle.exists() and (run.folder / "predictions.npz").exists()):
        train(project, config, dataset, run, verbose)
    evaluate_run(project, config, run, dataset)
    run.mark_complete()


def train(
    project: Project, config: TrainingConfig, dataset: Dataset, run: Run, verbose: int
) -> None:
    """Encode once, train a network for each seed, store predictions, history and bundle."""
    with run.stage("encode"):
        encoder, parts = encode_parts(dataset)
    prior = float(parts["train"].target.mean())
    run.checkpoints.mkdir(exist_ok=True)
    if not any(run.checkpoints.iterdir()):
        with run.stage("sanity"):
            keras.utils.set_random_seed(config.seed)
            sample = shuffled_sample(parts["train"], 4096, config.seed)
            findings = check_network(
                lambda: project.build(config, encoder, prior), sample.inputs, sample.target
            )
            record_findings(run, findings)
    predictions, history, networks = {}, [], []
    with run.stage("train"):
        for seed in range(config.seed, config.seed + config.seeds):
            keras.utils.set_random_seed(seed)
            network = project.build(config, encoder, prior)
            epochs = fit(
                network,
                parts["train"],
                parts["validation"],
                config,
                seed,
                run.checkpoints / f"seed-{seed}.safetensors",
                run.folder / "tensorboard" / str(seed) if config.tensorboard else None,
                verbose,
            )
            history += [{"seed": seed, **epoch} for epoch in epochs]
            for part in ("validation", "test"):
                rows = network.predict(parts[part].inputs, batch_size=8192, verbose=0)
                predictions[f"{seed}/{part}"] = rows[:, 0]
            networks.append(network)
    write_text(run.folder / "history.csv", pd.DataFrame(history).to_csv(index=False))
    threshold = best_f1_threshold(
        parts["validation"].target, predictions[f"{config.seed}/validation"]
    )
    save_bundle(
        Bundle(stitch(encoder, networks[0]), dataset.schema, threshold, dataset.tables), run.bundle
    )
    with replacing(run.folder / "predictions.npz") as temporary:
        np.savez_compressed(temporary, **predictions)


def encode_parts(dataset: Dataset) -> tuple[keras.Model, dict[str, Part]]:
    """Fit the encoder on the training rows and encode every part with it."""
    examples = {part: dataset.examples(part) for part in PARTS}
    encoder = build_encoder(
        examples["train"].features, dataset.schema.numbers, dataset.schema.categories
    )
    parts = {
        part: Part(encode(encoder, rows.features), rows.target) for part, rows in examples.items()
    }
    return encoder, parts


def shuffled_sample(part: Part, rows: int, seed: int) -> Part:
    chosen = np.random.default_rng(seed).permutation(len(part.target))[:rows]
    return Part({name: array[chosen] for name, array in part.inputs.items()}, part.target[chosen])


def evaluate_run(
    project: Project, config: TrainingConfig, run: Run, dataset: Dataset | None = None
) -> None:
    """Score the run's stored predictions beside the baselines, then draw and report.

    The test rows are looked at here for the first time, from the best weights.
    """
    if dataset is None:
        with run.stage("load"):
            dataset = project.load(config)
            check_same_data(run, dataset)
    train, validation, test = (dataset.examples(part) for part in PARTS)
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as stored:
        predictions = {name: stored[name] for name in stored.files}
    with run.stage("baselines"):
        rivals = fit_baselines(train, validation, dataset.schema, config.seed)
        probabilities = {
            "network": {
                part: predictions[f"{config.seed}/{part}"] for part in ("validation", "test")
            }
        } | {
            name: {"validation": predict(validation.features), "test": predict(test.features)}
            for name, predict in rivals.items()
        }
    with run.stage("evaluate"):
        bundle = load_bundle(run.bundle)
        check_bundle(bundle, test.features, probabilities["network"]["test"], run)
        scored, scores, comparison = score_models(validation, test, probabilities)
        network = scored["network"]
        metrics = {
            "project": project.name,
            "run": run.name,
            "question": project.question,
            "labels": list(dataset.schema.labels),
            "threshold": network.threshold,
            "test": scores.pop("network"),
            "baselines": scores,
            "comparison": comparison,
            "confusion": network.confusion(),
            "slices": score_slices(test.slices, network, SLICE_ROUNDS),
            "importance": permutation_importance(bundle.probability, test.features, test.target),
            "rows": {
                "in": dataset.account.rows_in,
                "used": dataset.account.rows_used,
                "train": len(train),
                "validation": len(validation),
                "test": len(test),
                "dropped": dataset.account.dropped,
            },
        }
        if config.seeds > 1:
            seeds = range(config.seed, config.seed + config.seeds)
            metrics["seeds"] = seed_spread(
                test, {seed: predictions[f"{seed}/test"] for seed in seeds}
            )
    with run.stage("plots"):
        history = pd.read_csv(run.folder / "history.csv")
        draw_plots(run.folder / "plots", dataset, history, config.monitor, scored, metrics)
    metrics["seconds"] = run.seconds()
    write_json(run.folder / "metrics.json", metrics)
    with run.stage("report"):
        write_report(run.folder, project.question)


def check_bundle(bundle: Bundle, features: pd.DataFrame, probability: np.ndarray, run: Run) -> None:
    """The bundle, read back from disk, has to predict from raw columns what training predicted."""
    sample = slice(0, 1000)
    difference = np.abs(bundle.probability(features[sample]) - probability[sample]).max()
    if difference > 1e-3:
        raise UserError(
            f"The bundle of {run.folder} does not predict what was stored after training (largest "
            f"difference {difference:.2g}). The code or the data changed since; train again."
        )


def record_environment(run: Run, dataset: Dataset, machine: dict[str, str]) -> None:
    """Versions, machine and data of the run; UserError where the data is not what it began with."""
    check_same_data(run, dataset)
    record = {
        **{package: importlib.metadata.version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **machine,
        "data fingerprint": dataset.fingerprint(),
    }
    write_json(run.folder / "environment.json", record)


def check_same_data(run: Run, dataset: Dataset) -> None:
    path = run.folder / "environment.json"
    if path.exists() and read_json(path)["data fingerprint"] != dataset.fingerprint():
        raise UserError(
            f"The data differs from what {run.folder} was trained on: rows, columns or split have "
            "changed since. Train a new run."
        )


def record_findings(run: Run, findings: list[Finding]) -> None:
    """Add the findings of some checks to those stored, and print what is new and not ok."""
    path = run.folder / "checks.json"
    stored = read_json(path) if path.exists() else []
    for finding in findings:
        if finding.level != "ok" and finding.as_dict() not in stored:
            print(f"{finding.level}: {finding.check}: {finding.message}")
    checks = {finding.check for finding in findings}
    others = [entry for entry in stored if entry["check"] not in checks]
    write_json(path, [*others, *(finding.as_dict() for finding in findings)])


def summary(folder: Path) -> str:
    """What a finished run says on the terminal: scores beside the rivals, verdict, report."""
    metrics = read_json(folder / "metrics.json")
    lines = [f"{'test':24}{'ROC AUC (95 % interval)':28}{'log loss':10}"]
    for name, scores in {"network": metrics["test"], **metrics["baselines"]}.items():
        area, loss = scores["roc_auc"], scores["log_loss"]
        told = f"{area['value']:.4f} ({area['low']:.4f} to {area['high']:.4f})"
        lines.append(f"{name:24}{told:28}{loss['value']:.4f}")
    if "seeds" in metrics:
        spread = metrics["seeds"]["roc_auc"]
        count = len(spread["values"])
        lines.append(f"{count} seeds: ROC AUC {spread['mean']:.4f} +- {spread['deviation']:.4f}")
    lines += [metrics["comparison"]["verdict"], *metrics["comparison"]["alarms"]]
    return "\n".join([*lines, f"Report: {folder / 'report.html'}"])
