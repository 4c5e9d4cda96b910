"""The same search on several processes or machines: Ray Tune runs the trials of one study.

This process asks the study for configs, judges what the workers tell, and writes; a worker only
trains. With RAY_ADDRESS set, the workers are those of that cluster, else they run on this machine.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna
import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from common.errors import UserError
from common.project import Project, TrainingConfig
from common.runs import ROOT
from common.tune.progress import Progress
from common.tune.space import Space, with_parameters

RETRIES = 2  # times that a trial is begun again because its worker died
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else Ray reports its use over the network
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a worker without a graphics card sees none
    "RAY_AIR_NEW_OUTPUT": "0",  # the new one prints boxes even at verbose=0
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the search, not the trials one by one
}


def run_on_workers(progress: Progress, trainings: object, workers: int) -> None:
    """Run the trials of `progress`, as many at a time as there are workers.

    trainings: what all trials learn from, a `Trainings`; sent to each machine once.
    """
    search = progress.search
    with cluster(workers), tempfile.TemporaryDirectory() as folder:
        train = worker(progress.project, search.config, search.space, ray.put(trainings))
        cards = 1 if ray.cluster_resources().get("GPU", 0) >= workers else 0
        running = {}
        tune.Tuner(
            tune.with_resources(train, {"cpu": 1, "gpu": cards}),
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(progress, running),
                scheduler=MedianStop(progress, running),
                num_samples=-1,  # until the searcher has finished
                max_concurrent_trials=workers,
                reuse_actors=True,  # a worker starts TensorFlow once
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                callbacks=[Retries(progress, running)],
                verbose=0,
            ),
        ).fit()


@contextmanager
def cluster(workers: int) -> Iterator[None]:
    """The cluster of RAY_ADDRESS, or one of `workers` CPUs on this machine; and its end."""
    os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # `Retries` tells of failures
    address = os.environ.get("RAY_ADDRESS")
    ray.init(
        address=address or "local",
        num_cpus=None if address else workers,
        include_dashboard=None if address else False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        runtime_env={
            "working_dir": str(ROOT),  # without what .gitignore names
            "excludes": [".git", "notebooks", "benchmarks", "*.png"],
            "env_vars": ONE_THREAD,
        },
    )
    try:
        yield
    finally:
        ray.shutdown()


def worker(
    project: Project, config: TrainingConfig, space: Space, trainings: ray.ObjectRef
) -> Callable[[dict], None]:
    """The function that a worker runs for each trial, given the values of the searched fields."""

    def train(setting: dict) -> None:
        from common.backend import start_backend

        start_backend(config.precision, config.deterministic)
        from common.tune.objective import trial_value

        def report(step: int, value: float) -> bool:
            tune.report({"step": step, "value": value})  # does not return where Ray stops the trial
            return False

        try:
            chosen = with_parameters(config, space, setting["chosen"])
            value = trial_value(project, chosen, ray.get(trainings), report)
        except UserError as error:
            tune.report({"error": str(error)})
        except Exception as error:  # raised again, it would only be tried again
            told = f"{type(error).__name__}: {error}. Search without --workers to see where."
            tune.report({"error": told})
        else:
            tune.report({"reached": value})

    return train


class StudySearcher(Searcher):
    """Gives Ray Tune the configs that the study draws, and the study how they ended."""

    def __init__(self, progress: Progress, running: dict[str, optuna.Trial]):
        super().__init__()
        self.progress = progress
        self.running = running

    def suggest(self, trial_id: str) -> dict | str:
        if not self.progress.goes_on():
            return Searcher.FINISHED
        self.running[trial_id] = self.progress.search.ask()
        return {"chosen": self.running[trial_id].params}

    def on_trial_complete(
        self, trial_id: str, result: dict | None = None, error: bool = False
    ) -> None:
        trial, search = self.running.pop(trial_id), self.progress.search
        if error or not result:
            ended = search.fail(trial, f"Its worker died {RETRIES + 1} times.")
        elif "error" in result:
            ended = search.fail(trial, result["error"])
        elif "reached" in result:
            ended = search.complete(trial, result["reached"])
        else:
            ended = search.prune(trial)
        self.progress.record(ended)


class MedianStop(FIFOScheduler):
    """Stops a trial where the study's own median rule would."""

    def __init__(self, progress: Progress, running: dict[str, optuna.Trial]):
        super().__init__()
        self.progress = progress
        self.running = running
        self.steps: dict[str, int] = {}

    def on_trial_result(self, tune_controller, trial, result: dict) -> str:
        step = result.get("step", -1)
        if step <= self.steps.get(trial.trial_id, -1):
            return self.CONTINUE  # the last word of a trial, or one that was begun again
        self.steps[trial.trial_id] = step
        stop = self.progress.told(self.running[trial.trial_id], step, result["value"])
        return self.STOP if stop else self.CONTINUE


class Retries(tune.Callback):
    """Tells when a worker died and its trial begins again."""

    def __init__(self, progress: Progress, running: dict[str, optuna.Trial]):
        self.progress = progress
        self.running = running

    def on_trial_recover(self, iteration: int, trials: list, trial, **info) -> None:
        number = self.progress.search.number_of(self.running[trial.trial_id])
        print(f"The worker of trial {number} died; the trial begins again.", flush=True)
