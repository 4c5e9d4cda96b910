"""Seconds to train TabM on made-up rows, ours or the package's, in a process of its own.

    python -m benchmarks.tabm_speed ours 16 2 256 piecewise_linear

prints the seconds of the fastest of five epochs after one of warm-up; reference_tabm.py calls it.
One process for both would not do: the thread pools of TensorFlow and PyTorch hinder each other, and
PyTorch became several times slower there. So nothing of the other is imported.
"""

import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

ROWS, BATCH_SIZE, EPOCHS = 8192, 256, 5  # 32 batches, one call into TensorFlow
NUMBERS, SIZES = 9, (4, 5, 8, 9, 10)  # columns of numbers; ids of each category column


def made_up_rows(rows: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Encoded inputs like an encoder's, the last number a 0/1 mark, and a target of 0 and 1."""
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(rows, NUMBERS)).clip(-8, 8).astype("float32")
    numbers[:, -1] = numbers[:, -1] > 1
    numbers[:, -2] = numbers[:, -2].round()  # fewer bins than the others
    categories = np.stack([generator.integers(0, size, rows) for size in SIZES], axis=1)
    target = numbers[:, 0] + generator.normal(size=rows) > 0
    inputs = {"numbers": numbers, "categories": categories.astype("int32")}
    return inputs, target.astype("float32")


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


if __name__ == "__main__":
    who, members, blocks, units, kind = sys.argv[1:]
    made = {"ours": epoch_of_ours, "theirs": epoch_of_theirs}[who]
    print(fastest(made(int(members), int(blocks), int(units), kind)))
