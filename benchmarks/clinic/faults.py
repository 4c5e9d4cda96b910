"""The twelve faults, and how the doctor calls them; the cases register themselves.

A case gives a model, x and y. `chosen`: a threshold of the doctor was chosen, or changed, with a
look at what it said of this case.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """make: gives a compiled model with the fault in it or its data, x and y."""

    fault: str
    told: str
    chosen: bool
    make: Callable[[], tuple]


CASES: list[Case] = []


def case(fault: str, told: str, chosen: bool = False) -> Callable:
    """Register a function that makes a broken network and its data."""

    def add(make: Callable[[], tuple]) -> Callable[[], tuple]:
        CASES.append(Case(fault, told, chosen, make))
        return make

    return add


EXPECTED = {
    "dead ReLUs": "dead ReLUs",
    "saturated sigmoids": "saturated units",
    "exploding recurrent gradients": "exploding recurrent gradients",
    "wrong loss for the activation": "loss does not fit the output",
    "shuffled labels": "shuffled labels",
    "learning rate far off": "learning rate far off",
    "unscaled inputs": "unscaled inputs",
    "target leak": "target leak",
    "softmax over the wrong axis": "softmax over the wrong axis",
    "missing activation": "missing activation",
    "frozen layers": "frozen layers",
    "NaN in the data": "NaN in the data",
}
