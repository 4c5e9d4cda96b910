"""From one scene of 200 bands and a map of labels to examples: which crop grows at this pixel?

    scene + labels --> labelled pixels --> split by area --> pixels between the areas dropped

A network sees the square around a pixel. In a random split nearly every test pixel lies in squares
that training has seen, with the label of its field; a split by area keeps them apart.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import ndimage

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group
from common.errors import UserError
from common.scenes.areas import SHARES, fields_of, split_by_area
from common.scenes.form import PatchForm
from common.scenes.patches import pixel_names
from common.scenes.rows import RAW_COLUMNS

PIXEL = "pixel"
BANDS = 200
LABELS = (
    *("alfalfa", "corn, no till", "corn, minimum till", "corn", "grass and pasture"),
    *("grass and trees", "mown pasture", "hay in windrows", "oats", "soybean, no till"),
    *("soybean, minimum till", "soybean, clean till", "wheat", "woods"),
    *("buildings, grass, trees, drives", "stone and steel towers"),
)


def load(
    side: int = 5,
    split: Literal["area", "fields", "random"] = "area",
    draw: int = 0,
    rows: int = 0,
) -> Dataset:
    """Load the labelled pixels as a Dataset: about 55 % train, 20 % validate, 25 % test.

    side: pixels of the square around a pixel that a network sees. split: "area" cuts every field
    into parts, "fields" gives whole ones to a part where a class has three; both drop pixels until
    no squares of two parts overlap. "random" is the split that most papers use. draw: which of the
    many splits of that kind. rows: as in `common.data.dataset.thin`. UserError for a side or a draw
    that cannot be.
    """
    if draw < 0:
        raise UserError(f"draw is {draw}. Expected 0 or a positive whole number.")
    schema = schema_of(side)
    scene, labels = read_raw()
    labelled = labels > 0
    label = labels[labelled] - 1
    if split == "random":
        part = split_by_group(label, np.arange(len(label)), draw, SHARES)
    else:
        part = split_by_area(labels, side, draw, whole_fields=split == "fields")[labelled]
    kept = thin(part, rows)
    dropped = {
        "no label": int((~labelled).sum()),
        "too near to another part": int((part == "").sum()),
        "left out by --rows": int((part != "").sum()) - len(kept),
    }
    places = pd.DataFrame(np.argwhere(labelled)[kept], columns=["row", "column"])
    field = fields_of(labels)[labelled][kept]
    mixed = mixed_patches(labels, side)[labelled][kept]
    pixels = pixel_names([str(scene)] * len(kept), places["row"], places["column"])
    return Dataset(
        schema=schema,
        features=pixels.to_frame(PIXEL),
        target=label[kept].astype("float32"),
        ids=places.assign(field=field),
        groups=field,
        slices=pd.DataFrame({"place": np.where(mixed, "edge of a field", "inside a field")}),
        part=part[kept],
        account=Account(labels.size, {why: count for why, count in dropped.items() if count}),
    )


def schema_of(side: int) -> Schema:
    return Schema(
        features={PIXEL: "patch"},
        required=dict(RAW_COLUMNS),
        labels=LABELS,
        patch=PatchForm(side, BANDS),
    )


def read_raw() -> tuple[Path, np.ndarray]:
    """The file of the scene, (145, 145, 200), and its labels, (145, 145) from 1; 0 is none."""
    archive = package_archive(
        "tensorly",
        "0.10.0",
        "tensorly-0.10.0-py3-none-any.whl",
        sha256="90becb3d28023638ec60d19fbf8d87735b4ce1537fe3eb881897d69e107b882d",
    )
    folder = "tensorly/datasets/data"
    scene = archive_member(archive, f"{folder}/Indian_pines_corrected.npy")
    labels = archive_member(archive, f"{folder}/Indian_pines_gt.npy")
    return scene, np.load(labels, allow_pickle=False).astype(int)


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows, each with a scene, row and column, as features: the name of the pixel."""
    names = pixel_names(rows["scene"], rows["row"], rows["column"])
    return pd.DataFrame({PIXEL: names.to_numpy()}, index=rows.index)


def mixed_patches(labels: np.ndarray, side: int) -> np.ndarray:
    """Whether the square around each pixel holds several labels, (rows, columns) bool."""
    lowest, highest = (
        measure(labels, side, mode="nearest")
        for measure in (ndimage.minimum_filter, ndimage.maximum_filter)
    )
    return lowest != highest
