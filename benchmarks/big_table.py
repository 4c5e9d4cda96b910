"""Does training from disk hold its pace and its memory as the table grows?

    python -m benchmarks.big_table        about 10 minutes, 3 GB of disk; writes big_table.md

The training rows of flight_delays, repeated to the wanted number, are written as Parquet; then one
process reads, encodes and trains flight_delays' MLP for one epoch, and tells its pace and its
memory. Up to a million rows a second process does the same with all rows in memory.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")
SIZES = (100_000, 1_000_000, 3_000_000, 10_000_000)
IN_MEMORY = 1_000_000  # rows up to which training in memory is measured too
CHUNK, SAMPLE, HELD_OUT = 65_536, 50_000, 20_000
BATCH = 1024
HEAD = """# One epoch of flight_delays' MLP on {machine}: rows on disk and rows in memory

Rows are the {distinct:,} training rows of flight_delays, **repeated** to the wanted number, so that
size can be measured where no larger data is: scores would mean nothing. Batches of {batch}. One
process each, one epoch each, one measurement each.

- epoch: rows a second in training, from the second call into TensorFlow on (the first one compiles).
- CPU: seconds of all cores together for a million of these rows, which other work disturbs less.
- encode: rows a second from raw columns to encoded rows, once for a run; from disk the reading of
  Parquet is in it.
- memory: the most that the process had resident, and how much of it came after TensorFlow's start.
- load: the machine's load average in the last minute of the epoch; above {cores} other work was
  taking its cores, so that paces are too low.

| rows | learned from | epoch, rows/s | CPU, s | encode, rows/s | memory, GB | after the start | encoded rows, GB | load |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501 (a row of the table)


def gigabytes_resident() -> float:
    """The most memory this process has had, in GB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def write(rows: int, folder: Path) -> dict:
    """Write the repeated training rows, and some rows to validate on."""
    from common.data.dataset import thin
    from common.data.stored_rows import write_parquet
    from projects.flight_delays.load import SCHEMA, load

    dataset = load()
    train = dataset.examples("train")
    frame = train.features.assign(target=train.target)

    def chunks():
        for start in range(0, rows, CHUNK):
            numbers = range(start, min(start + CHUNK, rows))
            yield frame.take([number % len(frame) for number in numbers])

    write_parquet(chunks(), SCHEMA, folder / "train")
    kept = thin(dataset.part, HELD_OUT)
    kept = kept[dataset.part[kept] != "train"]
    held_out = dataset.features.iloc[kept].assign(target=dataset.target[kept])
    held_out.assign(part=dataset.part[kept]).to_parquet(folder / "held_out.parquet")
    return {"distinct": len(frame)}


def read(rows: int, folder: Path, on_disk: bool):
    """The Dataset of what `write` wrote: with all training rows in memory, or a sample of them."""
    import numpy as np
    import pandas as pd

    from common.data.dataset import Account, Dataset
    from common.data.stored_rows import StoredRows, sample_rows
    from projects.flight_delays.load import SCHEMA

    stored = StoredRows(folder / "train")
    train = sample_rows(stored, SCHEMA, SAMPLE if on_disk else rows)
    held_out = pd.read_parquet(folder / "held_out.parquet")
    frame = pd.concat([train.assign(part="train"), held_out], ignore_index=True)
    empty = pd.DataFrame(index=frame.index)
    return Dataset(
        SCHEMA, frame[list(SCHEMA.features)], frame["target"].to_numpy(), empty,
        np.arange(len(frame)), empty, frame["part"].to_numpy(str),
        Account(rows + len(held_out), {}), stored=stored if on_disk else None,
    )  # fmt: skip


def train(rows: int, folder: Path, on_disk: bool) -> dict:
    """Encode and train for one epoch; what it took."""
    from common.backend import start_backend

    machine = start_backend("float32")
    import keras

    from common.models.mlp import build_mlp
    from common.project import TrainingConfig
    from common.training.fit import STEPS_PER_EXECUTION, fit
    from common.training.train import prepare_rows

    class Clock(keras.callbacks.Callback):
        """Wall and CPU seconds when the first call into TensorFlow was done, and when all were."""

        first = last = None

        def on_train_batch_end(self, batch, logs=None):
            self.first = self.first or (time.perf_counter(), time.process_time())

        def on_test_begin(self, logs=None):
            self.last = time.perf_counter(), time.process_time()

    at_start = gigabytes_resident()
    dataset = read(rows, folder, on_disk)
    began = time.perf_counter()
    folder = folder / ("disk" if on_disk else "memory")
    folder.mkdir()
    prepared = prepare_rows(dataset, work=folder)
    seconds = time.perf_counter() - began
    encoded = len(dataset.target) + (rows if on_disk else 0)
    clock, config = Clock(), TrainingConfig(epochs=1, batch_size=BATCH)
    fit(
        build_mlp(prepared.table, prepared.target), prepared.target,
        prepared.stored or prepared.part("train"), prepared.part("validation"), config, 0,
        folder / "state", [clock], verbose=0,
    )  # fmt: skip
    inputs = prepared.part("test").inputs
    counted = rows - STEPS_PER_EXECUTION * BATCH
    wall, cpu = (last - first for first, last in zip(clock.first, clock.last, strict=True))
    return {
        "machine": machine["device"],
        "epoch": counted / wall,
        "cpu": cpu / counted * 1e6,
        "encode": encoded / seconds,
        "memory": gigabytes_resident(),
        "after_start": gigabytes_resident() - at_start,
        "encoded": rows * 4 * (1 + sum(array.shape[1] for array in inputs.values())) / 1e9,
        "load": os.getloadavg()[0],
    }


STEPS = {
    "write": write,
    "disk": lambda rows, folder: train(rows, folder, on_disk=True),
    "memory": lambda rows, folder: train(rows, folder, on_disk=False),
}


def measured(step: str, rows: int, folder: str) -> dict:
    """What a step tells, done in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.big_table", step, str(rows), folder]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    lines = []
    for rows in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            distinct = measured("write", rows, folder)["distinct"]
            for way in ("disk", "memory") if rows <= IN_MEMORY else ("disk",):
                told = measured(way, rows, folder)
                cells = (
                    f"{rows:,}", way, f"{told['epoch']:,.0f}", f"{told['cpu']:.1f}",
                    f"{told['encode']:,.0f}",
                    *(f"{told[name]:.2f}" for name in ("memory", "after_start", "encoded")),
                    f"{told['load']:.1f}",
                )  # fmt: skip
                lines.append(f"| {' | '.join(cells)} |")
                print(lines[-1], flush=True)
    facts = {"machine": told["machine"], "distinct": distinct, "cores": os.cpu_count()}
    PAGE.write_text(HEAD.format(batch=BATCH, **facts) + "\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(STEPS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
