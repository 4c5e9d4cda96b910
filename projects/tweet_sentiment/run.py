"""Is this tweet negative, neutral or positive?

python projects/tweet_sentiment/run.py                                train, evaluate, report
python projects/tweet_sentiment/run.py --model gru                    another network
python projects/tweet_sentiment/run.py predict --input tweets.csv --output called.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.texts import TextConfig, stages_of, text_baselines
from common.tune.texts import TEXT_SPACE


@dataclass(frozen=True)
class Config(TextConfig):
    """Settings of tweet_sentiment; --help tells them all."""

    model: Literal["bag-of-ngrams", "cnn", "lstm", "gru", "transformer", "bert"] = "cnn"
    confidence_weights: bool = True  # a tweet counts in training as its annotators were sure
    length: int = 48  # tokens of a tweet that are read
    dropout: float = 0.5  # share of features silenced in each training step
    learning_rate: float = 1e-3  # peak; warmed up over the first epoch, then a cosine to zero
    epochs: int = 3  # passes over the training tweets, at most


def load(config: Config):
    from projects.tweet_sentiment.load import load

    return load(config.form, config.confidence_weights, config.rows)


def prepare(rows, tables):
    from projects.tweet_sentiment.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.tweet_sentiment.model import build

    return build(config, table, target)


PROJECT = Project(
    name="tweet_sentiment",
    question="Is this tweet negative, neutral or positive?",
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
