"""Splits: a random one that keeps together what belongs together, and one by time."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from common.data.target_values import combinations
from common.errors import UserError

SHARES = {"train": 0.64, "validation": 0.16, "test": 0.2}


def split_by_group(
    strata: np.ndarray,
    groups: np.ndarray,
    seed: int = 0,
    shares: Mapping[str, float] = MappingProxyType(SHARES),
) -> np.ndarray:
    """The part of each row, with these shares of the rows of every stratum, and groups whole.

    strata, groups: (rows,) whole numbers from 0; all rows of a group are in one stratum.
    Returns (rows,) of "train", "validation" and "test".
    """
    place = np.random.default_rng(seed).permutation(groups.max() + 1)[groups]
    share = pd.Series(place).groupby(strata).rank(pct=True)
    return part_at(share, shares)


def split_by_time(time: pd.Series) -> np.ndarray:
    """The part of each row: the first 64 % of the rows train, the last 20 % test.

    time: (rows,) dates or numbers, none missing. Rows of one moment stay together, so that training
    ends before validation begins. Raises UserError where there are too few moments for that.
    """
    moments = time.to_numpy()
    part = part_at(pd.Series(moments).rank(pct=True, method="max"), SHARES)
    if set(part) != set(SHARES):
        raise UserError(
            f"Column {time.name!r} has {time.nunique()} different times, too few to cut its rows "
            "into training, validation and test by time. Choose another column, or none."
        )
    return part


def part_at(share: pd.Series, shares: Mapping[str, float]) -> np.ndarray:
    """The part of each row by its place, above 0 to 1."""
    ends = np.cumsum(list(shares.values()))[:-1]
    return np.select([share <= end for end in ends], list(shares)[:-1], list(shares)[-1])


def strata_of(target: np.ndarray, groups: np.ndarray, classes: bool) -> np.ndarray:
    """What to spread evenly over the parts: the class of each row's group, or its tenth.

    target: (rows,) the number of the class, or a number, or (rows, labels), of which equal rows are
    a class; groups: (rows,). A group with rows of
    several classes counts as its rarest one. A class with a single group joins the commonest, since
    a stratum of one group would always go to the test.
    """
    values = pd.Series(combinations(target))
    if not classes:
        means = values.groupby(groups).transform("mean")
        return pd.qcut(means.rank(method="first"), 10, labels=False).to_numpy()
    by_frequency = values.map(values.value_counts().rank(method="first"))
    rarest = by_frequency.groupby(groups).transform("min").astype(int) - 1
    groups_of = pd.Series(groups).groupby(rarest).nunique()
    single = groups_of.index[groups_of == 1]
    return rarest.where(~rarest.isin(single), rarest.max()).to_numpy()
