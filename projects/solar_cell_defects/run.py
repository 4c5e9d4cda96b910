"""Is the solar cell in this photograph defective?

python projects/solar_cell_defects/run.py                     train, evaluate, report
python projects/solar_cell_defects/run.py --model small-cnn   a network that learns from scratch
python projects/solar_cell_defects/run.py predict --input photographs/ --output defects.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.pictures import ImageConfig, answering, mix_of, picture_baselines, stages_of
from common.project import Project
from common.tune.pictures import PICTURE_SPACE


@dataclass(frozen=True)
class Config(ImageConfig):
    """Settings of solar_cell_defects; --help tells them all."""

    labels: Literal["soft", "hard"] = "soft"  # learn how sure the experts were, or yes and no
    missed_cost: float = 4.0  # of a defect that is not found, where a false alarm costs 1
    split: int = 0  # which random split into train, validation and test
    epochs: int = 20  # passes over the training pictures, at most
    patience: int = 20  # epochs without a better validation metric before training stops
    learning_rate: float = 3e-4  # peak; warmed up over the first epoch, then a cosine to zero
    head_epochs: int = 10  # epochs before those in which the head alone learns, on stored features
    flip: Literal["none", "horizontal", "vertical", "both"] = "both"  # a cell has no up and down
    average_flips: bool = True  # answer with the mean over the four mirror images


def load(config: Config):
    from projects.solar_cell_defects.load import load

    return load(config.size, config.labels, config.missed_cost, config.split, config.rows)


def prepare(rows, tables):
    from projects.solar_cell_defects.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.solar_cell_defects.model import build

    return build(config, table, target)


PROJECT = Project(
    name="solar_cell_defects",
    question="Is this solar cell defective?",
    metric="roc_auc",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    baselines=picture_baselines,
    mix=mix_of,
    stages=stages_of,
    answering=answering,
    space=PICTURE_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
