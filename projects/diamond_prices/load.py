"""From the raw table to examples: round diamonds on sale, with weight, grades and dimensions.

    diamonds.csv --> wrong sizes mended by the others --> split by stone

Four rows in ten are a stone that is there more than once, mostly with another price: all rows of a
stone go to the same part of the split.
"""

import numpy as np
import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.split import split_by_group
from common.errors import UserError

DIMENSIONS = ("x", "y", "z")  # length and width in either order, then height; millimetres
SIZES = ("depth", *DIMENSIONS)
NUMBERS = ("carat", "table", *SIZES)
GRADES = {  # the worst first
    "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
    "color": tuple("JIHGFED"),
    "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
}
COLUMNS = dict.fromkeys(NUMBERS, "number") | dict.fromkeys(GRADES, "category")
SCHEMA = Schema(
    features=COLUMNS | {"longer_side": "number"},
    required=COLUMNS,
    orders=GRADES,
    unit="dollars",
    log_scale=True,
)
STONE = ["carat", "color", "clarity", "narrow", "wide", "z"]  # the same stone, graded alike
CARATS_PER_CUBIC_MILLIMETRE = 0.0061  # jewellers' rule for round brilliants: diameter² x height
CONTRADICTION = 0.05  # between depth and dimensions, as a share of the depth
WRONG = 0.1  # off from what the other sizes say, as a share of it
BANDS = {0: "0 to 0.5", 0.5: "0.5 to 1", 1: "1 to 1.5", 1.5: "1.5 to 2", 2: "2 and more"}


def load(rows: int = 0) -> Dataset:
    """Load all diamonds, as a Dataset split by stone; `rows` as in `common.data.dataset.thin`.

    64 % of the rows train, 16 % validate, 20 % test, with the same share in each tenth of prices.
    """
    diamonds = read_raw()
    features = prepare(diamonds, {})
    account = Account(len(diamonds), {}, count_mended(diamonds, features))
    stone = stones(diamonds)
    part = split_by_group(price_tenths(diamonds["price"], stone), stone)
    kept = thin(part, rows)
    if len(kept) < len(diamonds):
        account.dropped["left out by --rows"] = len(diamonds) - len(kept)
    diamonds = diamonds.iloc[kept]
    band = pd.cut(diamonds["carat"], [*BANDS, np.inf], right=False, labels=list(BANDS.values()))
    return Dataset(
        schema=SCHEMA,
        features=features.iloc[kept],
        target=diamonds["price"].to_numpy("float32"),
        ids=diamonds[["carat", *GRADES]].assign(row=diamonds.index + 1),
        groups=stone[kept],
        slices=diamonds[list(GRADES)].assign(carats=band.astype("str")),
        part=part[kept],
        account=account,
    )


def read_raw() -> pd.DataFrame:
    """The package's table as it is: 53,940 rows of price in dollars and nine columns."""
    archive = package_archive(
        "plotnine",
        "0.15.9",
        "plotnine-0.15.9-py3-none-any.whl",
        sha256="36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
    )
    return pd.read_csv(archive_member(archive, "plotnine/data/diamonds.csv"))


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw rows into the feature columns of SCHEMA, in the same order and with the same index.

    rows: the required columns; tables: none are needed. Raises UserError for a weight, depth or
    table that is not positive, and for a negative dimension; a dimension of 0 counts as missing.

    longer_side is 1 where x is the longer one of x and y, -1 where y is, 0 where neither: sellers
    differ in which they write first, and in their prices. Boosted trees gain 2 % of the error by it
    (cross-validated on training rows); volume, x / y and weight by volume gain nothing more.
    """
    check_sizes(rows)
    rows = rows[list(COLUMNS)].assign(**mended_sizes(rows))
    rows = rows.assign(longer_side=np.sign(rows["x"] - rows["y"]))[list(SCHEMA.features)]
    return rows.astype(dict.fromkeys(SCHEMA.numbers, "float32")).assign(
        **{name: rows[name].astype("str").fillna("") for name in SCHEMA.categories}
    )


def mended_sizes(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """depth, x, y and z, with those that cannot be replaced by what the other sizes say.

    `depth` is z in percent of the mean of x and y. Where the dimensions contradict it, the weight
    tells which is wrong, by the jewellers' rule for round brilliants: carat = 0.0061 diameter² z
    (2 % off in standard deviation, on the stones without contradiction).
    """
    depth = rows["depth"] / 100
    measured = rows[list(DIMENSIONS)].mask(rows[list(DIMENSIONS)] == 0)
    diameter = (measured["x"] + measured["y"]) / 2
    found_depth = measured["z"] / diameter
    found_carat = CARATS_PER_CUBIC_MILLIMETRE * diameter**2 * measured["z"]
    agree = close(found_depth, depth, CONTRADICTION)
    depth_is_wrong = ~agree & close(found_carat, rows["carat"], WRONG)
    mended = {"depth": rows["depth"].mask(depth_is_wrong, 100 * found_depth)}

    expected_diameter = np.cbrt(rows["carat"] / (CARATS_PER_CUBIC_MILLIMETRE * depth))
    for name in DIMENSIONS:
        expected = expected_diameter * depth if name == "z" else expected_diameter
        kept = agree | depth_is_wrong | close(measured[name], expected, WRONG) | expected.isna()
        mended[name] = measured[name].where(kept, expected)
    return mended


def close(values: pd.Series, others: pd.Series, share: float) -> pd.Series:
    """Where values differ from others by at most this share of them; False where one is missing."""
    return (values / others - 1).abs() <= share


def check_sizes(rows: pd.DataFrame) -> None:
    """UserError that names the first row with a size that no stone can have."""
    for name in NUMBERS:
        lowest_is_zero = name in DIMENSIONS
        bad = rows[name] < 0 if lowest_is_zero else rows[name] <= 0
        if bad.any():
            row = bad.index[bad][0]
            expected = "0 (not measured) or more" if lowest_is_zero else "more than 0"
            raise UserError(
                f"{rows.index.name or 'row'} {row}, column {name!r}: {rows[name][row]:g} is not a "
                f"size of a diamond. Expected {expected}, or an empty cell for a missing value."
            )


def count_mended(diamonds: pd.DataFrame, features: pd.DataFrame) -> dict[str, int]:
    """How many cells `prepare` has replaced, by the reason."""
    zero = diamonds[list(DIMENSIONS)] == 0
    changed = diamonds[list(SIZES)].astype("float32") != features[list(SIZES)]
    return {
        "dimensions of 0 replaced by weight and depth": int(zero.to_numpy().sum()),
        "wrong dimensions replaced so": int((changed[list(DIMENSIONS)] & ~zero).to_numpy().sum()),
        "wrong depths replaced by height and width": int(changed["depth"].sum()),
    }


def stones(diamonds: pd.DataFrame) -> np.ndarray:
    """The number of each row's stone, (rows,) int64.

    Two rows show one stone if weight, colour, clarity and the three dimensions are equal, x and y
    in either order: where two sellers list a stone, they often swap them and grade the cut anew.
    """
    sides = diamonds[["x", "y"]]
    ends = diamonds.assign(narrow=sides.min(axis=1), wide=sides.max(axis=1))
    return ends.groupby(STONE).ngroup().to_numpy()


def price_tenths(price: pd.Series, stone: np.ndarray) -> np.ndarray:
    """The tenth, 0 to 9, in which the mean price of each row's stone lies."""
    return pd.qcut(price.groupby(stone).transform("mean"), 10, labels=False).to_numpy()
