"""Do our networks score as Keras's do on real data, how fast are they, and where goes the time?

    python -m benchmarks.from_scratch.used [--pictures FOLDER]

About 5 minutes; writes benchmarks/from_scratch_used.md. FOLDER: the pictures of the GitHub
repository alexeygrigorev/clothing-dataset-small; without them that row is left out.

Both sides start from the same weights and see the same batches in the same order, three times from
different weights. Seconds: of the fastest epoch after the first, in which Keras compiles. NumPy's
products run on one core (unless OPENBLAS_NUM_THREADS says otherwise): with more, its threads wait
for each other whenever another process holds a core, and an epoch can take many times as long.
"""

import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from common.backend import start_backend

machine = start_backend("float32")

import keras
import numpy as np
import tyro
from sklearn.metrics import accuracy_score, roc_auc_score

from benchmarks.from_scratch.clothing import clothing
from benchmarks.from_scratch.flights import flights
from benchmarks.from_scratch.networks import NETWORKS, Data, Network, compiled
from benchmarks.from_scratch.reviews import REVIEWS
from common.errors import UserError
from common.from_scratch.layer import Array
from common.from_scratch.sequential import Sequential

PAGE = Path(__file__).parents[1] / "from_scratch_used.md"
SEEDS = 3
BATCH_SIZES, UNITS, MANY_UNITS = (32, 256, 2048), 64, 512  # of flight delays


@dataclass(frozen=True)
class Use:
    """A network with a task, and how its logits for the test rows are scored."""

    network: Network
    metric: str
    score: Callable[[Array, Array], float]  # of targets and logits


@dataclass(frozen=True)
class Side:
    """Test score of every seed; seconds of the fastest epoch."""

    scores: list[float]
    seconds: float


def accuracy(target: Array, logits: Array) -> float:
    return float(accuracy_score(target, logits.argmax(axis=1)))


def uses(folder: Path | None) -> list[Use]:
    digits, normalized, cancer = NETWORKS
    photographs = [clothing(folder)] if folder else []
    return [
        Use(digits, "accuracy", accuracy),
        Use(normalized, "accuracy", accuracy),
        Use(cancer, "ROC AUC", roc_auc_score),
        *(Use(flights(size, UNITS), "ROC AUC", roc_auc_score) for size in BATCH_SIZES),
        Use(flights(256, MANY_UNITS), "ROC AUC", roc_auc_score),
        Use(REVIEWS, "ROC AUC", roc_auc_score),
        *(Use(network, "accuracy", accuracy) for network in photographs),
    ]


class EpochTimes(keras.callbacks.Callback):
    """Wall seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def trained(use: Use) -> tuple[Side, Side]:
    """Our side and Keras's."""
    data, epochs, size = use.network.data(), use.network.epochs, use.network.batch_size
    scores, (mine, other) = ([], []), ([], [])
    for seed in range(SEEDS):
        ours, theirs = compiled(use.network, data, seed=seed)
        for epoch in range(epochs):
            start = time.perf_counter()
            ours.fit(data.x, data.y, 1, size)
            if epoch > 0:
                mine.append(time.perf_counter() - start)
        times = EpochTimes()
        settings = {"shuffle": False, "verbose": 0, "callbacks": [times]}
        theirs.fit(data.x, data.y, size, epochs, **settings)
        other += times.seconds[1:]
        answers = (ours.predict(data.test_x), theirs.predict(data.test_x, verbose=0))
        for side, logits in zip(scores, answers, strict=True):
            side.append(use.score(data.test_y, logits))
    return Side(scores[0], min(mine)), Side(scores[1], min(other))


def time_by_part(network: Network, data: Data) -> dict[str, float]:
    """Share of our training time that each kind of layer takes, the loss, and the optimizer.

    What is left is "the rest": batches cut out, accuracy.
    """
    ours, _ = compiled(network, data)
    spent: dict[str, float] = {}

    def timed(name: str, function: Callable) -> Callable:
        def call(*arguments):
            start = time.perf_counter()
            answer = function(*arguments)
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - start
            return answer

        return call

    for layer in ours.parts.values():
        name = type(layer).__name__
        layer.forward, layer.backward = timed(name, layer.forward), timed(name, layer.backward)
    ours.loss = timed("loss", ours.loss)
    ours.optimizer.step = timed(type(ours.optimizer).__name__, ours.optimizer.step)
    whole = timed("whole", Sequential.fit)
    whole(ours, data.x, data.y, max(2, 20_000 // len(data.x)), network.batch_size)
    total = spent.pop("whole")
    spent["the rest"] = total - sum(spent.values())
    return {name: seconds / total for name, seconds in spent.items()}


def mean_and_range(scores: Sequence[float]) -> str:
    return f"{np.mean(scores):.4f} ({min(scores):.4f} to {max(scores):.4f})"


def cost_of_rows(steps: list[list[float]]) -> str:
    """What the steps of flight delays, milliseconds of both sides by batch size, tell in words."""
    few, many = BATCH_SIZES[0], BATCH_SIZES[-1]
    (ours, theirs), (more_ours, more_theirs) = steps[0], steps[-1]
    row_of_ours = 1000 * (more_ours - ours) / (many - few)
    row_of_theirs = 1000 * (more_theirs - theirs) / (many - few)
    fixed_ours, fixed_theirs = 1000 * ours - few * row_of_ours, 1000 * theirs - few * row_of_theirs
    return (
        f"On flight delays with {UNITS} units, batches of {few} and of {many} tell two costs "
        f"apart. A further row costs {row_of_ours:.1f} microseconds here and {row_of_theirs:.1f} "
        f"in Keras; what a step costs apart from its rows is {fixed_ours:.0f} microseconds here "
        f"and {fixed_theirs:.0f} in Keras: batches through a pipeline, the way from Python into "
        "TensorFlow and back. The smaller the network and the batch, the more of Keras's time is "
        "that."
    )


def main(pictures: Path | None = None) -> None:
    """Train on both sides and write the page.

    Args:
        pictures: folder of the pictures of clothing, with train and test.
    """
    about = (
        f"Written by `python -m benchmarks.from_scratch.used` on {machine['device']}; NumPy's "
        f"products on {os.environ['OPENBLAS_NUM_THREADS']} core. Both sides start from the same "
        "weights and see the same batches in the same order. Scores are of the test rows: mean of "
        f"{SEEDS} trainings from different weights, lowest and highest in parentheses. Seconds: of "
        "the fastest epoch after the first."
    )
    lines = [
        "# Networks of common/from_scratch at work",
        "",
        *textwrap.wrap(about, 100),
        "",
        "| network | rows | epochs | score | ours | Keras | seconds, ours | Keras | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    shares, steps = {}, {}
    for use in uses(pictures):
        data, network = use.network.data(), use.network
        ours, theirs = trained(use)
        lines.append(
            f"| {network.name} | {len(data.x):,} | {network.epochs} | {use.metric} "
            f"| {mean_and_range(ours.scores)} | {mean_and_range(theirs.scores)} "
            f"| {ours.seconds:.3f} | {theirs.seconds:.3f} | {ours.seconds / theirs.seconds:.2f} |"
        )
        print(lines[-1], flush=True)
        shares[network.name] = time_by_part(network, data)
        count = -(-len(data.x) // network.batch_size)
        steps[network.name] = [1000 * side.seconds / count for side in (ours, theirs)]
    lines += [
        "",
        "## Where the time goes",
        "",
        "| network | milliseconds a step, ours | Keras | our time by part |",
        "| --- | --- | --- | --- |",
    ]
    for name, parts in shares.items():
        ordered = sorted(parts.items(), key=lambda part: -part[1])
        told = ", ".join(f"{part} {share:.0%}" for part, share in ordered)
        ours, theirs = steps[name]
        lines.append(f"| {name} | {ours:.2f} | {theirs:.2f} | {told} |")
    by_size = [steps[flights(size, UNITS).name] for size in BATCH_SIZES]
    lines += ["", *textwrap.wrap(cost_of_rows(by_size), 100)]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
