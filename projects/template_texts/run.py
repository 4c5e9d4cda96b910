"""What is this article about? A template: put a question of your own in its place.

python projects/template_texts/run.py                train, evaluate, report
python projects/template_texts/run.py --model cnn    another network
python projects/template_texts/run.py predict --input new.csv --output scored.csv
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # finds common from any folder

from common.command_line import main
from common.project import Project
from common.text.form import Unit
from common.texts import TextConfig, text_baselines
from common.tune.texts import TEXT_SPACE


@dataclass(frozen=True)
class Config(TextConfig):
    """Settings of template_texts; --help tells them all."""

    unit: Unit = "words"  # what a token is; "characters" for scripts without blanks
    length: int = 256  # tokens of a text that are read; the rest is cut off
    folds: int = 1  # from 2: cross-validation over train and validation rows, a network a fold
    epochs: int = 20  # passes over the training texts, at most
    batch_size: int = 32  # texts in one step of the optimizer
    learning_rate: float = 5e-3  # peak; warmed up over the first epoch, then a cosine to zero


def load(config: Config):
    from projects.template_texts.load import load

    return load(config.form, config.rows)


def prepare(rows, tables):
    from projects.template_texts.load import prepare

    return prepare(rows, tables)


def build(config: Config, table, target):
    from projects.template_texts.model import build

    return build(config, table, target)


PROJECT = Project(
    name="template_texts",
    question="What is this article about?",
    config=Config,
    load=load,
    prepare=prepare,
    build=build,
    baselines=text_baselines,
    space=TEXT_SPACE,
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
