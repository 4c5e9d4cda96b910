"""How close is every layer, loss, optimizer and network of common/from_scratch to Keras's?

python -m benchmarks.from_scratch      about 2 minutes; writes benchmarks/from_scratch.md
"""

from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.from_scratch import (
    networks,
    networks_sequences,
    pairs,
    pairs_sequences,
    repeated_ids,
)
from benchmarks.from_scratch.checks import MOST, MOST_BY_DIFFERENCES, Check, check_pair
from benchmarks.from_scratch.losses import LOSSES, check_loss
from benchmarks.from_scratch.networks import histories, largest_difference
from benchmarks.from_scratch.optimizers import OPTIMIZERS, STEPS, trajectory_difference

PAGE = Path(__file__).parent.with_suffix(".md")
ABOUT = f"""# common/from_scratch beside Keras

Written by `python -m benchmarks.from_scratch` with NumPy {np.__version__}, Keras
{keras.__version__} and TensorFlow {tf.__version__}. Both sides start from the same weights.

## Layers and losses

Slopes: relative error of our gradients in float64, against slopes measured by steps of 1e-5.
Outputs and gradients (by the input and by every parameter): largest difference to Keras, divided by
the largest number of the array where that is above 1. In float64 the GELU of Keras's side is
written in Keras's operations, since TensorFlow rounds the constants of its own to float32.
"""
ABOUT_OPTIMIZERS = f"""
## Optimizers

Largest difference of any weight at any of {STEPS} steps of a network of two layers on the breast
cancer data of scikit-learn, with Keras's defaults where nothing else is said.

Keras rounds learning rates and the constants of Adam to float32 whatever the weights' dtype, so
that 1 - 0.999 differs from ours in its fifth digit. With constants that float32 holds exactly,
Adam's difference in float64 is gone.

| optimizer | float32 | float64 |
| --- | --- | --- |
"""
ABOUT_REPEATED_IDS = """
### Embeddings

For an embedding, TensorFlow hands Keras's optimizer one row of gradient for each look-up. Adam and
RMSprop square every row by itself and only then add up those of one id, where the formula squares
the sum: an id that is looked up often takes longer steps in Keras than in the papers and here. From
the same gradient as one array Keras takes our steps. How far two ids move in one step, when the
first was looked up four times, with the same gradient each time, and the second once:

| optimizer | ours | Keras, rows of gradient | Keras, one array |
| --- | --- | --- | --- |
"""
ABOUT_NETWORKS = """
## Whole networks

Trained on the same batches in the same order. The difference is the largest of the loss and the
accuracy, on training and test rows, of any epoch. Where Adam or AdamW has its default constants,
it is that of the constants, see above, in float64 as in float32.

| network | weights | loss of each epoch, ours | Keras's | largest difference |
| --- | --- | --- | --- | --- |
"""


def row(check: Check) -> str:
    numbers = [check.by_differences]
    numbers += [group[dtype] for dtype in MOST for group in (check.outputs, check.gradients)]
    return "| " + " | ".join([check.name, *(f"{number:.0e}" for number in numbers)]) + " |"


def curve(losses: list[float]) -> str:
    return " ".join(f"{loss:.6f}" for loss in losses)


def main() -> None:
    checks = [check_pair(pair) for pair in [*pairs.PAIRS, *pairs_sequences.PAIRS]]
    checks += [check_loss(pair) for pair in LOSSES]
    kept = sum(check.kept() for check in checks)
    bounds = [f"{MOST_BY_DIFFERENCES:.0e} for slopes"]
    bounds += [f"{most:.0e} in {dtype}" for dtype, most in MOST.items()]
    text = f"{ABOUT}\n{kept} of {len(checks)} rows keep the bounds: {', '.join(bounds)}.\n"
    columns = [f"{part}, {dtype}" for dtype in MOST for part in ("outputs", "gradients")]
    text += "\n| | slopes | " + " | ".join(columns) + " |\n" + "| --- " * 6 + "|\n"
    text += "\n".join(row(check) for check in checks) + "\n"
    text += ABOUT_OPTIMIZERS
    for pair in OPTIMIZERS:
        numbers = [f"{trajectory_difference(pair, dtype):.0e}" for dtype in MOST]
        text += f"| {pair.name} | " + " | ".join(numbers) + " |\n"
    text += ABOUT_REPEATED_IDS
    for name, pair in repeated_ids.OPTIMIZERS.items():
        moves = [" ".join(f"{x:.6f}" for x in move) for move in repeated_ids.steps_by_id(*pair)]
        text += f"| {name} | " + " | ".join(moves) + " |\n"
    text += ABOUT_NETWORKS
    for network in [*networks.NETWORKS, *networks_sequences.NETWORKS]:
        for dtype in MOST:
            mine, other = histories(network, dtype)
            curves = f"{curve(mine['loss'])} | {curve(other['loss'])}"
            difference = largest_difference(mine, other)
            text += f"| {network.name} | {dtype} | {curves} | {difference:.0e} |\n"
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
