"""What benchmarks of models share: a training that leaves nothing behind, and figures that stay.

Intervals over splits are those of Nadeau and Bengio, "Inference for the Generalization Error",
Machine Learning 52 (2003), section 3: splits overlap, so that their scores are not independent, and
the variance over splits counts 1 / splits + test rows / training rows, with Student's t of
splits - 1 degrees of freedom.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from scipy.stats import t as student

from benchmarks.results import with_table
from common.data.dataset import Dataset
from common.evaluation.baselines import Fit
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.evaluate import ROUNDS
from common.evaluation.metrics import METRICS, shown
from common.evaluation.multiclass import MulticlassRows
from common.files import read_json, write_json, write_text
from common.project import Project, TrainingConfig
from common.training.train import Prepared, Trained, prepare_rows, train_seed


def trained(
    project: Project, config: TrainingConfig, dataset: Dataset, prepared: Prepared | None = None
) -> Trained:
    """One training of the config's seed on the dataset, or its prepared rows; nothing is kept."""
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        return train_seed(
            project, config, prepared or prepare_rows(dataset), config.seed, Path(folder)
        )


SCORES = ("accuracy", "f1_macro", "log_loss")


def scored(project: Project, config: TrainingConfig, rival: Fit | None = None) -> dict:
    """Scores of a network, or of a rival in its place, on the test rows of several classes.

    With 95 % intervals, resampled by group, and what it took from the loaded rows to the answers.
    """
    dataset = project.load(config)
    test, parameters = dataset.examples("test"), None
    begin = time.perf_counter()
    if rival:
        train, validation = map(dataset.examples, ("train", "validation"))
        answers = rival(train, validation, dataset.schema, config.seed)(test.features)
    else:
        result = trained(project, config, dataset)
        answers, parameters = result.test, result.networks[0].count_params()
    seconds = time.perf_counter() - begin
    rows = MulticlassRows(test.target, answers, test.group_numbers)
    draws = bootstrap({"": rows}, ROUNDS)[""]
    values = rows.metrics()
    return {
        "scores": {metric: interval(values[metric], draws[metric]) for metric in SCORES},
        "seconds": round(seconds, 1),
        "parameters": parameters,
        "rows": dataset.part_rows(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def score_cells(told: dict) -> list[str]:
    """SCORES of what `scored` told, with their intervals, and the number of weights."""
    cells = [
        f"{shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"
        for score in (told["scores"][metric] for metric in SCORES)
    ]
    return [*cells, f"{told['parameters']:,}" if told["parameters"] else ""]


SCORE_TITLES = " | ".join(METRICS[metric].title for metric in SCORES)


def measured_once(path: Path, *keys: str, measure: Callable[[], dict]) -> dict:
    """The whole record in the JSON file at `path`, after what is missing at `keys` was measured.

    It is stored at once, so that a benchmark that was stopped goes on where it was.
    """
    record = read_json(path) if path.exists() else {}
    place = record
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    if keys[-1] not in place:
        place[keys[-1]] = measure()
        print(*keys, place[keys[-1]], flush=True)
        write_json(path, record)
    return record


def tell(record: Path, title: str, table: str, readme: Path, mark: str = "results") -> None:
    """Write the table to the page beside the record, and between the README's marks."""
    write_text(record.with_suffix(".md"), f"# {title}\n\n{table.rstrip()}\n")
    write_text(readme, with_table(readme.read_text(encoding="utf-8"), table.rstrip(), mark))


def with_interval(scores: list[dict], metric: str) -> str:
    """The mean over splits, from three on with its interval.

    scores: of each split, with test_rows and train_rows.
    """
    values = np.array([each[metric] for each in scores])
    if len(values) < 3:  # an interval from two would be as wide as the scale
        return shown(values.mean())
    share = scores[0]["test_rows"] / scores[0]["train_rows"]
    width = student.ppf(0.975, len(values) - 1) * values.std(ddof=1)
    width *= np.sqrt(1 / len(values) + share)
    low, high = values.mean() - width, min(values.mean() + width, 1.0)
    return f"{shown(values.mean())} ({shown(low)} to {shown(high)})"
