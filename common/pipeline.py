"""One run, step by step: load, check, train, bundle, evaluate, draw, report.

Every step leaves its result in the run folder. A run that was killed goes on from what is there.
"""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from common.bundle import Bundle, load_bundle, save_bundle
from common.data.checks import check_dataset
from common.data.dataset import Dataset
from common.data.expectations import expect_alike
from common.errors import UserError
from common.evaluation.advice import advise
from common.evaluation.baselines import baseline_answers
from common.evaluation.cross_validation import score_folds
from common.evaluation.details import decide, details
from common.evaluation.evaluate import (
    ROUNDS,
    SLICE_ROUNDS,
    Answers,
    ensemble_gain,
    metric_of,
    score_for,
    score_models,
    seed_spread,
    thresholds_of,
)
from common.evaluation.fairness import score_fairness
from common.evaluation.importance import permutation_importance
from common.evaluation.slices import score_slices
from common.files import replacing, write_json, write_text
from common.models.encoder import stitch
from common.models.heads import average
from common.plots.draw import draw_plots
from common.project import Project, TrainingConfig
from common.records import check_same_data, record_environment, record_findings
from common.report.page import write_report
from common.report.texts import texts_told
from common.runs import Run
from common.text.survey import survey_texts
from common.training.batches import rows_at_once
from common.training.fit import check_settings
from common.training.sanity import check_network, diagnose_network, shuffled_sample
from common.training.stages import Stage, one_stage
from common.training.streaming import check_sample
from common.training.train import history_frame, prepare_rows, train_seed, validation_rows


def train_run(
    project: Project, config: TrainingConfig, run: Run, machine: dict[str, str], verbose: int
) -> None:
    """Do, or go on with, everything that makes a run complete; `machine` from `start_backend`."""
    with run.stage("load"):
        dataset = project.load(config)
        check_settings(config, dataset.schema.task)
        metric_of(project.metric, dataset)  # a wrong one is told before the training
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
    """Encode once, train a network for each seed and fold, store answers, history and bundle."""
    with run.stage("encode"):
        prepared = prepare_rows(dataset, config.folds, run.checkpoints / "stored_rows")
        for name, form in dataset.schema.texts.items():
            told = survey_texts(
                dataset.features[name], dataset.part, prepared.tokenizers[name], form.length
            )
            if len(dataset.schema.texts) > 1:
                told = [replace(each, check=f"{each.check}: {name}") for each in told]
            record_findings(run, told)
        if prepared.stored:
            sample = dataset.examples("train").target
            record_findings(run, [check_sample(prepared.stored, sample, prepared.target)])
    run.checkpoints.mkdir(exist_ok=True)
    if not any(run.checkpoints.glob("*.safetensors")):
        with run.stage("sanity"):
            keras.utils.set_random_seed(config.seed)
            target = prepared.target
            rows = prepared.part("train")

            def build() -> keras.Model:
                return project.build(config, prepared.table, target)

            def first_stage() -> Stage:
                stages = (project.stages or one_stage)(config, build(), prepared.table, target)
                return next(iter(stages))

            if config.diagnose:
                record_findings(run, diagnose_network(build, rows, target, config))
            else:
                count = min(4096, rows_at_once(rows.inputs))
                sample = shuffled_sample(rows, count, config.seed)
                stage = first_stage()
                record_findings(
                    run, check_network(lambda: stage.network, stage.taken(sample), target)
                )
    seeds = seeds_of(config)
    tensorboard = run.folder / "tensorboard" if config.tensorboard else None
    with run.stage("train"):
        trained = [
            train_seed(project, config, prepared, seed, run.checkpoints, tensorboard, verbose)
            for seed in seeds
        ]
    write_text(run.folder / "history.csv", history_frame(trained).to_csv(index=False))
    answers = {
        f"{seed}/{part}": answers_in_task(dataset, getattr(result, part))
        for seed, result in zip(seeds, trained, strict=True)
        for part in ("validation", "test")
    }
    kept = trained if config.ensemble else trained[:1]
    networks = [network for seed in kept for network in seed.networks]
    validation = dataset.chosen(validation_rows(dataset, config.folds))
    decision = decide(dataset.schema, validation, network_answers(config, answers)["validation"])
    learned = dataset.part != "test" if config.folds > 1 else dataset.part == "train"
    model = stitch(prepared.encoder, networks[0] if len(networks) == 1 else average(networks))
    expectations = expect_alike(dataset.schema, dataset.features[learned])
    bundle = Bundle(
        model, dataset.schema, decision, dataset.tables, expectations, prepared.tokenizers
    )
    save_bundle(bundle, run.bundle)
    with replacing(run.folder / "predictions.npz") as temporary:
        np.savez_compressed(temporary, **answers)


def seeds_of(config: TrainingConfig) -> range:
    return range(config.seed, config.seed + config.seeds)


def answers_in_task(dataset: Dataset, answers: np.ndarray) -> np.ndarray:
    """(rows, units) as metrics take them: (rows,) where a row has one answer."""
    return answers if dataset.schema.answers > 1 else answers[:, 0]


def network_answers(config: TrainingConfig, stored: dict[str, np.ndarray]) -> Answers:
    """Answers of the model in the bundle: the first seed's, or the mean of all."""
    seeds = seeds_of(config) if config.ensemble else [config.seed]
    return {
        part: np.mean([stored[f"{seed}/{part}"] for seed in seeds], axis=0)
        for part in ("validation", "test")
    }


def evaluate_run(
    project: Project, config: TrainingConfig, run: Run, dataset: Dataset | None = None
) -> None:
    """Score the run's stored answers beside the baselines, then draw and report.

    The test rows are looked at here for the first time, from the best weights.
    """
    if dataset is None:
        with run.stage("load"):
            dataset = project.load(config)
            check_same_data(run, dataset)
    schema, test = dataset.schema, dataset.examples("test")
    metric = metric_of(project.metric, dataset)
    validation = dataset.chosen(validation_rows(dataset, config.folds))
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as stored:
        stored = {name: stored[name] for name in stored.files}
    with run.stage("baselines"):
        others = project.baselines(config) if project.baselines else None
        answers = {"network": network_answers(config, stored)}
        answers |= baseline_answers(dataset, config.folds, config.seed, others)
    with run.stage("evaluate"):
        bundle = load_bundle(run.bundle)
        check_bundle(bundle, test.features, answers["network"]["test"], run)
        scored, scores, comparison = score_models(schema, metric, validation, test, answers)
        metrics = {
            "project": project.name,
            "run": run.name,
            "question": project.question,
            "task": schema.task,
            "metric": metric,
            "labels": list(schema.labels),
            "unit": schema.unit,
            "test": scores.pop("network"),
            "baselines": scores,
            "comparison": comparison,
            **details(
                schema,
                bundle.decision,
                scored["network"],
                validation,
                test,
                answers["network"],
                dataset.examples("train").target,
            ),
            "slices": score_slices(schema, metric, test, answers["network"]["test"], SLICE_ROUNDS),
            # Of two texts that are compared each is all that the other needs.
            "importance": []
            if len(schema.texts) == len(schema.features)
            else permutation_importance(
                bundle.answers, score_for(schema, metric), test.features, test.target
            ),
            "rows": {
                "in": dataset.account.rows_in,
                "used": dataset.account.rows_used,
                **dataset.part_rows(),
                "dropped": dataset.account.dropped,
            },
        }
        told = texts_told(bundle, dataset, validation, test, answers["network"])
        if told:
            metrics["texts"] = told
        if dataset.ranking:
            from common.evaluation.network_search import add_rankings

            add_rankings(metrics, bundle, dataset.ranking, answers)
        if project.fairness:
            metrics["fairness"] = score_fairness(
                test.target,
                answers["network"]["test"] >= bundle.decision["threshold"],
                test.slices[list(project.fairness)],
                ROUNDS,
                test.group_numbers,
            )
        by_seed = {seed: stored[f"{seed}/test"] for seed in seeds_of(config)}
        validated = {seed: stored[f"{seed}/validation"] for seed in seeds_of(config)}
        if config.folds > 1:
            metrics["cross_validation"] = score_folds(
                schema, metric, validation, answers, validated
            )
        if config.seeds > 1:
            cuts = thresholds_of(schema, validation, validated)
            metrics["seeds"] = seed_spread(schema, test, by_seed, cuts)
            metrics["ensemble"] = ensemble_gain(schema, metric, test, by_seed, cuts)
    with run.stage("plots"):
        history = pd.read_csv(run.folder / "history.csv")
        inside = figures_inside(bundle, dataset, answers["network"]["test"], metrics)
        draw_plots(run.folder / "plots", dataset, history, config.monitor, scored, metrics, inside)
    metrics["seconds"] = run.seconds()
    metrics["advice"] = advise(history, metrics, config, project)
    write_json(run.folder / "metrics.json", metrics)
    with run.stage("report"):
        write_report(run.folder, project.question)


def figures_inside(bundle: Bundle, dataset: Dataset, answers: np.ndarray, metrics: dict) -> dict:
    """Figures of what the network sees, by name, where rows have pictures or lie in a scene."""
    if bundle.schema.patch:
        from common.plots.scenes import scene_figures

        return scene_figures(bundle, dataset, answers)
    if bundle.schema.image is None:
        return {}
    from common.plots.looking_inside import picture_figures

    return picture_figures(bundle, dataset, answers, metrics.get("confusion"))


def check_bundle(bundle: Bundle, features: pd.DataFrame, answers: np.ndarray, run: Run) -> None:
    """The bundle, read back from disk, has to predict from raw columns what training predicted."""
    stored = answers[:1000]
    difference = np.abs(bundle.answers(features[:1000]) - stored).max()
    if difference > 1e-3 * max(1.0, np.abs(stored).max()):
        raise UserError(
            f"The bundle of {run.folder} does not predict what was stored after training (largest "
            f"difference {difference:.2g}). The code or the data changed since; train again."
        )
