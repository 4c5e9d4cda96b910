"""Is the distance between the kit and a rival more than the luck of the test rows?

Both are scored on the same resamples of the test rows, whole groups at a time, so that what is hard
for both does not widen the interval of their difference. The answers of both are kept in runs, so
that they can be compared again when either has learned anew.
"""

import numpy as np

from benchmarks.results import RUNS
from common.data.dataset import Dataset
from common.errors import UserError
from common.evaluation.bootstrap import Interval, bootstrap, interval
from common.evaluation.evaluate import ROUNDS, rows_of
from common.evaluation.metrics import METRICS
from common.files import replacing
from common.records import check_same_data
from common.runs import ROOT, Run

ANSWERS = ROOT / "runs" / "rivals"


def keep_answer(project: str, name: str, answer: np.ndarray, dataset: Dataset) -> None:
    """Keep a rival's answers on the test rows, (rows,) or (rows, classes)."""
    path = ANSWERS / project / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        np.savez_compressed(temporary, answer=answer, fingerprint=dataset.fingerprint())


def kept_answer(project: str, name: str, dataset: Dataset) -> np.ndarray | None:
    """What `keep_answer` kept; None where it kept nothing, or for other data."""
    path = ANSWERS / project / f"{name}.npz"
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as stored:
        return stored["answer"] if stored["fingerprint"] == dataset.fingerprint() else None


def kit_answers(project: str, dataset: Dataset) -> dict[str, np.ndarray]:
    """The kit's answers on the test rows by seed, from the five seeds of `make results`.

    UserError where they are not there, or are of other data.
    """
    run = Run(RUNS / project / "seeds")
    path = run.folder / "predictions.npz"
    if not path.exists():
        raise UserError(
            f"There are no answers of the kit: {path}. For how far it is ahead, train it first: "
            f"python -m benchmarks.results {project}"
        )
    check_same_data(run, dataset)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files if name.endswith("/test")}


def gains(
    dataset: Dataset, kit: dict[str, np.ndarray], answer: np.ndarray, metrics: tuple[str, ...]
) -> dict[str, Interval]:
    """How far the kit is ahead of a rival in each metric, negative where it is behind.

    kit: answers by seed, each (rows,) or (rows, classes); the scores of the seeds are averaged, not
    their answers. answer: the rival's. Returns {metric: {value, low, high}} of 95 % intervals.
    """
    test = dataset.examples("test")
    group = test.group_numbers
    scored = {
        name: rows_of(dataset.schema, test.target, told, group)
        for name, told in {**kit, "rival": answer}.items()
    }
    values = {name: rows.metrics() for name, rows in scored.items()}
    draws = bootstrap(scored, ROUNDS)

    def gain(of: dict[str, dict], metric: str):
        mean = np.mean([of[seed][metric] for seed in kit], axis=0)
        return METRICS[metric].gain(mean - of["rival"][metric])

    return {
        metric: interval(gain(values, metric), gain(draws, metric))
        for metric in metrics
        if metric in values["rival"]
    }
