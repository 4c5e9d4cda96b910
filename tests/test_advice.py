"""What is said of learning curves, on real trainings that are in the state that is named."""

import dataclasses
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pytest
import tyro

from common.command_line import Flat
from common.data.dataset import PARTS
from common.evaluation.advice import advise
from common.evaluation.evaluate import score_models
from common.training.train import history_frame, prepare_rows, train_seed
from projects.flight_delays.run import PROJECT, Config

SMALL = Config(
    model="mlp", units=32, blocks=1, number_embedding="none", dropout=0.0, learning_rate=1e-3
)


class Trainer:
    """Trains on one dataset, and says what `advise` says of it."""

    def __init__(self, dataset):
        self.dataset, self.prepared = dataset, prepare_rows(dataset)

    def train(self, config):
        """The history of a training, and its test scores beside the class prior's, as in a run."""
        with TemporaryDirectory() as folder:
            trained = train_seed(PROJECT, config, self.prepared, 0, Path(folder))
        examples = [self.dataset.examples(part) for part in ("validation", "test")]
        answers = {
            "network": {"validation": trained.validation[:, 0], "test": trained.test[:, 0]},
            "class_prior": {part: np.full(3000, 0.2) for part in ("validation", "test")},
        }
        _, scores, comparison = score_models(self.dataset.schema, "roc_auc", *examples, answers)
        metrics = {
            "task": "binary",
            "test": scores.pop("network"),
            "baselines": scores,
            "comparison": comparison,
            "rows": {"train": 3000},
            "seconds": {"train": 100.0},
        }
        return history_frame([trained]), metrics

    def advise(self, **settings):
        config = dataclasses.replace(SMALL, **settings)
        history, metrics = self.train(config)
        return history, advise(history, metrics, config, PROJECT)


@pytest.fixture(scope="module")
def trainer(flights):
    return Trainer(flights)


def settings_of(command):
    """The config that a proposed command line gives: its flags are real ones."""
    program, path, *flags = shlex.split(command)
    assert (program, path) == ("python", "projects/flight_delays/run.py")
    return tyro.cli(Annotated[Config, Flat], args=flags)


def changes_of(advice):
    """For each proposed training what it changes in SMALL, and the rest of the commands."""
    commands = [each["command"] for each in advice["commands"]]
    return [settings_of(command) for command in commands if " tune " not in command]


def best_loss(history):
    return history["val_loss"].min()


def test_a_training_cut_short_is_still_improving_and_gains_by_what_is_proposed(trainer):
    history, advice = trainer.advise(epochs=2, batch_size=256)
    assert advice["state"] == "still improving"
    longer, smaller_batches = changes_of(advice)
    assert longer == dataclasses.replace(SMALL, epochs=4, batch_size=256)
    assert smaller_batches == dataclasses.replace(SMALL, epochs=2, batch_size=64)
    assert best_loss(trainer.train(smaller_batches)[0]) < best_loss(history) - 0.01
    assert advice["commands"][2]["command"] == (
        "python projects/flight_delays/run.py tune --trials 6 --epochs 2 --batch-size 256 "
        "--model mlp"
    )
    assert "about 10 min" in advice["commands"][2]["why"]


def test_learning_by_heart_is_overfitting_and_dropout_helps(trainer):
    history, advice = trainer.advise(
        epochs=10, patience=10, units=256, learning_rate=5e-3, batch_size=64
    )
    assert advice["state"] == "overfitting"
    assert "learned its training rows by heart" in advice["meaning"]
    dropout, *_ = changes_of(advice)
    assert dropout.dropout == 0.2
    assert best_loss(trainer.train(dropout)[0]) < best_loss(history)


def test_steps_far_too_large_are_told(trainer):
    _, advice = trainer.advise(model="tabm", members=4, epochs=4, learning_rate=0.3)
    assert advice["state"] == "diverged"
    smaller, examined = changes_of(advice)
    assert smaller.learning_rate == 0.03
    assert examined.diagnose


def test_steps_too_small_are_told_and_the_usual_ones_learn(trainer):
    history, advice = trainer.advise(epochs=4, learning_rate=1e-6, batch_size=256)
    assert advice["state"] == "hardly learned"
    assert "48 steps" in advice["meaning"]
    larger, *_ = changes_of(advice)
    assert larger.learning_rate == 1e-3
    assert best_loss(trainer.train(larger)[0]) < best_loss(history) - 0.01


def test_rows_with_the_targets_of_others_are_at_chance(flights):
    target, generator = flights.target.copy(), np.random.default_rng(0)
    for part in PARTS:
        rows = flights.part == part
        target[rows] = generator.permutation(target[rows])
    mixed = Trainer(dataclasses.replace(flights, target=target))
    _, advice = mixed.advise(epochs=3, batch_size=64)
    assert advice["state"] == "at chance"
    (examined,) = changes_of(advice)
    assert examined.diagnose


def test_a_sound_training_levels_off(trainer):
    config = dataclasses.replace(SMALL, epochs=10, batch_size=64, patience=10, dropout=0.3)
    history, metrics = trainer.train(config)
    advice = advise(history, metrics, config, PROJECT)
    assert advice["state"] == "levelled off"
    assert [config.seeds for config in changes_of(advice)] == [5]
    beaten = {"verdict": "The network is worse than …", "best_baseline": "hist_gradient_boosting"}
    advice = advise(history, metrics | {"comparison": beaten}, config, PROJECT)
    assert advice["state"] == "worse than a baseline"
    assert "use hist gradient boosting" in advice["meaning"]
    assert changes_of(advice)[0].ensemble
