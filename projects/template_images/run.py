"""Whose face is this? A template: put a question of your own in its place.

python projects/template_images/run.py                    train, evaluate, report
python projects/template_images/run.py --thawed 0         the last layer alone, quick
python projects/template_images/run.py predict --input photographs/ --output answers.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.pictures import ImageConfig, answering, mix_of, picture_baselines, stages_of
from common.project import Project
from common.tune.pictures import PICTURE_SPACE


@dataclass(frozen=True)
class Config(ImageConfig):
    """Settings of template_images; --help tells them all."""

    size: int = 96  # pixels a side, to which pictures are brought
    head_epochs: int = 20  # epochs before the others, in which the last layer alone learns
    epochs: int = 20  # passes over the training pictures, at most
    learning_rate: float = 3e-4  # peak; warmed up over the first epoch, then a cosine to zero


def load(config: Config):
    from projects.template_images.load import load

    return load(config.size, config.rows)


def prepare(rows, tables):
    from projects.template_images.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.template_images.model import build

    return build(config, table, target)


PROJECT = Project(
    name="template_images",
    question="Whose face is this?",
    metric="accuracy",
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
