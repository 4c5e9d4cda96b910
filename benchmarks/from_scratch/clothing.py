"""Photographs of clothing for both sides, and a small convolutional network on them."""

from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from benchmarks.from_scratch.networks import Data, Network
from common.errors import UserError
from common.from_scratch import optimizers
from common.from_scratch.activations import ReLU
from common.from_scratch.convolution import Conv2D
from common.from_scratch.dense import Dense
from common.from_scratch.pooling import GlobalAveragePooling2D, MaxPooling2D
from common.from_scratch.sequential import Sequential

SIDE = 32  # pixels
FILTERS = (16, 32, 64)


@cache
def pictures(folder: Path) -> Data:
    """Colours from 0 to 1, (rows, 32, 32, 3), and the number of the class, from folder/train/class.

    Training rows are mixed once. Raises UserError where there are no such pictures.
    """
    classes = sorted(path.name for path in folder.glob("train/*") if path.is_dir())
    files = {part: sorted(folder.glob(f"{part}/*/*.jpg")) for part in ("train", "test")}
    if not all(files.values()):
        raise UserError(
            f"{folder} has no pictures train/CLASS/NAME.jpg and test/CLASS/NAME.jpg. Give the "
            "folder of alexeygrigorev/clothing-dataset-small, unpacked."
        )
    order = np.random.default_rng(0).permutation(len(files["train"]))
    files["train"] = [files["train"][place] for place in order]
    arrays = []
    for paths in files.values():
        arrays += [
            np.stack([pixels(path) for path in paths]),
            np.array([classes.index(path.parent.name) for path in paths]),
        ]
    return Data(*arrays)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(small, "float32") / 255


def clothing(folder: Path) -> Network:
    """Three convolutions, each followed by pooling."""
    widths = (3, *FILTERS)
    adam = {"learning_rate": 3e-3}
    return Network(
        f"clothing at {SIDE} pixels, CNN",
        lambda: pictures(folder),
        lambda random: Sequential(
            [
                layer
                for inputs, filters in zip(widths, FILTERS, strict=False)
                for layer in (
                    Conv2D(inputs, filters, 3, random, padding="same"),
                    ReLU(),
                    MaxPooling2D(2),
                )
            ]
            + [GlobalAveragePooling2D(), Dense(FILTERS[-1], 10, random)]
        ),
        lambda dtype: keras.Sequential(
            [
                layer
                for filters in FILTERS
                for layer in (
                    layers.Conv2D(filters, 3, padding="same", activation="relu", dtype=dtype),
                    layers.MaxPooling2D(2, dtype=dtype),
                )
            ]
            + [layers.GlobalAveragePooling2D(dtype=dtype), layers.Dense(10, dtype=dtype)]
        ),
        (lambda: optimizers.Adam(**adam), lambda: keras.optimizers.Adam(**adam)),
        epochs=8,
        batch_size=32,
    )
