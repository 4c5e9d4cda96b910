"""Run folders: runs/<project>/<id>/, marked incomplete until everything in them is there."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from common.errors import UserError
from common.files import read_json, write_json, write_text

NO_RUNS = (
    "latest",
    "configs",
    "studies",
    "learning_curves",
)  # what else there is beside the run folders
ROOT = Path(__file__).resolve().parent.parent


def runs_folder(project: str) -> Path:
    """runs/<project> in the checkout, or below APPLIED_KERAS_RUNS."""
    return Path(os.environ.get("APPLIED_KERAS_RUNS") or ROOT / "runs") / project


@dataclass
class Run:
    """One run folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def incomplete_mark(self) -> Path:
        return self.folder / "INCOMPLETE"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announce a stage and keep its wall time, the latest where it is done again."""
        print(f"[{name}]", flush=True)
        start = time.perf_counter()
        yield
        seconds = round(time.perf_counter() - start, 3)
        write_json(self.folder / "seconds.json", self.seconds() | {name: seconds})

    def seconds(self) -> dict[str, float]:
        """Wall seconds of each stage, also of those before a kill and a resume."""
        path = self.folder / "seconds.json"
        return read_json(path) if path.exists() else {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working in this folder; freed even when this one is killed."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(
                f"Another process is working on {self.folder}. Wait until it is done, or stop it."
            ) from error
        try:
            for left in self.folder.rglob(".*-*"):  # halves of files from a killed process
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield
        finally:
            lock.release()

    def mark_complete(self) -> None:
        """Remove the checkpoints and the mark, and point runs/<project>/latest here."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        self.incomplete_mark.unlink(missing_ok=True)
        link = self.folder.parent / f".latest-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder.name)
        os.replace(link, self.folder.parent / "latest")


def new_run(project: str, name: str | None) -> Run:
    """Make the folder of a new run, called after the time unless a name is given."""
    parent = runs_folder(project)
    if name is not None and (name != Path(name).name or name in ("", ".", "..", *NO_RUNS)):
        raise UserError(f"--run {name!r} is not a folder name. Use letters, digits, - and _.")
    parent.mkdir(parents=True, exist_ok=True)
    moment = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    candidates = [name] if name else [moment, *(f"{moment}-{count}" for count in range(2, 100))]
    for candidate in candidates:
        beside = Run(parent / f".{os.getpid()}-{candidate}")
        beside.folder.mkdir()
        write_text(
            beside.incomplete_mark,
            "This run has not finished. Go on with it:\n"
            f"python projects/{project}/run.py --resume --run {candidate}\n",
        )
        try:  # a folder never stands under its name without the mark
            return Run(beside.folder.rename(parent / candidate))
        except OSError:
            shutil.rmtree(beside.folder)
            if not (parent / candidate).exists():
                raise
    raise UserError(
        f"The run {parent / candidates[0]} exists already. Choose another --run name, or go on "
        "with it: --resume."
    )


def complete_run(project: str, name: str | None) -> Run:
    """The named run, or the newest complete one."""
    return existing_run(project, name, complete=True)


def incomplete_run(project: str, name: str | None) -> Run:
    """The named run, or the newest incomplete one, for --resume."""
    return existing_run(project, name, complete=False)


def existing_run(project: str, name: str | None, complete: bool) -> Run:
    wanted = "complete" if complete else "incomplete"
    folder = runs_folder(project)
    runs = sorted(
        (
            Run(path)
            for path in folder.glob("[!.]*")
            if path.is_dir() and not path.is_symlink() and path.name not in NO_RUNS
        ),
        key=lambda run: run.folder.stat().st_ctime,
    )
    fitting = [run for run in runs if run.incomplete_mark.exists() != complete]
    if name in (None, "latest"):
        if not fitting:
            advice = (
                f"Train first: python projects/{project}/run.py"
                if complete
                else "Start a new run without --resume."
            )
            raise UserError(f"There is no {wanted} run in {folder}. {advice}")
        latest = folder / "latest"
        return Run(latest.resolve()) if complete and latest.exists() else fitting[-1]
    for run in fitting:
        if run.name == name:
            return run
    known = ", ".join(run.name for run in fitting[-5:]) or "none"
    raise UserError(
        f"There is no {wanted} run {name!r} in {folder}. {wanted.capitalize()} runs: {known}."
    )
