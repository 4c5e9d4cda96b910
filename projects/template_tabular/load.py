"""From a file to examples: penguins of three islands. Put a table of your own in their place.

    file --> cells as text --> numbers, categories, dates --> features --> split

Each line of the file is an example, or is dropped with its reason.
"""

from pathlib import Path

import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Dataset, Kind, Schema, thin
from common.data.fetch import package_archive
from common.data.labels import labels_and_target
from common.data.split import split_by_group, split_by_time, strata_of
from common.data.typed_table import (
    equal_rows,
    features_of,
    kinds_of,
    read_typed_table,
    whole_groups,
)
from common.reading.dates import date_parts
from common.reading.notation import Notation

TARGET = ["sex"]  # of several columns of yes and no, each is a label
COLUMNS: dict[str, Kind] = {  # the target too: a category has classes, a number is predicted as one
    "sex": "category",
    "species": "category",
    "island": "category",
    "bill_length_mm": "number",
    "bill_depth_mm": "number",
    "flipper_length_mm": "number",
    "body_mass_g": "number",
    "year": "number",
}
# Of columns whose cells are not plainly written, how they are: {"price": Notation(decimal=",")}
NOTATION: dict[str, Notation] = {}
# What of a date is a feature, of all that date_parts makes: {"sold": ("sold_weekday",)}
DATE_PARTS: dict[str, tuple[str, ...]] = {}
TIME = ""  # the column by which to split, first rows to train and last to test
GROUP = ""  # the column whose rows stay together in a split: patient, customer, device
SLICES = ("species", "island")  # columns by which the scores are broken down
UNIT, LOG_SCALE = "", False  # of a number that is predicted; whether its errors count by ratio
KEPT_APART = (*TARGET, TIME, GROUP)  # no features, but for what DATE_PARTS takes of the time
RAW = {name: kind for name, kind in COLUMNS.items() if name in DATE_PARTS or name not in KEPT_APART}


def load(rows: int = 0) -> Dataset:
    """Load the file as a Dataset; `rows` as in `common.data.dataset.thin`.

    64 % of the rows train, 16 % validate, 20 % test. Equal rows stay in one part.
    """
    table = read_typed_table(data_file(), COLUMNS, NOTATION).known(*TARGET)
    if TIME:
        table = table.known(TIME)
    columns, account = table.rows, table.account
    features = prepare(columns[list(RAW)], {})
    labels, target = labels_and_target(columns[TARGET], COLUMNS, NOTATION)
    groups = whole_groups(columns[GROUP]) if GROUP else equal_rows(features)
    if TIME:
        part = split_by_time(columns[TIME])
    else:
        part = split_by_group(strata_of(target, groups, classes=bool(labels)), groups)
    kept = thin(part, rows)
    if len(kept) < len(part):
        account.dropped["left out by --rows"] = len(part) - len(kept)
    return Dataset(
        schema=Schema(
            features=kinds_of(features),
            required=RAW,
            labels=labels,
            several=target.ndim > 1,
            notation={name: how for name, how in NOTATION.items() if name in RAW},
            unit=UNIT,
            log_scale=LOG_SCALE,
        ),
        features=features.iloc[kept],
        target=target[kept],
        ids=pd.DataFrame({"line": columns.index[kept]}),
        groups=groups[kept],
        slices=columns[list(SLICES)].iloc[kept],
        part=part[kept],
        account=account,
        time=columns[TIME].to_numpy()[kept] if TIME else None,
    )


def data_file() -> Path:
    """The file to learn from; for yours: `return Path("my.csv")`."""
    archive = package_archive(
        "plotnine",
        "0.15.9",
        "plotnine-0.15.9-py3-none-any.whl",
        sha256="36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
    )
    return archive_member(archive, "plotnine/data/penguins.csv")


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw columns into features, row by row; add columns of your own here.

    rows: the columns of RAW; tables: none are needed.
    """
    for name, parts in DATE_PARTS.items():
        rows = rows.drop(columns=name).join(date_parts(rows[name])[list(parts)])
    return features_of(rows)
