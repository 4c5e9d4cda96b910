"""Before a search: what can be refused is refused at once, before TensorFlow starts."""

import json
from collections.abc import Collection
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from common.errors import UserError
from common.files import read_json
from common.project import Project, TrainingConfig
from common.runs import runs_folder
from common.tune.configs import config_path
from common.tune.space import searched_space


def start_search(
    project: Project,
    config: TrainingConfig,
    given: Collection[str],
    name: str,
    trials: int,
    seconds: float | None,
    workers: int,
) -> None:
    """Search from `config`, whose fields in `given` stay as they are; the rest as in `tune`."""
    space = searched_space(project, config, given)
    config_path(project.name, name)
    for flag, value in (("trials", trials), ("workers", workers)):
        if value < 1:
            raise UserError(f"{flag} is {value}; expected a whole number from 1.")
    if seconds is not None and not seconds > 0:
        raise UserError(f"seconds is {seconds:g}; expected a number above 0.")
    if workers > 1 and not (find_spec("ray") and find_spec("pyarrow")):
        raise UserError(
            "--workers needs Ray Tune, which is not installed. Install it with: "
            'pip install -r requirements-ray.txt (or pip install "ray[tune]"), or leave --workers '
            "out."
        )
    folder = runs_folder(project.name) / "studies" / name
    settings = {"config": asdict(config), "space": {key: str(space[key]) for key in space}}
    check_settings(folder, settings)
    folder.mkdir(parents=True, exist_ok=True)

    from common.backend import start_backend

    machine = start_backend(config.precision, config.deterministic)
    print(f"Study {folder}, on {machine['device']}, {machine['precision']}")
    from common.tune.tune import tune

    tune(project, config, space, folder, settings, trials, seconds, workers)


def check_settings(folder: Path, settings: dict) -> None:
    """UserError where the study was begun with other settings; the first of them is named."""
    path = folder / "settings.json"
    if not path.exists():
        return
    stored, given = read_json(path), json.loads(json.dumps(settings))
    for part, values in given.items():
        if stored[part] == values:
            continue
        told = {"space": "another search space", "data": "other data"}.get(part)
        if part == "config":
            told = next(
                f"{name} {stored[part].get(name)}, not {value}"
                for name, value in values.items()
                if stored[part].get(name) != value
            )
        raise UserError(
            f"The study {folder.name} was begun with {told}: its trials would not compare. Take "
            "the settings that it was begun with, or begin another one: --study NAME."
        )
