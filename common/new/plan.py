"""What a user may say of a table, and what is done with it in the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from common.data.dataset import Kind, Task
from common.new.settings import Settings
from common.new.texts import text_of, texts_of
from common.reading.table_file import RawTable
from common.reading.understand import ColumnReading
from common.text.form import TextForm


@dataclass(frozen=True)
class Wishes:
    """What the user has said; empty where the data decides."""

    target: str = ""
    labels: Sequence[str] = ()  # columns of yes and no that are predicted together
    task: Literal["", "classes", "labels", "number"] = ""
    number: Sequence[str] = ()
    category: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    keep: Sequence[str] = ()
    time: str = ""  # "none" for no split by time
    group: str = ""  # likewise

    def named(self) -> list[str]:
        """Every column that is named, once."""
        single = [name for name in (self.target, self.time, self.group) if name not in ("", "none")]
        listed = [*self.labels, *self.number, *self.category, *self.leave_out, *self.keep]
        return list(dict.fromkeys([*single, *listed]))


@dataclass(frozen=True)
class Plan:
    """How a file becomes a project.

    readings: how each column is read; target: what is learned, and targets the columns that tell
    it, one, or several of labels; without_target: rows that lack it; features: the raw columns that
    the model gets; left_out: the others, with the reason; form: how the free text among the
    features becomes tokens, if there is one; why: the reasons of the decisions by what is decided.
    """

    data: Path
    table: RawTable
    readings: dict[str, ColumnReading]
    target: str
    targets: tuple[str, ...]
    without_target: int
    task: Task
    labels: tuple[str, ...]
    features: dict[str, Kind]
    date_parts: dict[str, tuple[str, ...]]
    left_out: dict[str, str]
    suspects: dict[str, str]
    time: str
    group: str
    slices: tuple[str, ...]
    log_scale: bool
    settings: Settings
    form: TextForm | None
    why: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The column of free text that the model reads, "" for none."""
        return text_of(self.features)

    @property
    def pair(self) -> tuple[str, ...]:
        """The two columns of texts that are compared, none where one text is read or none."""
        texts = texts_of(self.features)
        return texts if len(texts) == 2 else ()

    @property
    def columns(self) -> dict[str, Kind]:
        """The raw columns that are read, the target first."""
        learned = "number" if self.task == "regression" else "category"
        apart = [name for name in (self.time, self.group) if name]
        kinds = dict.fromkeys(self.targets, learned) | {
            name: self.readings[name].kind for name in apart
        }
        return kinds | {name: kind for name, kind in self.features.items() if name not in kinds}
