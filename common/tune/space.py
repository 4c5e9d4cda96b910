"""What a search may change: for each field of a project's config, the values it may take.

    SPACE = {"learning_rate": Real(1e-4, 1e-2, logarithmic=True), "dropout": Real(0.0, 0.5)}

It is handed over as `Project.space`; those for tables, pictures, texts, pairs of texts and scenes
stand in tabular.py, pictures.py, texts.py, pairs.py and scenes.py.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from common.errors import UserError
from common.project import Project, TrainingConfig, expect
from common.tune.configs import check_fields

# They say which rows are read, what is measured, or when: values of trials would not compare.
NEVER_SEARCHED = (
    "seed", "seeds", "ensemble", "folds", "rows", "monitor", "epochs", "precision",
    "deterministic", "tensorboard",
)  # fmt: skip


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`; logarithmic: every power of ten is as likely."""

    low: float
    high: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        check_borders(self)

    def ends(self) -> tuple[float, float]:
        return float(self.low), float(self.high)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included; logarithmic as in `Real`."""

    low: int
    high: int
    logarithmic: bool = False

    def __post_init__(self) -> None:
        check_borders(self)

    def ends(self) -> tuple[int, int]:
        return self.low, self.high

    def holds(self, value: int) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of some values, without an order between them."""

    options: tuple

    def __post_init__(self) -> None:
        if len({label(option) for option in self.options}) < max(2, len(self.options)):
            raise UserError(f"{self} needs two options or more, each of them once.")

    def ends(self) -> tuple:
        return self.options

    def holds(self, value: object) -> bool:
        return value in self.options


Dimension = Real | Whole | Choice
Space = Mapping[str, Dimension]


def check_borders(dimension: Real | Whole) -> None:
    if not dimension.low < dimension.high or (dimension.logarithmic and dimension.low <= 0):
        raise UserError(f"{dimension} needs low < high, and low above 0 where logarithmic.")


def label(option: object) -> str:
    """An option of a `Choice` in words, as on the command line: (256, 128) as "256 128"."""
    if isinstance(option, tuple):
        return " ".join(str(part) for part in option) or "none"
    return str(option)


def searched_space(
    project: Project, config: TrainingConfig, given: Collection[str]
) -> dict[str, Dimension]:
    """The project's space without the fields in `given`, whose values the user has fixed.

    Raises UserError for a project without a space, nothing left to search, and a space that the
    config does not allow or that leaves out the config's own values.
    """
    if not project.space:
        raise UserError(
            f"{project.name} has no search space. Hand one over in "
            f"projects/{project.name}/run.py: Project(…, space=TABULAR_SPACE), as "
            "projects/house_prices does, or one of your own, as common/tune/space.py shows."
        )
    for name, dimension in project.space.items():
        check_dimension(name, dimension, config)
    space = {name: dimension for name, dimension in project.space.items() if name not in given}
    if not space:
        raise UserError(
            "Every field of the search space is given on the command line: nothing is left to "
            f"search. Leave out one of {', '.join(project.space)}."
        )
    for name, dimension in space.items():
        expect(config, name, dimension.holds(getattr(config, name)), f"to lie in {dimension}")
    return space


def check_dimension(name: str, dimension: Dimension, config: TrainingConfig) -> None:
    """UserError unless `name` is a field that may be searched and every end of it is allowed."""
    where = f"The search space has {name} = {dimension}"
    if name in NEVER_SEARCHED:
        raise UserError(f"{where}. The values of trials that differ in it would not compare.")
    for value in dimension.ends():
        try:
            check_fields(type(config), {name: value})
            dataclasses.replace(config, **{name: value})
        except UserError as error:
            raise UserError(f"{where}, but {error}") from error


def parameters(config: TrainingConfig, space: Space) -> dict[str, float | int | str]:
    """The config's values of the searched fields; options of a `Choice` by their label."""
    return {
        name: label(getattr(config, name)) if isinstance(dimension, Choice)
        else getattr(config, name)
        for name, dimension in space.items()
    }  # fmt: skip


def with_parameters(
    config: TrainingConfig, space: Space, chosen: Mapping[str, float | int | str]
) -> TrainingConfig:
    """The config with the searched fields as in `chosen`; the reverse of `parameters`."""
    values = {}
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            values[name] = {label(option): option for option in dimension.options}[chosen[name]]
        else:
            values[name] = chosen[name]
    return dataclasses.replace(config, **values)
