"""The flights are what the card says, the features are what a person would compute by hand."""

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from projects.flight_delays.load import SCHEMA, load, prepare, read_raw


@pytest.fixture(scope="module")
def year():
    return load()


@pytest.fixture(scope="module")
def raw():
    return read_raw()


def test_account_matches_the_known_figures(year, raw):
    assert year.account.rows_in == len(raw["flights"]) == 336_776
    assert year.account.dropped == {
        "cancelled (never departed, no arrival delay)": 8255,
        "diverted or arrival not recorded": 1175,
    }
    assert year.account.rows_used == len(year.target) == raw["flights"]["arr_delay"].count()


def test_target_is_more_than_fifteen_minutes(year, raw):
    delay = raw["flights"].loc[year.ids.index, "arr_delay"]
    np.testing.assert_array_equal(year.target, delay.to_numpy() > 15)
    assert year.target[(delay == 15).to_numpy()].max() == 0
    assert year.target[(delay == 16).to_numpy()].min() == 1


def test_parts_follow_the_months(year):
    months = year.ids["date"].dt.month.to_numpy()
    for part, expected in (("train", range(1, 10)), ("validation", [10]), ("test", [11, 12])):
        assert set(months[year.part == part]) == set(expected)


def test_nothing_known_after_departure_is_a_feature(year):
    late = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert not late & (set(SCHEMA.features) | set(SCHEMA.required) | set(SCHEMA.optional))
    assert list(year.features) == list(SCHEMA.features)


@pytest.mark.parametrize("row", [0, 100_000, 250_000, 327_345])
def test_features_equal_a_look_up_by_hand(year, raw, row):
    flight = raw["flights"].loc[year.ids.index[row]]
    features = year.features.iloc[row]
    same_hour = raw["weather"][
        (raw["weather"]["origin"] == flight["origin"])
        & (raw["weather"]["time_hour"] == flight["time_hour"])  # another key than load joins on
    ]
    for name in ("temp", "visib", "wind_speed"):
        assert features[name] == pytest.approx(same_hour[name].iloc[0], rel=1e-6)
    planes = raw["planes"][raw["planes"]["tailnum"] == flight["tailnum"]]
    if len(planes):
        assert features["seats"] == planes["seats"].iloc[0]
        assert features["manufacturer"] == planes["manufacturer"].iloc[0]
    else:
        assert np.isnan(features["seats"])
        assert features["manufacturer"] == ""
    hours, minutes = divmod(flight["sched_dep_time"], 100)
    assert features["departure_minute"] == 60 * hours + minutes
    assert features["hour"] == str(hours)
    day = pd.Timestamp(flight["year"], flight["month"], flight["day"])
    assert features["weekday"] == day.strftime("%A")
    neighbours = raw["flights"][
        (raw["flights"]["origin"] == flight["origin"])
        & (raw["flights"]["time_hour"] == flight["time_hour"])
    ]
    assert features["departures_in_hour"] == len(neighbours)


def test_flight_over_midnight_has_a_positive_duration(year):
    over = year.features["arrival_minute"] < year.features["departure_minute"]
    assert over.any()
    assert year.features["scheduled_minutes"].min() >= 0


def test_prepare_goes_row_by_row(year, raw):
    """Rows alone, in another order, or in a file of many: always the same features."""
    rows = raw["flights"].iloc[[7, 3, 200_000]]
    rows = rows[[name for name in rows if name in {*SCHEMA.required, *SCHEMA.optional}]]
    together = prepare(rows, year.tables)
    assert together.index.tolist() == rows.index.tolist()
    for index in rows.index:
        pd.testing.assert_frame_equal(
            prepare(rows.loc[[index]], year.tables), together.loc[[index]]
        )


def test_weather_that_the_rows_bring_is_used(year, raw):
    rows = raw["flights"].iloc[[0]][list(SCHEMA.required)].assign(temp=-40.0)
    features = prepare(rows, year.tables)
    assert features["temp"].item() == -40
    assert np.isnan(features["visib"].item())


def test_flight_on_a_day_without_weather_has_missing_values(year, raw):
    rows = raw["flights"].iloc[[0]][list(SCHEMA.required)].assign(year=2031)
    features = prepare(rows, year.tables)
    assert features[["temp", "departures_in_hour", "plane_age"]].isna().all(axis=None)
    assert features["weekday"].item() == "Wednesday"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("month", 13, r"row 0: year 2013, month 13, day 1 is no date"),
        ("year", 0, r"row 0: year 0, month 1, day 1 is no date"),
        ("year", -1, r"row 0: year -1, month 1, day 1 is no date"),
        ("year", 99999, r"row 0: year 99999, month 1, day 1 is no date"),
        ("sched_dep_time", 1575, r"row 0, column 'sched_dep_time': 1575 is not a time of day"),
        ("sched_arr_time", -5, r"row 0, column 'sched_arr_time': -5 is not a time of day"),
    ],
)
def test_impossible_dates_and_times_are_refused(year, raw, column, value, message):
    rows = raw["flights"].iloc[[0]][list(SCHEMA.required)].assign(**{column: value})
    with pytest.raises(UserError, match=message):
        prepare(rows, year.tables)
