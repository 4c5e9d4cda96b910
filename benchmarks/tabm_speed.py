"""How fast does TabM train, ours and the authors' in PyTorch? On the same made-up rows.

    pip install -r requirements-bench.txt
    python -m benchmarks.tabm_speed        about 3 minutes; writes benchmarks/tabm_speed.md

Each runs in a process of its own that imports nothing of the other, in turn, several times; what
counts is the fastest epoch of all. Only a quiet machine gives a fair ratio: PyTorch's threads wait
for one another at each operation, so it slows down far more than TensorFlow where others use the
cores too. The page tells the load.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.made_up import NUMBERS, SIZES, made_up_rows

PAGE = Path(__file__).with_suffix(".md")
ROWS, BATCH_SIZE = 8192, 256  # 32 batches, one call into TensorFlow
EPOCHS, ROUNDS = 3, 3
SETTINGS = {
    "16 members, 2 layers of 256, piecewise linear": ("16", "2", "256", "piecewise_linear"),
    "32 members, 3 layers of 512, bare numbers (package's default)": ("32", "3", "512", "none"),
}


def epoch_of_ours(members: int, blocks: int, units: int, kind: str) -> Callable[[], object]:
    """One epoch of the kit's `fit`, with its metrics."""
    from common.backend import start_backend

    start_backend("float32")
    from benchmarks.tabm_pair import ours
    from common.models.heads import Target
    from common.training.batches import EpochRandomness, shuffled_batches
    from common.training.fit import compile_learner
    from common.training.learner import Learner

    inputs, labels = made_up_rows(ROWS)
    target = Target("binary", (0.5, 0.5))
    network = ours(
        inputs["numbers"], kind, target, members=members, blocks=blocks, units=units
    )  # fmt: skip
    learner = Learner.of(network, target)
    config = SimpleNamespace(learning_rate=1e-3, weight_decay=1e-4, epochs=EPOCHS + 1)
    compile_learner(learner, target, config, ROWS // BATCH_SIZE)
    randomness = EpochRandomness(0)
    batches = shuffled_batches((inputs, labels), BATCH_SIZE, randomness)
    return lambda: learner.fit(batches, callbacks=[randomness], shuffle=False, verbose=0)


def epoch_of_theirs(members: int, blocks: int, units: int, kind: str) -> Callable[[], object]:
    """One epoch of the shortest loop in PyTorch."""
    import torch
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
    from tabm import TabM

    inputs, target = made_up_rows(ROWS)
    numbers = torch.tensor(inputs["numbers"])
    categories = torch.tensor(inputs["categories"]).long()
    labels = torch.tensor(target)
    embeddings = None
    if kind == "piecewise_linear":
        bins = compute_bins(numbers, n_bins=48)
        embeddings = PiecewiseLinearEmbeddings(bins, 16, activation=False, version="B")
    module = TabM.make(
        n_num_features=NUMBERS, cat_cardinalities=list(SIZES), num_embeddings=embeddings,
        k=members, n_blocks=blocks, d_block=units, d_out=1, dropout=0.1,
    ).train()  # fmt: skip
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=1e-4)

    def epoch() -> None:
        for rows in torch.randperm(ROWS).split(BATCH_SIZE):
            optimizer.zero_grad()
            answers = module(numbers[rows], categories[rows]).squeeze(-1)
            wanted = labels[rows, None].expand(-1, members)
            torch.nn.functional.binary_cross_entropy_with_logits(answers, wanted).backward()
            optimizer.step()

    return epoch


def fastest(epoch: Callable[[], object]) -> float:
    """Seconds of the fastest of several epochs after one of warm-up."""
    seconds = []
    for _ in range(EPOCHS + 1):
        begin = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - begin)
    return min(seconds[1:])


def measured(who: str, setting: tuple[str, ...]) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.tabm_speed", who, *setting]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def main() -> None:
    lines = [
        "# Training TabM: seconds of an epoch, ours and the authors' package",
        "",
        f"{ROWS:,} rows, {NUMBERS + len(SIZES)} columns, batch size {BATCH_SIZE}, AdamW, on "
        f"{os.cpu_count()} cores; the fastest of {ROUNDS} times {EPOCHS} epochs. Written by "
        "`python -m benchmarks.tabm_speed`.",
        "",
        "| setting | ours | PyTorch | ratio | load average, before and after |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, setting in SETTINGS.items():
        before = os.getloadavg()[0]
        turns = [[measured(who, setting) for who in ("ours", "theirs")] for _ in range(ROUNDS)]
        ours, theirs = np.min(turns, axis=0)
        load = f"{before:.1f}, {os.getloadavg()[0]:.1f}"
        lines.append(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {load} |")
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        who, members, blocks, units, kind = sys.argv[1:]
        made = {"ours": epoch_of_ours, "theirs": epoch_of_theirs}[who]
        print(fastest(made(int(members), int(blocks), int(units), kind)))
