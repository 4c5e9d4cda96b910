"""How do the rivals do where papers publish figures? California Housing, on the published split.

    python -m benchmarks.published california_housing HOUSING_CSV [--models …] [--splits N]

HOUSING_CSV is the widespread housing.csv with ocean_proximity; see benchmarks/california_housing.py
for how it relates to scikit-learn's version. Needs requirements-bench.txt. Split 0 is the published
one; further splits show how much of a score is the luck of the split. Figures are stored in
benchmarks/published.json, model by model, and written to benchmarks/published.md. The boosted trees
take seconds a split, the kit's TabM a minute or two, the PyTorch networks many minutes: these are
fitted only when named.
"""

import os
import sys
from pathlib import Path
from typing import Literal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in benchmarks/rivals/__main__.py

import numpy as np
import tyro

from benchmarks.california_housing import load_california
from benchmarks.rivals.measure import RIVALS, check_names, measure
from common.errors import UserError
from common.files import read_json, write_json, write_text

RESULTS = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).with_suffix(".md")
QUICK = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting", "kit_tabm")
HEAD = """# California Housing as papers use it

RMSE in 100,000 dollars. [california_housing.py](california_housing.py) tells the file, its 207 gaps
and why the first split has the rows of the papers; the settings are those of
[rivals.md](rivals.md), those of the kit's TabM in [rivals/kit.py](rivals/kit.py), one seed. The
deviation over splits is mostly the luck of the test rows: figures on different splits cannot be
compared to the third digit.

Published on the same test rows, tuned in 100 trials, one network a seed: TabM 0.4509 ± 0.0032 over
15 seeds (the README of its paper's code, github.com/yandex-research/tabm, folder paper); TabM-mini
with piecewise-linear embeddings 0.4312, 0.4309, 0.4274 and 0.4278 with seeds 0, 1, 3 and 5 (its
reports in exp/tabm-mini-piecewiselinear/california). The 0.4303 of CatBoost with default settings
in "Revisiting Deep Learning Models for Tabular Data" is on other rows.
"""


def main(
    dataset: tyro.conf.Positional[Literal["california_housing"]],
    path: tyro.conf.Positional[Path],
    models: tuple[str, ...] = QUICK,
    splits: int = 5,
) -> None:
    """Fit rivals on the published split and on others of its sizes; store, write the page.

    Args:
        dataset: the table.
        path: its file.
        models: rivals to fit; tabm, tabm_mini_ple and realmlp are slow.
        splits: how many; the first is the published one.
    """
    check_names(models)
    for name in models:
        for split in range(splits):
            record = measure(name, load_california(path, split), seed=0)
            record["command"] = (
                f"python -m benchmarks.published {dataset} HOUSING_CSV --models {name} "
                f"--splits {split + 1}"
            )
            store(name, split, record)
            print(name, split, record["test"], f"{record['seconds']} s", flush=True)
    write_text(PAGE, write_lines())


def store(name: str, split: int, record: dict) -> None:
    """Add the figures of one model on one split to those stored."""
    stored = read_json(RESULTS) if RESULTS.exists() else {}
    stored.setdefault(name, {})[str(split)] = record
    write_json(RESULTS, {known: stored[known] for known in RIVALS if known in stored})


def write_lines() -> str:
    """The page from what is stored."""
    lines = [
        HEAD,
        "| model | RMSE, published split | R², the same | RMSE over splits, mean ± deviation "
        "| seconds | version |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, by_split in read_json(RESULTS).items():
        first = by_split["0"]
        values = [record["test"]["rmse"] for record in by_split.values()]
        spread = "-"
        if len(values) > 1:
            spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f} ({len(values)})"
        lines.append(
            f"| {name.replace('_', ' ')} | {first['test']['rmse']:.4f} | {first['test']['r2']:.4f} "
            f"| {spread} | {first['seconds']:.0f} | {first['version']}, {first['date']} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
