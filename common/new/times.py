"""Columns of time: the one that splits the rows, others that run with it, and parts of dates."""

import pandas as pd

from common.data.columns import as_number, present
from common.data.roles import time_column
from common.data.split import split_by_time
from common.errors import UserError
from common.reading.dates import date_parts

RUNS_WITH = 0.99  # rank correlation with the time from which a column is the time


def time_that_splits(frame: pd.DataFrame, target: str) -> tuple[str | None, str]:
    """As `time_column`, but for one by which a part would have no two target values."""
    name, why = time_column(frame, target)
    if name is None:
        return name, why
    known = frame[present(frame[name])]
    try:
        part = split_by_time(known[name])
    except UserError:
        return None, f"{name} would be a time, but nearly all rows are of the same one"
    if known[target].groupby(part).nunique().min() < 2:
        return None, f"{name} would be a time, but a part of the rows would have only one answer"
    return name, why


def runs_with(column: pd.Series, time: pd.Series) -> bool:
    """Whether a number is the time by another name, of equal order."""
    return abs(column.corr(as_number(time), method="spearman")) > RUNS_WITH


def useful_parts(dates: pd.Series, splits: bool) -> tuple[str, ...]:
    """The parts of a date column that vary.

    splits: rows are split by it. Then the model is used in years it has not seen, and the season
    tells something only after two of them.
    """
    parts = date_parts(dates)
    varied = [name for name in parts if parts[name].nunique() > 1]
    unfit = []
    if splits:
        unfit = [f"{dates.name}_year"]
        if dates.max() - dates.min() < pd.Timedelta(days=2 * 365):
            unfit += [f"{dates.name}_season_sine", f"{dates.name}_season_cosine"]
    return tuple(name for name in varied if name not in unfit)
