"""The houses are what the card says, the features are what a person would compute by hand."""

import csv
import math

import numpy as np
import pandas as pd
import pytest

from common.data.rows import read_chunks, typed_rows
from common.errors import UserError
from common.models.encoder import build_encoder, encode, lookups
from projects.house_prices.load import (
    COLUMNS,
    ORDERS,
    SCHEMA,
    load,
    prepare,
    raw_file,
    read_raw,
)


@pytest.fixture(scope="module")
def cells():
    """House Id to its cells, as written, of both files; read without pandas."""
    houses = {}
    for name in ("train", "test"):
        with open(raw_file(name), newline="") as file:
            houses |= {int(row["Id"]): row for row in csv.DictReader(file)}
    return houses


@pytest.fixture(scope="module")
def raw():
    return read_raw()


@pytest.fixture(scope="module")
def houses():
    return load()


@pytest.fixture(scope="module")
def both(raw):
    """The features of all houses of both files, by Id."""
    rows = pd.concat([raw["train"], raw["test"]]).set_index("Id")
    return prepare(rows.filter(list(COLUMNS)), {})


@pytest.fixture(scope="module")
def encoder(houses):
    train = houses.examples("train").features
    return build_encoder(train, SCHEMA.numbers, SCHEMA.categories, SCHEMA.orders)


def row_of(raw, house):
    """The columns of one house that `prepare` takes, with index 0."""
    rows = pd.concat([raw["train"], raw["test"]]).set_index("Id", drop=False)
    return rows.loc[[house], list(COLUMNS)].reset_index(drop=True)


def test_counts_match_the_card(houses, raw, cells):
    assert raw["train"].shape == (1460, 81)
    assert raw["test"].shape == (1459, 80)
    assert sorted(cells) == list(range(1, 2920))
    assert houses.account.rows_in == houses.account.rows_used == len(houses.target) == 1460
    assert houses.account.dropped == {}
    assert list(houses.features) == list(SCHEMA.features)
    assert len(SCHEMA.features) == 42
    assert len(ORDERS) == 11


def test_split_has_the_same_share_of_every_tenth_of_the_prices(houses, cells):
    assert pd.Series(houses.part).value_counts().to_dict() == {
        "train": 934,
        "test": 292,
        "validation": 234,
    }
    assert houses.target.tolist() == [float(cells[id]["SalePrice"]) for id in houses.ids["Id"]]
    tenth = pd.qcut(houses.target, 10, labels=False)
    shares = pd.crosstab(tenth, houses.part, normalize="index")
    for part, share in (("train", 0.64), ("validation", 0.16), ("test", 0.2)):
        assert (shares[part] - share).abs().max() < 0.015
    np.testing.assert_array_equal(load().part, houses.part)


def test_fewer_rows_keep_their_part_and_are_accounted_for(houses):
    few = load(rows=50)
    assert pd.Series(few.part).value_counts().to_dict() == {
        "train": 50,
        "validation": 50,
        "test": 50,
    }
    assert few.account.dropped == {"left out by --rows": 1310}
    assert (houses.part[few.ids["Id"] - 1] == few.part).all()


def test_the_price_is_nowhere_among_the_features(houses, raw):
    named = {*SCHEMA.features, *SCHEMA.required, *SCHEMA.optional}
    assert not named & {"SalePrice", "Id"}
    tempted = prepare(raw["train"].assign(SalePrice=0.0), {})
    pd.testing.assert_frame_equal(tempted, houses.features)
    correlation = houses.features[SCHEMA.numbers].corrwith(pd.Series(np.log(houses.target)))
    assert correlation.abs().max() < 0.9


@pytest.mark.parametrize("house", [1, 18, 333, 949, 1061, 1461, 2189, 2600, 2919])
def test_features_equal_a_computation_by_hand(both, cells, house):
    cell, features = cells[house], both.loc[house]

    def number(name):
        return 0.0 if cell[name] == "NA" else float(cell[name])

    total = number("GrLivArea") + number("TotalBsmtSF")
    porches = number("EnclosedPorch") + number("3SsnPorch") + number("ScreenPorch")
    baths = number("FullBath") + number("BsmtFullBath")
    baths += (number("HalfBath") + number("BsmtHalfBath")) / 2
    expected = {
        "log_total_area": math.log(1 + total),
        "log_porch_area": math.log(1 + porches),
        "log_LotArea": math.log(1 + number("LotArea")),
        "log_GarageArea": math.log(1 + number("GarageArea")),
        "bathrooms": baths,
        "age_at_sale": number("YrSold") - number("YearBuilt"),
        "years_since_remodelling": number("YrSold") - number("YearRemodAdd"),
        "OverallQual": number("OverallQual"),
    }
    for name, value in expected.items():
        assert features[name] == pytest.approx(value, rel=1e-6), name
    assert features["Neighborhood"] == cell["Neighborhood"]
    assert features["MSSubClass"] == cell["MSSubClass"]


def test_first_house_with_figures_read_off_the_file(both):
    first = both.loc[1]
    assert np.expm1(first["log_total_area"]) == pytest.approx(1710 + 856, rel=1e-4)
    assert first["bathrooms"] == 2 + 1 + 0.5
    assert first["age_at_sale"] == first["years_since_remodelling"] == 2008 - 2003
    assert (first["FireplaceQu"], first["BsmtQual"]) == ("none", "Gd")


@pytest.mark.parametrize(
    ("house", "column", "expected"),
    [
        (18, "BsmtQual", "none"),  # no basement
        (18, "BsmtExposure", "none"),
        (949, "BsmtExposure", ""),  # a basement of 936 square feet: nobody wrote it down
        (2218, "BsmtQual", ""),  # likewise, 173 square feet
        (2121, "BsmtQual", ""),  # the basement's size is missing too
        (1, "FireplaceQu", "none"),
        (40, "GarageType", "none"),
        (2127, "GarageFinish", ""),  # a garage of 360 square feet
        (2577, "GarageFinish", ""),  # a detached garage, of unknown size
        (2577, "GarageType", "Detchd"),
        (2, "MasVnrType", "none"),
        (235, "MasVnrType", ""),  # type and area are missing
        (625, "MasVnrType", ""),  # None, on 288 square feet
        (2611, "MasVnrType", ""),  # NA, on 198 square feet
        (1916, "MSZoning", ""),
    ],
)
def test_empty_cells_mean_none_only_where_there_is_nothing(both, house, column, expected):
    assert both.loc[house, column] == expected


def test_nones_of_the_training_file_are_accounted_for(houses, cells):
    train = [row for id, row in cells.items() if id <= 1460]
    count = sum(
        4 * (row["TotalBsmtSF"] == "0")
        + 3 * (row["GarageArea"] == "0")
        + (row["Fireplaces"] == "0")
        + (row["MasVnrType"] == "None" and row["MasVnrArea"] == "0")
        for row in train
    )
    assert houses.account.cells_cleaned == {'empty cells read as "none"': count}
    assert count == (houses.features == "none").to_numpy().sum() == 1940


def test_what_stays_missing_is_what_nobody_wrote_down(houses, raw):
    def missing(features):
        counts = {
            name: int((features[name].isna() | (features[name] == "")).sum()) for name in features
        }
        return {name: count for name, count in counts.items() if count}

    assert missing(houses.features) == {
        "log_LotFrontage": 259,
        "log_MasVnrArea": 8,
        "BsmtExposure": 1,
        "MasVnrType": 8 + 5,
    }
    sizes = ("TotalBsmtSF", "BsmtFinSF1", "BsmtUnfSF", "GarageArea", "total_area")
    once = ("GarageCars", "bathrooms", "KitchenQual", "BsmtFinType1", "Exterior1st")
    assert missing(prepare(raw["test"], {})) == {
        **dict.fromkeys((*once, *(f"log_{name}" for name in sizes)), 1),
        **dict.fromkeys(("GarageFinish", "GarageQual", "Functional"), 2),
        **dict.fromkeys(("BsmtQual", "BsmtExposure"), 3),
        **dict.fromkeys(("BsmtCond", "MSZoning"), 4),
        "log_LotFrontage": 227,
        "log_MasVnrArea": 15,
        "MasVnrType": 16 + 2,
    }


def test_predict_reads_both_files_as_load_does(both):
    """Text cells, where NA and None become "", give the features that pandas' reading gives."""
    for path in (raw_file("train"), raw_file("test")):
        for text in read_chunks(path):
            features = prepare(typed_rows(text, SCHEMA, path), {})
            features.index = pd.Index(text["Id"].astype("int64"), name="Id")
            pd.testing.assert_frame_equal(features, both.loc[features.index])


def test_prepare_goes_row_by_row(raw):
    rows = raw["test"].iloc[[7, 3, 1400]]
    together = prepare(rows, {})
    assert together.index.tolist() == [7, 3, 1400]
    for index in rows.index:
        pd.testing.assert_frame_equal(prepare(rows.loc[[index]], {}), together.loc[[index]])


def test_optional_columns_may_be_absent(raw):
    rows = raw["train"].loc[[0], list(SCHEMA.required)]
    features = prepare(rows, {}).iloc[0]
    assert np.isnan(features["log_LotFrontage"])
    assert np.isnan(features["log_porch_area"])
    assert features["MasVnrType"] == features["BsmtCond"] == ""
    assert features["KitchenQual"] == "Gd"


def test_orders_name_every_value_of_both_files(both):
    for name, order in ORDERS.items():
        assert set(both[name]) - {""} <= set(order), name
        assert len(set(order)) == len(order)


def test_orders_run_from_cheap_to_dear(houses):
    """Houses of the highest rank that is common cost more than those of the lowest."""
    price = pd.Series(houses.target)
    for name, order in ORDERS.items():
        median = price.groupby(houses.features[name]).agg(["median", "size"])
        common = [value for value in order if value in median.index and median["size"][value] >= 10]
        assert median["median"][common[-1]] > median["median"][common[0]], name


def test_unknown_codes_become_the_unseen_category(houses, raw, encoder):
    """MSSubClass 150 is in Kaggle's test file only; a quality "Su" is nowhere."""
    features = prepare(row_of(raw, 2819).assign(KitchenQual="Su"), {})
    ids = dict(
        zip(
            [name for name, _ in lookups(encoder)],
            encode(encoder, features)["categories"][0],
            strict=True,
        )
    )
    assert features["MSSubClass"].item() == "150"
    assert ids["MSSubClass"] == ids["KitchenQual"] == 1
    assert ids["Neighborhood"] > 1


def test_every_test_house_is_encoded_without_gaps(raw, encoder):
    encoded = encode(encoder, prepare(raw["test"], {}))
    assert len(encoded["numbers"]) == len(encoded["categories"]) == 1459
    assert np.isfinite(encoded["numbers"]).all()


def test_huge_and_unfinished_houses_stay_as_they_are(houses, both):
    assert set(houses.part[[523, 1298]]) == {"train"}
    early = both["age_at_sale"].lt(0) | both["years_since_remodelling"].lt(0)
    assert both.index[early].tolist() == [524, 2296, 2550]
    assert both["age_at_sale"].min() == -1
    assert both["years_since_remodelling"].min() == -2


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("GrLivArea", -1, "row 0, column 'GrLivArea': -1 is impossible. Expected 0 or more"),
        ("ScreenPorch", -3, "row 0, column 'ScreenPorch': -3 is impossible. Expected 0 or more"),
        ("FullBath", -1, "row 0, column 'FullBath': -1 is impossible"),
        ("OverallQual", 11, "'OverallQual': 11 is impossible. Expected a grade from 1 to 10"),
        ("OverallCond", 0, "'OverallCond': 0 is impossible. Expected a grade from 1 to 10"),
        ("YearBuilt", 2207, "'YearBuilt': 2207 cannot be, for a house sold in 2008"),
        ("YearRemodAdd", 20, "'YearRemodAdd': 20 cannot be, for a house sold in 2008"),
        ("YrSold", 20008, "row 0, column 'YrSold': 20008 cannot be"),
    ],
)
def test_impossible_cells_are_refused(raw, column, value, message):
    with pytest.raises(UserError, match=message):
        prepare(row_of(raw, 1).assign(**{column: value}), {})


def test_missing_cells_are_not_refused(raw):
    empty = prepare(row_of(raw, 1).assign(YrSold=np.nan, GrLivArea=np.nan, OverallQual=np.nan), {})
    assert empty[["age_at_sale", "log_total_area", "OverallQual"]].isna().all(axis=None)
