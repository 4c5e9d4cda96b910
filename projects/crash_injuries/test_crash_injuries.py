"""The people are what the card says, nothing known later is a feature, descriptions do not leak."""

import csv
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest

from common.data.dataset import PARTS
from common.errors import UserError
from projects.crash_injuries.load import (
    COLUMNS,
    LABELS,
    SCHEMA,
    TARGET,
    load,
    prepare,
    read_keel,
    read_raw,
)

# Told by a hospital, a laboratory, a death certificate or the whole file of the case.
KNOWN_LATER = {
    "RACE",
    "HISPANIC_ORIGIN",
    "TAKEN_TO_HOSPITAL",
    "METHOD_ALCOHOL_DETERMINATION",
    "ALCOHOL_TEST_TYPE",
    "ALCOHOL_TEST_RESULT",
    "METHOD_OF_DRUG_DETERMINATION",
    *(f"DRUG_TEST_TYPE_({number}_of_3)" for number in (1, 2, 3)),
    *(f"DRUG_TEST_RESULTS_({number}_of_3)" for number in (1, 2, 3)),
    *(f"RELATED_FACTOR_({number})-PERSON_LEVEL" for number in (1, 2, 3)),
}


@pytest.fixture(scope="module")
def people():
    return load()


@pytest.fixture(scope="module")
def raw():
    return read_raw()


def test_account_matches_the_known_figures(people, raw):
    assert raw.shape == (100_968, 30)
    assert people.account.rows_in == people.account.rows_used == 100_968
    assert people.account.dropped == {}
    assert people.account.cells_cleaned == {"ages of 99 (unknown) set to missing": 2552}
    assert (raw["AGE"] == 99).sum() == people.features["age"].isna().sum() == 2552
    assert people.features["age"].max() == 97


def test_classes_have_the_known_counts(people):
    counts = np.bincount(people.target.astype(int))
    assert dict(zip(LABELS, counts.tolist(), strict=True)) == {
        "No Injury": 20_007,
        "Possible Injury": 8674,
        "Nonincapaciting Evident Injury": 13_890,
        "Incapaciting Injury": 15_072,
        "Fatal Injury": 42_116,
        "Injured Severity Unknown": 299,
        "Died Prior to Accident": 9,
        "Unknown": 901,
    }


@pytest.mark.parametrize(
    ("row", "age", "sex", "restraint", "label"),
    [
        (0, 34, "Male", "None Used/Not Applicable", "Fatal Injury"),
        (99_724, 77, "Female", "None Used/Not Applicable", "Died Prior to Accident"),
        (58_365, 82, "Male", "Lap and Shoulder Belt", "Died Prior to Accident"),
    ],
)
def test_known_people(people, row, age, sex, restraint, label):
    features = people.features.loc[row]
    assert (features["age"], features["sex"], features["restraint"]) == (age, sex, restraint)
    assert LABELS[int(people.target[row])] == label


def test_every_cell_is_what_the_file_says_apart_from_underscores(people, raw):
    spaced = raw[list(COLUMNS)].rename(columns=COLUMNS)
    for name in SCHEMA.categories:
        assert people.features[name].str.replace(" ", "").tolist() == [
            text.replace("_", "") for text in spaced[name]
        ]
    labels = [LABELS[number] for number in people.target.astype(int)]
    assert labels == [text.replace("_", " ") for text in raw[TARGET]]


def test_what_is_known_later_is_no_feature(raw):
    assert set(raw) == set(COLUMNS) | KNOWN_LATER | {TARGET}
    assert not set(COLUMNS) & KNOWN_LATER


def test_race_and_origin_are_told_of_the_dead_only(raw):
    """The reason why these two are left out, and the hospital with them."""
    alive = "Not_a_Fatality_(Not_Applicable)"
    died = raw[TARGET] == "Fatal_Injury"
    for column in ("RACE", "HISPANIC_ORIGIN"):
        assert (raw.loc[died, column] != alive).all()
        assert (raw.loc[~died, column] != alive).sum() == 166
    uninjured = raw[raw[TARGET] == "No_Injury"]
    assert (uninjured["TAKEN_TO_HOSPITAL"] == "Yes").sum() == 75


def test_equal_descriptions_are_counted_as_the_card_says(people, raw):
    assert raw.duplicated().sum() == 7964
    assert raw.drop(columns=TARGET).duplicated().sum() == 10_871
    classes = defaultdict(list)
    for description, target in zip(
        people.features.fillna(-1).itertuples(index=False, name=None), people.target, strict=True
    ):
        classes[description].append(target)
    assert len(classes) == len(set(people.groups)) == 74_724
    assert sum(len(found) for found in classes.values() if len(found) > 1) == 39_356
    assert sum(len(found) for found in classes.values() if len(set(found)) > 1) == 29_461
    assert max(map(len, classes.values())) == 136


def test_no_description_is_in_two_parts(people):
    parts = pd.Series(people.part)
    same_features = pd.util.hash_pandas_object(people.features, index=False).to_numpy()
    assert parts.groupby(same_features).nunique().max() == 1
    assert parts.groupby(people.groups).nunique().max() == 1


def test_parts_hold_every_class_in_the_same_share(people):
    for part, share in zip(PARTS, (0.64, 0.16, 0.2), strict=True):
        chosen = people.target[people.part == part]
        assert len(chosen) / len(people.target) == pytest.approx(share, abs=0.002)
        shares = [np.mean(chosen == number) for number in range(len(LABELS))]
        expected = [np.mean(people.target == number) for number in range(len(LABELS))]
        np.testing.assert_allclose(shares, expected, atol=0.004)
    nine = Counter(people.part[people.target == LABELS.index("Died Prior to Accident")])
    assert nine == {"train": 5, "validation": 2, "test": 2}


def test_fewer_rows_on_request(people):
    few = load(rows=500)
    assert Counter(few.part) == dict.fromkeys(PARTS, 500)
    assert few.account.dropped == {"left out by --rows": 100_968 - 1500}
    pd.testing.assert_frame_equal(few.features, people.features.loc[few.features.index])
    np.testing.assert_array_equal(few.target, people.target[few.features.index])


def test_prepare_goes_row_by_row(raw):
    rows = raw.iloc[[77, 3, 20_000]][list(SCHEMA.required)]
    together = prepare(rows, {})
    assert list(together) == list(SCHEMA.features)
    for index in rows.index:
        pd.testing.assert_frame_equal(prepare(rows.loc[[index]], {}), together.loc[[index]])


def test_missing_cells_stay_missing(raw):
    rows = raw.iloc[[0]][list(SCHEMA.required)].assign(AGE=np.nan, SEX="")
    features = prepare(rows, {})
    assert np.isnan(features["age"].item())
    assert features["sex"].item() == ""


@pytest.mark.parametrize("age", [-1, 100, 34.5])
def test_impossible_ages_are_refused(raw, age):
    rows = raw.iloc[[5, 6]][list(SCHEMA.required)]
    rows.loc[6, "AGE"] = age
    with pytest.raises(UserError, match=f"row 6, column 'AGE': {age} is not an age"):
        prepare(rows, {})


KEEL = "@relation r\n\n@attribute AGE real [0,99]\n@attribute SEX {F, M}\n@data\n"


def test_keel_table_equals_the_lines_of_its_file(tmp_path):
    path = tmp_path / "small.dat"
    path.write_text(KEEL + "34,F\n2.5,M\n")
    rows = list(csv.reader(path.read_text().splitlines()[5:]))
    table = read_keel(path)
    assert table.columns.tolist() == ["AGE", "SEX"]
    assert table["AGE"].tolist() == [float(row[0]) for row in rows]
    assert table["SEX"].tolist() == [row[1] for row in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (KEEL.replace("@data", "@date") + "34,F\n", "has no line @data"),
        (KEEL + "34,F,1\n", "has 3 columns, but declares 2"),
        (KEEL + "34,F\n34,F,1\n", "damaged.*Expected 2 fields in line 7, saw 3"),
        (KEEL + "34,F\n34\n", "row 2 after @data, SEX: '' is not of the domain"),
        (KEEL + "34,X\n", "row 1 after @data, SEX: 'X' is not of the domain"),
        (KEEL + "old,F\n", "row 1 after @data, AGE: 'old' is not of the domain"),
        (KEEL, "has no rows"),
    ],
)
def test_damaged_keel_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "damaged.dat"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_keel(path)
