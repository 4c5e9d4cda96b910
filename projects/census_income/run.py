"""Does this person earn more than 50,000 dollars a year? The table that every paper reports.

python projects/census_income/run.py              train, evaluate, report
python projects/census_income/run.py --seeds 5    five trainings: scores with mean and spread
python projects/census_income/run.py predict --input people.csv --output scored.csv
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
    """Settings of census_income; --help tells them all."""

    number_bins: int = 128  # at most, for each number: nearly every age, hour and gain gets its own
    members: int = 12  # networks in one, whose answers are averaged
    units: int = 128  # neurons in a layer
    dropout: float = 0.3  # share of neurons silenced in each training step
    epochs: int = 24  # passes over the training rows, at most
    batch_size: int = 256  # rows in one step of the optimizer
    learning_rate: float = 2e-3  # peak; warmed up over the first epoch, then a cosine to zero
    patience: int = 6  # epochs without a better validation metric before training stops


def load(config: Config):
    from projects.census_income.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.census_income.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.census_income.model import build

    return build(config, table, target)


PROJECT = Project(
    name="census_income",
    question="Does this person earn more than 50,000 dollars a year?",
    metric="roc_auc",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    space=TABULAR_SPACE,
    fairness=("sex", "race", "age band"),
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
