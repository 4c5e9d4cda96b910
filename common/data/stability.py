"""The population stability index: how far a column's distribution has moved.

Sum of (q - p) ln(q / p) over bins, p and q the shares before and now: 0 means equal, above 0.25 is
usually called a real shift (Siddiqi, Credit Risk Scorecards, 2006).
"""

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

DRIFT = 0.25  # from here on a shift is called real


def stability_index(reference: pd.Series, current: pd.Series) -> float:
    """The index over tenths of the reference, or over the categories.

    Missing numbers are a bin of their own.
    """
    if pd.api.types.is_numeric_dtype(reference):
        edges = tenths(reference)
        counts = [bin_counts(column, edges) for column in (reference, current)]
    else:
        codes = pd.factorize(pd.concat([reference, current]))[0]
        parts = (codes[: len(reference)], codes[len(reference) :])
        counts = [np.bincount(part, minlength=codes.max() + 1) for part in parts]
    return index_of_counts(*counts)


def tenths(numbers: pd.Series) -> np.ndarray:
    """The up to nine edges between bins that hold a tenth of the known numbers each."""
    known = numbers.dropna()
    if known.empty:
        return np.array([])
    return np.unique(known.quantile(np.linspace(0, 1, 11)[1:-1]).to_numpy())


def bin_counts(numbers: pd.Series, edges: np.ndarray) -> np.ndarray:
    """Rows in each bin, a number on an edge in the lower one; missing ones in the last bin."""
    bins = len(edges) + 2
    place = np.where(numbers.isna(), bins - 1, np.searchsorted(edges, numbers, side="left"))
    return np.bincount(place, minlength=bins)


def index_of_counts(reference: np.ndarray, current: np.ndarray) -> float:
    """The index of two histograms over the same bins; an empty bin counts as half a row."""
    present = reference + current > 0
    p, q = (np.maximum(count[present], 0.5) / max(count.sum(), 1) for count in (reference, current))
    return float(np.sum((q - p) * np.log(q / p)))


def chance(reference: np.ndarray, current: np.ndarray) -> float:
    """The probability that two draws from one distribution differ as these histograms, or more.

    By Pearson's chi-squared test, which wants about five rows in each bin.
    """
    present = reference + current > 0
    if np.count_nonzero(present) < 2:
        return 1.0
    return float(chi2_contingency([reference[present], current[present]], correction=False).pvalue)
