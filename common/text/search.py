"""Searches that need no training: which candidate fits a query best?

Each is an `Index` (common/data/ranking.py): from candidates to a function from queries to scores.
"""

from collections.abc import Callable, Sequence

import bm25s
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from common.errors import UserError

Search = Callable[[Sequence[str]], np.ndarray]


def tfidf_cosine(candidates: Sequence[str]) -> Search:
    """The cosine of word counts, the logarithm of each times how rare the word is."""
    check_words(candidates)
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    vectors = vectorizer.fit_transform(candidates)
    return lambda queries: (vectorizer.transform(queries) @ vectors.T).toarray()


def bm25(candidates: Sequence[str]) -> Search:
    """BM25, by the package bm25s with its defaults: k1 1.5, b 0.75, English stop words left out.

    Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3;
    Lù, "BM25S", 2024, https://arxiv.org/abs/2407.03618. A query without a word scores 0 everywhere.
    """
    check_words(candidates)
    index = bm25s.BM25()
    index.index(words_of(candidates), show_progress=False)
    nothing = np.zeros(len(candidates), "float32")

    def search(queries: Sequence[str]) -> np.ndarray:
        found = [index.get_scores(words) if words else nothing for words in words_of(queries)]
        return np.stack(found)

    return search


def check_words(candidates: Sequence[str]) -> None:
    """UserError where there is nothing to search in."""
    if not any(words_of(candidates)):
        raise UserError(
            f"None of the {len(candidates):,} texts to search in has a word of two letters or "
            "more. Name the column of texts, and leave out empty ones."
        )


def words_of(texts: Sequence[str]) -> list[list[str]]:
    return bm25s.tokenize(list(texts), return_ids=False, show_progress=False)


def minilm_cosine(candidates: Sequence[str]) -> Search:
    """The cosine of the vectors of all-MiniLM-L6-v2 as its authors trained it."""
    from common.models.sentences import encode_texts

    vectors = encode_texts(candidates)
    return lambda queries: encode_texts(queries) @ vectors.T
