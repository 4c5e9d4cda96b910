"""How close a pair is: to slopes measured by small steps, and to Keras in both precisions."""

from dataclasses import dataclass

import numpy as np

from benchmarks.from_scratch.compare import compare
from benchmarks.from_scratch.pairs import Pair
from common.from_scratch.gradient_check import check_layer

# What every row of the table has to keep.
MOST_BY_DIFFERENCES = 1e-7
MOST = {"float32": 1e-6, "float64": 1e-10}


@dataclass(frozen=True)
class Check:
    """A row of the table.

    by_differences: relative error of the gradients in float64. outputs, gradients: largest
    difference to Keras, by dtype.
    """

    name: str
    by_differences: float
    outputs: dict[str, float]
    gradients: dict[str, float]

    def kept(self) -> bool:
        """Whether all numbers are as small as they have to be."""
        return self.by_differences < MOST_BY_DIFFERENCES and all(
            max(self.outputs[dtype], self.gradients[dtype]) < most for dtype, most in MOST.items()
        )


def check_pair(pair: Pair) -> Check:
    x = pair.x(np.random.default_rng(3))
    floating = np.issubdtype(x.dtype, np.floating)
    outputs, gradients = {}, {}
    for dtype in MOST:
        inputs = x.astype(dtype) if floating else x
        ours = pair.ours(np.random.default_rng(1)).astype(dtype)
        outputs[dtype], gradients[dtype] = compare(ours, pair.theirs(dtype), inputs, pair.training)
    ours = pair.ours(np.random.default_rng(1)).astype("float64")
    error = check_layer(ours, x, training=pair.training, by_input=floating)
    return Check(pair.name, error, outputs, gradients)
