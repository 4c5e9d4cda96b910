"""Is this review, written in Chinese, negative or positive?

python projects/product_reviews/run.py                  train, evaluate, report
python projects/product_reviews/run.py --model cnn      another network
python projects/product_reviews/run.py --copies kept    the mistake that this data invites
python projects/product_reviews/run.py predict --input reviews.csv --output rated.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.text.form import Unit
from common.texts import TextConfig, stages_of, text_baselines
from common.tune.texts import TEXT_SPACE


@dataclass(frozen=True)
class Config(TextConfig):
    """Settings of product_reviews; --help tells them all."""

    copies: Literal["dropped", "kept"] = "dropped"  # kept: as one would who has not looked
    unit: Unit = "characters"  # what a token is: Chinese has no blanks between words
    length: int = 160  # tokens of a review that are read
    vocabulary: int = 6_000  # tokens at most that are known
    ngrams: int = 3  # runs of up to so many characters count, too
    dimension: int = 32  # length of a token's vector
    dropout: float = 0.6  # share of features silenced in each training step
    learning_rate: float = 5e-3  # peak; warmed up over the first epoch, then a cosine to zero
    epochs: int = 8  # passes over the training reviews, at most


def load(config: Config):
    from projects.product_reviews.load import load

    return load(config.form, config.copies, config.rows)


def prepare(rows, tables):
    from projects.product_reviews.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.product_reviews.model import build

    return build(config, table, target)


PROJECT = Project(
    name="product_reviews",
    question="Is this review negative or positive?",
    metric="accuracy",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    baselines=text_baselines,
    stages=stages_of,
    space=TEXT_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
