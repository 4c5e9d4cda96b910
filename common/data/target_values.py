"""What a target may hold: its values as the schema has them, in every part of the data."""

from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError

if TYPE_CHECKING:
    from common.data.dataset import Schema

PARTS = ("train", "validation", "test")


def check_target(schema: "Schema", target: np.ndarray, part: np.ndarray) -> None:
    """UserError where the target is not what the schema says, or a part has nothing to tell apart.

    target, part: as in `common.data.dataset.Dataset`. Of three classes or more, and of several
    labels at once, a part may lack some: rare ones stay as rare as they are, and the checks say so.
    """
    shape = (len(part), len(schema.labels)) if schema.several else (len(part),)
    if target.shape != shape:
        raise UserError(f"The target has the shape {target.shape}, expected {shape}.")
    strange, wanted = strange_targets(schema, target)
    if strange.any():
        raise UserError(
            f"{strange.sum()} target values are not {wanted}, the first one {target[strange][0]}. "
            "Mend those rows, or drop them with their reason in the account."
        )
    for name in PARTS:
        values = np.unique(target[part == name])
        if len(values) < 2:
            wanted = "target values that differ" if schema.task == "regression" else "two classes"
            raise UserError(
                f"The {name} part needs rows of {wanted}, but has "
                f"{'no rows' if len(values) == 0 else f'only {values[0]:g}'}. "
                "Use more rows, or move the borders of the split."
            )


def check_soft_target(schema: "Schema", soft_target: np.ndarray) -> None:
    """UserError where soft_target (rows,) is no probability, or there are not two classes."""
    if schema.task != "binary":
        raise UserError(f"A soft target is for two classes; this task is {schema.task}.")
    strange = ~((soft_target >= 0) & (soft_target <= 1))
    if strange.any():
        raise UserError(
            f"{strange.sum()} soft target values are no probabilities, the first one "
            f"{soft_target[strange][0]}. Expected numbers from 0 to 1."
        )


def strange_targets(schema: "Schema", target: np.ndarray) -> tuple[np.ndarray, str]:
    """Which values of the target cannot be what the schema says, and what is wanted instead."""
    if schema.task == "regression":
        wanted = "positive, as their logarithm demands" if schema.log_scale else "finite numbers"
        return ~np.isfinite(target) | (schema.log_scale & (target <= 0)), wanted
    classes = 2 if schema.several else len(schema.labels)
    wanted = " or ".join(str(number) for number in range(classes))
    return ~np.isin(target, np.arange(classes)), wanted


def combinations(target: np.ndarray) -> np.ndarray:
    """A number for each row, (rows,) int64, the same where all labels are; target (rows, labels).

    Of a target (rows,) its own values.
    """
    return np.unique(target, axis=0, return_inverse=True)[1].ravel() if target.ndim > 1 else target
