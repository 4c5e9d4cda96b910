"""California Housing, the regression table of many papers, from the raw census file.

The papers take scikit-learn's version: 20,640 block groups of the census of 1990, 8 numbers, the
target in 100,000 dollars (Pace and Barry, "Sparse spatial autoregressions", 1997). The widespread
file housing.csv has the same rows in the same order, but sums where scikit-learn has means per
household. Dividing by the households gives 7 of its 8 columns exactly. The eighth, AveBedrms, is
missing in 207 rows, since whoever made the file removed `total_bedrooms` there on purpose; a column
`ocean_proximity` was added, which is not used here.

The published split is that of Gorishniy et al., "TabM", ICLR 2025, and before it of "On Embeddings
for Numerical Features", NeurIPS 2022: a fifth of the rows for the test (scikit-learn's
train_test_split with seed 0), a fifth of the rest for validation (seed 1). That these are their
rows is seen from the scores published with TabM's code: RMSE² / (1 - R²) is the variance of the
target over a part, and all three variances come out here to six digits.
"Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021, has the same sizes, 13,209 / 3,303
/ 4,128, but other rows: its own CatBoost scores do not come out here.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from common.data.dataset import Account, Dataset, Schema
from common.errors import UserError

ROWS = 20_640
SHARE = 0.2  # of the rows for the test, and of the others for validation
NEEDED = (
    *("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms"),
    *("population", "households", "median_income", "median_house_value", "ocean_proximity"),
)
VARIANCES = {"train": 1.346970, "validation": 1.303870, "test": 1.303955}  # published, see above
FEATURES = (
    *("MedInc", "HouseAge", "AveRooms", "AveBedrms"),
    *("Population", "AveOccup", "Latitude", "Longitude"),
)
SCHEMA = Schema(
    features=dict.fromkeys(FEATURES, "number"),
    required=dict.fromkeys(NEEDED[:8], "number"),
    unit="100,000 dollars",
)


def load_california(path: Path) -> Dataset:
    """Read housing.csv as scikit-learn's 8 columns, target in 100,000 dollars, the split published.

    Raises UserError for a file that is not there or another one.
    """
    raw = read(path)
    target = (raw["median_house_value"] / 100_000).to_numpy("float32")
    check_order(target, path)
    return Dataset(
        schema=SCHEMA,
        features=per_household(raw),
        target=target,
        ids=raw[["longitude", "latitude"]],
        groups=np.arange(len(raw)),
        slices=raw[["ocean_proximity"]],
        part=parts(len(raw)),
        account=Account(len(raw), {}),
    )


def parts(rows: int) -> np.ndarray:
    """The part of each row, (rows,), as published; see above."""
    rest, test = train_test_split(np.arange(rows), test_size=SHARE, random_state=0)
    train, validation = train_test_split(rest, test_size=SHARE, random_state=1)
    part = np.empty(rows, dtype="<U10")
    for name, chosen in (("train", train), ("validation", validation), ("test", test)):
        part[chosen] = name
    return part


def check_order(target: np.ndarray, path: Path) -> None:
    """UserError where the rows are not in their usual order, without which no split is published.

    target: (20640,) in 100,000 dollars.
    """
    part = parts(len(target))
    for name, expected in VARIANCES.items():
        found = target[part == name].var(dtype="float64")
        if abs(found - expected) > 1e-5:
            raise UserError(
                f"{path} has the rows in another order, or other prices: the variance of the "
                f"{name} targets is {found:.6f} instead of {expected:.6f}. Take the file as it was "
                "published, with longitude -122.23 and a value of 452600 in its first row."
            )


def read(path: Path) -> pd.DataFrame:
    """The raw rows, (20640, 10); UserError where the file is not what is expected."""
    try:
        raw = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a CSV file: {error}.") from None
    missing = [name for name in NEEDED if name not in raw]
    if missing or len(raw) != ROWS:
        raise UserError(
            f"{path} has {len(raw):,} rows and lacks {', '.join(missing) or 'no column'}. Expected "
            f"is the housing.csv of {ROWS:,} rows with {', '.join(NEEDED)}."
        )
    return raw


def per_household(raw: pd.DataFrame) -> pd.DataFrame:
    """scikit-learn's columns, (rows, 8) float32; AveBedrms is NaN where total_bedrooms is."""
    return pd.DataFrame(
        {
            "MedInc": raw["median_income"],
            "HouseAge": raw["housing_median_age"],
            "AveRooms": raw["total_rooms"] / raw["households"],
            "AveBedrms": raw["total_bedrooms"] / raw["households"],
            "Population": raw["population"],
            "AveOccup": raw["population"] / raw["households"],
            "Latitude": raw["latitude"],
            "Longitude": raw["longitude"],
        }
    ).astype("float32")
