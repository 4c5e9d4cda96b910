"""How fast can this model train here? Epoch times of plain `fit` in many settings, and of the kit.

    python -m benchmarks.throughput        about 6 minutes; writes benchmarks/throughput.md

Each setting: seconds of the fastest epoch on all training rows of flight_delays, of three rounds
with three epochs each after one of warm-up; ratio to plain `fit` on arrays at the same batch size.
The settings take turns, since the speed of a shared machine wanders; still, two ratios closer than
a tenth are equal. With jit_compile an epoch takes so long that one round has to do.
"""

import time
from pathlib import Path

from common.backend import start_backend

machine = start_backend("float32")

import keras
import tensorflow as tf

from common.models.mlp import build_mlp
from common.training.batches import EpochRandomness, shuffled_batches
from common.training.fit import STEPS_PER_EXECUTION
from common.training.train import prepare_rows
from projects.flight_delays.load import load

EPOCHS = 4
ROUNDS = 3
PAGE = Path(__file__).with_suffix(".md")


class EpochTimes(keras.callbacks.Callback):
    """Wall seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def best_epoch(network, data: dict, callbacks=(), **compiled) -> float:
    network.compile("adamw", "binary_crossentropy", metrics=[keras.metrics.AUC()], **compiled)
    times = EpochTimes()
    network.fit(**data, epochs=EPOCHS, callbacks=[*callbacks, times], verbose=0)
    return min(times.seconds[1:])


def main() -> None:
    prepared = prepare_rows(load())
    part = prepared.part("train")
    inputs, target = part.inputs, part.target
    lines = [
        f"# Epoch times of flight_delays' MLP, {len(target):,} rows, on {machine['device']}",
        "",
        "| batch size | setting | seconds an epoch | ratio to plain fit |",
        "| --- | --- | --- | --- |",
    ]
    for batch_size in (256, 1024, 4096):
        randomness = EpochRandomness(0)
        arrays = {"x": inputs, "y": target, "batch_size": batch_size}
        pipeline = (
            tf.data.Dataset.from_tensor_slices((inputs, target))
            .shuffle(50_000)
            .batch(batch_size)
            .prefetch(tf.data.AUTOTUNE)
        )
        kit = {"x": shuffled_batches((inputs, target), batch_size, randomness), "shuffle": False}
        many = {"steps_per_execution": STEPS_PER_EXECUTION}
        settings = {
            "arrays, plain fit": (arrays, (), {}),
            "arrays, 32 steps an execution": (arrays, (), many),
            "tf.data, row by row, 32 steps": ({"x": pipeline, "shuffle": False}, (), many),
            "the kit": (kit, (randomness,), many),
            "arrays, 32 steps, jit_compile": (arrays, (), many | {"jit_compile": True}),
        }
        seconds = dict.fromkeys(settings, float("inf"))
        for turn in range(ROUNDS):
            for name, (data, callbacks, compiled) in settings.items():
                if "jit_compile" not in compiled or (turn == 0 and batch_size == 1024):
                    network = build_mlp(prepared.table, prepared.target)
                    fastest = best_epoch(network, data, callbacks, **compiled)
                    seconds[name] = min(seconds[name], fastest)
        for name, value in seconds.items():
            if value < float("inf"):
                ratio = value / seconds["arrays, plain fit"]
                lines.append(f"| {batch_size} | {name} | {value:.2f} | {ratio:.2f} |")
                print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
