"""The diamonds are what the card says, wrong sizes are mended, no stone is in two parts."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from common.data.dataset import PARTS
from common.errors import UserError
from projects.diamond_prices.load import DIMENSIONS, GRADES, SCHEMA, load, prepare, read_raw


@pytest.fixture(scope="module")
def diamonds():
    return load()


@pytest.fixture(scope="module")
def raw():
    return read_raw()


def test_account_matches_the_known_figures(diamonds, raw):
    assert raw.shape == (53_940, 10)
    assert (raw["price"].min(), raw["price"].max()) == (326, 18_823)
    assert diamonds.account.rows_in == diamonds.account.rows_used == 53_940
    assert diamonds.account.dropped == {}
    assert diamonds.account.cells_cleaned == {
        "dimensions of 0 replaced by weight and depth": 35,
        "wrong dimensions replaced so": 36,
        "wrong depths replaced by height and width": 12,
    }
    zero = raw[list(DIMENSIONS)] == 0
    assert (zero.to_numpy().sum(), zero.any(axis=1).sum()) == (35, 20)


def test_target_is_the_price_in_dollars(diamonds, raw):
    np.testing.assert_array_equal(diamonds.target, raw["price"])
    assert diamonds.target.dtype == "float32"


def test_only_the_counted_cells_differ_from_the_file(diamonds, raw):
    numbers = ["carat", "table", "depth", *DIMENSIONS]
    differ = diamonds.features[numbers] != raw[numbers].astype("float32")
    assert differ.sum().to_dict() == {
        "carat": 0,
        "table": 0,
        "depth": 12,
        "x": 13,
        "y": 20,
        "z": 38,
    }
    assert differ.any(axis=1).sum() == 58
    assert not diamonds.features.isna().any(axis=None)
    pd.testing.assert_frame_equal(diamonds.features[list(GRADES)], raw[list(GRADES)])


def test_mended_sizes_fit_each_other(diamonds, raw):
    def contradicting(rows):
        return (
            (2 * rows["z"] / (rows["x"] + rows["y"]) * 100 / rows["depth"] - 1).abs() > 0.05
        ) | (rows[list(DIMENSIONS)].min(axis=1) == 0)

    assert contradicting(raw).sum() == 58
    assert not contradicting(diamonds.features).any()
    assert diamonds.features[list(DIMENSIONS)].max().max() < 11


@pytest.mark.parametrize(
    ("row", "column", "in_file", "by_hand"),
    [
        (48_410, "z", 31.8, 0.618 * (5.12 + 5.15) / 2),  # the decimal point is one place off
        (2_207, "z", 0, 0.591 * (6.55 + 6.48) / 2),
        (24_067, "y", 58.9, 8.09),  # a round stone: as wide as long
        (14_635, "z", 1.07, 0.606 * (6.62 + 6.67) / 2),  # the weight stands there once more
        (4_518, "depth", 43.0, 100 * 2 * 3.97 / (6.32 + 6.27)),
    ],
)
def test_a_wrong_size_becomes_what_the_other_sizes_say(
    diamonds, raw, row, column, in_file, by_hand
):
    assert raw.at[row, column] == in_file
    assert diamonds.features.at[row, column] == pytest.approx(by_hand, rel=0.02)


def test_known_stone_has_its_features(diamonds):
    assert diamonds.features.iloc[0].to_dict() == pytest.approx(
        {
            **{"carat": 0.23, "table": 55, "depth": 61.5, "x": 3.95, "y": 3.98, "z": 2.43},
            **{"cut": "Ideal", "color": "E", "clarity": "SI2", "longer_side": -1},
        }
    )


def test_grades_are_ordered_from_worst_to_best(diamonds, raw):
    for name, order in GRADES.items():
        assert set(raw[name]) == set(order)
    one_carat = raw[raw["carat"].between(0.99, 1.01)]
    for name in ("color", "clarity"):
        prices = one_carat.groupby(name)["price"].mean()[list(SCHEMA.orders[name])]
        assert prices.is_monotonic_increasing


def test_stones_listed_again_are_one_group(diamonds, raw):
    """Counted without pandas: weight, colour, clarity, dimensions with x and y in either order."""
    seen = [
        (row.carat, row.color, row.clarity, *sorted((row.x, row.y)), row.z)
        for row in raw.itertuples()
    ]
    counts = Counter(seen)
    assert len(counts) == len(set(diamonds.groups)) == 42_753
    assert sum(count for count in counts.values() if count > 1) == 21_885
    assert Counter(Counter(diamonds.groups).values()) == Counter(counts.values())
    assert diamonds.groups[26_491] == diamonds.groups[26_549]  # x and y swapped, 147 dollars more
    prices = raw["price"].groupby(diamonds.groups)
    listed_again = prices.transform("size") > 1
    assert (prices.transform("nunique") > 1)[listed_again].mean() > 0.98  # not at one price
    assert raw.duplicated().sum() == 146
    assert raw.drop(columns="price").duplicated().sum() == 345


def test_no_stone_is_in_two_parts(diamonds):
    parts = pd.Series(diamonds.part)
    assert parts.groupby(diamonds.groups).nunique().max() == 1
    same_features = pd.util.hash_pandas_object(diamonds.features, index=False).to_numpy()
    assert parts.groupby(same_features).nunique().max() == 1


def test_parts_are_alike_in_size_and_price(diamonds):
    for part, share in zip(PARTS, (0.64, 0.16, 0.2), strict=True):
        chosen = diamonds.part == part
        assert chosen.mean() == pytest.approx(share, abs=0.001)
        assert np.log(diamonds.target[chosen]).mean() == pytest.approx(
            np.log(diamonds.target).mean(), abs=0.01
        )


def test_fewer_rows_on_request(diamonds):
    few = load(rows=400)
    assert pd.Series(few.part).value_counts().to_dict() == dict.fromkeys(PARTS, 400)
    assert few.account.dropped == {"left out by --rows": 53_940 - 1200}
    pd.testing.assert_frame_equal(few.features, diamonds.features.loc[few.features.index])
    np.testing.assert_array_equal(few.part, diamonds.part[few.features.index])


def test_prepare_goes_row_by_row(raw):
    rows = raw.iloc[[24_067, 3, 48_410]][list(SCHEMA.required)]
    together = prepare(rows, {})
    assert list(together) == list(SCHEMA.features)
    for index in rows.index:
        pd.testing.assert_frame_equal(prepare(rows.loc[[index]], {}), together.loc[[index]])


def test_what_is_not_given_is_computed_where_possible(raw):
    rows = raw.iloc[[0]][list(SCHEMA.required)].assign(x=np.nan, y=np.nan, z=np.nan)
    assert prepare(rows, {})["x"].item() == pytest.approx(3.95, rel=0.02)
    without_weight = raw.iloc[[0]][list(SCHEMA.required)].assign(carat=np.nan, z=np.nan)
    features = prepare(without_weight, {})
    assert features["x"].item() == pytest.approx(3.95)
    assert features[["carat", "z"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("column", "value"), [("carat", -0.3), ("carat", 0), ("depth", 0), ("table", -1), ("y", -3.9)]
)
def test_impossible_sizes_are_refused(raw, column, value):
    rows = raw.iloc[[5, 6]][list(SCHEMA.required)]
    rows.loc[6, column] = value
    with pytest.raises(UserError, match=f"row 6, column '{column}': {value:g} is not a size"):
        prepare(rows, {})
