"""Useful parts of a date: the year, the place in it, the day of the week, the hour."""

import numpy as np
import pandas as pd

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_A_YEAR = 365.25


def date_parts(column: pd.Series) -> pd.DataFrame:
    """All parts of a column of dates, named after it: NAME_year and so on, with its index.

    column: (rows,) datetime64, NaT for missing. The year, and the hour with its minutes as a
    fraction, are float64. The season is the place in the year as sine and cosine, float64, so that
    December is next to January, as two plain numbers of month and day would not have it. The
    weekday is a category. A missing date has NaN, and "" for the weekday. Which of them tell
    something, a project decides: a model that is used in years to come learns nothing by the year.
    """
    dates = column.dt
    angle = 2 * np.pi * (dates.day_of_year - 1) / DAYS_A_YEAR
    names = np.array([*WEEKDAYS, ""], dtype=object)
    weekday = names[dates.day_of_week.fillna(len(WEEKDAYS)).astype(int)]
    return pd.DataFrame(
        {
            f"{column.name}_year": dates.year.astype("float64"),
            f"{column.name}_season_sine": np.sin(angle),
            f"{column.name}_season_cosine": np.cos(angle),
            f"{column.name}_weekday": pd.Series(weekday, index=column.index, dtype="str"),
            f"{column.name}_hour": dates.hour + dates.minute / 60 + dates.second / 3600,
        }
    )
