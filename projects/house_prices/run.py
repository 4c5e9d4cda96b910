"""What will this house in Ames sell for? Kaggle's House Prices, up to the submission file.

python projects/house_prices/run.py              train, evaluate, report
python projects/house_prices/run.py predict --input test.csv --output submission.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.tabular import TabularConfig
from common.tune.tabular import TABULAR_SPACE


@dataclass(frozen=True)
class Config(TabularConfig):
    """Settings of house_prices; --help tells them all."""

    folds: int = 5  # cross-validation: few rows, and so each helps to train four of five networks
    members: int = 8  # networks in one, whose answers are averaged
    units: int = 128  # neurons in a layer
    dropout: float = 0.2  # share of neurons silenced in each training step
    epochs: int = 60  # passes over the training rows, at most
    batch_size: int = 64  # rows in one step of the optimizer
    learning_rate: float = 2e-3  # peak; warmed up over the first epoch, then a cosine to zero
    patience: int = 15  # epochs without a better validation metric before training stops


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
    space=TABULAR_SPACE,
    output=output,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
