"""The command `learning-curve`: would more labels help? Trainings on more and more of the rows.

runs/<project>/learning_curves/<key>/   key: of settings and data
    settings.json                       the config, but for seeds, and the fingerprint of the data
    scores.csv                          rows, seed and score of each training so far
    learning_curve.png, learning_curve.txt
"""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from common.data.dataset import Account, Dataset
from common.errors import UserError
from common.evaluation.baselines import baseline_answers
from common.evaluation.evaluate import metric_of, rows_of, thresholds_of
from common.evaluation.metrics import METRICS, shown
from common.files import write_json, write_text
from common.models.heads import describe_target
from common.plots.learning_curve_of_data import learning_curve_of_data, would_more_help
from common.plots.style import save
from common.project import Project, TrainingConfig
from common.runs import Run, runs_folder
from common.training.fit import check_settings
from common.training.train import Prepared, prepare_rows, train_seed

CURVES = "learning_curves"


def draw_learning_curve(
    project: Project, config: TrainingConfig, shares: Sequence[float], verbose: int
) -> str:
    """Train on each share of the training rows with each seed; returns what the curve says.

    Scores are those of the validation rows: the test rows stay closed. A training on half of the
    rows has twice the epochs and patience, so that it is no shorter. Scales and vocabularies of the
    inputs are fitted on all training rows, since that takes no labels. Finished trainings are kept;
    the same settings go on after them. Raises UserError for shares that make no curve, folds, and
    rows that are stored on disk.
    """
    check_shares(config, shares)
    dataset = project.load(config)
    check_settings(config, dataset.schema.task)
    metric = metric_of(project.metric, dataset)
    if dataset.stored:
        raise UserError("Rows stored on disk are too many for a learning curve. Use --rows.")
    same = {name: value for name, value in asdict(config).items() if name != "seeds"}
    settings = {"config": same, "data": dataset.fingerprint()}
    run = Run(runs_folder(project.name) / CURVES / key_of(settings))
    run.folder.mkdir(parents=True, exist_ok=True)
    with run.locked():
        write_json(run.folder / "settings.json", settings)
        scores = train_shares(project, config, dataset, metric, shares, run, verbose)
        others = project.baselines(config) if project.baselines else None
        rivals = {
            name: validation_score(dataset, metric, answers["validation"])
            for name, answers in baseline_answers(dataset, 1, config.seed, others).items()
        }
        best = max(rivals, key=lambda name: METRICS[metric].gain(rivals[name]))
        figure = learning_curve_of_data(scores, metric, (best, rivals[best]))
        save(figure, run.folder / "learning_curve.png")
        told = would_more_help(scores, metric)
        write_text(run.folder / "learning_curve.txt", told + "\n")
    lines = [f"{'rows':>10}  {METRICS[metric].title}, mean over seeds, on validation rows"]
    for rows, mean in scores.groupby("rows")["score"].mean().items():
        lines.append(f"{rows:>10,}  {shown(mean)}")
    lines.append(f"{'all':>10}  {shown(rivals[best])}, {best.replace('_', ' ')}")
    return "\n".join([*lines, "", told, f"Picture: {run.folder / 'learning_curve.png'}"])


def check_shares(config: TrainingConfig, shares: Sequence[float]) -> None:
    """UserError where shares and config give no curve."""
    if config.folds > 1:
        raise UserError(f"folds is {config.folds}, but a learning curve takes no folds. Use 1.")
    if len(set(shares)) < 2 or not all(0 < share <= 1 for share in shares):
        told = " ".join(f"{share:g}" for share in shares)
        raise UserError(
            f"shares is {told or 'empty'}; expected two numbers or more, above 0 and up to 1."
        )


def key_of(settings: dict) -> str:
    """A name that is the same for the same settings and data only."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def train_shares(
    project: Project,
    config: TrainingConfig,
    dataset: Dataset,
    metric: str,
    shares: Sequence[float],
    run: Run,
    verbose: int,
) -> pd.DataFrame:
    """Scores of every training, columns rows, seed and score; those that are stored are not redone.

    The rows of a smaller share are among those of a larger one of the same seed.
    """
    prepared = prepare_rows(dataset)
    training = np.flatnonzero(dataset.part == "train")
    path = run.folder / "scores.csv"
    known = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["rows", "seed", "score"])
    scores = {(row.rows, row.seed): row.score for row in known.itertuples()}
    counts = sorted({round(share * len(training)) for share in shares})
    seeds = range(config.seed, config.seed + config.seeds)
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(training)
        for count in counts:
            if (count, seed) not in scores:
                print(f"seed {seed}, {count:,} of {len(training):,} training rows", flush=True)
                keras.utils.clear_session()  # networks of earlier trainings would stay in memory
                smaller = with_training_rows(prepared, order[:count])
                times = len(training) / count
                as_long = replace(
                    config,
                    epochs=round(config.epochs * times),
                    patience=round(config.patience * times),
                )
                with tempfile.TemporaryDirectory() as checkpoints:
                    trained = train_seed(
                        project, as_long, smaller, seed, Path(checkpoints), verbose=verbose
                    )
                scores[count, seed] = validation_score(dataset, metric, trained.validation)
                write_text(path, table_of(scores).to_csv(index=False))
    return table_of({key: scores[key] for key in product(counts, seeds)})


def table_of(scores: dict[tuple[int, int], float]) -> pd.DataFrame:
    rows = [(rows, seed, score) for (rows, seed), score in sorted(scores.items())]
    return pd.DataFrame(rows, columns=["rows", "seed", "score"])


def with_training_rows(prepared: Prepared, chosen: np.ndarray) -> Prepared:
    """The same encoded rows, of which only the chosen ones, by number, are to be learned from.

    What networks know of the target beforehand, shares or mean and deviation, is that of the
    chosen.
    """
    dataset, schema = prepared.dataset, prepared.dataset.schema
    part = dataset.part.astype(object)
    left_out = np.setdiff1d(np.flatnonzero(part == "train"), chosen)
    part[left_out] = ""
    account = dataset.account
    dropped = account.dropped | {"left out of the learning curve": len(left_out)}
    smaller = replace(
        dataset, part=part, account=Account(account.rows_in, dropped, account.cells_cleaned)
    )
    target = describe_target(
        dataset.target[chosen], schema.task, len(schema.labels), schema.log_scale
    )
    return replace(prepared, dataset=smaller, target=target)


def validation_score(dataset: Dataset, metric: str, answers: np.ndarray) -> float:
    """The score of answers (rows, …) to the validation rows; a threshold is the best one there."""
    schema, validation = dataset.schema, dataset.examples("validation")
    if schema.answers == 1:
        answers = answers.reshape(len(answers))  # of a network (rows, 1), of a rival (rows,)
    cuts = thresholds_of(schema, validation, {0: answers})
    return rows_of(schema, validation.target, answers, threshold=cuts.get(0, 0.5)).metrics()[metric]
