"""The command `tune`: load once, try one config after another, keep the best under a name."""

from functools import partial
from pathlib import Path

from common.errors import UserError
from common.files import write_json
from common.project import Project, TrainingConfig
from common.runs import Run
from common.tune.objective import Trainings, prepare_trainings, trial_value
from common.tune.progress import Progress
from common.tune.space import Space, with_parameters
from common.tune.start import check_settings
from common.tune.study import open_search


def tune(
    project: Project,
    config: TrainingConfig,
    space: Space,
    folder: Path,
    settings: dict,
    trials: int,
    seconds: float | None,
    workers: int,
) -> None:
    """Search in `folder`, whose name is the study's, until `trials` are finished or time is up.

    settings: what has to stay the same in a study, kept beside it. seconds: no trial begins later
    than that after the first one. Raises UserError where data or settings are others.
    """
    with Run(folder).locked():
        trainings, fingerprint = prepare_trainings(project, config)
        settings = settings | {"data": fingerprint}
        check_settings(folder, settings)
        write_json(folder / "settings.json", settings)
        search = open_search(folder, config, space)
        progress = Progress(project, folder, search, trials, seconds)
        print(f"{len(search.finished())} of {trials} trials are finished", flush=True)
        try:
            if workers == 1:
                run_here(progress, trainings)
            else:
                from common.tune.workers import run_on_workers

                run_on_workers(progress, trainings, workers)
        except KeyboardInterrupt:
            progress.conclude()
            raise
        progress.conclude()


def run_here(progress: Progress, trainings: Trainings) -> None:
    """Trial after trial in this process."""
    search = progress.search
    while progress.goes_on():
        trial = search.ask()
        report = partial(progress.told, trial)
        try:
            chosen = with_parameters(search.config, search.space, trial.params)
            value = trial_value(progress.project, chosen, trainings, report)
        except UserError as error:
            progress.record(search.fail(trial, str(error)))
            continue
        progress.record(search.prune(trial) if value is None else search.complete(trial, value))
