"""How badly was this person hurt? Eight classes of injury, very uneven.

python projects/crash_injuries/run.py              train, evaluate, report
python projects/crash_injuries/run.py --seeds 5    five trainings: scores with mean and spread
python projects/crash_injuries/run.py predict --input people.csv --output scored.csv
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
    """Settings of crash_injuries; --help tells them all."""

    members: int = 8  # networks in one, whose answers are averaged
    blocks: int = 3  # layers
    units: int = 192  # neurons in a layer
    dropout: float = 0.0  # none: with 13 columns it learned too little, not too much
    number_embedding: NumberEmbedding = "none"  # the age, the only number, goes in as it is
    one_hot_values: int = 64  # every category is one-hot: the longest, the states, has 51 values
    epochs: int = 16  # passes over the training rows, at most
    batch_size: int = 512  # rows in one step of the optimizer
    learning_rate: float = 3e-3  # peak; warmed up over the first epoch, then a cosine to zero


def load(config: Config):
    from projects.crash_injuries.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.crash_injuries.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.crash_injuries.model import build

    return build(config, table, target)


PROJECT = Project(
    name="crash_injuries",
    question="How badly was this person hurt in the crash?",
    metric="log_loss",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    space=BARE_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
