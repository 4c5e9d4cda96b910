"""What does this diamond cost?

python projects/diamond_prices/run.py              train, evaluate, report
python projects/diamond_prices/run.py --seeds 5    five trainings: scores with mean and spread
python projects/diamond_prices/run.py predict --input stones.csv --output priced.csv
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
    """Settings of diamond_prices; --help tells them all."""

    number_bins: int = 128  # at most, for each number: prices bend at many weights
    members: int = 8  # networks in one, whose answers are averaged
    units: int = 128  # neurons in a layer
    dropout: float = 0.0  # none: prices hold little noise, and many rows
    epochs: int = 100  # passes over the training rows, at most; at 30 the error still fell
    batch_size: int = 256  # rows in one step of the optimizer
    learning_rate: float = 2e-3  # peak; warmed up over the first epoch, then a cosine to zero
    patience: int = 30  # epochs without a better validation metric before training stops


def load(config: Config):
    from projects.diamond_prices.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.diamond_prices.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.diamond_prices.model import build

    return build(config, table, target)


PROJECT = Project(
    name="diamond_prices",
    question="What does this diamond cost?",
    metric="rmse",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    space=TABULAR_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
