"""One search in its folder, runs/<project>/studies/<name>/: every trial in an Optuna journal.

A killed search loses nothing that is finished. What was under way is begun again, and since what
the sampler draws follows from the seed and the number of trials before, the search goes on as if it
had never stopped.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from common.project import TrainingConfig, lower_is_better
from common.tune.space import Choice, Real, Space, label, parameters

FIRST_TRIALS = 5  # completed before any is stopped early
DEFAULT = "default"  # marks the trial of the config as it was given
ERROR = "error"  # why a trial failed; one without it was interrupted


@dataclass(frozen=True)
class Search:
    """An Optuna study with the config that its trials start from."""

    study: optuna.Study
    config: TrainingConfig
    space: Space

    def ask(self) -> optuna.Trial:
        """The next trial: one to begin again if there is any, else what the sampler draws.

        TPE: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; the first
        ten trials are drawn at random.
        """
        before = len([trial for trial in self.trials() if trial.state != TrialState.WAITING])
        seed = np.random.SeedSequence([self.config.seed, before]).generate_state(1)
        self.study.sampler = optuna.samplers.TPESampler(seed=int(seed[0]))
        return self.study.ask(distributions(self.space))

    def fail(self, trial: optuna.Trial, error: str) -> FrozenTrial:
        trial.set_user_attr(ERROR, error)
        return self.study.tell(trial, state=TrialState.FAIL)

    def prune(self, trial: optuna.Trial) -> FrozenTrial:
        return self.study.tell(trial, state=TrialState.PRUNED)

    def complete(self, trial: optuna.Trial, value: float) -> FrozenTrial:
        return self.study.tell(trial, value)

    def trials(self) -> list[FrozenTrial]:
        """All trials in their order, those that were interrupted left out."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state != TrialState.FAIL or ERROR in trial.user_attrs
        ]

    def number_of(self, trial: FrozenTrial | optuna.Trial) -> int:
        """The number that people see, from 1; Optuna's counts interrupted trials too."""
        return 1 + [each.number for each in self.trials()].index(trial.number)

    def finished(self) -> list[FrozenTrial]:
        """Completed, stopped early, or failed by themselves."""
        return [trial for trial in self.trials() if trial.state.is_finished()]

    def best(self) -> FrozenTrial | None:
        """The completed trial of the best value, the earliest of equal ones."""
        completed = [trial for trial in self.finished() if trial.state == TrialState.COMPLETE]
        sign = 1 if lower_is_better(self.config.monitor) else -1
        return min(completed, key=lambda trial: sign * trial.value, default=None)


def open_search(folder: Path, config: TrainingConfig, space: Space) -> Search:
    """The search kept in `folder`, a new one if there is none. Its first trial is `config` itself.

    The caller has to keep other processes from `folder`: trials that are not finished are taken for
    dead ones, and are put back into the queue.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=JournalStorage(open_journal(folder / "journal.log")),
        study_name=folder.name,
        direction="minimize" if lower_is_better(config.monitor) else "maximize",
        # The rate is warmed up over the first epoch, whose value says little.
        pruner=optuna.pruners.MedianPruner(FIRST_TRIALS, n_warmup_steps=max(1, config.epochs // 4)),
        load_if_exists=True,
    )
    search = Search(study, config, space)
    for trial in search.trials():
        if trial.state == TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
            if DEFAULT not in trial.user_attrs:
                study.enqueue_trial(trial.params)
    if not any(DEFAULT in trial.user_attrs for trial in search.trials()):
        study.enqueue_trial(parameters(config, space), user_attrs={DEFAULT: True})
    return search


def open_journal(path: Path) -> JournalFileBackend:
    """Optuna's journal without what a kill in the middle of a write left: half a line, a lock."""
    Path(f"{path}.lock").unlink(missing_ok=True)
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    return JournalFileBackend(str(path))


def distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    """The space in Optuna's terms; options of a `Choice` by their label."""
    found = {}
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            found[name] = CategoricalDistribution([label(option) for option in dimension.options])
        else:
            kind = FloatDistribution if isinstance(dimension, Real) else IntDistribution
            found[name] = kind(dimension.low, dimension.high, log=dimension.logarithmic)
    return found
