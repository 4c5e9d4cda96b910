"""What to do with a table nobody has seen: the task, the part of each column, the split, settings.

Every decision comes with its reason, and every one can be overruled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from common.data.columns import is_number, present
from common.data.combination import parts_of
from common.data.dataset import Kind, Task
from common.data.roles import group_column, id_like
from common.data.target import by_ratio, leaks, propose_target, task_of
from common.data.typed_table import check_names, typed_frame
from common.errors import UserError
from common.new.labels import as_text, labels_in, with_label_sets, with_separator
from common.new.pairs import form_of_pair, kept_apart, match_last, pair_of, unread_beside_pair
from common.new.settings import Settings, settings_for, settings_for_pairs
from common.new.texts import form_of, text_of, texts_of, unread_texts
from common.new.times import runs_with, time_that_splits, useful_parts
from common.reading.notation import typed_cells
from common.reading.table_file import RawTable, read_table
from common.reading.understand import ColumnReading, understand_table
from common.text.form import TextForm

SLICES = 3  # columns by which scores are broken down
SLICE_VALUES = 8  # values that such a column has at most


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


def decide(data: Path, wishes: Wishes) -> Plan:
    """Look at the whole file and decide; UserError where nothing can be learned from it."""
    table = read_table(data)
    check_names(wishes.named(), table.columns, data)
    readings = {
        name: overruled(reading, table.cells(name), wishes)
        for name, reading in understand_table(table).items()
    }
    frame = typed_frame(table, readings)
    target, why_target = wishes.target, "as you said"
    if wishes.labels:
        if target:
            raise UserError("--target and --labels are two ways to say what to predict. Use one.")
        target, frame = with_label_sets(frame, table, readings, wishes.labels)
    if not target:
        target, why_target = propose_target(frame)
    if not target or target not in frame:
        raise UserError(
            f"{data}: {f'column {target!r} is empty' if target else why_target}. Name the column "
            f"to predict with --target. Columns: {', '.join(table.columns)}."
        )
    targets = tuple(wishes.labels) or (target,)
    task, why_task = wished_task(frame[target], wishes)
    if task == "multilabel" and not wishes.labels:
        readings[target] = with_separator(readings[target], as_text(table, readings, target))
    known = frame[present(frame[target])]
    labels = () if task == "regression" else labels_in(known.index, table, readings, targets)
    offered = known.drop(columns=[name for name in wishes.leave_out if name in known])
    texts, why_pair = pair_of(known, readings, target, task, wishes.leave_out, wishes.keep)
    readings |= {name: replace(readings[name], kind="text") for name in texts}
    offered = offered.drop(columns=[name for name in texts if name in offered])
    alone = set(texts) & set(wishes.leave_out) or len(set(texts) & set(wishes.keep)) == 1
    pair = () if alone else texts
    if pair:
        labels = match_last(labels, known, pair, target)
    time, why_time = part_of(wishes.time, time_that_splits, offered, target)
    group, why_group = (
        ("", "the split is by time")
        if time and not wishes.group
        else part_of(wishes.group, group_column, offered, target)
    )
    if pair and not group:
        why_group = kept_apart(known, pair)
    left_out = unused(known, readings, (target, time, group, *targets), wishes)
    apart = (target, time, group, *left_out)
    learned = known.drop(columns=[name for name in apart if name in known])
    texts = [name for name in learned if readings[name].kind == "text"]
    if pair:
        compared = known[list(dict.fromkeys([*learned, *pair]))]
        left_out |= unread_beside_pair(compared, texts, pair, wishes.keep)
    else:
        left_out |= unread_texts(learned, texts, wishes.keep, why_pair)
    kept = known.drop(columns=[name for name in left_out if name in known])
    parts = {
        name: useful_parts(kept[name], splits=name == time)
        for name in kept
        if name != target and readings[name].kind == "date"
    }
    features = {
        name: readings[name].kind
        for name in kept
        if name not in (target, time, group) or name in parts or name in pair
    }
    if not features:
        raise UserError(
            f"{data} has no column left to predict {target!r} from: "
            + "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
            + ". Overrule that with --keep COLUMN."
        )
    text = text_of(features)
    return Plan(
        data=data,
        table=table,
        readings=readings,
        target=target,
        targets=targets,
        without_target=len(frame) - len(known),
        task=task,
        labels=labels,
        features=features,
        date_parts=parts,
        left_out=left_out,
        suspects=leaks(kept, target, task) | parts_of(kept, target),
        time=time,
        group=group,
        slices=sliced(kept[list(features)], readings),
        log_scale=task == "regression" and by_ratio(known[target]),
        settings=settings_for_pairs(len(known))
        if pair
        else settings_for(len(known), bool(time), bool(text)),
        form=form_of_pair(known, pair) if pair else form_of(known[text]) if text else None,
        why={"target": why_target, "task": why_task, "time": why_time, "group": why_group}
        | ({"pair": why_pair} if pair else {}),
    )


def overruled(reading: ColumnReading, cells: pd.Series, wishes: Wishes) -> ColumnReading:
    """What the cells of a column are, as they suggest or as the user said."""
    for kind in ("number", "category"):
        if reading.name in getattr(wishes, kind) and reading.kind != kind:
            unreadable = typed_cells(cells, kind, reading.notation)[1]
            return replace(reading, kind=kind, told="as you said", unreadable=unreadable)
    return reading


def wished_task(target: pd.Series, wishes: Wishes) -> tuple[Task, str]:
    if wishes.task == "number":
        if not is_number(target):
            raise UserError(
                f"Column {target.name!r} holds no numbers to predict. Leave out --task, or "
                f"have its cells read as numbers with --number {target.name}."
            )
        return "regression", "as you said"
    if wishes.labels:
        return "multilabel", f"{len(wishes.labels)} columns of two values each"
    if wishes.task == "labels":
        return "multilabel", "as you said"
    if wishes.task == "classes":
        count = target[present(target)].nunique()
        return ("binary" if count == 2 else "multiclass"), f"as you said, {count} values"
    return task_of(target)


def unused(
    frame: pd.DataFrame,
    readings: dict[str, ColumnReading],
    apart: Sequence[str],
    wishes: Wishes,
) -> dict[str, str]:
    """The columns left out, with the reason; `apart`: target, time, group, columns of labels."""
    time = apart[1]
    texts = [name for name in frame if name in readings and readings[name].kind == "text"]
    ids = id_like(frame.drop(columns={*texts, *(name for name in apart if name in frame)}))
    found = {}
    for name, reading in readings.items():
        if name in wishes.leave_out:
            found[name] = "as you said"
        elif name in (*apart, *wishes.keep):
            continue
        elif reading.kind == "empty":
            found[name] = "empty"
        elif frame[name].nunique() == 1 and present(frame[name]).all():
            found[name] = f"one value only, {frame[name].iloc[0]}"
        elif name in ids:
            found[name] = ids[name]
        elif time and reading.kind == "number" and runs_with(frame[name], frame[time]):
            found[name] = f"it runs with {time}: no test row has a value that was learned"
    return found


def part_of(wish: str, find, frame: pd.DataFrame, target: str) -> tuple[str, str]:
    """The column that plays a part, and why: as the user said, or as `find` guesses."""
    if wish:
        return ("", "as you said") if wish == "none" else (wish, "as you said")
    name, why = find(frame, target)
    return name or "", why


def sliced(frame: pd.DataFrame, readings: dict[str, ColumnReading]) -> tuple[str, ...]:
    """The first few categories that have few values."""
    fitting = [
        name
        for name in frame
        if readings[name].kind == "category" and 2 <= frame[name].nunique() <= SLICE_VALUES
    ]
    return tuple(fitting[:SLICES])
