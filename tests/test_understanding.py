"""What the cells of a column mean: each kind and notation told from real columns, rewritten."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.reading import understand as understanding
from common.reading.dates import date_parts
from common.reading.notation import Notation, read_notation, typed_cells
from common.reading.table_file import read_table
from common.reading.understand import understand, understand_table


@pytest.fixture(scope="module")
def tables():
    """Tables of plotnine's package, by name."""
    archive = package_archive(
        "plotnine",
        "0.15.9",
        "plotnine-0.15.9-py3-none-any.whl",
        sha256="36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
    )
    return lambda name: pd.read_csv(archive_member(archive, f"plotnine/data/{name}.csv"))


def cells_of(values, name: str = "x") -> pd.Series:
    cells = pd.Series(list(values), name=name, dtype="str")
    return cells.set_axis(pd.RangeIndex(2, len(cells) + 2, name="line"))


def read(values):
    """The reading of a column, and its typed values."""
    cells = cells_of(values)
    reading = understand("x", cells)
    typed, unreadable = typed_cells(cells, reading.kind, reading.notation)
    assert list(unreadable.index) == list(reading.unreadable.index)
    gone = typed == "" if typed.dtype == "str" else typed.isna()
    assert gone.sum() == reading.missing + len(unreadable)
    return reading, typed


SWAPPED = str.maketrans(",.", ".,")
NUMBERS = {
    "plain": "{:.2f}".format,
    "comma": lambda value: f"{value:.2f}".replace(".", ","),
    "thousands": "{:,.2f}".format,
    "thousands with points": lambda value: f"{value:,.2f}".translate(SWAPPED),
    "thousands with spaces": lambda value: f"{value:,.2f}".replace(",", "\N{NO-BREAK SPACE}"),
    "thousands in Switzerland": lambda value: f"{value:,.2f}".replace(",", "’"),
    "dollars": "${:,.2f}".format,
    "euros": lambda value: f"{value:,.2f} €".translate(SWAPPED),
    "currency in letters": "USD {:.2f}".format,
    "percent": "{:.2f} %".format,
    "unit": "{:.2f}km/h".format,
    "powers of ten": "{:.6e}".format,
    "accounts": lambda value: f"({-value:,.2f})" if value < 0 else f"{value:,.2f}",
    "typeset minus": lambda value: f"{value:.2f}".replace("-", "−"),
}


@pytest.mark.parametrize("form", NUMBERS)
def test_numbers_in_every_notation(tables, form):
    """Persons out of work in thousands, with the change since the month before."""
    unemployed = tables("economics")["unemploy"]
    values = pd.concat([unemployed, unemployed.diff().dropna() / 4]).round(2)
    reading, typed = read(map(NUMBERS[form], values))
    assert reading.kind == "number"
    np.testing.assert_allclose(typed, values, rtol=1e-6)


def test_a_column_that_could_be_read_either_way_follows_the_others(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1.234;0,5\n2.500;1,25\n")
    readings = understand_table(read_table(path))
    assert readings["a"].notation == Notation(decimal=",", thousands=".")
    alone, typed = read(["1.234", "2.500"])
    assert alone.notation == Notation()
    assert list(typed) == [1.234, 2.5]
    assert list(read(["1,234", "12,345", "999"])[1]) == [1234, 12345, 999]
    assert list(read(["1.234.567", "2.500"])[1]) == [1234567, 2500]


DATES = [
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%d", "%Y%m%d"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%m/%d/%y"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y, %H:%M"),
    *("%d %B %Y", "%B %d, %Y", "%d-%b-%y", "%a, %d %b %Y", "%a %b %d %H:%M:%S %Y"),
]


@pytest.mark.parametrize("written", DATES)
def test_dates_in_many_forms(tables, written):
    times = pd.to_datetime(tables("pageviews")["date_hour"])
    reading, typed = read(times.dt.strftime(written))
    expected = pd.to_datetime(times.dt.strftime(written), format=written)
    assert reading.kind == "date"
    assert typed.dtype == "datetime64[s]"
    assert list(typed) == list(expected)


@pytest.mark.parametrize("written", ["%Y-%m", "%b %Y", "%m/%Y", "%B-%Y"])
def test_months_begin_on_the_first(tables, written):
    months = pd.to_datetime(tables("economics")["date"])
    reading, typed = read(months.dt.strftime(written))
    assert reading.kind == "date"
    assert list(typed) == list(months)


@pytest.mark.parametrize("written", ["%H:%M", "%H.%M.%S", "%I:%M %p"])
def test_times_of_day(tables, written):
    times = pd.to_datetime(tables("pageviews")["date_hour"])
    reading, typed = read(times.dt.strftime(written))
    assert reading.told.startswith("times of day, 00:00:00 to 23:00:00")
    assert list(typed.dt.hour) == list(times.dt.hour)


def test_day_and_month_are_told_apart_by_all_cells():
    days = pd.date_range("2020-01-01", periods=12)
    assert list(read(days.strftime("%m/%d/%Y"))[1]) == list(days)
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    assert list(read(months.strftime("%d/%m/%Y"))[1]) == list(months)
    reading, _ = read(["01/02/2020", "03/01/2020", "02/03/2020"])
    assert "no cell tells" in reading.told
    reading, typed = read(["13/01/2020", "02/01/2020", "05/06/2020"] * 4 + ["01/31/2020"])
    assert list(reading.unreadable) == ["01/31/2020"]
    assert typed[3] == pd.Timestamp("2020-01-02")


@pytest.mark.parametrize(
    "values",
    [
        ["1-01", "1-02", "2-01", "3-12"],  # year and month of something
        ["12a", "12b", "13c", "14"],
        ["10-20", "20-30", "30-40"],
        ["192.168.0.1", "10.0.0.12"],
        ["A/5 21171", "113803", "PC 17599", "STON/O2. 3101282"],
        ["1st", "2nd", "3rd", "4th"],
        ["2:1", "0:0", "3:2"],
        ["5 kg", "3 lb", "7 oz"],
        ["v1.2.3", "v1.2.4"],
        ["yes", "no", "yes"],
        ["true", "false"],
        ["Owl monkey", "Mountain beaver", "Cow"],
        ["01234", "98765", "00501", "10001"],
    ],
)
def test_what_only_looks_like_numbers_or_dates_is_a_category(values):
    reading, typed = read(values)
    assert reading.kind == "category"
    assert list(typed) == values


def test_codes_of_few_whole_numbers_stay_numbers(tables):
    cars = tables("mtcars")
    for name in ("cyl", "gear", "vs"):
        assert read(cars[name].astype(str))[0].kind == "number"
    assert read(["2019", "2020", "2021"])[0].kind == "number"
    assert read([f"{month:02}" for month in range(1, 13)])[0].kind == "number"


def test_free_text_is_no_category(tables):
    sentences = [
        f"The {row.name} of the genus {row.genus} sleeps for {row.sleep_total} hours"
        for row in tables("msleep").itertuples(index=False)
    ]
    assert read(sentences)[0].kind == "text"
    assert (
        read(["质量很好，物流也很快，下次还会再来", "包装破损了，客服的态度也不太好"] * 1)[0].kind
        == "text"
    )
    assert read(["a rather long name of a class", "and of another one of them"] * 20)[0].kind == (
        "category"
    )


def test_marks_of_missing_values(tables):
    weights = tables("msleep")["brainwt"]
    for mark in ("", "NA", "?", "-", "n/a", "#N/A", "unknown", "."):
        reading, typed = read(weights.map(str).replace("nan", mark))
        assert reading.kind == "number"
        assert reading.missing == 27
        np.testing.assert_array_equal(typed, weights)
    reading, _ = read(["a", "b", "-", "unknown"])
    assert (reading.missing, reading.distinct) == (1, 3)  # unknown is a value among values
    assert read(["-", "", "NA"])[0].kind == "empty"


@pytest.mark.parametrize("mark", ["-999", "-200", "-9999.0", "99999", "-9"])
def test_numbers_far_from_all_others_count_as_missing(tables, mark):
    masses = tables("penguins")["body_mass_g"].where(lambda mass: mass > 3000)
    reading, typed = read(masses.map(str).replace("nan", mark))
    assert reading.notation.sentinels == (float(mark),)
    np.testing.assert_array_equal(typed, masses)


@pytest.mark.parametrize(
    "values",
    [
        [*range(20), -999],  # once only
        [1, 2, 3, 9] * 20,  # codes
        [*range(70, 120), 99, 99, 99],  # among the others
        [*range(-300, 0, 10), -200, -200, -200],
        [*range(20), 500, 500, 500],  # no number that one makes up
        [-1, 1] * 20,
    ],
)
def test_other_numbers_are_no_marks(values):
    assert read(map(str, values))[0].notation.sentinels == ()


def test_unreadable_cells_are_named_by_line():
    reading, _ = read([*map(str, range(40)), "far", "3.5.1"])
    assert reading.kind == "number"
    assert dict(reading.unreadable) == {42: "far", 43: "3.5.1"}
    assert "2 cells cannot be read so, the first in line 42: 'far'" in reading.told
    assert read(["1", "2", "a", "b"])[0].kind == "category"


def test_the_short_way_to_plain_numbers_gives_what_the_closer_look_gives(tables, monkeypatch):
    cells = [tables("msleep")[name].map(str) for name in tables("msleep")]
    short = [read(column)[0] for column in cells]
    monkeypatch.setattr(understanding, "plain_numbers", lambda name, cells: None)
    for column, before in zip(cells, short, strict=True):
        after = read(column)[0]
        assert asdict(after) | {"unreadable": 0} == asdict(before) | {"unreadable": 0}


def test_notation_goes_through_json():
    notation = Notation(",", ".", "€", "%", ("-",), (-999.0,), "%d.%m.%Y")
    assert read_notation(json.loads(json.dumps(asdict(notation)))) == notation


def test_parts_of_dates():
    dates = pd.Series(pd.to_datetime(["2020-12-31 18:30", "2021-01-01 00:00", None]), name="sold")
    parts = date_parts(dates)
    assert list(parts["sold_weekday"]) == ["Thursday", "Friday", ""]
    np.testing.assert_array_equal(parts["sold_year"], [2020, 2021, np.nan])
    np.testing.assert_array_equal(parts["sold_hour"], [18.5, 0, np.nan])
    season = parts[["sold_season_sine", "sold_season_cosine"]]
    assert np.linalg.norm(season.loc[0] - season.loc[1]) < 2 * np.pi / 365
    assert season.loc[2].isna().all()
    half_a_year = pd.Series(pd.to_datetime(["2021-07-02"]), name="t")
    assert date_parts(half_a_year)["t_season_cosine"][0] == pytest.approx(-1, abs=1e-3)
