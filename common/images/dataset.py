"""From a table of pictures to a Dataset: a picture a row, and the class it shows."""

import numpy as np
import pandas as pd

from common.data.dataset import PARTS, Account, Dataset, Schema, thin
from common.data.split import split_by_group, strata_of
from common.images.decode import ImageForm
from common.images.folder import PictureTable

PICTURE = "picture"


def dataset_of(pictures: PictureTable, form: ImageForm, rows: int = 0) -> Dataset:
    """The Dataset of pictures in folders or a list; `rows` as in `common.data.dataset.thin`.

    The parts are those that are given. What is missing of them is cut from the training pictures,
    or, where no split is given, from all: 64 % train, 16 % validate, 20 % test, the same share of
    each class, and copies together. UserError as `Dataset` raises it.
    """
    table, labels = pictures.table, pictures.labels()
    number = pd.Categorical(table["label"], categories=labels).codes
    part = with_all_parts(table["part"].to_numpy(object), number, table["group"].to_numpy())
    kept = thin(part, rows)
    reasons = pictures.left_out["reason"].str.rstrip(".").value_counts()
    dropped = {f"files ({reason})": count for reason, count in reasons.items()}
    if len(kept) < len(table):
        dropped["left out by --rows"] = len(table) - len(kept)
    account = Account(len(table) + len(pictures.left_out), dropped)
    table = table.iloc[kept]
    return Dataset(
        schema=Schema({PICTURE: "image"}, {PICTURE: "image"}, labels, image=form),
        features=pd.DataFrame({PICTURE: [str(pictures.root / path) for path in table["path"]]}),
        target=number[kept].astype("float32"),
        ids=table[["path"]].reset_index(drop=True),
        groups=table["group"].to_numpy(),
        slices=pd.DataFrame({"shape": shapes(table)}),
        part=part[kept],
        account=account,
        findings=[each for each in pictures.findings if each.check != "account"],
    )


def with_all_parts(part: np.ndarray, number: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The part of each row, where some parts, or all, are yet to be cut.

    part: (rows,) of PARTS or ""; number: (rows,) of the class; group: (rows,) of copies.
    """
    missing = [name for name in PARTS if not (part == name).any()]
    if not missing:
        return part
    open_rows = np.isin(part, ("", "train"))
    groups = np.unique(group[open_rows], return_inverse=True)[1]
    cut = split_by_group(strata_of(number[open_rows], groups, classes=True), groups)
    part = part.copy()
    part[open_rows] = np.where(np.isin(cut, missing), cut, "train")
    return part


def shapes(table: pd.DataFrame) -> np.ndarray:
    """Whether each picture is upright, wide or about square, (rows,) text."""
    ratio = (table["width"] / table["height"]).to_numpy()
    return np.select([ratio < 0.9, ratio > 1.1], ["upright", "wide"], "about square")
