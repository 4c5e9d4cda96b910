"""The articles are what the card says; pairs are balanced; searches find what was measured."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from common.data.checks import check_dataset
from common.errors import UserError
from common.evaluation.ranking import RankedRows
from common.text.form import TextForm
from common.text.search import bm25, minilm_cosine, tfidf_cosine
from common.training.train import prepare_rows, train_seed
from projects.headline_matching.load import (
    ARTICLE,
    HEADLINE,
    SIMILAR,
    distinct,
    load,
    prepare,
    read_raw,
)
from projects.headline_matching.run import PROJECT, Config

FORM = TextForm("words", length=64)


@pytest.fixture(scope="module")
def pairs():
    return load(FORM)


@pytest.fixture(scope="module")
def similar():
    return load(FORM, wrong="similar", rows=400)


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def test_known_figures(pairs):
    raw = read_raw()
    assert len(raw) == 2225
    assert raw["topic"].value_counts().to_dict() == {
        "sports": 511,
        "business": 510,
        "politics": 417,
        "tech": 401,
        "entertainment": 386,
    }
    articles, dropped = distinct(raw)
    assert list(dropped.values()) == [136, 23, 8]
    assert not articles[HEADLINE].duplicated().any()
    assert not any(letters(row.headline) in letters(row.article) for row in articles.itertuples())
    assert pairs.account.rows_used == 2 * len(articles) == 2 * 2058
    assert pairs.part_rows() == {"train": 2630, "validation": 658, "test": 828}
    assert len(pairs.ranking.queries) == 414


def test_each_headline_has_its_article_and_another_of_the_topic_and_part(pairs):
    matches = pairs.target == 1
    np.testing.assert_array_equal(matches, np.arange(len(matches)) % 2 == 0)
    ids = pairs.ids
    assert (ids["headline_of"][matches] == ids["article_of"][matches]).all()
    assert (ids["headline_of"][~matches] != ids["article_of"][~matches]).all()
    topics = ids.map(lambda file: file.split("/")[0])
    assert (topics["headline_of"] == topics["article_of"]).all()
    part_of = dict(zip(ids["headline_of"], pairs.part, strict=True))
    assert (ids["article_of"].map(part_of) == pairs.part).all()
    assert (pairs.slices["topic"] == topics["headline_of"]).all()
    shares = pd.Series(pairs.part).groupby(pairs.slices["topic"]).value_counts(normalize=True)
    assert (shares.xs("test", level=1) - 0.2).abs().max() < 0.005


def test_the_ranking_is_of_the_test_articles(pairs):
    test = pairs.examples("test")
    matches = test.features[test.target == 1]
    assert pairs.ranking.queries.tolist() == matches[HEADLINE].tolist()
    assert pairs.ranking.candidates.tolist() == matches[ARTICLE].tolist()
    assert pairs.ranking.groups.tolist() == test.groups[test.target == 1].tolist()


def test_similar_wrong_articles_are_for_training_alone(similar):
    train = similar.examples("train").features
    articles = train[ARTICLE][::2]
    scores = bm25(articles)(train[HEADLINE][::2])
    place = {article: number for number, article in enumerate(articles)}
    wrong = [place[article] for article in train[ARTICLE][1::2]]
    better = (scores > scores[np.arange(len(wrong)), wrong][:, None]).sum(axis=1)
    assert better.max() < SIMILAR
    topics = similar.ids.map(lambda file: file.split("/")[0])
    same = topics["headline_of"] == topics["article_of"]
    assert same[similar.part != "train"].all()
    assert not same[similar.part == "train"].all()


def test_splits_are_drawn_anew_and_the_same_one_is_the_same(similar):
    again = load(FORM, wrong="similar", rows=400)
    other = load(FORM, wrong="similar", split=1, rows=400)
    assert again.fingerprint() == similar.fingerprint() != other.fingerprint()
    both = set(similar.ranking.queries) & set(other.ranking.queries)
    assert len(both) < 100  # a fifth by chance, of 200
    with pytest.raises(UserError, match="split is -1"):
        load(FORM, split=-1)


def test_the_honest_data_raises_no_alarm(similar):
    assert [each for each in check_dataset(similar) if each.level == "alarm"] == []


def reciprocal_rank(ranking, index) -> float:
    scores = index(ranking.candidates)(ranking.queries)
    return RankedRows(scores, ranking.own, ranking.own).metrics()["mean_reciprocal_rank"]


@pytest.mark.parametrize(("index", "known"), [(bm25, 0.8928), (minilm_cosine, 0.8925)])
def test_searches_find_what_was_measured_on_another_split(pairs, index, known):
    found = reciprocal_rank(pairs.ranking, index)
    assert found == pytest.approx(known, abs=0.03)  # a 95 % interval is about as wide


def test_tfidf_as_it_was_measured_and_as_the_better_rival(pairs):
    """With words as training knows them, and here with those of the articles that are searched."""
    train = pairs.examples("train")
    vectorizer = TfidfVectorizer().fit(train.features[ARTICLE][train.target == 1])

    def plain_cosine(candidates):
        vectors = vectorizer.transform(candidates)
        return lambda queries: (vectorizer.transform(queries) @ vectors.T).toarray()

    plain = reciprocal_rank(pairs.ranking, plain_cosine)
    assert plain == pytest.approx(0.8405, abs=0.03)
    assert reciprocal_rank(pairs.ranking, tfidf_cosine) > plain + 0.03


def test_prediction_sees_what_training_saw(pairs):
    raw = read_raw()[[HEADLINE, ARTICLE]].iloc[:20]
    pd.testing.assert_frame_equal(prepare(raw, {}), raw)
    written = pd.DataFrame({ARTICLE: [" a\n b "], HEADLINE: ["\tNA "], "other": [1]})
    assert prepare(written, {}).to_dict("records") == [{HEADLINE: "NA", ARTICLE: "a b"}]


def test_settings_reach_the_form():
    form = Config(model="dssm", length=99, vocabulary=500).form
    assert (form.unit, form.length, form.vocabulary) == ("words", 99, 500)
    assert Config().form.unit == "bert"


def test_attention_learns_from_few_pairs(tmp_path):
    """Without sharp scores and means it stayed at chance, on what it had learned from, too."""
    config = Config(
        model="decomposable-attention", loss="pairs", unit="bert", length=32, epochs=2,
        batch_size=32, learning_rate=1e-3, precision="float32",
    )  # fmt: skip
    dataset = PROJECT.load(config)
    trained = train_seed(PROJECT, config, prepare_rows(dataset), 0, tmp_path)
    target = dataset.examples("validation").target
    assert roc_auc_score(target, trained.validation[:, 0]) > 0.9
