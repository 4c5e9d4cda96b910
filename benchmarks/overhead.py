"""What does the kit cost? Whole processes of flight_delays beside a minimal hand-written script.

    python -m benchmarks.overhead          about 8 minutes; writes benchmarks/overhead.md

In turn, three times each, after one warm-up: the minimal script on prepared arrays; the kit until
the bundle is saved (load, check, encode, sanity, train); the kit in full (with baselines,
intervals, pictures and report). All train the same multi-layer perceptron, not the project's TabM,
since that fits into a script of fifty lines. Ratios are of neighbours in time, the median of three.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS = 12
ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")
NETWORK = "--model mlp --blocks 2 --units 256 --dropout 0.3 --number-embedding none"
RUN = [
    *(sys.executable, "projects/flight_delays/run.py", *NETWORK.split()),
    *("--epochs", str(EPOCHS), "--patience", "99"),
]
UNTIL_BUNDLE = """if True:
    import sys
    from common import pipeline
    from projects.flight_delays.run import PROJECT, main
    pipeline.evaluate_run = lambda *_: sys.exit(0)
    sys.argv = ["run.py", *sys.argv[1:]]
    main(PROJECT)
"""


def prepare_arrays(path: str) -> None:
    """Encode flight_delays and store the arrays for the minimal script."""
    from common.backend import start_backend

    start_backend("float32")
    import numpy as np

    from common.data.dataset import PARTS
    from common.training.train import prepare_rows
    from projects.flight_delays.load import load

    prepared = prepare_rows(load())
    arrays = {"sizes": np.array(list(prepared.table.vocabularies.values()))}
    for name in PARTS:
        part = prepared.part(name)
        arrays[f"{name}_target"] = part.target
        arrays |= {f"{name}_{kind}": array for kind, array in part.inputs.items()}
    np.savez(path, **arrays)


def wall_seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        arrays = f"{folder}/arrays.npz"
        code = f"from benchmarks.overhead import prepare_arrays; prepare_arrays({arrays!r})"
        environment = os.environ | {"APPLIED_KERAS_RUNS": folder, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
        commands = {
            "minimal script": [sys.executable, "benchmarks/minimal_script.py", arrays, str(EPOCHS)],
            "the kit until the bundle": [sys.executable, "-c", UNTIL_BUNDLE, *RUN[2:]],
            "the kit in full": RUN,
        }
        rounds = [
            {name: wall_seconds(command, environment) for name, command in commands.items()}
            for _ in range(4)
        ][1:]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    lines = [
        f"# Whole processes of flight_delays, {EPOCHS} epochs, medians of three rounds",
        "",
        "| process | wall seconds | ratio to the minimal script |",
        "| --- | --- | --- |",
    ]
    for name in commands:
        seconds = statistics.median(times[name] for times in rounds)
        ratio = statistics.median(times[name] / times["minimal script"] for times in rounds)
        lines.append(f"| {name} | {seconds:.1f} | {ratio:.2f} |")
    lines += ["", f"Largest memory of any of these processes: {memory:.2f} GiB."]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
