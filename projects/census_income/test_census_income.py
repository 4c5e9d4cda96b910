"""The people are those of the official sets, and a model sees of them what the file says."""

import numpy as np
import pandas as pd
import pytest

from common.data.rows import read_chunks, typed_rows
from common.errors import UserError
from projects.census_income.load import SCHEMA, load, prepare, read_raw


@pytest.fixture(scope="module")
def people():
    return load()


@pytest.fixture(scope="module")
def raw():
    return read_raw()


def test_account_matches_the_known_figures(people, raw):
    assert people.account.rows_in == len(raw) == 48_842
    assert people.account.dropped == {}
    assert people.account.rows_used == len(people.target)
    assert people.account.cells_cleaned == {'cells "?" read as missing': 6465}


def test_parts_are_the_official_ones(people):
    """The sizes and shares of UCI's documentation; each set's first person as in its own file."""
    is_test = people.part == "test"
    assert is_test.sum() == 16_281
    assert (~is_test).sum() == 32_561
    assert is_test[:16_281].all()
    validation = (people.part == "validation").sum()
    assert validation == pytest.approx(0.2 * 32_561, abs=10)
    assert people.target.mean(dtype=float) == pytest.approx(0.2393, abs=5e-5)
    complete = ~(people.features[SCHEMA.categories] == "").any(axis=1)
    assert (complete & is_test).sum() == 15_060
    assert (complete & ~is_test).sum() == 30_162
    assert people.target[complete].mean(dtype=float) == pytest.approx(0.2478, abs=5e-5)
    first = people.features[["age", "fnlwgt"]].iloc[[0, 16_281]]
    assert first.to_numpy().tolist() == [[25, 226_802], [39, 77_516]]


def test_every_part_has_the_same_share_of_the_classes(people):
    shares = pd.Series(people.target).groupby(people.part).mean()
    assert shares["validation"] == pytest.approx(shares["train"], abs=0.001)
    assert shares["test"] == pytest.approx(0.2362, abs=5e-5)


def test_missing_values_are_those_of_the_file(people):
    missing = (people.features[SCHEMA.categories] == "").sum()
    assert missing[missing > 0].to_dict() == {
        "workclass": 2799,
        "occupation": 2809,
        "native-country": 857,
    }
    assert people.features[SCHEMA.numbers].notna().all(axis=None)
    assert not people.features[SCHEMA.categories].isin(["?", "nan"]).any(axis=None)


@pytest.mark.parametrize("row", [0, 4, 16_280, 16_281, 48_841])
def test_features_equal_the_file_read_by_hand(people, raw, row):
    person = raw.iloc[row]
    features = people.features.iloc[row]
    assert list(features.index) == list(SCHEMA.features)
    for name, kind in SCHEMA.features.items():
        if kind == "number":
            assert features[name] == person[name]
        else:
            assert features[name] == ("" if person[name] == "?" else person[name])
    assert people.target[row] == (person["class"] == ">50K")
    assert people.ids["line"].iloc[row] == row + 2
    low, _, high = people.slices["age band"].iloc[row].partition("-")
    assert int(low.rstrip("+")) <= person["age"] <= int(high or 200)


def test_order_of_education_is_the_number_that_was_left_out(raw):
    ranks = {value: rank for rank, value in enumerate(SCHEMA.orders["education"], start=1)}
    pd.testing.assert_series_equal(
        raw["education"].map(ranks), raw["education-num"], check_names=False
    )


def test_no_copy_of_a_training_row_is_in_validation(people):
    keys = people.features.astype("str").agg("|".join, axis=1)
    train, validation, test = (
        set(keys[people.part == part]) for part in ("train", "validation", "test")
    )
    assert not train & validation
    assert keys[people.part != "test"].duplicated().any()  # there are copies to keep together
    official_training = people.part != "test"
    assert keys[~official_training].isin(keys[official_training]).sum() == 26
    assert len(test & (train | validation)) == 26


def test_copies_are_as_many_as_the_card_says(raw):
    assert raw.duplicated().sum() == 52
    test, training = raw.iloc[:16_281], raw.iloc[16_281:]
    assert (test.duplicated().sum(), training.duplicated().sum()) == (5, 24)
    columns = [name for name in raw if name not in ("fnlwgt", "class")]
    alike = pd.util.hash_pandas_object(raw[columns], index=False)
    assert alike[:16_281].isin(alike[16_281:]).sum() == 2979


def test_pitfalls_are_those_of_the_card(raw):
    top = raw[raw["capital-gain"] == 99_999]
    assert len(top) == 244
    assert set(top["class"]) == {">50K"}
    gain = raw["capital-gain"]
    assert gain[gain < 99_999].max() == 41_310
    assert set(raw["class"][gain.between(1, 3000)]) == {"<=50K"}
    assert (raw["class"][gain > 7000] == ">50K").mean() > 0.98
    assert (gain == 0).mean() == pytest.approx(0.917, abs=5e-4)
    assert (raw["capital-loss"] == 0).mean() == pytest.approx(0.953, abs=5e-4)
    assert not ((gain > 0) & (raw["capital-loss"] > 0)).any()
    assert (raw["age"].min(), raw["age"].max(), raw["hours-per-week"].max()) == (17, 90, 99)
    rich = (raw["class"] == ">50K").groupby(raw["sex"]).mean()
    assert rich.to_dict() == pytest.approx({"Female": 0.109, "Male": 0.304}, abs=5e-4)
    women = (raw["sex"] == "Female").mean()
    assert women == pytest.approx(0.332, abs=5e-4)
    no_occupation = raw.loc[raw["occupation"] == "?", "workclass"]
    assert no_occupation.value_counts().to_dict() == {"?": 2799, "Never-worked": 10}


def test_rows_as_predict_reads_them_give_the_same_features(people, raw, tmp_path):
    """Written as in the package's file: a space before each text, "?" for missing."""
    rows = raw.iloc[[4, 0, 20_000, 16_281]]
    assert (rows == "?").any(axis=None)
    path = tmp_path / "people.csv"
    rows.map(lambda cell: f" {cell}").to_csv(path, index=False)
    (text,) = read_chunks(path)
    features = prepare(typed_rows(text, SCHEMA, path), {})
    expected = people.features.iloc[[4, 0, 20_000, 16_281]]
    pd.testing.assert_frame_equal(
        features.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False
    )
    assert features.index.tolist() == [2, 3, 4, 5]


def test_a_new_person_needs_no_sampling_weight(raw):
    features = prepare(raw[list(SCHEMA.required)].iloc[[7]], {})
    assert np.isnan(features["fnlwgt"].item())
    assert list(features) == list(SCHEMA.features)


def test_fewer_rows_keep_the_parts_and_are_accounted_for():
    few = load(rows=500)
    assert pd.Series(few.part).value_counts().to_dict() == dict.fromkeys(
        ("train", "validation", "test"), 500
    )
    assert few.account.dropped == {"left out by --rows": 48_842 - 1500}
    assert few.account.rows_used == len(few.features)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", -1.0, r"line 9, column 'age': -1 is impossible. Expected a number from 0 to 130"),
        ("age", 131.0, r"line 9, column 'age': 131 is impossible"),
        ("hours-per-week", 169.0, r"line 9, column 'hours-per-week': 169 .* from 0 to 168"),
        ("capital-gain", -50.0, r"line 9, column 'capital-gain': -50 .* at least 0"),
        ("capital-loss", -50.0, r"line 9, column 'capital-loss': -50 .* at least 0"),
        ("fnlwgt", -2.0, r"line 9, column 'fnlwgt': -2 .* at least 0"),
    ],
)
def test_impossible_numbers_are_refused(raw, column, value, message):
    rows = raw.iloc[[7, 8]].set_index(pd.Index([8, 9], name="line"))
    rows[column] = [np.nan, value]  # a missing value is fine
    with pytest.raises(UserError, match=message):
        prepare(rows, {})
