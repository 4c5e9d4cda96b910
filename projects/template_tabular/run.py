"""Is this penguin male or female? A template: put a question of your own in its place.

python projects/template_tabular/run.py              train, evaluate, report
python projects/template_tabular/run.py --seeds 5    five trainings: scores with mean and spread
python projects/template_tabular/run.py predict --input new.csv --output scored.csv
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
    """Settings of template_tabular; --help tells them all."""

    folds: int = 5  # cross-validation over train and validation rows, a network a fold
    members: int = 8  # networks in one, whose answers are averaged
    units: int = 128  # neurons in a layer
    number_bins: int = 48  # bins a number is cut into, at most
    one_hot_values: int = 8  # categories of at most so many values are one-hot
    epochs: int = 60  # passes over the training rows, at most
    batch_size: int = 32  # rows in one step of the optimizer
    learning_rate: float = 2e-3  # peak; warmed up over the first epoch, then a cosine to zero
    patience: int = 15  # epochs without a better validation metric before training stops


def load(config: Config):
    from projects.template_tabular.load import load

    return load(config.rows)


def prepare(rows, tables):
    from projects.template_tabular.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.template_tabular.model import build

    return build(config, table, target)


PROJECT = Project(
    name="template_tabular",
    question="Is this penguin male or female?",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    space=TABULAR_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
