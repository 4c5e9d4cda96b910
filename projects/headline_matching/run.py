"""Does this headline belong to this article, and which article does it belong to?

python projects/headline_matching/run.py                      train, evaluate, report
python projects/headline_matching/run.py --model k-nrm --loss pairs --unit bert --learning-rate 0.01
python projects/headline_matching/run.py predict --input pairs.csv --output matched.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.pairs import PairConfig, learner_of, search_baselines, stages_of
from common.project import Project
from common.tune.pairs import PAIR_SPACE


@dataclass(frozen=True)
class Config(PairConfig):
    """Settings of headline_matching; --help tells them all."""

    wrong: Literal["topic", "similar"] = "topic"  # training: wrong articles of the topic, or alike
    split: int = 0  # which random split into train, validation and test
    epochs: int = 3  # passes over the training pairs, at most
    learning_rate: float = 5e-5  # peak; warmed up over the first epoch, then a cosine to zero


def load(config: Config):
    from projects.headline_matching.load import load

    return load(config.form, config.wrong, config.split, config.rows)


def prepare(rows, tables):
    from projects.headline_matching.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.headline_matching.model import build

    return build(config, table, target)


PROJECT = Project(
    name="headline_matching",
    question="Does this headline belong to this article?",
    metric="roc_auc",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    baselines=search_baselines,
    learner=learner_of,
    stages=stages_of,
    space=PAIR_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
