"""A user's pictures as a table of path, label and part: from a list of paths and labels.

    CSV, Excel, … with a column of names --pictures_in_list--> PictureTable

A name is a path below the folder of the list, or the name of one file anywhere below it, with or
without its ending ("0042" for images/0042.png).
"""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import UserError
from common.images.folder import PART_NAMES, PictureTable, files_below, name_below, pictures_of
from common.reading.table_file import RawTable, read_table

LOOKED_AT = 50  # rows by which the column of names is found


def pictures_in_list(
    path: Path, label: str, picture: str = "", part: str = "", root: Path | None = None
) -> PictureTable:
    """Look at every file that a list names.

    label, picture, part: the columns with the label, the file's name, and train, validation or
    test. Where `picture` is not given, it is the column whose first cells name files; where `part`
    is not, no split is given. root: the folder of the pictures, that of the list by default.
    The index of the result is the line of the list, so that its other columns can be joined.
    Raises UserError for a column or a part that is not there, and where two classes are not left.
    """
    path = Path(path).expanduser()
    root = Path(root).expanduser() if root else path.parent
    raw = read_table(path)
    for name in filter(None, (label, picture, part)):
        if name not in raw.columns:
            raise UserError(
                f"{path} has no column {name!r}. Its columns: {', '.join(raw.columns)}."
            )
    places = Places(root)
    cells = raw.cells(picture or column_of_names(path, raw, label, places)).fillna("").str.strip()
    labels = raw.cells(label).fillna("").str.strip()
    table = pd.DataFrame({"path": cells.map(places.find), "label": labels, "part": ""})
    if part:
        table["part"] = parts_of(path, raw.cells(part))
    left_out = [(f"{cells.index.name} {line}", what) for line, what in raw.torn]
    paths = table["path"]
    reasons = {
        "It has no label.": labels == "",
        "It names no file, or several.": paths.isna(),
        "An earlier line names the same file.": paths.mask(labels == "").duplicated(),
    }
    reason = np.select(list(reasons.values()), list(reasons), "")
    left_out += [
        (cells[line] or f"{cells.index.name} {line}", why)
        for line, why in zip(table.index, reason, strict=True)
        if why
    ]
    table = table[reason == ""]
    return pictures_of(root, table, left_out)


class Places:
    """Finds the files that a list names; the folder is searched only where a path does not do."""

    def __init__(self, root: Path):
        self.root, self.by_name = root, None

    def find(self, written: str) -> str | None:
        """The path below the root of the file that is meant, None where it is not clear."""
        for name in (written, written.replace("\\", "/")):
            if name and os.path.isfile(self.root / name):
                return Path(name).as_posix()
        if self.by_name is None:
            self.by_name = defaultdict(list)
            for file in files_below(self.root):
                for name in {file.name, file.stem}:
                    self.by_name[name].append(name_below(self.root, file))
        found = self.by_name.get(written, [])
        return found[0] if len(found) == 1 else None


def column_of_names(path: Path, raw: RawTable, label: str, places: Places) -> str:
    """The column of which most of the first cells name files."""
    for name in raw.columns:
        cells = raw.cells(name).dropna().str.strip()[:LOOKED_AT]
        named = sum(places.find(cell) is not None for cell in cells)
        if name != label and named > len(cells) / 2:
            return name
    raise UserError(
        f"No column of {path} names files in {places.root}. Its columns: {', '.join(raw.columns)}. "
        "Name the column with `picture`, and the folder of the pictures with `root`."
    )


def parts_of(path: Path, cells: pd.Series) -> pd.Series:
    """The part of each row; UserError for a cell that names none."""
    written = cells.fillna("").str.strip().str.lower()
    strange = written[~written.isin(PART_NAMES)]
    if len(strange):
        raise UserError(
            f"{path}, {cells.index.name} {strange.index[0]}, column {cells.name!r}: "
            f"{strange.iloc[0]!r} is no part. Expected train, validation or test."
        )
    return written.map(PART_NAMES)
