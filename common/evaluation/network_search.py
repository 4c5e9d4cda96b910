"""Search with a network for pairs of texts: by its vectors, or by looking at each pair.

towers           each text's vector once, then one product of matrices for all pairs
other networks   BM25 finds REVIEWED candidates for each query, the network ranks these
"""

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd

from common.bundle import Bundle
from common.data.ranking import Ranking
from common.evaluation.evaluate import Answers
from common.evaluation.ranking import score_rankings
from common.models.pairs import TOWER
from common.models.sentences import vectors_of
from common.text.search import Search, bm25

REVIEWED = 50  # candidates of a query that a network without towers looks at


def add_rankings(
    metrics: dict, bundle: Bundle, ranking: Ranking, answers: dict[str, Answers]
) -> None:
    """Put the metrics of rankings beside the others in `metrics`, and what is to be said of them.

    metrics: as in metrics.json, with "test" and "baselines"; answers: of the baselines, "ranking"
    among them; those of the network are computed here.
    """
    scores = {name: parts["ranking"] for name, parts in answers.items() if name != "network"}
    ranked, told = score_rankings(ranking, {"network": network_scores(bundle, ranking), **scores})
    metrics["test"] |= ranked.pop("network")
    for name, found in ranked.items():
        metrics["baselines"][name] |= found
    metrics["ranking"] = {"way": way_of(bundle), **told}


def network_scores(bundle: Bundle, ranking: Ranking) -> np.ndarray:
    """Scores (queries, candidates) by the bundle's network, higher for what fits better."""
    return network_index(bundle, list(ranking.candidates))(list(ranking.queries))


def network_index(bundle: Bundle, candidates: Sequence[str]) -> Search:
    """The candidates made ready for a search with the bundle's network, in the way it can."""
    tower = tower_of(bundle.model)
    return reviewed(bundle, candidates) if tower is None else by_towers(bundle, tower, candidates)


def way_of(bundle: Bundle) -> str:
    """How the network searches, in words for a person."""
    if tower_of(bundle.model) is not None:
        return "The network makes a vector of each text, and their cosines rank all candidates."
    return (
        f"The network looks at a query and a candidate together, so it ranks only the {REVIEWED} "
        "candidates that BM25 finds best; the others stay behind them, in BM25's order."
    )


def tower_of(network: keras.Model) -> keras.Model | None:
    """The part of the network that makes a vector of a text, where it has one such part."""
    towers = [layer for layer in network.layers if layer.name == TOWER]
    return towers[0] if towers else None


def by_towers(bundle: Bundle, tower: keras.Model, candidates: Sequence[str]) -> Search:
    first, second = bundle.schema.texts

    def encoded(column: str, texts: Sequence[str]) -> np.ndarray:
        length = bundle.schema.texts[column].length
        return vectors_of(texts, bundle.tokenizers[column], tower, length)

    vectors = encoded(second, candidates)
    return lambda queries: encoded(first, queries) @ vectors.T


def reviewed(bundle: Bundle, candidates: Sequence[str]) -> Search:
    search = bm25(candidates)
    first, second = bundle.schema.texts
    texts = np.array(candidates, object)

    def ranked(queries: Sequence[str]) -> np.ndarray:
        found = search(queries)
        best = np.argsort(-found, axis=1, kind="stable")[:, :REVIEWED]
        pairs = pd.DataFrame(
            {
                first: np.repeat(np.array(queries, object), best.shape[1]),
                second: texts[best.ravel()],
            }
        )
        scores = found - found.max() - 1  # below every probability
        np.put_along_axis(scores, best, bundle.answers(pairs).reshape(best.shape), axis=1)
        return scores

    return ranked
