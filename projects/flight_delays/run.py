"""Will this flight arrive more than 15 minutes late, knowing only what is known before departure?

python projects/flight_delays/run.py              train, evaluate, report
python projects/flight_delays/run.py --seeds 5    five trainings: scores with mean and spread
python projects/flight_delays/run.py predict --input flights.csv --output scored.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project, TrainingConfig, expect
from projects.flight_delays.space import SPACE


@dataclass(frozen=True)
class Config(TrainingConfig):
    """Settings of flight_delays; --help tells them all."""

    model: Literal["mlp", "linear"] = "mlp"  # the network of model.py
    hidden_units: tuple[int, ...] = (256, 128)  # neurons of each hidden layer
    dropout: float = 0.3  # share of neurons silenced in each training step
    embedding_dimension: int = 8  # length of a category's vector, at most
    epochs: int = 12  # passes over the training rows, at most
    learning_rate: float = 3e-4  # peak; higher ones start to overfit within the first epoch

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, "dropout", 0 <= self.dropout < 1, "from 0 to below 1")
        sizes = (*self.hidden_units, self.embedding_dimension)
        expect(self, "hidden_units", min(sizes) >= 1, "positive sizes, of embeddings too")


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
    space=SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
