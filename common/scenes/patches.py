"""Scenes, images with many bands taken from above, and the patches around their pixels.

A scene is an .npy file of numbers, (rows, columns, bands). A cell of a table of features names a
pixel in it: "path:row:column", both counted from 0. Patches overlap, so they are never stored: they
are cut out of the scene, which stays on disk, when a batch needs them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from common.data.cache import checksum
from common.errors import UserError
from common.scenes.form import PatchForm

CHECKED_BYTES = 2**26  # of a scene that are looked through at a time


@dataclass(frozen=True)
class Patches:
    """The patches around some pixels, to be used like an array (pixels, side, side, bands) float32.

    scenes: arrays (rows, columns, bands). places: (pixels, 3) int, scene, row and column of each.
    Beyond the borders of a scene it is mirrored there.
    """

    scenes: tuple[np.ndarray, ...]
    places: np.ndarray
    form: PatchForm

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self), *self.form.shape

    @property
    def dtype(self) -> np.dtype:
        return np.dtype("float32")

    def __getitem__(self, pixels: np.ndarray | slice) -> np.ndarray:
        """The patches of these pixels, by number, in memory."""
        places = self.places[pixels]
        cut = np.empty((len(places), *self.form.shape), self.dtype)
        offsets = np.arange(-self.form.half, self.form.half + 1)
        for number in np.unique(places[:, 0]):
            scene, inside = self.scenes[number], places[:, 0] == number
            rows, columns = (
                mirrored(places[inside, axis, None] + offsets, scene.shape[axis - 1])
                for axis in (1, 2)
            )
            pixels_of_scene = scene.reshape(-1, self.form.bands)
            numbers_of_pixels = rows[:, :, None] * scene.shape[1] + columns[:, None, :]
            cut[inside] = np.take(pixels_of_scene, numbers_of_pixels, axis=0)
        return cut


def mirrored(places: np.ndarray, length: int) -> np.ndarray:
    """Places on a line of `length` pixels, those beyond its ends mirrored at the last pixel."""
    period = max(2 * (length - 1), 1)
    places = np.abs(places) % period
    return np.minimum(places, period - places) if length > 1 else np.zeros_like(places)


def patches_of(pixels: pd.Series, form: PatchForm) -> Patches:
    """The patches around the named pixels; UserError for a scene that does not fit `form`."""
    scene, places = places_of(pixels)
    files, numbers = np.unique(scene, return_inverse=True)
    scenes = tuple(open_scene(file, form) for file in files)
    return Patches(scenes, np.column_stack([numbers, places]), form)


def spectra_of(pixels: pd.Series, form: PatchForm) -> np.ndarray:
    """The bands of the named pixels themselves, (pixels, bands) float32."""
    return patches_of(pixels, replace(form, side=1))[:][:, 0, 0]


def pixel_names(scene: Sequence[str], row: Sequence[float], column: Sequence[float]) -> pd.Series:
    """The cells that name these pixels: file, row and column of each."""
    cells = [f"{one}:{int(y)}:{int(x)}" for one, y, x in zip(scene, row, column, strict=True)]
    return pd.Series(cells, dtype="str")


def places_of(pixels: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The files of named pixels, (pixels,) text, and their rows and columns, (pixels, 2) int."""
    parts = [cell.rsplit(":", 2) for cell in pixels]
    scene = np.array([file for file, *_ in parts], object)
    return scene, np.array([place for _, *place in parts], int).reshape(-1, 2)


def by_content(pixels: pd.Series) -> pd.Series:
    """The named pixels with the checksum of each file in place of its path."""
    scene, places = places_of(pixels)
    sums = {file: checksum(Path(file)) for file in set(scene)}
    return pixel_names([sums[file] for file in scene], *places.T)


def open_scene(file: str | Path, form: PatchForm) -> np.ndarray:
    """A scene as a memory-mapped array, (rows, columns, bands); UserError unless it fits `form`."""
    file = Path(file)
    try:
        state = os.stat(file)
    except OSError as error:
        raise UserError(f"The scene {file} cannot be read: {error.strerror}.") from None
    return checked_scene(file, form.bands, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)  # a scene is looked through once, not for each batch of its pixels
def checked_scene(file: Path, bands: int, changed: int, size: int) -> np.ndarray:
    """The content of `open_scene`; changed, size: of the file, which is read anew when they differ.

    Raises UserError for what is no .npy file of numbers, has other dimensions or bands, or values
    that are no finite numbers.
    """
    expected = f"Expected an .npy file of numbers, (rows, columns, {bands} bands)"
    try:
        scene = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"The scene {file} cannot be read: {error}. {expected}.") from None
    if not isinstance(scene, np.ndarray) or scene.dtype.kind not in "iuf":
        what = scene.dtype if isinstance(scene, np.ndarray) else "several arrays"
        raise UserError(f"The scene {file} holds {what}. {expected}.")
    if scene.ndim != 3 or scene.shape[2] != bands or 0 in scene.shape:
        raise UserError(f"The scene {file} has the shape {scene.shape}. {expected}.")
    if scene.dtype.kind == "f":
        check_finite(scene, file)
    return np.ascontiguousarray(scene)  # a copy where bands of a pixel lie apart (Fortran's order)


def check_finite(scene: np.ndarray, file: Path) -> None:
    """UserError that names the first pixel with a band that is NaN, infinite or beyond float32."""
    step = max(1, CHECKED_BYTES // scene[0].nbytes)
    for start in range(0, len(scene), step):
        lines = np.abs(scene[start : start + step])
        bad = np.argwhere(~(lines <= np.finfo("float32").max))
        if len(bad):
            row, column, band = bad[0]
            raise UserError(
                f"The scene {file} has values that are no finite numbers, the first in row "
                f"{start + row}, column {column}, band {band}. Put in numbers, such as those of "
                "the nearest pixel, or cut these places off."
            )
