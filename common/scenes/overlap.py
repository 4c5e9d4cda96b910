"""Patches that share pixels: the leak of every random split of a scene."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from common.data.finding import Finding
from common.scenes.patches import places_of

if TYPE_CHECKING:
    from common.data.dataset import Dataset


def near(pixels: np.ndarray, side: int) -> np.ndarray:
    """Where a patch would share a pixel with a patch around one of these pixels, (rows, columns).

    pixels: (rows, columns) bool; side: of the patches.
    """
    return ndimage.maximum_filter(pixels, size=2 * side - 1, mode="constant")


def check_overlap(dataset: "Dataset") -> Iterator[Finding]:
    """How many patches of the validation and of the test part share pixels with one of training."""
    (column,) = dataset.schema.patches
    scene, places = places_of(dataset.features[column])
    scenes = np.unique(scene, return_inverse=True)[1]
    seen = np.zeros((scenes.max() + 1, *(places.max(axis=0) + 1)), bool)
    train = dataset.part == "train"
    seen[scenes[train], *places[train].T] = True
    seen = np.stack([near(pixels, dataset.schema.patch.side) for pixels in seen])
    shared = seen[scenes, *places.T]
    for part in ("validation", "test"):
        rows = dataset.part == part
        share = shared[rows].mean()
        level = "alarm" if share > 0.05 else "note" if share > 0 else "ok"
        yield Finding(
            "overlapping patches",
            level,
            f"{shared[rows].sum():,} of {rows.sum():,} {part} rows ({share:.2%}) see pixels that a "
            "training row sees, too" + (": split by area." if share else "."),
        )
