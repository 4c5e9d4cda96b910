"""Does a classifier treat groups of people alike? Rates of each group, and the widest gaps.

Selection rate: the share of a group that is called class 1. True positive rate: that share among
those of the group who are class 1; false positive rate: among those who are class 0.

Demographic parity asks for equal selection rates, whatever the truth; equalised odds for equal true
and equal false positive rates (Hardt, Price and Srebro, "Equality of Opportunity in Supervised
Learning", 2016). Where the true shares of the groups differ, no useful classifier has both.
"""

import numpy as np
import pandas as pd

from common.evaluation.bootstrap import Interval, interval, resampled_weights

MINIMUM_ROWS = 30  # that a rate is a share of; with fewer, it says little and could widen any gap
RATES = ("positive_share", "selection_rate", "true_positive_rate", "false_positive_rate")


def score_fairness(
    target: np.ndarray,
    called: np.ndarray,
    columns: pd.DataFrame,
    rounds: int,
    drawn_with: np.ndarray | None = None,
) -> dict[str, dict]:
    """Rates of each group, and gaps between groups, for each column; fit for JSON.

    target, called: (rows,), the true class and the one it was called, 0 or 1. columns: (rows,)
    frame; the values of each column divide the rows into groups. rounds: of the bootstrap.
    drawn_with: (rows,) whole numbers from 0, rows of equal number are resampled together; by
    default each row alone. Rows without a value form the group "".

    Returns for each column:
    - "groups": sorted by value, each with value, rows, and of every name in RATES an interval
      {value, low, high}; None where it would be a share of fewer than 30 rows. positive_share is
      that of the true class.
    - "demographic_parity_difference": the largest selection rate less the smallest;
      "equalised_odds_difference": the same of the true or the false positive rates, whichever
      is more. Intervals likewise, of the groups whose rate is known; None if these are
      fewer than two.

    Two things to know when reading: a largest gap cannot be negative, so chance alone makes it
    positive, the more so the smaller the groups; and a rate of exactly 0 or 1 has an interval of no
    width, since a bootstrap cannot draw what never happened.
    """
    target, called = np.asarray(target).astype(int), np.asarray(called).astype(int)
    units = np.arange(len(target)) if drawn_with is None else drawn_with
    names = {column: columns[column].fillna("").astype(str).to_numpy() for column in columns}
    divided = {column: np.unique(values, return_inverse=True) for column, values in names.items()}
    cells = {column: 4 * group + 2 * target + called for column, (_, group) in divided.items()}
    counts = {column: tally(cells[column], len(values)) for column, (values, _) in divided.items()}
    drawn = {column: [] for column in columns}
    for weights in resampled_weights(units.max() + 1, rounds):
        for column, (values, _) in divided.items():
            drawn[column].append(tally(cells[column], len(values), weights[units]))
    return {
        column: describe(values, counts[column], np.stack(drawn[column]))
        for column, (values, _) in divided.items()
    }


def tally(cells: np.ndarray, groups: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Rows by group, true class and called class: (groups, 2, 2)."""
    return np.bincount(cells, weights, minlength=4 * groups).reshape(groups, 2, 2)


def describe(values: np.ndarray, counts: np.ndarray, drawn: np.ndarray) -> dict:
    """One column's entry in `score_fairness`.

    counts: (groups, 2, 2) as `tally` gives them; drawn: the same of every resample, (rounds, …).
    """
    enough = shares_of(counts) >= MINIMUM_ROWS
    rates, drawn_rates = rates_of(counts), rates_of(drawn)
    groups = []
    for group, value in enumerate(values):
        known = {
            name: interval(rates[rate, group], drawn_rates[:, rate, group])
            if enough[rate, group]
            else None
            for rate, name in enumerate(RATES)
        }
        groups.append({"value": str(value), "rows": int(counts[group].sum()), **known})
    return {
        "groups": groups,
        "demographic_parity_difference": widest_gap(rates[[1]], drawn_rates[:, [1]], enough[[1]]),
        "equalised_odds_difference": widest_gap(rates[2:], drawn_rates[:, 2:], enough[2:]),
    }


def shares_of(counts: np.ndarray) -> np.ndarray:
    """The rows that each rate is a share of: (…, groups, 2, 2) to (…, 4, groups)."""
    rows, by_class = counts.sum(axis=(-2, -1)), counts.sum(axis=-1)
    return np.stack([rows, rows, by_class[..., 1], by_class[..., 0]], axis=-2)


def rates_of(counts: np.ndarray) -> np.ndarray:
    """Every rate of RATES: (…, groups, 2, 2) to (…, 4, groups); NaN as a share of nothing."""
    parts = np.stack(
        [
            counts[..., 1, :].sum(axis=-1),
            counts[..., :, 1].sum(axis=-1),
            counts[..., 1, 1],
            counts[..., 0, 1],
        ],
        axis=-2,
    )
    wholes = shares_of(counts)
    return np.divide(parts, wholes, out=np.full(parts.shape, np.nan), where=wholes > 0)


def widest_gap(rates: np.ndarray, drawn: np.ndarray, enough: np.ndarray) -> Interval | None:
    """The largest gap between two groups in any of the rates, over the groups with enough rows.

    rates, enough: (rates, groups); drawn: (rounds, rates, groups).
    """
    if enough.sum(axis=1).min() < 2:
        return None
    gaps = [
        np.nanmax(known, axis=-1) - np.nanmin(known, axis=-1)
        for known in (np.where(enough, rates, np.nan), np.where(enough, drawn, np.nan))
    ]
    return interval(gaps[0].max(), gaps[1].max(axis=-1))
