"""What part a column plays: an id, the time of a row, or who it is about.

Works on frames typed as in `common.data.columns`. Each function tells its reason in words, since
all of them guess: the name of a column counts, and how its values lie.
"""

import numpy as np
import pandas as pd

from common.data.alikeness import alikeness
from common.data.columns import (
    SAMPLE,
    distinct,
    ends,
    in_file_order,
    is_clock,
    is_date,
    is_number,
    is_text,
    is_whole,
    name_words,
    present,
)

ID_SHARE = 0.5  # distinct values per row, from which a category says nothing of a new row
COUNTER_SHARE = 0.95  # likewise of whole numbers
LONG_NUMBER = 1e7  # whole numbers, all of them from here and all distinct, are made out by somebody
MOSTLY = 0.95  # of the rows must have a time
FEWEST_TIMES = 5
FEWEST_GROUPS = 10
REPEATED = 0.2  # share of rows whose value is there again, from which values repeat
GROUP_SHARE = 0.1  # distinct values per row, above which an unnamed column may be an entity
ALIKE = 0.5  # 0 by chance, 1 for rows of one value that are equal

ID_WORDS = set(name_words("id ids key code no nr num number uuid guid hash index idx ref name"))
ENTITIES = set(
    name_words(
        "patient subject person people customer client user member account household family pupil "
        "participant respondent student employee worker driver player author speaker donor animal "
        "device machine engine sensor station vehicle plane aircraft tailnum store shop company "
        "firm site hospital school session patients customers users clients patientin kunde kunden"
    )
)
TIME_WORDS = set(
    name_words(
        "date datetime time timestamp day month year yr week quarter hour period dt ds datum zeit "
        "jahr monat tag woche fecha anno annee jour mois 日期 时间 年 年份 月"
    )
)
YEARS = set(name_words("year yr jahr anno annee 年 年份"))
OTHER_TIMES = set(
    name_words("birth born birthday dob geburt geburtsdatum built remod founded")
) | set(
    name_words("expiry expiration expires due valid until planned")
)  # of something else than the row


def id_like(frame: pd.DataFrame) -> dict[str, str]:
    """Columns that name the row instead of telling about it: name to reason.

    Strings that are distinct in more than half of the rows and are no texts; whole numbers that are
    nearly all distinct, and count the rows, are named like an id, or have eight digits and more.
    """
    found = {}
    for name in frame:
        column, words = frame[name], name_words(name)
        if is_date(column) or set(words) & TIME_WORDS or len(column) < 2 * FEWEST_GROUPS:
            continue
        # The first rows will do to leave out what repeats; only the rest is counted in full.
        if distinct(column.head(SAMPLE)) <= ID_SHARE * len(column.head(SAMPLE)):
            continue
        count = distinct(column)
        told = f"{count:,} distinct values in {len(column):,} rows"
        if not is_number(column):
            if count > ID_SHARE * len(column) and (not is_text(column) or words[-1:] == ["name"]):
                found[name] = told
            continue
        known = column.dropna()
        if count <= COUNTER_SHARE * len(column) or not is_whole(known):
            continue
        if known.max() - known.min() < count / COUNTER_SHARE:
            found[name] = f"{told}, a whole number each: it counts the rows"
        elif words[-1:] and words[-1] in ID_WORDS:
            found[name] = f"{told}, and its name says id"
        elif known.min() >= LONG_NUMBER:
            found[name] = f"{told}, all of them long whole numbers"
    return found


def time_column(frame: pd.DataFrame, target: str | None) -> tuple[str | None, str]:
    """The column that tells when a row happened, and why it, or why none.

    Dates, but of birth, building, expiry; else numbers named like a time by which the file is
    sorted; else a column that is called year and holds years. Of several dates the one that sorts
    the file, else the one with most values.
    """
    dates = [
        name
        for name in frame
        if name != target
        and is_date(frame[name])
        and not is_clock(frame[name])
        and not set(name_words(name)) & OTHER_TIMES
        and frame[name].notna().mean() >= MOSTLY
        and frame[name].nunique() >= FEWEST_TIMES
    ]
    if dates:
        best = max(dates, key=lambda name: (in_file_order(frame[name]), frame[name].nunique()))
        first, last = (str(frame[best].agg(end))[:10] for end in ("min", "max"))
        order = ", and the file is in its order" if in_file_order(frame[best]) else ""
        return best, f"dates from {first} to {last}{order}"
    for name in frame:
        column, words = frame[name], set(name_words(name))
        if (
            name == target
            or not is_number(column)
            or not words & TIME_WORDS
            or words & OTHER_TIMES
            or column.head(SAMPLE).isna().any()
            or column.nunique() < FEWEST_TIMES
        ):
            continue
        if in_file_order(column):
            return name, f"named like a time, and the file is in its order ({ends(column)})"
        if words <= YEARS and is_whole(column) and column.between(1800, 2100).all():
            return name, f"years ({ends(column)})"
    return None, "no column of dates or years that tells when a row happened"


def group_column(frame: pd.DataFrame, target: str | None) -> tuple[str | None, str]:
    """The column that tells who or what a row is about, and why it, or why none.

    Several rows of a patient, customer or device must stay in one part of a split, or the test
    asks about persons whose answer was learned. Named like an entity, with values that repeat; or
    a string column of many values, each in few rows, whose rows are alike in the target or in two
    other columns at least.
    """
    best, reason = None, "no column whose values repeat and look like persons or things"
    best_rank = (False, 0.0)
    for name in frame:
        column, named = frame[name], named_as_entity(name)
        if name == target or not may_be_entity(column, named):
            continue
        codes = pd.factorize(column.where(present(column)))[0]
        sizes = np.bincount(codes[codes >= 0])
        repeated = sizes[sizes > 1].sum() / len(column)
        if len(sizes) < FEWEST_GROUPS or repeated < (REPEATED / 4 if named else REPEATED):
            continue
        if not named and len(sizes) < GROUP_SHARE * len(column):
            continue
        alike = alikeness(frame.drop(columns=name), codes)
        equal = sorted(other for other, value in alike.items() if value >= ALIKE)
        if not named and alike.get(target, 0) < ALIKE / 2 and len(equal) < 2:
            continue
        rank = (named, max(alike.values(), default=0.0))
        if best is None or rank > best_rank:
            best, best_rank = name, rank
            reason = (
                f"{len(sizes):,} values in {len(column):,} rows, {repeated:.0%} of the rows share "
                "theirs with another"
                + (f"; rows of one value are alike in {', '.join(equal[:3])}" if equal else "")
                + ("; its name says whom a row is about" if named else "")
            )
    return best, reason


def named_as_entity(name: str) -> bool:
    """ "patient", "customer_id" and "id", but not "customer_segment" """
    words = set(name_words(name))
    return words == {"id"} or bool(words & ENTITIES and words <= ENTITIES | ID_WORDS)


def may_be_entity(column: pd.Series, named: bool) -> bool:
    """Strings that are no texts, few of them missing; whole numbers only where the name says it."""
    if is_date(column) or set(name_words(column.name)) & TIME_WORDS or present(column).mean() < 0.5:
        return False
    if is_number(column):
        return named and is_whole(column.dropna())
    few = distinct(column.head(SAMPLE)) < GROUP_SHARE * len(column.head(SAMPLE))
    return not is_text(column) and (named or not few)
