"""What every project hands to the command line: its name, question, settings, data and network."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from common.errors import UserError

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas as pd

    from common.data.dataset import Dataset
    from common.evaluation.baselines import Fit
    from common.models.heads import Target
    from common.models.table import Table
    from common.training.learner import Learner, Mix
    from common.training.stages import Stage
    from common.tune.space import Dimension


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of every training; a project's own dataclass adds its settings to these."""

    epochs: int = 20  # passes over the training rows, at most
    batch_size: int = 1024  # rows in one step of the optimizer
    learning_rate: float = 1e-3  # peak; warmed up over the first epoch, then a cosine to zero
    weight_decay: float = 1e-4  # AdamW's decoupled decay of the weights
    patience: int = 5  # epochs without a better validation metric before training stops
    # what picks the best weights: the loss, or the score of the task
    monitor: Literal["val_loss", "val_roc_auc", "val_accuracy", "val_rmse"] = "val_loss"
    class_weights: Literal["none", "balanced"] = "none"  # balanced: rare class up, calibration down
    seed: int = 0  # of weights, order of rows and dropout
    seeds: int = 1  # trainings from seed, seed + 1, …: scores with mean and spread
    ensemble: bool = False  # the bundle answers with the mean of all seeds' networks
    folds: int = 1  # from 2: cross-validation over train and validation rows, a network a fold
    rows: int = 0  # rows of each part to use, evenly spaced; 0: all of them
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto: mixed on new GPUs only
    deterministic: bool = False  # the same bits in every run on one machine; somewhat slower
    tensorboard: bool = False  # also write TensorBoard logs into the run folder
    diagnose: bool = False  # have the training doctor examine the network before training

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "seeds", "folds"):
            expect(self, name, getattr(self, name) >= 1, "a whole number from 1")
        for name in ("rows", "seed"):
            expect(self, name, getattr(self, name) >= 0, "0 or a positive whole number")
        expect(self, "learning_rate", 0 < self.learning_rate < 10, "between 0 and 10, say 0.001")
        expect(self, "ensemble", self.seeds > 1 or not self.ensemble, "with --seeds from 2 on")
        expect(self, "weight_decay", 0 <= self.weight_decay < 1, "from 0 to below 1")


def lower_is_better(monitor: str) -> bool:
    """Whether a training minimises what it monitors: a loss or error, or else a score."""
    return monitor in ("val_loss", "val_rmse")


def expect(config: TrainingConfig, name: str, holds: bool, expected: str) -> None:
    """Raise UserError with the field and what it should be, unless `holds`."""
    if not holds:
        raise UserError(f"{name} is {getattr(config, name)}; expected {expected}.")


@dataclass(frozen=True)
class Project:
    """One real problem. The functions import what they need when called: --help answers at once.

    load(config): the Dataset.
    prepare(rows, tables): raw rows (columns of the schema's required and optional) to feature
        columns, row by row; `load` uses it too, so that predict cannot differ from training.
    build(config, table, target): a keras.Model from encoded columns to the answer, as the builders
        in common/models give it; table: what is to know of the columns, target: of the target.
    output(rows, answers): rows of text and the answers to them, to the rows that predict writes,
        where those should be others than the rows with the answers beside them.
    fairness: slice columns that are groups of people, for two classes: how their rates differ.
    metric: the score by which models are compared, one of the task's in common/evaluation; where
        none is named roc_auc for two classes, log_loss for more, rmse for a number.
    space: the values that `tune` may try for fields of the config.
    baselines: from the config to rivals of the network by name, functions as in
        common/evaluation/baselines.py; by default a linear model and boosted trees on the columns.
        The constant is always one of them.
    mix: from the config to what joins the pictures of a training batch, or None: see
        common/models/augmentation.py.
    learner: from the config to the class of what is trained, where another loss than that of the
        task is wanted: see common/training/pair_learner.py.
    answering: from the config and a trained network to the one that answers in its place.
    stages: from the config, the untrained network and what it was built for to the trainings that
        it goes through, where that is more than one: see common/training/transfer.py.
    """

    name: str
    question: str
    config: type[TrainingConfig]
    load: "Callable[[TrainingConfig], Dataset]"
    prepare: "Callable[[pd.DataFrame, dict[str, pd.DataFrame]], pd.DataFrame]"
    build: "Callable[[TrainingConfig, Table, Target], keras.Model]"
    metric: str = ""
    output: "Callable[[pd.DataFrame, np.ndarray], pd.DataFrame] | None" = None
    space: "Mapping[str, Dimension]" = field(default_factory=dict)
    fairness: tuple[str, ...] = ()
    baselines: "Callable[[TrainingConfig], Mapping[str, Fit]] | None" = None
    mix: "Callable[[TrainingConfig], Mix | None] | None" = None
    learner: "Callable[[TrainingConfig], type[Learner]] | None" = None
    answering: "Callable[[TrainingConfig, keras.Model], keras.Model] | None" = None
    stages: "Callable[[TrainingConfig, keras.Model, Table, Target], Iterable[Stage]] | None" = None
