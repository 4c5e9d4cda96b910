"""Columns that give the answer away together, where none does alone: parts of a sum, say."""

import numpy as np
import pandas as pd

from common.data.columns import is_number

EXACT = 0.99999  # R² of a linear formula from which the target is one
ROWS = 20_000  # evenly spaced ones are enough to see it


def parts_of(frame: pd.DataFrame, target: str) -> dict[str, str]:
    """Columns from which the target can be calculated: name to reason; see `linear_combination`."""
    together = linear_combination(frame, target)
    if len(together) < 2:
        return {}
    return dict.fromkeys(together, f"from {' and '.join(together)} the target can be calculated")


def linear_combination(frame: pd.DataFrame, target: str) -> list[str]:
    """The fewest number columns of which the target is a linear formula; none where it is not.

    Found by least squares on the rows without gaps: while the fit stays exact, the column with the
    least share in it is left out.
    """
    if not is_number(frame[target]):
        return []
    numbers = [name for name in frame if is_number(frame[name]) and name != target]
    known = frame[[*numbers, target]].dropna()
    known = known.iloc[np.unique(np.linspace(0, len(known) - 1, ROWS).astype(int))]
    numbers = [name for name in numbers if known[name].nunique() > 1]
    if len(known) < 10 * (len(numbers) + 1) or known[target].nunique() < 3:
        return []
    scaled = (known - known.mean()) / known.std()
    answer = scaled[target].to_numpy()
    share = explained(scaled[numbers].to_numpy(), answer)
    while numbers and share[0] > EXACT:
        least = numbers[int(np.argmin(share[1]))]
        fewer = [name for name in numbers if name != least]
        without = explained(scaled[fewer].to_numpy(), answer)
        if without[0] <= EXACT:
            return numbers
        numbers, share = fewer, without
    return []


def explained(columns: np.ndarray, answer: np.ndarray) -> tuple[float, np.ndarray]:
    """R² of the least squares fit of answer (rows,) by columns (rows, columns), and |weights|."""
    if not columns.shape[1]:
        return 0.0, np.empty(0)
    weights = np.linalg.lstsq(columns, answer, rcond=None)[0]
    rest = answer - columns @ weights
    return float(1 - rest @ rest / (answer @ answer)), np.abs(weights)
