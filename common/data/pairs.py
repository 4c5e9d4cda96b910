"""Pairs of texts in a split: which hang together by the texts they share, and what straddles it."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from common.data.finding import Finding
from common.data.texts import near_duplicates

LARGEST = 0.1  # of all pairs, that one group may hold: a larger one would be half of the test
KEPT = ("both", "first", "second", "neither")  # texts that a part has for itself


def text_numbers(first: pd.Series, second: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A number for each text of a column, (rows,) int64 each, equal for near copies in both."""
    numbers = near_duplicates(pd.concat([first, second], ignore_index=True))
    return numbers[: len(first)], numbers[len(first) :]


def pair_groups(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, str]:
    """A number for each pair, (rows,) int64, the same for pairs that belong in one part.

    first, second: (rows,) whole numbers of the texts, equal for equal texts. Pairs that share a
    text are one group, and so are chains of them; but a text in more than a tenth of all pairs
    links none. Where chains link more than a tenth of all pairs, as they do when texts are paired
    at random, only those with the same first text are a group; or the same second one, where one
    first text stands in so many; else equal pairs.
    Returns the groups, and of which texts none can straddle two parts, as KEPT names them.
    """
    most = max(LARGEST * len(first), 2)
    counts = np.bincount(np.concatenate([first, second]))
    alone = len(counts) + np.arange(2 * len(first))  # numbers that no text has
    linking = [
        np.where(counts[texts] > most, alone[place::2], texts)
        for place, texts in enumerate((first, second))
    ]
    nodes = len(counts) + len(alone)
    graph = csr_matrix((np.ones(len(first)), tuple(linking)), (nodes, nodes))
    linked = connected_components(graph, directed=False)[1][linking[0]]
    equal = pd.factorize(first * len(counts) + second)[0]
    candidates = (linked, first, second, equal)
    chosen = next((n for n in range(3) if np.bincount(candidates[n]).max() <= most), 3)
    return pd.factorize(candidates[chosen])[0].astype("int64"), KEPT[chosen]


def check_shared_texts(numbers: dict[str, np.ndarray], part: np.ndarray) -> Finding:
    """How many test pairs have a text that a training pair has, too.

    numbers: name of each column to its texts' numbers, (rows,), as `text_numbers` gives them.
    """
    learned = np.concatenate([texts[part == "train"] for texts in numbers.values()])
    known = {name: np.isin(texts[part == "test"], learned) for name, texts in numbers.items()}
    if not np.any(list(known.values())):
        told = "No text of a test pair, nor a near copy of one, is in a training pair."
        return Finding("texts across parts", "ok", told)
    shares = ", ".join(f"{name} {found.mean():.1%}" for name, found in known.items())
    return Finding(
        "texts across parts",
        "note",
        f"Test pairs with a text that training has in another pair: {shares}. The pairs hang "
        "together by the texts they share, so that not all could be kept apart; the scores are "
        "those for such texts.",
    )
