"""The exercises of this folder's notebooks: `check(function)` says whether a solution is right.

For an exercise `name` there are, in checks_NN.py (NN: the notebook's number; NumPy alone),

    check_name   calls the function it is given, and yields what was tried, the answer, and what
                 is expected, again and again
    wrong_name   a plausible wrong answer, which the check has to turn down

and in solutions/NN_….py the solution, `name`.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

FOLDER = Path(__file__).parent


def check(function: Callable) -> None:
    """Print "right", what is "not yet right", or what is "not solved yet"."""
    print(judge(function))


def judge(function: Callable) -> str:
    """What `check` prints: try the function until an answer differs from the expected one."""
    name = function.__name__
    reference = getattr(checks_of(name), f"check_{name}")
    try:
        for tried, answer, expected in reference(function):
            told = difference(answer, expected)
            if told:
                return f"not yet right: {name}, {tried}: {told}"
    except NotImplementedError:
        return f"not solved yet: {name}"
    except Exception as error:  # whatever a learner's function may raise
        return f"not yet right: {name} stopped with {type(error).__name__}: {error}"
    return "right"


def difference(answer: object, expected: object) -> str | None:
    """What differs, in words; None where all values agree to within 1e-5 of the largest one."""
    if answer is None:
        return "nothing came back; is there a return?"
    answer, expected = np.asarray(answer), np.asarray(expected)
    if answer.shape != expected.shape:
        return f"the shape is {answer.shape}, expected {expected.shape}"
    tolerance = 1e-5 * max(np.abs(expected).max(), 1e-5) if expected.dtype.kind in "fc" else 0
    if np.allclose(answer, expected, rtol=0, atol=tolerance):
        return None
    close = np.isclose(answer, expected, rtol=0, atol=tolerance)
    place = np.unravel_index(np.argmin(close), answer.shape)
    where = f"[{', '.join(map(str, place))}] is " if place else ""
    return f"{where}{in_digits(answer[place])}, expected {in_digits(expected[place])}"


def in_digits(value: np.generic) -> str:
    return f"{value:.6g}" if isinstance(value, np.inexact) else str(value)


def checks_of(name: str) -> ModuleType:
    """The checks_NN.py that has the check of this exercise."""
    for path in sorted(FOLDER.glob("checks_*.py")):
        module = importlib.import_module(f"notebooks.from_scratch.{path.stem}")
        if hasattr(module, f"check_{name}"):
            return module
    raise ValueError(f"There is no exercise of the name {name}; keep the name of the stub.")
