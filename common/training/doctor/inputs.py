"""What the examples themselves show: no numbers, wild scales, a column that tells the answer."""

from collections.abc import Iterator

import keras
import numpy as np
import pandas as pd

from common.data.checks import single_column_auc, single_column_r2
from common.data.finding import Finding
from common.training.doctor.patient import Patient

LARGE, SMALL = 15.0, 0.02  # root mean square of a column: beyond, no usual initialisation suits it
LEAK_AUC, LEAK_R2 = 0.99, 0.98  # honest columns alone reach 0.98 on breast cancer, 0.93 on diamonds
LEAK_ROWS = 200  # below, one column may rank the rows by luck
FEW_VALUES = 50
COLUMNS = 32  # looked at closely for a leak, those that vary most between classes


def check_finite(x, y: np.ndarray) -> tuple[Finding, np.ndarray]:
    """Are all values numbers? Also which rows are whole, (rows,)."""
    whole = np.ones(len(y), bool)
    told = []
    for name, array in {**named_arrays(x), "the target": np.asarray(y)}.items():
        if array.dtype.kind != "f":
            continue
        wrong = ~np.isfinite(array.reshape(len(array), -1))
        whole &= ~wrong.any(axis=1)
        if wrong.any():
            columns = np.flatnonzero(wrong.any(axis=0))
            where = f" in column {columns[0]}" if wrong.shape[1] > 1 else ""
            where = f" in {len(columns)} columns" if len(columns) > 1 else where
            told.append(f"{name}: {wrong.sum():,} of {wrong.size:,} values{where}")
    if not told:
        return Finding("NaN in the data", "ok", "All values are finite numbers."), whole
    return (
        Finding(
            "NaN in the data",
            "alarm",
            f"NaN or infinite: {'; '.join(told)}; {np.mean(~whole):.1%} of the rows. One of them "
            "makes the loss and then every weight NaN. Try: rows = np.isfinite(x).all(axis=1), or "
            "fill the gaps with the training median and mark them in a column of their own.",
        ),
        whole,
    )


def check_scale(patient: Patient) -> Finding:
    """Numbers of about 1 are what initialisers and optimizers are made for."""
    worst, least, seen = None, np.inf, []
    for call in patient.calls.on_input():
        values = np.asarray(call.inputs[0], "float32")
        if call.inputs[0].dtype.is_floating:
            columns = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[:, None]
            size = np.sqrt((columns.astype(float) ** 2).mean(axis=0))
            seen.append(size)
            if worst is None or size.max() > worst[0]:
                worst = size.max(), columns[:, size.argmax()], int(size.argmax()), call.name
    if worst is None:
        return Finding("unscaled inputs", "ok", "No layer multiplies bare numbers of the input.")
    sizes = np.concatenate(seen)
    size, column, place, layer = worst
    least = sizes[sizes > 0].min(initial=size)
    told = (
        f"Layer {layer} is given columns whose root mean square lies between {least:.3g} and "
        f"{size:.3g}; the largest, column {place}, has mean {column.mean(dtype=float):.4g} and "
        f"deviation {column.std(dtype=float):.3g}."
    )
    advice = (
        " Numbers of about 1 suit initialisers and learning rates. Try: x = (x - mean) / "
        "deviation, of the training rows, or keras.layers.Normalization."
    )
    if size > LARGE or size < SMALL:
        return Finding("unscaled inputs", "alarm", told + advice)
    if size > LARGE / 3:
        return Finding("unscaled inputs", "note", told + advice)
    return Finding("unscaled inputs", "ok", told)


def check_target_scale(patient: Patient) -> Finding | None:
    """A number far from 1 takes the last layer many steps to reach; None for classes."""
    y = patient.y.numpy().astype(float)
    if not patient.loss_facts.of_numbers:
        return None
    size = float(np.sqrt((y**2).mean()))
    told = f"The target has mean {y.mean():.4g}, deviation {y.std():.3g}."
    if SMALL < size <= LARGE:
        return Finding("unscaled target", "ok", told)
    level = "alarm" if size > 10 * LARGE else "note"
    advice = " Try: learn (y - mean) / deviation, and turn the answers back."
    return Finding("unscaled target", level, told + advice)


def check_content(patient: Patient) -> Finding:
    """Do the inputs differ from row to row?"""
    constant = columns = 0
    for array in named_arrays(patient.x).values():
        flat = array.reshape(len(array), -1)
        constant += int((flat == flat[:1]).all(axis=0).sum())
        columns += flat.shape[1]
    told = f"{constant:,} of {columns:,} input columns have the same value in all rows."
    if constant == columns:
        return Finding("constant inputs", "alarm", told + " There is nothing to learn from.")
    if constant > columns / 2:
        return Finding("constant inputs", "note", told + " Leave them out, or look why.")
    return Finding("constant inputs", "ok", told)


def check_leak(patient: Patient) -> Iterator[Finding]:
    """One column that gives the answer nearly perfectly is the answer in disguise."""
    facts, y = patient.loss_facts, patient.y.numpy()
    if facts.of_classes and facts.class_numbers(y).shape == (patient.rows,):
        target, score, limit, of_column = (
            facts.class_numbers(y), "ROC AUC", LEAK_AUC, single_column_auc
        )  # fmt: skip
    elif facts.of_numbers and y.size == patient.rows:
        target, score, limit, of_column = y.ravel(), "R²", LEAK_R2, single_column_r2
    else:
        return
    if patient.rows < LEAK_ROWS or target.min() == target.max():
        return
    columns = [
        (name, place, values)
        for name, array in named_arrays(patient.x).items()
        for place, values in enumerate(array.reshape(len(array), -1).T)
        if values.min() < values.max()
    ]
    spread = [variance_between(values, target, facts.of_classes) for *_, values in columns]
    best, found = 0.0, None
    for index in np.argsort(spread)[::-1][:COLUMNS]:
        name, place, values = columns[index]
        # Each value apart, where they are ids or few: bins would join 0 and 1.
        apart = values.dtype.kind != "f" or len(np.unique(values)) <= FEW_VALUES
        value = of_column(pd.Series(values.astype(str) if apart else values), target)
        if value > best:
            best, found = value, f"column {place} of {name}"
    told = f"Of all columns, {found} alone tells most: {score} {best:.3f}."
    if best > limit:
        yield Finding(
            "target leak",
            "alarm",
            f"{told} Is it known at the moment of prediction, or made from the target? "
            "Try: leave it out and train again.",
        )
    else:
        yield Finding("target leak", "ok", told)


def variance_between(values: np.ndarray, target: np.ndarray, of_classes: bool) -> float:
    """Share of a column's variance that lies between the classes, or the squared correlation."""
    values = values.astype(float) - values.mean(dtype=float)
    if not of_classes:
        return float(np.corrcoef(values, target)[0, 1] ** 2)
    sums, counts = np.bincount(target, values), np.maximum(np.bincount(target), 1)
    return float((sums**2 / counts).sum() / (values**2).sum())


def named_arrays(x) -> dict[str, np.ndarray]:
    """Every array of the input, (rows, …), with a name to tell it by."""
    if isinstance(x, dict):
        return {name: np.asarray(array) for name, array in x.items()}
    arrays = [np.asarray(array) for array in keras.tree.flatten(x)]
    if len(arrays) == 1:
        return {"the input": arrays[0]}
    return {f"input {number}": array for number, array in enumerate(arrays)}
