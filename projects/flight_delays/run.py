"""Will this flight arrive more than 15 minutes late, knowing only what is known before departure?

python projects/flight_delays/run.py              train, evaluate, report
python projects/flight_delays/run.py --seeds 5    five trainings: scores with mean and spread
python projects/flight_delays/run.py predict --input flights.csv --output scored.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.tabular import NumberEmbedding, TabularConfig
from common.tune.tabular import BARE_SPACE


@dataclass(frozen=True)
class Config(TabularConfig):
    """Settings of flight_delays; --help tells them all."""

    members: int = 8  # networks in one, whose answers are averaged
    units: int = 128  # neurons in a layer
    dropout: float = 0.3  # share of neurons silenced in each training step
    number_embedding: NumberEmbedding = "none"  # numbers go in as they are, normal by their ranks
    one_hot_values: int = 128  # every category is one-hot: there are 103 destinations
    epochs: int = 6  # passes over the training rows, at most
    patience: int = 3  # epochs without a better validation metric before training stops


def load(config: Config):
    from projects.flight_delays.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.flight_delays.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.flight_delays.model import build

    return build(config, table, target)


PROJECT = Project(
    name="flight_delays",
    question="Will this flight arrive more than 15 minutes late?",
    metric="roc_auc",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    space=BARE_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
