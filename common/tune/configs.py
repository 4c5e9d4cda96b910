"""Configs kept by name, runs/<project>/configs/<name>.json: `tune` writes, `--config` reads."""

import dataclasses
import difflib
import types
import typing
from pathlib import Path
from typing import Literal

from common.errors import UserError
from common.files import read_json, write_json
from common.project import Project, TrainingConfig
from common.runs import runs_folder


def config_path(project: str, name: str) -> Path:
    """The file of a config; UserError where `name` cannot be the name of a file."""
    if name != Path(name).name or name.startswith(".") or not name:
        raise UserError(f"{name!r} is not a file name. Use letters, digits, - and _.")
    return runs_folder(project) / "configs" / f"{name}.json"


def write_config(project: str, name: str, config: TrainingConfig) -> Path:
    """Keep every field of `config` under this name, in place of an older one."""
    path = config_path(project, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, dataclasses.asdict(config))
    return path


def read_config(project: Project, name: str) -> TrainingConfig:
    """The config of this name; fields that its file leaves out have their defaults.

    Raises UserError for an unknown name, an unknown field, and a value that the field cannot have.
    """
    path = config_path(project.name, name)
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("[!.]*.json"))) or "none"
        raise UserError(
            f"There is no config {name!r} in {path.parent}. Known: {known}. "
            f"Search one: python projects/{project.name}/run.py tune --study {name}"
        )
    try:
        fields = read_json(path)
        if not isinstance(fields, dict):
            raise UserError('Expected field names with their values, {"epochs": 12, …}.')
        fields = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        check_fields(project.config, fields)
        return project.config(**fields)
    except (UserError, ValueError) as error:  # ValueError: not JSON, or not UTF-8
        raise UserError(f"The config {path} cannot be used: {error}") from error


def check_fields(config: type[TrainingConfig], fields: dict[str, object]) -> None:
    """UserError for a name that is no field of `config`, or a value of another type."""
    kinds = typing.get_type_hints(config)
    for name, value in fields.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=1, cutoff=0)[0]
            raise UserError(f"{config.__name__} has no field {name!r}; the nearest is {near!r}.")
        if not fits(value, kinds[name]):
            kind = kinds[name]
            expected = kind.__name__ if isinstance(kind, type) else str(kind)
            raise UserError(f"{name} is {value!r}; expected {expected.replace('typing.', '')}.")


def fits(value: object, kind: object) -> bool:
    """Whether `value` is of a type as configs have them: int, tuple[int, …], Literal, unions."""
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return value in inner
    if typing.get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(fits(item, inner[0]) for item in value)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in inner)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
