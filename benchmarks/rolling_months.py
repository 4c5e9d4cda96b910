"""How do network and baselines do on months before the test? The place to try other settings.

    python -m benchmarks.rolling_months [--field value …]     about 3 minutes

Takes the settings of flight_delays' run.py. Four times: learn from the first months, stop early on
the next, be scored on the one after; November and December stay closed. The defaults are written to
benchmarks/rolling_months.md.
"""

import dataclasses
from pathlib import Path

import tyro

from common.backend import start_backend
from projects.flight_delays.run import Config

FOLDS = {"July": 7, "August": 8, "September": 9, "October": 10}
PAGE = Path(__file__).with_suffix(".md")


def scores_of_fold(dataset, config: Config) -> dict[str, dict[str, float]]:
    """Metrics of the network and of each baseline on the fold's test rows."""
    from benchmarks.trained import trained
    from common.data.dataset import PARTS
    from common.evaluation.baselines import fit_baselines
    from common.evaluation.binary import BinaryRows
    from projects.flight_delays.run import PROJECT

    train, validation, test = (dataset.examples(part) for part in PARTS)
    probabilities = {"network": trained(PROJECT, config, dataset).test[:, 0]}
    for name, predict in fit_baselines(train, validation, dataset.schema, config.seed).items():
        probabilities[name] = predict(test.features)
    return {
        name: BinaryRows(test.target, rows, 0.5).metrics() for name, rows in probabilities.items()
    }


def main(config: Config) -> None:
    start_backend(config.precision, config.deterministic)
    import numpy as np

    from projects.flight_delays.load import load

    dataset = load(config.rows)
    month = dataset.ids["date"].dt.month.to_numpy()
    folds = {}
    for name, last in FOLDS.items():
        part = np.select(
            [month < last - 1, month == last - 1, month == last],
            ["train", "validation", "test"],
            "unused",
        )
        unused = {"of no part of this fold": int((part == "unused").sum())}
        account = dataclasses.replace(dataset.account, dropped=dataset.account.dropped | unused)
        fold = dataclasses.replace(dataset, part=part, account=account)
        folds[name] = scores_of_fold(fold, config)
    lines = []
    for metric, title in (("roc_auc", "ROC AUC"), ("log_loss", "Log loss")):
        lines += [
            f"| {title} | " + " | ".join(folds) + " | mean |",
            "| --- |" + " --- |" * (len(folds) + 1),
        ]
        for model in next(iter(folds.values())):
            values = [fold[model][metric] for fold in folds.values()]
            cells = " | ".join(f"{value:.4f}" for value in [*values, np.mean(values)])
            lines.append(f"| {model.replace('_', ' ')} | {cells} |")
        lines.append("")
    table = "\n".join(lines)
    print(table)
    if config == Config():
        PAGE.write_text(
            "# Months before the test: learned from the months before, one month to stop early\n\n"
            f"{table}"
        )


if __name__ == "__main__":
    main(tyro.cli(Config))
