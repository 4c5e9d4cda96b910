"""How do other libraries do on a project's split, with their default settings?

    python -m benchmarks.rivals PROJECT [--models lightgbm catboost …] [--rows N] [--epochs N]
                               [--seed N]
    python -m benchmarks.rivals PROJECT --pair
    python -m benchmarks.rivals --write

Needs requirements-bench.txt. After `python -m benchmarks.results PROJECT` it also tells how far the
kit is ahead of each rival, on the same resamples of the test rows; `--pair` does only this, for
rivals whose answers are kept from before. Figures are stored in
benchmarks/rivals/<project>.json, model by model, and written to benchmarks/rivals.md. The boosted
trees take seconds to minutes; the PyTorch networks up to hours on a processor, so that they are
fitted only when named.
"""

import importlib
import os
import sys

# Before anything loads OpenMP: on cores shared with other work, threads that spin while they wait
# made one LightGBM fit on diamond_prices take 239 s instead of 7.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tyro

from benchmarks.rivals.best import stored_rivals
from benchmarks.rivals.measure import RIVALS, check_names, measure
from benchmarks.rivals.page import PAGE, RESULTS, write_lines
from benchmarks.rivals.paired import gains, keep_answer, kept_answer, kit_answers
from benchmarks.rivals.scores import SHOWN
from common.data.dataset import Dataset
from common.errors import UserError
from common.files import read_json, write_json, write_text
from common.runs import ROOT

QUICK = ("lightgbm", "xgboost", "catboost", "kit_untuned")


def main(
    project: tyro.conf.Positional[str | None] = None,
    models: tuple[str, ...] = QUICK,
    rows: int = 0,
    epochs: int = 0,
    seed: int = 0,
    pair: bool = False,
    write: bool = False,
) -> None:
    """Fit rivals on a project's split, store their figures, write the page.

    Args:
        project: name of a folder in projects.
        models: rivals to fit; those of PyTorch, tabm… and realmlp…, are slow.
        rows: training rows to use, evenly spaced; 0: all of them. The page says so.
        epochs: at most so many, for tabm; 0: as many as it wants. The page says so.
        seed: of the rivals.
        pair: fit nothing; compare with the kit those whose comparison is missing or out of date.
        write: only write the page.
    """
    if not write:
        models = () if pair else models
        check_names(models, epochs)
        dataset = load_project(project)
        folds = importlib.import_module(f"projects.{project}.run").Config().folds
        for name in models:
            record, answer = measure(name, dataset, seed, rows, folds, epochs)
            record["command"] = command(project, name, rows, epochs, seed)
            keep_answer(project, name, answer, dataset)
            store(project, {name: record}, dataset)
            print(name, record["test"], f"{record['seconds']} s", flush=True)
        if stored_rivals(project):
            store(project, paired(project, dataset), dataset)
    write_text(PAGE, write_lines())


def load_project(project: str | None) -> Dataset:
    """The project's dataset; UserError where there is no such project."""
    known = sorted(path.parent.name for path in (ROOT / "projects").glob("*/load.py"))
    if project not in known:
        raise UserError(f"There is no project {project}. Choose of: {', '.join(known)}.")
    return importlib.import_module(f"projects.{project}.load").load()


def paired(project: str, dataset: Dataset) -> dict[str, dict]:
    """Records with `kit_ahead`, of rivals whose comparison is missing or out of date.

    Those without kept answers are left out; where the kit's are not there, all are. Both is told.
    """
    try:
        kit = kit_answers(project, dataset)
    except UserError as error:
        print(error)
        return {}
    records = {}
    for name, record in stored_rivals(project).items():
        if "kit_ahead" in record:
            continue
        answer = kept_answer(project, name, dataset)
        if answer is None:
            print(
                f"{name} is not compared with the kit, since its answers are not kept here. "
                f"For that, fit it again: {record['command']}"
            )
        else:
            gained = gains(dataset, kit, answer, SHOWN[dataset.schema.task])
            records[name] = {**record, "kit_ahead": {"seeds": len(kit), **gained}}
            print(name, "the kit is ahead by", gained, flush=True)
    return records


def command(project: str, name: str, rows: int, epochs: int, seed: int) -> str:
    """The command that gives one model's figures."""
    given = {"rows": rows, "epochs": epochs, "seed": seed}
    flags = "".join(f" --{flag} {value}" for flag, value in given.items() if value)
    return f"python -m benchmarks.rivals {project} --models {name}{flags}"


def store(project: str, records: dict[str, dict], dataset: Dataset) -> None:
    """Add models' figures to the project's; those of other data are dropped, and told.

    Distances from another training of the kit go too: see `stored_rivals`.
    """
    path = RESULTS / f"{project}.json"
    stored, fingerprint = stored_rivals(project), dataset.fingerprint()
    if stored and read_json(path)["fingerprint"] != fingerprint:
        print(f"The data has changed: the figures of {', '.join(stored)} are dropped.")
        stored = {}
    models = {**stored, **records}
    write_json(
        path,
        {
            "task": dataset.schema.task,
            "unit": dataset.schema.unit,
            "training_rows": int((dataset.part == "train").sum()),
            "fingerprint": fingerprint,
            "models": {known: models[known] for known in RIVALS if known in models},
        },
    )


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
