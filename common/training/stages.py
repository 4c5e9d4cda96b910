"""The trainings that a network goes through, one after the other: mostly one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras

from common.models.heads import Target
from common.models.table import IMAGE, Table
from common.project import Project, TrainingConfig, lower_is_better
from common.training.fit import fit
from common.training.learner import Learner
from common.training.part import Part
from common.training.streaming import EncodedRows


@dataclass(frozen=True)
class Stage:
    """One training of a network.

    network: what learns, the whole or a part of it. taken: from a part of the rows to what this
    network takes of it. finish: puts what was learned into the whole. rates: as in `fit`.
    """

    name: str
    network: keras.Model
    config: TrainingConfig
    taken: Callable[[Part], Part] = lambda part: part
    finish: Callable[[], None] = lambda: None
    rates: Mapping[str, float] = field(default_factory=dict)


def one_stage(
    config: TrainingConfig, network: keras.Model, table: Table, target: Target
) -> list[Stage]:
    """The network as it is, on rows as they are."""
    return [Stage("", network, config)]


def fit_stages(
    project: Project,
    config: TrainingConfig,
    network: keras.Model,
    table: Table,
    target: Target,
    train: Part | EncodedRows,
    validation: Part,
    seed: int,
    checkpoint: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 2,
) -> list[dict[str, float]]:
    """Train `network` in place, stage after stage, and leave the weights of the best epoch in it.

    checkpoint: path of its files without ending. Returns the history as `fit` does, epochs counted
    on from stage to stage, and "stage" where it has a name. Raises as `fit` does.
    """
    history, best = [], None
    for stage in (project.stages or one_stage)(config, network, table, target):
        epochs = fit(
            stage.network,
            target,
            train if isinstance(train, EncodedRows) else stage.taken(train),
            stage.taken(validation),
            stage.config,
            seed,
            checkpoint.with_name(f"{checkpoint.name}{stage.name and '-'}{stage.name}.safetensors"),
            callbacks,
            verbose,
            mix=project.mix(config) if project.mix and IMAGE in stage.network.input else None,
            rates=stage.rates,
            kind=project.learner(config) if project.learner else Learner,
        )
        stage.finish()
        values = [epoch[config.monitor] for epoch in epochs]
        value = min(values) if lower_is_better(config.monitor) else -max(values)
        if best is None or value < best:
            best, weights = value, network.get_weights()
        told = {"stage": stage.name} if stage.name else {}
        history += [epoch | told | {"epoch": len(history) + epoch["epoch"]} for epoch in epochs]
    network.set_weights(weights)
    return history
