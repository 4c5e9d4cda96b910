"""Pictures a second in training: the kit, a plain Keras loop, decoding from files, and PyTorch.

    python -m benchmarks.image_speed         about 20 minutes; writes benchmarks/image_speed.md
    python -m benchmarks.image_speed torch   the small CNN in PyTorch alone, if installed

What is measured goes to benchmarks/image_speed.json, row by row; what is there already is not
measured again.

320 colour pictures of solar cells. Each setting is the fastest of some epochs after a first one,
and the settings take turns, since the speed of a shared machine wanders:

- the kit: rows of the memory-mapped cache, in batches as `fit` takes them;
- arrays: Keras's own `fit` on an array in memory, the same network;
- files: `keras.utils.image_dataset_from_directory` from JPEG files of 300 pixels, from its second
  epoch on. It decodes and resizes each picture in every epoch.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

RECORD = Path(__file__).with_suffix(".json")
WAYS, TORCH = ("kit", "arrays", "files"), "small CNN in PyTorch"
PICTURES, BATCH_SIZE = 320, 32
ROUNDS = 5
SIZES = (64, 96, 160)


def pictures_at(size: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Files, decoded pictures (512, size, size, 3) memory-mapped, and labels (512,) of 0 and 1."""
    from common.images.cache import cached_images
    from common.images.decode import ImageForm
    from projects.solar_cell_defects.load import PICTURE, read_raw

    cells = read_raw().iloc[::8][:PICTURES]
    files = cells[PICTURE].tolist()
    labels = np.round(cells["probability"].to_numpy("float32"))
    return files, cached_images(files, ImageForm(size, size, 3)), labels


def builders() -> dict[str, Callable]:
    from common.models.backbones import build_backbone
    from common.models.image import build_convmixer, build_image_resnet, build_small_cnn

    return {
        "small CNN": build_small_cnn,
        "ResNet-18, 32 filters": build_image_resnet,
        "ConvMixer-128/8": partial(build_convmixer, filters=128),
        "MobileNetV2": partial(build_backbone, weights="random"),
    }


def epoch_of_kit(network, target, mapped: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    from common.training.batches import EpochRandomness, shuffled_batches
    from common.training.fit import compile_learner
    from common.training.learner import Learner
    from common.training.part import MappedRows

    learner = Learner.of(network, target)
    config = SimpleNamespace(learning_rate=1e-3, weight_decay=1e-4, epochs=9)
    compile_learner(learner, target, config, len(labels) // BATCH_SIZE)
    randomness = EpochRandomness(0)
    inputs = {"image": MappedRows(mapped, np.arange(len(labels)))}
    batches = shuffled_batches((inputs, labels), BATCH_SIZE, randomness)
    return lambda: learner.fit(batches, callbacks=[randomness], shuffle=False, verbose=0)


def epoch_of_keras(network, data: dict) -> Callable[[], object]:
    network.compile("adamw", "binary_crossentropy", metrics=["auc"])
    return lambda: network.fit(**data, verbose=0)


def files_in_classes(files: list[str], labels: np.ndarray, root: Path) -> None:
    """JPEG files of 300 pixels in a folder for each class."""
    from PIL import Image

    for number, (file, label) in enumerate(zip(files, labels, strict=True)):
        folder = root / str(int(label))
        folder.mkdir(exist_ok=True)
        Image.open(file).convert("RGB").save(folder / f"{number}.jpg", quality=90)


def seconds_of(epoch: Callable[[], object]) -> float:
    begin = time.perf_counter()
    epoch()
    return time.perf_counter() - begin


def compared(build: Callable, size: int, root: Path) -> dict[str, float]:
    """Pictures a second of each way to feed one network, and the load of the machine."""
    import keras

    from common.models.heads import Target
    from common.models.table import Table

    files, mapped, labels = pictures_at(size)
    if not any(root.iterdir()):
        files_in_classes(files, labels, root)
    target = Target("binary", (0.7, 0.3))
    table = Table(image_shape=(size, size, 3))
    directory = keras.utils.image_dataset_from_directory(
        root, image_size=(size, size), batch_size=BATCH_SIZE, verbose=False
    ).map(lambda pictures, classes: ({"image": pictures}, classes))
    arrays = {"x": {"image": np.asarray(mapped)}, "y": labels, "batch_size": BATCH_SIZE}
    ways = {
        "kit": epoch_of_kit(build(table, target), target, mapped, labels),
        "arrays": epoch_of_keras(build(table, target), arrays),
        "files": epoch_of_keras(build(table, target), {"x": directory}),
    }
    seconds = dict.fromkeys(ways, float("inf"))
    for epoch in ways.values():
        epoch()
    for _ in range(ROUNDS):
        for name, epoch in ways.items():
            seconds[name] = min(seconds[name], seconds_of(epoch))
    rates = {name: round(len(labels) / value, 1) for name, value in seconds.items()}
    return rates | {"load_average": round(os.getloadavg()[0], 1)}


def in_torch(size: int) -> float:
    """Pictures a second of the small CNN in the shortest loop of PyTorch."""
    import torch
    from torch import nn

    stages, channels = [], 3
    for filters in (32, 64, 128, 256):
        stages += [nn.Conv2d(channels, filters, 3, padding=1, bias=False),
                   nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]  # fmt: skip
        channels = filters
    module = nn.Sequential(
        *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(256, 1)
    ).train()
    module = module.to(memory_format=torch.channels_last)
    pictures = torch.randint(0, 256, (PICTURES, 3, size, size), dtype=torch.uint8)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (PICTURES,)).float()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=1e-4)

    def epoch() -> None:
        for rows in torch.randperm(PICTURES).split(BATCH_SIZE):
            optimizer.zero_grad()
            answers = module(pictures[rows].float() / 127.5 - 1).squeeze(-1)
            nn.functional.binary_cross_entropy_with_logits(answers, labels[rows]).backward()
            optimizer.step()

    epoch()
    return PICTURES / min(seconds_of(epoch) for _ in range(ROUNDS))


def torch_speeds() -> dict[int, float]:
    """By size, from a process of its own; empty where PyTorch is not installed."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.image_speed", "torch"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {}
    return dict(zip(SIZES, map(float, done.stdout.split()), strict=True))


def page(record: dict[str, dict[str, dict]]) -> str:
    lines = [
        "# Pictures a second in training",
        "",
        f"{PICTURES} colour pictures, batch size {BATCH_SIZE}, AdamW, {os.cpu_count()} cores; the "
        f"fastest of {ROUNDS} epochs after a first one, in turn. Written by "
        "`python -m benchmarks.image_speed`, whose head says what is compared.",
        "",
        "| network | pixels | kit | arrays | files | kit to arrays | kit to files | load average |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, sizes in record.items():
        for size, rates in sizes.items() if name != TORCH else ():
            cells = [f"{rates[way]:.0f}" for way in WAYS]
            cells += [f"{rates['kit'] / rates[way]:.2f}" for way in WAYS[1:]]
            lines.append(f"| {name} | {size} | {' | '.join(cells)} | {rates['load_average']:.1f} |")
    if TORCH in record:
        lines += ["", f"| {TORCH} | pixels | pictures a second | kit to PyTorch |"]
        lines.append("| --- | --- | --- | --- |")
        for size, rates in record[TORCH].items():
            ratio = record["small CNN"][size]["kit"] / rates["torch"]
            lines.append(f"| channels last | {size} | {rates['torch']:.0f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    from common.backend import start_backend

    start_backend("float32")
    from benchmarks.trained import measured_once

    with tempfile.TemporaryDirectory() as root:
        for name, build in builders().items():
            for size in SIZES:
                measure = partial(compared, build, size, Path(root))
                record = measured_once(RECORD, name, str(size), measure=measure)
    for size, rate in torch_speeds().items() if TORCH not in record else ():
        record = measured_once(
            RECORD, TORCH, str(size), measure=partial(dict, torch=round(rate, 1))
        )
    RECORD.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    if sys.argv[1:] == ["torch"]:
        print(*(in_torch(size) for size in SIZES))
    else:
        main()
