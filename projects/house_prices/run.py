"""What will this house in Ames sell for? Kaggle's House Prices, up to the submission file.

python projects/house_prices/run.py              train, evaluate, report
python projects/house_prices/run.py --seeds 5    five trainings: scores with mean and spread
python projects/house_prices/run.py predict --input test.csv --output submission.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.tabular import TabularConfig


@dataclass(frozen=True)
class Config(TabularConfig):
    """Settings of house_prices; --help tells them all."""

    folds: int = 5  # cross-validation: few rows, so each helps to train four of five networks
    epochs: int = 100  # passes over the training rows, at most
    batch_size: int = 64  # rows in one step of the optimizer
    patience: int = 20  # epochs without a better validation metric before training stops


def load(config: Config):
    from projects.house_prices.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.house_prices.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.house_prices.model import build

    return build(config, table, target)


def output(rows, answers):
    from projects.house_prices.submission import submission

    return submission(rows, answers)


PROJECT = Project(
    name="house_prices",
    question="What will this house sell for?",
    metric="rmse_log",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    output=output,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
