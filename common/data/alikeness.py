"""Are rows of one patient, customer or place more alike than rows by chance? In which columns?"""

import numpy as np
import pandas as pd

from common.data.columns import is_date, is_number, present

FEWEST_PAIRS = 10  # of rows of one group; from fewer nothing is told


def alikeness(frame: pd.DataFrame, codes: np.ndarray) -> dict[str, float]:
    """How much more alike two rows of a group are than two rows by chance, in each column.

    0 is as by chance, 1 is equal. codes: (rows,) number of the group, -1 for none. Of categories
    Cohen's kappa of neighbours in a group; of numbers 1 - the mean difference of the neighbours'
    ranks, as a share of that of shuffled rows. Looks at up to 100,000 rows, whole groups.
    """
    random = np.random.default_rng(0)
    kept = random.permutation(codes.max() + 1) * len(codes) < 1e5 * (codes.max() + 1)
    rows = np.flatnonzero((codes >= 0) & kept[codes])
    rows = rows[np.argsort(codes[rows], kind="stable")]
    first = np.flatnonzero(codes[rows[1:]] == codes[rows[:-1]])
    alike = {}
    for name in frame:
        column = frame[name].iloc[rows]
        known = present(column).to_numpy()
        pairs = first[known[first] & known[first + 1]]
        if len(pairs) < FEWEST_PAIRS or column[known].nunique() < 2:
            continue
        if is_date(column) or is_number(column):
            rank = column.rank().to_numpy()
            chance = np.abs(np.diff(random.permutation(rank[known]))).mean()
            alike[name] = float(1 - np.abs(rank[pairs] - rank[pairs + 1]).mean() / chance)
        else:
            values = pd.factorize(column)[0]
            chance = ((np.bincount(values[known]) / known.sum()) ** 2).sum()
            alike[name] = float(
                ((values[pairs] == values[pairs + 1]).mean() - chance) / (1 - chance)
            )
    return alike
