"""The commands of every project: train (the default), tune, learning-curve, evaluate, …"""

import dataclasses
import sys
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import tyro

from common.errors import UserError
from common.exit_status import exit_status
from common.project import Project

Flat = tyro.conf.arg(name="")  # the fields of a dataclass as flags without a prefix
RunName = Annotated[str | None, tyro.conf.arg(metavar="NAME")]
ConfigName = Annotated[str | None, tyro.conf.arg(name="config", metavar="NAME")]
COMMANDS = ("train", "tune", "learning-curve", "evaluate", "predict", "report")
TRAINING_COMMANDS = COMMANDS[:3]
SHARES = (0.1, 0.25, 0.5, 1.0)  # of the training rows


def main(project: Project, arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 2 a user's mistake, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments.insert(0, "train")
    return exit_status(
        lambda: tyro.extras.subcommand_cli_from_dict(
            make_commands(project, arguments),
            prog=f"python projects/{project.name}/run.py",
            description=f"{project.question} Without a command: train. Its settings: train --help.",
            args=arguments,
            sort_subcommands=False,
        ),
        after_error=" --resume goes on with a training.",
        after_stop=" A training goes on from its last epoch with --resume; a search keeps its "
        "finished trials and goes on with the same command.",
    )


def make_commands(project: Project, arguments: list[str]) -> dict[str, Callable]:
    """The commands as functions, for one project; their arguments become flags.

    arguments: what the user gave, for the config it names, whose fields become the defaults.
    """
    defaults = named_config(project, arguments)
    several_seeds = dataclasses.replace(defaults, seeds=max(defaults.seeds, 3))

    def train(
        config: Annotated[project.config, Flat] = defaults,
        run: RunName = None,
        resume: bool = False,
        stored: ConfigName = None,
    ) -> None:
        """Load, check, train, evaluate and report (the default).

        Args:
            config: Settings of the training.
            run: Name of the run; by default the time.
            resume: Go on with the named or the newest incomplete run.
            stored: Settings found by tune, or kept by you in runs/<project>/configs/NAME.json; \
flags given beside it override them.
        """
        from common.files import write_json
        from common.runs import incomplete_run, new_run

        folder = incomplete_run(project.name, run) if resume else new_run(project.name, run)
        with folder.locked():
            if resume:
                begun = stored_config(project, folder)
                given = dataclasses.asdict(config) if stored else given_fields(project, arguments)
                check_resumed(folder.name, begun, config, given)
                config = begun
            write_json(folder.folder / "config.json", dataclasses.asdict(config))
            start_and_train(project, config, folder)

    def tune(
        config: Annotated[project.config, Flat] = defaults,
        trials: int = 30,
        seconds: float | None = None,
        study: Annotated[str, tyro.conf.arg(metavar="NAME")] = "tuned",
        workers: int = 1,
        stored: ConfigName = None,
    ) -> None:
        """Search for better settings on the validation rows; the same command again goes on.

        Args:
            config: Settings of every trial, but for those that are searched; a flag given here \
is not searched.
            trials: How many trials the study is to have; the first one is the settings as given.
            seconds: No trial begins later than this after the first; by default no limit.
            study: Name of the study, and of the config that it finds.
            workers: Trials at a time, each in a process with one CPU thread, by Ray Tune.
            stored: As in train: the settings to start from.
        """
        from common.tune.start import start_search

        start_search(
            project, config, given_fields(project, arguments), study, trials, seconds, workers
        )

    def learning_curve(
        config: Annotated[project.config, Flat] = several_seeds,
        shares: tuple[float, ...] = SHARES,
        stored: ConfigName = None,
    ) -> None:
        """Train on more and more of the rows: would more labels help? Looks at no test row.

        Args:
            config: Settings of every training.
            shares: Of the training rows, a training with each seed for each.
            stored: As in train: the settings to start from.
        """
        from common.backend import start_backend

        start_backend(config.precision, config.deterministic)
        from common.learning_curve import draw_learning_curve

        print(draw_learning_curve(project, config, shares, 1 if sys.stdout.isatty() else 2))

    def evaluate(run: RunName = None) -> None:
        """Score a complete run again, and write its report.

        Args:
            run: Name of the run; by default the newest complete one.
        """
        from common.backend import start_backend
        from common.runs import complete_run

        folder = complete_run(project.name, run)
        config = stored_config(project, folder)
        start_backend(config.precision, config.deterministic)
        from common.pipeline import evaluate_run
        from common.summary import summary

        with folder.locked():
            evaluate_run(project, config, folder)
        print(summary(folder.folder))

    def predict(
        input: Annotated[Path, tyro.conf.arg(metavar="FILE")],
        output: Annotated[Path, tyro.conf.arg(metavar="FILE")],
        run: RunName = None,
    ) -> None:
        """Answer for every row of a table.

        Args:
            input: Raw rows: CSV in any of its dialects, Excel, Parquet, JSON lines; of pictures \
also a folder, or one file; of pixels also a scene, an .npy file.
            output: CSV file to write.
            run: Name of the run; by default the newest complete one.
        """
        from common.backend import start_backend
        from common.runs import complete_run

        folder = complete_run(project.name, run)
        start_backend("float32")
        from common.bundle import load_bundle
        from common.predict import predict_file

        bundle = load_bundle(folder.bundle)
        print(*predict_file(bundle, project.prepare, input, output, project.output), sep="\n")

    def report(run: RunName = None) -> None:
        """Write report.html anew from what is in the run folder.

        Args:
            run: Name of the run; by default the newest complete one.
        """
        from common.report.page import write_report
        from common.runs import complete_run

        print(f"Report: {write_report(complete_run(project.name, run).folder, project.question)}")

    functions = (train, tune, learning_curve, evaluate, predict, report)
    return dict(zip(COMMANDS, functions, strict=True))


def named_config(project: Project, arguments: list[str]):
    """The config that --config names, or the project's defaults."""
    for flag, value in pairwise([*(part for word in arguments for part in word.split("=", 1)), ""]):
        if flag == "--config" and value and arguments[0] in TRAINING_COMMANDS:
            from common.tune.configs import read_config

            return read_config(project, value)
    return project.config()


def given_fields(project: Project, arguments: list[str]) -> set[str]:
    """The fields of the config that are among the user's flags, --no-… included."""
    flags = {word.split("=", 1)[0] for word in arguments if word.startswith("--")}
    names = {flag.removeprefix("--").replace("-", "_") for flag in flags}
    names |= {name.removeprefix("no_") for name in names}
    return names & {field.name for field in dataclasses.fields(project.config)}


def start_and_train(project: Project, config, folder) -> None:
    from common.backend import start_backend

    with folder.stage("start"):
        machine = start_backend(config.precision, config.deterministic)
    print(f"Run {folder.folder}, on {machine['device']}, {machine['precision']}")
    from common.pipeline import train_run
    from common.summary import summary

    train_run(project, config, folder, machine, verbose=1 if sys.stdout.isatty() else 2)
    print(summary(folder.folder))


def stored_config(project: Project, folder):
    """The config that a run was started with; UserError where it cannot be read."""
    from common.files import read_json

    try:
        fields = read_json(folder.folder / "config.json")
        return project.config(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in fields.items()
            }
        )
    except (OSError, TypeError, ValueError) as error:
        raise UserError(
            f"The config of {folder.folder} cannot be read ({error}). Start a new run."
        ) from error


def check_resumed(name: str, begun, config, given: Collection[str]) -> None:
    """UserError where the run `name` was begun with other values of the fields that are given."""
    for field in dataclasses.fields(begun):
        then, now = getattr(begun, field.name), getattr(config, field.name)
        if field.name in given and now != then:
            raise UserError(
                f"The run {name} was started with {field.name} {then}, not {now}. Resume it "
                "without flags and --config, or start a new run."
            )
