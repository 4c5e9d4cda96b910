"""Learning rates as functions of the number of steps done; a constant one is just a number."""

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]


def exponential_decay(
    initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False
) -> Schedule:
    """Multiplied by decay_rate over every decay_steps steps; all at once with `staircase`."""

    def rate(step: int) -> float:
        times = step // decay_steps if staircase else step / decay_steps
        return initial_learning_rate * decay_rate**times

    return rate


def piecewise_constant_decay(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    """values[0] up to and with step boundaries[0], then values[1], ..., values[-1] in the end."""
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"{len(boundaries)} boundaries part {len(boundaries) + 1} values, given {len(values)}"
        )
    return lambda step: values[sum(step > boundary for boundary in boundaries)]


def cosine_decay(
    initial_learning_rate: float,
    decay_steps: int,
    alpha: float = 0.0,
    warmup_target: float | None = None,
    warmup_steps: int = 0,
) -> Schedule:
    """A straight line up to warmup_target, then half a cosine wave down to alpha times the top.

    (Loshchilov and Hutter, "SGDR", 2017, equation 5.) Without warmup_target the wave starts at
    once, from initial_learning_rate.
    """
    top = initial_learning_rate if warmup_target is None else warmup_target
    before = 0 if warmup_target is None else warmup_steps

    def rate(step: int) -> float:
        if step < before:
            return initial_learning_rate + (top - initial_learning_rate) * step / before
        done = min(step - before, decay_steps) / decay_steps
        return top * (alpha + (1 - alpha) * (1 + math.cos(math.pi * done)) / 2)

    return rate
