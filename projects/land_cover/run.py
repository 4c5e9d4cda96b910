"""Which crop grows at this pixel?

python projects/land_cover/run.py                     train, evaluate, report
python projects/land_cover/run.py --split random      the mistake that this data invites
python projects/land_cover/run.py predict --input scene.npy --output map.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project, TrainingConfig, expect
from common.tune.scenes import SCENE_SPACE


@dataclass(frozen=True)
class Config(TrainingConfig):
    """Settings of land_cover; --help tells them all."""

    model: Literal["spectral", "spatial", "spectral-spatial"] = "spectral"
    side: int = 5  # pixels of the square around a pixel that the network sees
    split: Literal["area", "fields", "random"] = "area"  # patches apart, or whole fields
    draw: int = 0  # which of the many splits of that kind
    dropout: float = 0.3  # share of features silenced in each training step
    epochs: int = 30  # passes over the training pixels, at most
    batch_size: int = 64  # pixels in one step of the optimizer
    learning_rate: float = 2e-3  # peak; warmed up over the first epoch, then a cosine to zero
    patience: int = 30  # epochs without a better validation metric before training stops

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, "side", self.side >= 1 and self.side % 2 == 1, "an odd number of pixels")
        expect(self, "dropout", 0 <= self.dropout < 1, "from 0 to below 1")


def load(config: Config):
    from projects.land_cover.load import load

    return load(config.side, config.split, config.draw, config.rows)


def prepare(rows, tables):
    from projects.land_cover.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.land_cover.model import build

    return build(config, table, target)


def baselines(config: Config):
    from common.evaluation.spectrum_baselines import RIVALS

    return RIVALS


PROJECT = Project(
    name="land_cover", question="Which crop grows at this pixel?", metric="accuracy",
    config=Config, load=load, prepare=prepare, build=build, baselines=baselines, space=SCENE_SPACE,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(PROJECT))
