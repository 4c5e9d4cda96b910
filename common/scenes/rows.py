"""Pixels to predict: all of a scene, or those that a table names."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from common.errors import UserError
from common.scenes.form import PatchForm
from common.scenes.patches import open_scene

# The columns of a raw row: the file of a scene, and a pixel in it, counted from 0.
RAW_COLUMNS = MappingProxyType({"scene": "scene", "row": "number", "column": "number"})
CHUNK_PIXELS = 4096


def scene_chunks(source: Path, form: PatchForm) -> Iterator[pd.DataFrame] | None:
    """Yield frames of text with RAW_COLUMNS, one row a pixel of an .npy file, line after line.

    None for a file of another name: it may be a table. UserError for a scene that does not fit.
    """
    if source.suffix.lower() != ".npy":
        return None
    height, width, _ = open_scene(source, form).shape

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, height * width, CHUNK_PIXELS):
            numbers = np.arange(start, min(start + CHUNK_PIXELS, height * width))
            index = pd.Index(numbers + 1, name="pixel")
            places = {"scene": source.name, "row": numbers // width, "column": numbers % width}
            yield pd.DataFrame(places, index=index).astype("str")

    return chunks()


def with_scenes(rows: pd.DataFrame, form: PatchForm, source: Path) -> pd.DataFrame:
    """The rows with the full path of each scene, looked for beside `source`.

    rows: RAW_COLUMNS, typed. Raises UserError for a row that names no scene, or no pixel in it.
    """
    paths = [str(source.parent / name) for name in rows["scene"]]
    empty = rows.index[rows["scene"] == ""]
    if len(empty):
        raise UserError(f"{source}, {rows.index.name} {empty[0]}: no scene is named.")
    shapes = {path: open_scene(path, form).shape for path in set(paths)}
    for axis, name in enumerate(("row", "column")):
        place = rows[name].to_numpy()
        length = np.array([shapes[path][axis] for path in paths])
        bad = np.flatnonzero(~((place >= 0) & (place < length) & (place == np.floor(place))))
        if len(bad):
            first = bad[0]
            raise UserError(
                f"{source}, {rows.index.name} {rows.index[first]}: {name} {place[first]:g} is not "
                f"in {paths[first]}. Expected a whole number from 0 to {length[first] - 1}."
            )
    return rows.assign(scene=paths)
