"""What is to be predicted: is it there, how is it spread, and which columns tell of it?"""

from collections.abc import Iterator
from shlex import quote

import numpy as np
import pandas as pd

from common.data.checks import number
from common.data.columns import plain_value
from common.data.labels import label_separator, named_labels
from common.data.target import propose_target, task_of
from common.doctor.patient import Advised, Patient
from common.new.tell import TASKS
from common.new.write import literal

FEW_ROWS = 30  # of a class, below which hardly anything can be learned or measured
RARE = 0.01
SKEWED = 0.25  # share of the target's sum in its largest hundredth of rows
TOLD = 5


def check_target(patient: Patient) -> Iterator[Advised]:
    """Is it known in all rows, and are there enough rows of every class?"""
    if not patient.target:
        name, reason = propose_target(patient.frame)
        yield Advised(
            "target",
            "note",
            f"No target was named. Column {name!r} could be it: {reason}."
            if name
            else f"No target was named, and none is proposed: {reason}.",
            "Name the column to predict, and the doctor looks for leaks, conflicting and doubtful "
            "labels too.",
            f"--target {quote(name or 'COLUMN')}",
        )
        return
    target = patient.labelled[patient.target]
    task, reason = task_of(target)
    yield Advised("target", "ok", f"{patient.target!r} is {TASKS[task]} to predict: {reason}.")
    unknown = len(patient.frame) - len(target)
    if unknown:
        share = unknown / len(patient.frame)
        yield Advised(
            "missing target",
            "note" if share < 0.2 else "alarm",
            f"{patient.target!r} is missing in {unknown:,} rows ({share:.1%}).",
            "Such rows are dropped with that reason. Are they missing by chance, or for a reason?",
        )
    yield from check_spread(patient) if task == "regression" else check_classes(patient)


def check_classes(patient: Patient) -> Iterator[Advised]:
    """Rare classes, or labels."""
    target, several = patient.labelled[patient.target], patient.task == "multilabel"
    if several:
        named = pd.Series(named_labels(target, label_separator(target)))
        counts = named.explode().value_counts()
    else:
        counts = target.value_counts()
    shares = counts / len(target)
    listed = ", ".join(
        f"{plain_value(label)} {count:,} ({shares[label]:.1%})"
        for label, count in counts.head(TOLD).items()
    )
    more = f" and {len(counts) - TOLD} more" if len(counts) > TOLD else ""
    rare = [label for label in counts.index if counts[label] < FEW_ROWS or shares[label] < RARE]
    if not rare:
        what = "label" if several else "class"
        yield Advised("classes", "ok", f"Rows of each {what}: {listed}{more}.")
        return
    named = ", ".join(f"{plain_value(label)} ({counts[label]:,})" for label in rare[:TOLD])
    dots = ", …" if len(rare) > TOLD else ""
    few = [label for label in rare if counts[label] < FEW_ROWS]
    joined = ", ".join(f'{literal(plain_value(label))}: "other"' for label in rare[:TOLD])
    binary = len(counts) == 2
    yield Advised(
        "rare classes",
        "alarm" if few else "note",
        f"{'Labels' if several else 'Classes'} with less than 1 % of the rows, or less than "
        f"{FEW_ROWS}: {named}{dots}. All: {listed}{more}.",
        "Accuracy says little here: compare by average precision, and look at its interval. More "
        "rows of the rare class help most."
        if binary
        else "A class of so few rows can hardly be learned or measured. Join those that belong "
        "together, or collect more.",
        ""
        if several
        else 'metric = "average_precision"  # run.py'
        if binary
        else "# load.py, after the table is read\n"
        f"table.rows[TARGET] = table.rows[TARGET].replace({{{joined}{dots}}})",
    )


def check_spread(patient: Patient) -> Iterator[Advised]:
    """How a number is spread."""
    known = patient.labelled[patient.target]
    low, middle, high = known.quantile([0.01, 0.5, 0.99])
    told = (
        f"From {number(known.min())} to {number(known.max())}, median {number(middle)}, 98 % "
        f"between {number(low)} and {number(high)}."
    )
    largest = known.nlargest(max(len(known) // 100, 1)).sum()
    commonest = known.value_counts()
    far = known.min() > 0 and known.max() > 10 * middle
    if far or largest > SKEWED * known.abs().sum():
        yield Advised(
            "spread of the target",
            "note",
            f"{told} A few large values make up most of the error.",
            "Learn its logarithm where errors count by their ratio.",
            "LOG_SCALE = True  # load.py" if known.min() > 0 else "",
        )
    elif commonest.index[0] == known.max() and commonest.iloc[0] > 0.01 * len(known):
        share = commonest.iloc[0] / len(known)
        yield Advised(
            "spread of the target",
            "note",
            f"{told} {commonest.iloc[0]:,} rows ({share:.1%}) have exactly the "
            f"largest value, {plain_value(commonest.index[0])}: it looks cut off there.",
            "What lies above the cut cannot be learned. Leave these rows out, or read the scores "
            "as those of the cut values.",
            "# load.py, after the table is read\n"
            f"table = table.where(table.rows[TARGET] < {plain_value(known.max())}, "
            '"target cut off")',
        )
    else:
        yield Advised("spread of the target", "ok", told)


def check_leaks(patient: Patient) -> Iterator[Advised]:
    """Columns that probably know the answer."""
    if not patient.target or not patient.scores:
        return
    for name, reason in patient.leaks.items():
        yield Advised(
            "leak",
            "alarm",
            f"Column {name!r} may know the answer: {reason}.",
            "Is it known at the moment of prediction, and was it not made from the target? If not, "
            "leave it out.",
            f"--leave-out {quote(name)}  # a flag of common.new",
        )
    if not patient.leaks:
        best, score = next(iter(patient.scores.items()))
        yield Advised(
            "leak",
            "ok",
            f"No column alone tells the target suspiciously well; the best is {best!r}, "
            f"{patient.score_name} {score:.3f}.",
        )


def check_association(patient: Patient) -> Iterator[Advised]:
    """Which columns say something of the target at all."""
    scores = patient.scores
    if not scores:
        return
    # Two standard errors of an area under the curve with classes of equal size; of R² a hundredth.
    least = 0.5 + 1.16 / np.sqrt(len(patient.labelled)) if patient.task != "regression" else 0.01
    silent = [name for name in scores if scores[name] < least]
    best = ", ".join(f"{name} {value:.3f}" for name, value in list(scores.items())[:TOLD])
    told = f"Best columns alone, {patient.score_name}: {best}."
    if len(silent) == len(scores):
        yield Advised(
            "association with the target",
            "note",
            f"{told} None says more of the target than chance would.",
            "Together they may. If the first run does not beat the baseline either, the columns "
            "hold no answer, or rows and labels were mixed up.",
        )
        return
    more = f" Next to nothing say, alone: {', '.join(silent[:10])}." if silent else ""
    yield Advised("association with the target", "ok", told + more)
