"""A plan in words: what was understood of the file, what was decided, and why."""

import shlex

from common.data.typed_table import places
from common.new.plan import Plan

WIDE = 60  # characters of a reason in the table of columns
TASKS = {
    "binary": "two classes",
    "multiclass": "several classes",
    "multilabel": "several labels at once",
    "regression": "a number",
}


def told(plan: Plan) -> str:
    """The whole plan as text for a terminal."""
    return "\n".join([*file_told(plan), "", *columns_told(plan), "", *decisions_told(plan)])


def file_told(plan: Plan) -> list[str]:
    table = plan.table
    lines = [f"{plan.data}: {len(table):,} rows, {len(table.columns)} columns.", *table.told]
    lines += [f"Line {line} is no row: {what}" for line, what in table.torn[:20]]
    if len(table.torn) > 20:
        lines.append(f"… and {len(table.torn) - 20:,} more such lines.")
    return lines


def columns_told(plan: Plan) -> list[str]:
    """One line a column: its kind, its part, and how its cells are written."""
    parts = {plan.time: "time", plan.group: "group"} | dict.fromkeys(plan.targets, "target")
    width = max(map(len, plan.readings))
    lines = [f"{'column':{width}}  kind      part      missing  distinct  "]
    for name, reading in plan.readings.items():
        part = parts.get(name) or ("left out" if name in plan.left_out else "feature")
        told = plan.left_out.get(name) or reading.told
        lines.append(
            f"{name:{width}}  {reading.kind:8}  {part:8}  {reading.missing:7,}  "
            f"{reading.distinct:8,}  {told}".rstrip()
        )
    for name, reading in plan.readings.items():
        if len(reading.unreadable) and name not in plan.left_out:
            lines.append(
                f"{len(reading.unreadable):,} cells of {name!r} are no {reading.kind} and count as "
                f"missing: {places(reading.unreadable)}."
            )
    return lines


def decisions_told(plan: Plan) -> list[str]:
    labels = f": {', '.join(plan.labels)}" if plan.labels else ""
    lines = [
        f"Target: {plan.target} ({plan.why['target']}).",
        f"Task: {TASKS[plan.task]}{labels} ({plan.why['task']}).",
    ]
    if plan.log_scale:
        lines.append("Learned on a logarithmic scale: positive, and skewed but for its logarithm.")
    if plan.pair:
        first, second = map(shlex.quote, plan.pair)
        lines.append(
            f"Pairs: do {first} and {second} belong together? ({plan.why['pair']}). To read one of "
            f"both alone: --leave-out {second}"
        )
        lines.append(
            "Network: MiniLM as it is reads both; learned is what counts of its vectors."
            if plan.form.unit == "bert"
            else "Network: K-NRM, which learns from these pairs alone; MiniLM would not know the "
            "language, or read for some minutes."
        )
    lines += [split_told(plan)]
    lines += [f"Suspect: {name}: {why}." for name, why in plan.suspects.items()]
    if plan.suspects:
        lines.append(
            "Are they known when a prediction is asked for? If not: --leave-out "
            + " ".join(map(shlex.quote, plan.suspects))
        )
    return lines


def split_told(plan: Plan) -> str:
    """How rows are split, and why so."""
    if plan.time:
        return f"Split by time, {plan.time}: {plan.why['time']}. Otherwise: --time none"
    folds = f", {plan.settings.folds} folds over train and validation rows, since they are few"
    folds = folds if plan.settings.folds > 1 else ""
    if plan.group:
        return (
            f"Split at random{folds}; rows of one {plan.group} stay together: "
            f"{plan.why['group']}. Otherwise: --group none"
        )
    alike = "; texts that are nearly the same stay together" if plan.text else ""
    alike = "; texts that are nearly the same count as the same" if plan.pair else alike
    return f"Split at random{folds}{alike}: {plan.why['time']}; {plan.why['group']}."
