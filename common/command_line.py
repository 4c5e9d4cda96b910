"""The commands of every project: train (the default), evaluate, predict, report."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from common.errors import UserError
from common.project import Project

Flat = tyro.conf.arg(name="")  # the fields of a dataclass as flags without a prefix
RunName = Annotated[str | None, tyro.conf.arg(metavar="NAME")]


def main(project: Project, arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 2 a user's mistake, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    commands = make_commands(project)
    if not arguments or arguments[0] not in (*commands, "-h", "--help"):
        arguments.insert(0, "train")
    try:
        tyro.extras.subcommand_cli_from_dict(
            commands,
            prog=f"python projects/{project.name}/run.py",
            description=f"{project.question} Without a command: train. Its settings: train --help.",
            args=arguments,
            sort_subcommands=False,
        )
    except UserError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f" {error.filename}" if error.filename else " a file"
        print(
            f"\nError: cannot read or write{where}: {error.strerror or error}. Nothing "
            "half-written was left behind. Free some space or choose another place, then run "
            "again; --resume goes on with a training.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nStopped. A training goes on from its last epoch with --resume.", file=sys.stderr)
        return 130
    return 0


def make_commands(project: Project) -> dict[str, Callable]:
    """The four commands as functions, for one project; their arguments become flags."""

    def train(
        config: Annotated[project.config, Flat], run: RunName = None, resume: bool = False
    ) -> None:
        """Load, check, train, evaluate and report (the default).

        Args:
            config: Settings of the training.
            run: Name of the run; by default the time.
            resume: Go on with the named or the newest incomplete run.
        """
        from common.files import write_json
        from common.runs import incomplete_run, new_run

        folder = incomplete_run(project.name, run) if resume else new_run(project.name, run)
        with folder.locked():
            if resume:
                config = stored_config(project, folder, given=config)
            write_json(folder.folder / "config.json", dataclasses.asdict(config))
            start_and_train(project, config, folder)

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
        from common.pipeline import evaluate_run, summary

        with folder.locked():
            evaluate_run(project, config, folder)
        print(summary(folder.folder))

    def predict(
        input: Annotated[Path, tyro.conf.arg(metavar="FILE")],
        output: Annotated[Path, tyro.conf.arg(metavar="FILE")],
        run: RunName = None,
    ) -> None:
        """Add probability and label to every row of a CSV file.

        Args:
            input: CSV file of raw rows.
            output: CSV file to write.
            run: Name of the run; by default the newest complete one.
        """
        from common.backend import start_backend
        from common.runs import complete_run

        folder = complete_run(project.name, run)
        start_backend("float32")
        from common.bundle import load_bundle
        from common.predict import predict_file

        print(*predict_file(load_bundle(folder.bundle), project.prepare, input, output), sep="\n")

    def report(run: RunName = None) -> None:
        """Write report.html anew from what is in the run folder.

        Args:
            run: Name of the run; by default the newest complete one.
        """
        from common.report.page import write_report
        from common.runs import complete_run

        print(f"Report: {write_report(complete_run(project.name, run).folder, project.question)}")

    return {"train": train, "evaluate": evaluate, "predict": predict, "report": report}


def start_and_train(project: Project, config, folder) -> None:
    from common.backend import start_backend

    with folder.stage("start"):
        machine = start_backend(config.precision, config.deterministic)
    print(f"Run {folder.folder}, on {machine['device']}, {machine['precision']}")
    from common.pipeline import summary, train_run

    train_run(project, config, folder, machine, verbose=1 if sys.stdout.isatty() else 2)
    print(summary(folder.folder))


def stored_config(project: Project, folder, given=None):
    """The config that a run was started with; UserError where flags given now differ from it."""
    from common.files import read_json

    try:
        fields = read_json(folder.folder / "config.json")
        stored = project.config(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in fields.items()
            }
        )
    except (OSError, TypeError, ValueError) as error:
        raise UserError(
            f"The config of {folder.folder} cannot be read ({error}). Start a new run."
        ) from error
    default = project.config()
    for field in dataclasses.fields(stored):
        now = getattr(given or default, field.name)
        if now not in (getattr(default, field.name), getattr(stored, field.name)):
            raise UserError(
                f"The run {folder.name} was started with {field.name} "
                f"{getattr(stored, field.name)}, not {now}. Resume without this flag, or start a "
                "new run."
            )
    return stored
