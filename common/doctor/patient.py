"""The table on the doctor's couch: its file as read, its typed columns, and the part each plays."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from common.data.columns import present
from common.data.combination import parts_of
from common.data.dataset import Task
from common.data.finding import Finding
from common.data.roles import group_column, id_like, time_column
from common.data.target import single_scores, suspects, task_of
from common.data.typed_table import check_names, typed_frame
from common.errors import UserError
from common.reading.table_file import RawTable, read_table
from common.reading.understand import ColumnReading, understand_table


@dataclass(frozen=True)
class Advised(Finding):
    """A finding with what to do about it.

    advice: in words; code: what to write, a flag of `common.new` or lines for a project's load.py;
    rows: some of the rows it is about, each a dict of what to show, the line of the file first.
    """

    advice: str = ""
    code: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Patient:
    """A table to examine.

    frame: the columns that are not empty, typed as in `common.data.columns`, indexed by line of the
    file; target: the column to predict, "" for none. Raises UserError for one that cannot be.
    """

    path: Path
    raw: RawTable
    readings: dict[str, ColumnReading]
    frame: pd.DataFrame
    target: str

    def __post_init__(self) -> None:
        if self.target:
            task_of(self.frame[self.target])

    @property
    def task(self) -> Task | None:
        return task_of(self.frame[self.target])[0] if self.target else None

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """The rows whose target is known; all of them without a target."""
        return self.frame[present(self.frame[self.target])] if self.target else self.frame

    @cached_property
    def inputs(self) -> list[str]:
        """The columns to predict from: not the target, a name of the row or a suspected leak."""
        apart = {self.target, *self.ids, *self.leaks}
        return [name for name in self.frame if name not in apart]

    @cached_property
    def leaks(self) -> dict[str, str]:
        """Columns that probably know the answer, alone or together."""
        if not self.scores:
            return {}
        return suspects(self.scores, self.task) | parts_of(self.frame, self.target)

    @property
    def without_leaks(self) -> str:
        return f" (leaving out {', '.join(self.leaks)})" if self.leaks else ""

    @cached_property
    def ids(self) -> dict[str, str]:
        apart = {self.target, self.group[0], *self.texts}
        return id_like(self.frame.drop(columns=apart - {"", None}))

    @cached_property
    def texts(self) -> list[str]:
        return [name for name in self.frame if self.readings[name].kind == "text"]

    @cached_property
    def time(self) -> tuple[str | None, str]:
        return time_column(self.frame, self.target or None)

    @cached_property
    def group(self) -> tuple[str | None, str]:
        return group_column(self.frame.drop(columns=self.texts), self.target or None)

    @cached_property
    def scores(self) -> dict[str, float]:
        """How well each column alone tells the target, but for texts; see `single_scores`."""
        told = self.frame.drop(columns=set(self.texts) - {self.target})
        return single_scores(told, self.target, self.task) if self.target else {}

    @property
    def score_name(self) -> str:
        return "R²" if self.task == "regression" else "ROC AUC"


def read_patient(path: Path, target: str = "") -> Patient:
    """Read and type a whole file; UserError where it is no table or lacks the target."""
    raw = read_table(path)
    check_names([target] if target else [], raw.columns, path)
    readings = understand_table(raw)
    frame = typed_frame(raw, readings)
    if frame.empty:
        raise UserError(f"{path} has no cell with a value. Expected a table with rows.")
    if target and target not in frame:
        raise UserError(f"{path}: column {target!r} is empty; name another one with --target.")
    return Patient(path, raw, readings, frame, target)


def evenly(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Up to `rows` rows of the frame, evenly spaced."""
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, rows).astype(int))]
