"""From the package's photographs to examples: is the solar cell in the picture defective?

    2,624 photographs, labels.csv --> groups of copies --> split by group, within type and label

Some cells were photographed twice, sharp and blurred, and some smooth ones look the same: all
pictures of such a group go to the same part of the split.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from common.data.archives import archive_folder
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group, strata_of
from common.errors import UserError
from common.images.decode import ImageForm
from common.images.duplicates import group_numbers
from common.images.survey import survey

PICTURE = "picture"
LABELS = ("fine", "defective")
SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}  # tested on a quarter, as published
LINE = re.compile(r"(images/cell\d{4}\.png)\s+([\d.]+)\s+(mono|poly)")


def load(
    size: int = 160,
    labels: Literal["soft", "hard"] = "soft",
    missed_cost: float = 4.0,
    split: int = 0,
    rows: int = 0,
) -> Dataset:
    """Load all cells as a Dataset; 60 % of them train, 15 % validate, 25 % test.

    size: pixels a side. labels: what training learns, the probability of a defect that the experts
    gave ("soft"), or the likelier of both ("hard"); scores always count the latter. missed_cost: of
    a defect that is not found, in false alarms. split: which of
    the many random ones. rows: as in `common.data.dataset.thin`. UserError for a price or a split
    that cannot be.
    """
    if missed_cost <= 0 or split < 0:
        raise UserError(
            f"missed_cost is {missed_cost:g} and split {split}. Expected a positive price, such as "
            "4, and a split of 0 or more."
        )
    cells = read_raw()
    facts = survey(cells[PICTURE])
    group = group_numbers(facts["perceptual_hash"])
    kind = cells.groupby(["type", "probability"]).ngroup().to_numpy()
    part = split_by_group(strata_of(kind, group, classes=True), group, split, SHARES)
    kept = thin(part, rows)
    cells, group = cells.iloc[kept], group[kept]
    account = Account(len(part), {"left out by --rows": len(part) - len(kept)} if rows else {})
    probability = cells["probability"].to_numpy("float32")
    certain = np.isin(probability, [0, 1])
    return Dataset(
        schema=schema_of(size, missed_cost),
        features=cells[[PICTURE]],
        target=np.round(probability),
        soft_target=probability if labels == "soft" else None,
        ids=cells[["cell", "type", "probability"]],
        groups=group,
        slices=pd.DataFrame(
            {
                "type": cells["type"],
                "experts": np.where(certain, "sure", "in doubt"),
            },
            index=cells.index,
        ),
        part=part[kept],
        account=account,
    )


def schema_of(size: int, missed_cost: float) -> Schema:
    return Schema(
        features={PICTURE: "image"},
        required={PICTURE: "image"},
        labels=LABELS,
        image=ImageForm(size, size, channels=1),
        costs={"false_alarm": 1.0, "missed": missed_cost},
    )


def read_raw() -> pd.DataFrame:
    """The package's list of cells: picture (path), cell (number), probability, type.

    Probabilities are 0, 1/3, 2/3 and 1: how sure the experts were of a defect.
    """
    archive = package_archive(
        "elpv-dataset",
        "1.0.0.post1",
        "elpv_dataset-1.0.0.post1-py3-none-any.whl",
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
    )
    folder = archive_folder(archive, "elpv_dataset/data")
    return read_labels(folder / "labels.csv")


def read_labels(file: Path) -> pd.DataFrame:
    """The list of cells from labels.csv, whose columns stand apart by blanks and have no names.

    Raises UserError that names the line which is written otherwise.
    """
    rows = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        found = LINE.fullmatch(line.strip())
        if not found:
            raise UserError(
                f"{file}, line {number}: {line!r} is no cell. Expected the path of a picture, a "
                "probability and mono or poly, with blanks between."
            )
        path, probability, kind = found.groups()
        thirds = round(3 * float(probability))  # written with one to sixteen digits
        rows.append((str(file.parent / path), int(path[-8:-4]), thirds / 3, kind))
    return pd.DataFrame(rows, columns=[PICTURE, "cell", "probability", "type"])


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows are features already: a picture each."""
    return rows[[PICTURE]]
