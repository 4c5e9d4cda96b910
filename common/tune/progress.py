"""How far a search has come: when it ends, and what it writes after each trial."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from common.errors import UserError
from common.files import write_text
from common.plots.style import save
from common.plots.tuning import search_picture
from common.project import Project, lower_is_better
from common.tune.configs import write_config
from common.tune.space import with_parameters
from common.tune.study import ERROR, Search
from common.tune.table import summary, trial_line, trials_frame

CLEAR = "\r\x1b[K"  # what a terminal takes for: to the start of the line, and empty it
HOPELESS = 3  # trials that failed, and none that did not


@dataclass
class Progress:
    """How far a search has come: whether it goes on, and what is written after each trial."""

    project: Project
    folder: Path
    search: Search
    trials: int
    seconds: float | None
    started: float = field(default_factory=time.monotonic)

    def goes_on(self) -> bool:
        """Whether another trial is to begin."""
        begun = [trial for trial in self.search.trials() if trial.state != TrialState.WAITING]
        late = self.seconds is not None and time.monotonic() - self.started > self.seconds
        return len(begun) < self.trials and not late and not self.hopeless()

    def hopeless(self) -> bool:
        states = [trial.state for trial in self.search.finished()]
        return len(states) >= HOPELESS and set(states) == {TrialState.FAIL}

    def told(self, trial: optuna.Trial, step: int, value: float) -> bool:
        """Keep the value of an epoch; whether the trial is to be stopped."""
        trial.report(value, step)
        if sys.stdout.isatty():
            number = self.search.number_of(trial)
            print(f"{CLEAR}trial {number}, epoch {step + 1}: {value:.4g}", end="", flush=True)
        return trial.should_prune()

    def record(self, trial: FrozenTrial) -> None:
        """Write all trials and the best config, then print the trial that has finished."""
        write_text(self.folder / "trials.csv", trials_frame(self.search).to_csv(index=False))
        best = self.search.best()
        if best:
            config = with_parameters(self.search.config, self.search.space, best.params)
            write_config(self.project.name, self.folder.name, config)
        clear = CLEAR if sys.stdout.isatty() else ""
        print(clear + trial_line(self.search, trial, self.trials), flush=True)

    def conclude(self) -> None:
        """The picture, and on the terminal what came out; UserError where nothing did."""
        if not self.search.best():
            failed = [trial for trial in self.search.finished() if trial.state == TrialState.FAIL]
            if failed:
                raise UserError(
                    f"Every trial failed, the last one so: {failed[-1].user_attrs[ERROR]} Mend "
                    "the default settings or the search space, then start another --study."
                )
            print("No trial is finished yet.")
            return
        path, monitor = self.folder / "search.png", self.search.config.monitor
        frame, lower = trials_frame(self.search), lower_is_better(monitor)
        save(search_picture(frame, monitor, self.search.space, lower), path)
        print(summary(self.search, self.project, self.folder.name))
        print(f"Picture: {path}")
