"""What a search is asked: which of all candidates belongs to a query?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# From candidates to a function from queries to scores (queries, candidates): higher fits better.
Index = Callable[[Sequence[str]], Callable[[Sequence[str]], np.ndarray]]


@dataclass(frozen=True)
class Ranking:
    """Texts of the test part: for each query all candidates are to be ranked.

    queries, candidates: columns of texts whose names are those of the features; own: (queries,) the
    number of the candidate that belongs to each query; groups: (queries,) as in `Examples`.
    """

    queries: pd.Series
    candidates: pd.Series
    own: np.ndarray
    groups: np.ndarray

    def pairs(self) -> pd.DataFrame:
        """Each query with each candidate, as features: (queries * candidates) rows."""
        every = (np.arange(len(self.queries)), np.arange(len(self.candidates)))
        query, candidate = (places.ravel() for places in np.meshgrid(*every, indexing="ij"))
        return self.chosen(query, candidate)

    def chosen(self, query: np.ndarray, candidate: np.ndarray) -> pd.DataFrame:
        """The pairs of these numbers, (pairs,) each, as features."""
        return pd.DataFrame(
            {
                self.queries.name: self.queries.to_numpy()[query],
                self.candidates.name: self.candidates.to_numpy()[candidate],
            }
        )
