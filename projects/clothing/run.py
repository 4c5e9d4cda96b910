"""Which garment is in this photograph?

python projects/clothing/run.py                                  train, evaluate, report
python projects/clothing/run.py --folder MY_PICTURES             the same on pictures of your own
python projects/clothing/run.py predict --input photographs/ --output garments.csv
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
    """Settings of clothing; --help tells them all."""

    folder: str = ""  # with a folder for each class; by default the photographs are downloaded
    epochs: int = 12  # passes over the training pictures, at most
    learning_rate: float = 3e-4  # peak; warmed up over the first epoch, then a cosine to zero
    head_epochs: int = 10  # epochs before those in which the head alone learns, on stored features


def load(config: Config):
    from projects.clothing.load import load

    return load(config.folder, config.size, config.rows)


def prepare(rows, tables):
    from projects.clothing.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.clothing.model import build

    return build(config, table, target)


PROJECT = Project(
    name="clothing",
    question="Which garment is in this photograph?",
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
