"""What to do with a table nobody has seen: the task, the part of each column, the split, settings.

Every decision comes with its reason, and every one can be overruled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from common.data.columns import is_number, present
from common.data.combination import parts_of
from common.data.dataset import Task
from common.data.roles import group_column, id_like
from common.data.target import by_ratio, leaks, propose_target, task_of
from common.data.typed_table import check_names, typed_frame
from common.errors import UserError
from common.new.labels import as_text, labels_in, with_label_sets, with_separator
from common.new.pairs import form_of_pair, kept_apart, match_last, pair_of, unread_beside_pair
from common.new.plan import Plan, Wishes
from common.new.settings import settings_for, settings_for_pairs
from common.new.texts import form_of, text_of, unread_texts
from common.new.times import runs_with, time_that_splits, useful_parts
from common.reading.notation import typed_cells
from common.reading.table_file import RawTable, read_table
from common.reading.understand import ColumnReading, understand_table

SLICES = 3  # columns by which scores are broken down
SLICE_VALUES = 8  # values that such a column has at most


def decide(data: Path, wishes: Wishes) -> Plan:
    """Look at the whole file and decide; UserError where nothing can be learned from it."""
    table = read_table(data)
    check_names(wishes.named(), table.columns, data)
    readings = {
        name: overruled(reading, table.cells(name), wishes)
        for name, reading in understand_table(table).items()
    }
    learned = what_is_learned(data, table, readings, wishes)
    rows, target, task = learned.rows, learned.target, learned.task

    texts, why_pair = pair_of(rows, readings, target, task, wishes.leave_out, wishes.keep)
    readings |= {name: replace(readings[name], kind="text") for name in texts}
    alone = set(texts) & set(wishes.leave_out) or len(set(texts) & set(wishes.keep)) == 1
    pair = () if alone else texts

    offered = rows.drop(columns=[name for name in (*wishes.leave_out, *texts) if name in rows])
    time, group, why_split = split_by(offered, target, wishes)
    if pair and not group:
        why_split["group"] = kept_apart(rows, pair)

    apart = (target, time, group)
    left_out = unused(rows, readings, (*apart, *learned.targets), wishes)
    left_out |= unread(rows, readings, (*apart, *left_out), pair, why_pair, wishes)
    kept = rows.drop(columns=[name for name in left_out if name in rows])
    date_parts = {
        name: useful_parts(kept[name], splits=name == time)
        for name in kept
        if name != target and readings[name].kind == "date"
    }
    features = {
        name: readings[name].kind
        for name in kept
        if name not in apart or name in date_parts or name in pair
    }
    if not features:
        raise UserError(
            f"{data} has no column left to predict {target!r} from: "
            + "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
            + ". Overrule that with --keep COLUMN."
        )

    text = text_of(features)
    if pair:
        form, settings = form_of_pair(rows, pair), settings_for_pairs(len(rows))
    else:
        form = form_of(rows[text]) if text else None
        numbers = list(features.values()).count("number")
        settings = settings_for(len(rows), task, numbers, bool(time), bool(text))
    return Plan(
        data=data,
        table=table,
        readings=readings,
        target=target,
        targets=learned.targets,
        without_target=learned.without_target,
        task=task,
        labels=match_last(learned.labels, rows, pair, target) if pair else learned.labels,
        features=features,
        date_parts=date_parts,
        left_out=left_out,
        suspects=leaks(kept, target, task) | parts_of(kept, target),
        time=time,
        group=group,
        slices=sliced(kept[list(features)], readings),
        log_scale=task == "regression" and by_ratio(rows[target]),
        settings=settings,
        form=form,
        why=learned.why | why_split | ({"pair": why_pair} if pair else {}),
    )


def overruled(reading: ColumnReading, cells: pd.Series, wishes: Wishes) -> ColumnReading:
    """What the cells of a column are, as they suggest or as the user said."""
    for kind in ("number", "category"):
        if reading.name in getattr(wishes, kind) and reading.kind != kind:
            unreadable = typed_cells(cells, kind, reading.notation)[1]
            return replace(reading, kind=kind, told="as you said", unreadable=unreadable)
    return reading


@dataclass(frozen=True)
class Learned:
    """What is predicted.

    rows: those whose target is known, typed; without_target: how many others there are; the rest
    as in `Plan`.
    """

    rows: pd.DataFrame
    without_target: int
    target: str
    targets: tuple[str, ...]
    task: Task
    labels: tuple[str, ...]
    why: dict[str, str]


def what_is_learned(
    data: Path, table: RawTable, readings: dict[str, ColumnReading], wishes: Wishes
) -> Learned:
    """The target, as the user said or as the columns suggest; UserError where there is none.

    A target of several labels in a cell gets its separator in `readings`.
    """
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
    rows = frame[present(frame[target])]
    labels = () if task == "regression" else labels_in(rows.index, table, readings, targets)
    why = {"target": why_target, "task": why_task}
    return Learned(rows, len(frame) - len(rows), target, targets, task, labels, why)


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


def split_by(offered: pd.DataFrame, target: str, wishes: Wishes) -> tuple[str, str, dict[str, str]]:
    """The column of time and that of groups by which rows are split, "" for none; and why."""
    time, why_time = part_of(wishes.time, time_that_splits, offered, target)
    if time and not wishes.group:
        return time, "", {"time": why_time, "group": "the split is by time"}
    group, why_group = part_of(wishes.group, group_column, offered, target)
    return time, group, {"time": why_time, "group": why_group}


def part_of(
    wish: str,
    find: Callable[[pd.DataFrame, str], tuple[str | None, str]],
    frame: pd.DataFrame,
    target: str,
) -> tuple[str, str]:
    """The column that plays a part, and why: as the user said, or as `find` guesses."""
    if wish:
        return ("", "as you said") if wish == "none" else (wish, "as you said")
    name, why = find(frame, target)
    return name or "", why


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


def unread(
    rows: pd.DataFrame,
    readings: dict[str, ColumnReading],
    apart: Sequence[str],
    pair: tuple[str, ...],
    why_pair: str,
    wishes: Wishes,
) -> dict[str, str]:
    """The columns of text that no model reads, with the reason; `apart`: columns decided on."""
    learned = rows.drop(columns=[name for name in apart if name in rows])
    texts = [name for name in learned if readings[name].kind == "text"]
    if pair:
        compared = rows[list(dict.fromkeys([*learned, *pair]))]
        return unread_beside_pair(compared, texts, pair, wishes.keep)
    return unread_texts(learned, texts, wishes.keep, why_pair)


def sliced(frame: pd.DataFrame, readings: dict[str, ColumnReading]) -> tuple[str, ...]:
    """The first few categories that have few values."""
    fitting = [
        name
        for name in frame
        if readings[name].kind == "category" and 2 <= frame[name].nunique() <= SLICE_VALUES
    ]
    return tuple(fitting[:SLICES])
