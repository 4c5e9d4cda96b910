"""How do the network and its rivals do on months before the test? The place to try settings.

    python -m benchmarks.rolling_months --seeds 3          writes benchmarks/rolling_months.md
    python -m benchmarks.rolling_months [--field value …]  the network alone, with other settings

Four times: learn from the first months, stop early on the next, be scored on the one after;
November and December stay closed. With the settings of flight_delays' run.py, whatever the seeds,
the baselines learn too, and the boosted trees of benchmarks/rivals (requirements-bench.txt).
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in benchmarks/rivals, before OpenMP loads

import numpy as np
import tyro

from benchmarks.rivals.best import FAMILIES
from benchmarks.rivals.measure import RIVALS, check_names
from benchmarks.rivals.paired import gains
from benchmarks.rivals.scores import SHOWN, score
from common.backend import start_backend
from common.data.dataset import PARTS, Dataset
from common.errors import UserError
from common.evaluation.baselines import fit_baselines
from common.evaluation.metrics import METRICS, shown, shown_difference, shown_spread
from common.files import write_text
from projects.flight_delays.run import PROJECT, Config

MONTHS = {"July": 7, "August": 8, "September": 9, "October": 10}
BOOSTED = FAMILIES["boosted trees"]
PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Months before the test

    python -m benchmarks.rolling_months --seeds {seeds}

Each month is answered by models that learned from the months before the last one and were stopped
early on the last one. All four together: {rows:,} flights of {days} days. November and December,
the test of the project, are not among them. The network has the settings of
`projects/flight_delays/run.py`: {seeds} seeds of it, mean ± standard deviation. Some of its
settings were chosen on these months, so that they flatter it. LightGBM, XGBoost and CatBoost have
their defaults and one seed, as in [rivals](rivals.md). Over all four months the ROC AUC
also compares flights of different months: the class prior, which goes by the months before, does
worse there than chance.

{scores}
## Kit ahead by

The mean score of the network's seeds against the rival's, positive where the network is better,
with 95 % intervals of 1,000 resamples of whole days.

{ahead}"""

Answers = Mapping[str, np.ndarray]  # by model, to every row of the year, of use in the four months


def main(config: Config) -> None:
    """Measure, print, and write the page unless settings were tried.

    Raises UserError where the boosted trees are wanted and not installed.
    """
    default = dataclasses.replace(config, seeds=1) == Config()
    if default:
        check_names(BOOSTED)
    start_backend(config.precision, config.deterministic)
    dataset = PROJECT.load(config)
    kit = by_month(dataset, partial(kit_answers, config=config))
    rivals = by_month(dataset, partial(rival_answers, seed=config.seed)) if default else {}
    tests = dict(parts_to_score(dataset))
    scores = score_tables(tests, kit, rivals)
    print(scores)
    if default:
        every = tests["all four"]
        page = HEAD.format(
            seeds=len(kit),
            rows=(every.part == "test").sum(),
            days=len(np.unique(every.examples("test").groups)),
            scores=scores,
            ahead=gain_tables(tests, kit, rivals),
        )
        write_text(PAGE, page)


def months_of(dataset: Dataset) -> np.ndarray:
    """The month of each row, 1 to 12."""
    return dataset.ids["date"].dt.month.to_numpy()


def with_parts(dataset: Dataset, *rows: np.ndarray) -> Dataset:
    """The dataset with other rows to train, validate and test, as three masks; none elsewhere."""
    part = np.select(rows, PARTS, "unused")
    unused = {"of no part of this fold": int((part == "unused").sum())}
    account = dataclasses.replace(dataset.account, dropped=dataset.account.dropped | unused)
    return dataclasses.replace(dataset, part=part, account=account)


def parts_to_score(dataset: Dataset) -> Iterator[tuple[str, Dataset]]:
    """Each month as the test rows, then all four; learned from is what comes before all of them."""
    month, first = months_of(dataset), min(MONTHS.values())
    for name, last in {**MONTHS, "all four": tuple(MONTHS.values())}.items():
        yield name, with_parts(dataset, month < first - 1, month == first - 1, np.isin(month, last))


def by_month(dataset: Dataset, answers_of: Callable[[Dataset], Iterator]) -> Answers:
    """What `answers_of` gives to the test rows of each month's fold, put together by model."""
    month = months_of(dataset)
    found = {}
    for name, last in MONTHS.items():
        fold = with_parts(dataset, month < last - 1, month == last - 1, month == last)
        for model, answer in answers_of(fold):
            found.setdefault(model, np.full(len(month), np.nan))[month == last] = answer
            print(name, model, flush=True)
    return found


def kit_answers(fold: Dataset, config: Config) -> Iterator[tuple[str, np.ndarray]]:
    """Seed and answers to the fold's test rows of each seed's network."""
    from benchmarks.trained import trained
    from common.training.train import prepare_rows

    prepared = prepare_rows(fold)
    for seed in range(config.seed, config.seed + config.seeds):
        result = trained(PROJECT, dataclasses.replace(config, seed=seed), fold, prepared)
        yield f"network, seed {seed}", result.test[:, 0]


def rival_answers(fold: Dataset, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Name and answers to the fold's test rows of each baseline and of each boosted tree."""
    train, validation, test = (fold.examples(part) for part in PARTS)
    fitted = fit_baselines(train, validation, fold.schema, seed)
    for name in BOOSTED:
        fitted[name] = RIVALS[name].fit(train, validation, fold.schema, seed)
    for name, predict in fitted.items():
        yield name, predict(test.features)


def score_tables(tests: Mapping[str, Dataset], kit: Answers, rivals: Answers) -> str:
    """A table for each metric, models down, months across."""
    cells = {metric: {} for metric in SHOWN["binary"]}
    for test in tests.values():
        of_seeds = [scored(test, answer) for answer in kit.values()]
        of_rivals = {name: scored(test, answer) for name, answer in rivals.items()}
        for metric, rows in cells.items():
            values = [scores[metric] for scores in of_seeds]
            mean = np.mean(values)
            spread = shown_spread(mean, np.std(values, ddof=1)) if len(values) > 1 else shown(mean)
            rows.setdefault("network", []).append(spread)
            for name, scores in of_rivals.items():
                rows.setdefault(name, []).append(shown(scores[metric]))
    return tables(cells, tests)


def scored(test: Dataset, answer: np.ndarray) -> dict[str, float]:
    """Scores of answers to every row of the year on the test rows."""
    rows = test.part == "test"
    return score(test.target[rows], answer[rows], test.schema)


def gain_tables(tests: Mapping[str, Dataset], kit: Answers, rivals: Answers) -> str:
    """A table for each metric: how far the network is ahead of each rival, with intervals."""
    cells = {metric: {} for metric in SHOWN["binary"]}
    for test in tests.values():
        rows = test.part == "test"
        seeds = {name: answer[rows] for name, answer in kit.items()}
        for name, answer in rivals.items():
            for metric, gain in gains(test, seeds, answer[rows], SHOWN["binary"]).items():
                value, low, high = (shown_difference(gain[end]) for end in ("value", "low", "high"))
                cells[metric].setdefault(name, []).append(f"{value} ({low} to {high})")
    return tables(cells, tests)


def tables(cells: Mapping[str, Mapping[str, list[str]]], columns: Mapping) -> str:
    """Markdown of {metric: {model: cells}}."""
    lines = []
    for metric, rows in cells.items():
        lines += [
            f"| {METRICS[metric].title} | " + " | ".join(columns) + " |",
            "| --- |" + " --- |" * len(columns),
            *(f"| {name.replace('_', ' ')} | {' | '.join(row)} |" for name, row in rows.items()),
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main(tyro.cli(Config))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
