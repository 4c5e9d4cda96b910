"""Does this headline belong to this article? A template: put a question of your own in its place.

python projects/template_pairs/run.py
python projects/template_pairs/run.py --model k-nrm --learning-rate 0.03
python projects/template_pairs/run.py predict --input new.csv --output scored.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.pairs import PairConfig, PairModel, learner_of, pair_baselines, stages_of
from common.project import Project
from common.text.form import Unit
from common.tune.pairs import PAIR_SPACE


@dataclass(frozen=True)
class Config(PairConfig):
    """Settings of template_pairs; --help tells them all."""

    model: PairModel = "sentence-vectors"  # these are MiniLM's; k-nrm and others learn words here
    loss: Literal["pairs", "in-batch"] = "pairs"  # in-batch: for dssm and bi-encoder
    unit: Unit = "words"  # what a token is; "characters" for scripts without blanks
    length: int = 128  # tokens of each text that are read; the rest is cut off
    epochs: int = 20  # passes over the training pairs, at most
    batch_size: int = 32  # pairs in one step of the optimizer
    learning_rate: float = 3e-3  # peak; warmed up over the first epoch, then a cosine to zero


def load(config: Config):
    from projects.template_pairs.load import load

    return load(config.form, config.rows)


def prepare(rows, tables):
    from projects.template_pairs.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.template_pairs.model import build

    return build(config, table, target)


PROJECT = Project(
    name="template_pairs",
    question="Does this headline belong to this article?",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    baselines=pair_baselines,
    learner=learner_of,
    stages=stages_of,
    space=PAIR_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
