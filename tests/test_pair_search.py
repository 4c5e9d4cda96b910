"""Pairs of texts and searches: ranks, rivals, in-batch learning, the pipeline from file to report.

Ranks are compared with scikit-learn's, scores and losses with loops.
"""

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout

import keras
import numpy as np
import pandas as pd
import pytest
from bm25s.stopwords import STOPWORDS_EN
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from common.bundle import Bundle, load_bundle
from common.command_line import main
from common.data.dataset import Schema
from common.data.ranking import Ranking
from common.errors import UserError
from common.evaluation.network_search import REVIEWED, network_scores
from common.evaluation.pair_baselines import pair_scores
from common.evaluation.ranking import RankedRows, ranks_of, score_rankings
from common.models.heads import LEARNED, Target
from common.models.pairs import FEATURES, VECTORS, build_dssm
from common.models.pairs_by_token import build_knrm
from common.models.table import Table, Tokens
from common.runs import runs_folder
from common.text.form import TextForm
from common.text.search import bm25, tfidf_cosine
from common.text.tokenizer import tokenizers_of
from common.training.learner import Learner
from common.training.pair_learner import InBatchLearner
from projects.headline_matching.load import ARTICLE, HEADLINE, read_raw
from projects.headline_matching.run import PROJECT, Config

FORM = TextForm("words", length=40, vocabulary=2000)
BINARY = Target("binary", (0.5, 0.5))


@pytest.fixture(scope="module")
def articles():
    """Some articles of every topic."""
    return read_raw().iloc[::29].drop_duplicates(ARTICLE).reset_index(drop=True)


def test_ranks_and_their_metrics_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(40, 25))
    own = generator.integers(0, 25, 40)
    scores[np.arange(40), own] += 1
    group = np.arange(40) // 2
    found = RankedRows(scores, own, group).metrics()
    truth = np.eye(25)[own]
    assert found["mean_reciprocal_rank"] == pytest.approx(
        label_ranking_average_precision_score(truth, scores)
    )
    for most in (1, 10):
        expected = top_k_accuracy_score(own, scores, k=most, labels=np.arange(25))
        assert found[f"recall_at_{most}"] == pytest.approx(expected)
    weights = generator.integers(0, 4, 20)
    drawn = np.repeat(np.arange(40), weights[group])
    weighted = RankedRows(scores, own, group).metrics(weights.astype(float))
    repeated = RankedRows(scores[drawn], own[drawn], np.zeros(len(drawn), int)).metrics()
    assert weighted == pytest.approx(repeated)


def test_equal_scores_share_their_middle_rank():
    scores = np.array([[1.0, 1, 1, 1, 1], [3, 3, 2, 1, 0], [0, 1, 2, 2, 2]])
    np.testing.assert_array_equal(ranks_of(scores, np.array([4, 0, 2])), [3, 1.5, 2])


def test_a_ranking_is_compared_with_the_best_rival():
    generator = np.random.default_rng(0)
    texts = pd.Series([f"text {number}" for number in range(60)])
    ranking = Ranking(texts.rename("a"), texts.rename("b"), np.arange(60), np.arange(60))
    noise = generator.normal(size=(60, 60))
    scores = {"network": noise + 9 * np.eye(60), "good": noise + 2 * np.eye(60), "bad": noise}
    metrics, told = score_rankings(ranking, scores)
    assert metrics["network"]["mean_reciprocal_rank"] == {"value": 1, "low": 1, "high": 1}
    assert told["best_baseline"] == "good"
    assert told["difference"]["recall_at_1"]["low"] > 0
    assert told["verdict"].startswith("The network is better than the best baseline, good")
    pairs = ranking.pairs()
    assert pairs.iloc[61].tolist() == ["text 1", "text 1"]
    assert len(pairs) == 3600


def test_bm25_is_its_formula(articles):
    def words_of(text):
        return [word for word in re.findall(r"\w\w+", text.lower()) if word not in STOPWORDS_EN]

    words = [words_of(text) for text in articles[ARTICLE]]
    mean = np.mean([len(each) for each in words])
    query = articles[HEADLINE][3]
    expected = []
    for each in words:
        total = 0.0
        for word in words_of(query):
            having = sum(word in other for other in words)
            rarity = np.log(1 + (len(words) - having + 0.5) / (having + 0.5))
            count = each.count(word)
            total += rarity * count / (count + 1.5 * (0.25 + 0.75 * len(each) / mean))
        expected.append(total)
    found = bm25(articles[ARTICLE])([query, "the", "", "xyzzy"])
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)
    assert np.argmax(found[0]) == 3
    assert not found[1:].any()


def test_pairs_are_scored_as_in_a_search(articles):
    frame = articles[[HEADLINE, ARTICLE]]
    shuffled = frame.assign(**{ARTICLE: frame[ARTICLE].to_numpy()[::-1]})
    pairs = pd.concat([frame, shuffled])
    matrix = tfidf_cosine(frame[ARTICLE])(frame[HEADLINE])
    expected = np.concatenate([np.diag(matrix), np.diag(matrix[:, ::-1])])
    np.testing.assert_allclose(pair_scores(tfidf_cosine, pairs)[:, 0], expected, atol=1e-12)
    assert np.diag(matrix).mean() > 5 * matrix.mean()


def test_columns_with_one_form_share_a_tokenizer(articles):
    twice = pd.concat([articles, articles])
    texts = twice[[HEADLINE, ARTICLE]].assign(other=twice[HEADLINE])
    shorter = TextForm("words", length=39, vocabulary=2000)
    made = tokenizers_of({HEADLINE: FORM, ARTICLE: FORM, "other": shorter}, texts)
    assert made[HEADLINE] is made[ARTICLE]
    assert made["other"].get_vocab_size() < made[HEADLINE].get_vocab_size()
    once = " ".join(articles[HEADLINE]).lower().split()
    single = next(word for word in once if word.isalpha() and once.count(word) == 1)
    alone = tokenizers_of({"other": shorter}, texts)["other"]
    assert alone.token_to_id(single) is None  # rows repeat, but that is no second text


def bundle_of(build, articles) -> Bundle:
    keras.utils.set_random_seed(0)
    forms = {HEADLINE: FORM, ARTICLE: FORM}
    tokenizers = tokenizers_of(forms, articles[[HEADLINE, ARTICLE]])
    tokens = Tokens(tokenizers[HEADLINE].get_vocab_size(), FORM.length)
    network = build(Table(texts=dict.fromkeys(forms, tokens)), BINARY)
    columns = dict.fromkeys(forms, "text")
    schema = Schema(columns, columns, ("other", "match"), texts=forms)
    return Bundle(network, schema, {"threshold": 0.5}, {}, tokenizers=tokenizers)


@pytest.fixture(scope="module")
def ranking(articles):
    numbers = np.arange(12)
    return Ranking(articles[HEADLINE][:12], articles[ARTICLE], numbers, numbers)


def test_towers_rank_by_the_cosine_of_pairs(articles, ranking):
    bundle = bundle_of(build_dssm, articles)
    scores = network_scores(bundle, ranking)
    network = bundle.model
    cosine = keras.Model(network.input, network.get_layer(FEATURES).output)
    expected = cosine(bundle.contents(ranking.pairs())).numpy().reshape(12, -1)
    np.testing.assert_allclose(scores, expected, atol=2e-6)


def test_networks_without_towers_rank_what_bm25_finds(articles, ranking):
    bundle = bundle_of(build_knrm, articles)
    scores = network_scores(bundle, ranking)
    found = bm25(articles[ARTICLE])(ranking.queries)
    answers = bundle.answers(ranking.pairs()).reshape(12, -1)
    assert scores.shape[1] > REVIEWED
    for query in range(12):
        best, others = np.split(np.argsort(-found[query], kind="stable"), [REVIEWED])
        np.testing.assert_allclose(scores[query, best], answers[query, best], atol=1e-6)
        assert scores[query, others].max() < 0
        assert (np.diff(scores[query, others]) <= 0).all()


def test_in_batch_learning_is_its_formula(articles):
    """Rows 0 and 2 match; row 1 shows the article of row 2, which is no rival of itself."""
    bundle = bundle_of(build_dssm, articles)
    pairs = articles[[HEADLINE, ARTICLE]].iloc[[0, 1, 2, 3]].reset_index(drop=True)
    pairs.loc[1, ARTICLE] = pairs.loc[2, ARTICLE]
    inputs, target = bundle.contents(pairs), np.array([1, 0, 1, 0], "float32")
    learner = InBatchLearner.of(bundle.model, BINARY)
    seen = learner(inputs)
    first, second = seen[VECTORS].numpy().transpose(1, 0, 2).astype("float64")
    likes = np.exp(first @ second.T / 0.05)
    choices = [
        -np.log(likes[0, 0] / likes[0].sum()),
        -np.log(likes[2, 2] / likes[2, [0, 2, 3]].sum()),
    ]
    of_pairs = float(Learner.of(bundle.model, BINARY).compute_loss(None, target, seen[LEARNED]))
    found = float(learner.compute_loss(inputs, target, seen))
    assert found == pytest.approx(of_pairs + np.mean(choices), rel=1e-4)
    assert float(learner.compute_loss(inputs, target, seen, training=False)) == of_pairs


def test_in_batch_learning_finds_the_match(articles):
    bundle = bundle_of(build_dssm, articles)
    some = articles[:32]
    ranking = Ranking(some[HEADLINE], some[ARTICLE], np.arange(32), np.arange(32))
    learner = InBatchLearner.of(bundle.model, BINARY)
    learner.compile(keras.optimizers.Adam(0.003))
    target = np.ones(32, "float32")
    learner.fit(bundle.contents(some), target, batch_size=32, epochs=30, verbose=0)
    ranks = ranks_of(network_scores(bundle, ranking), ranking.own)
    assert (ranks == 1).mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "k-nrm"}, "in-batch needs a network that makes a vector .* not k-nrm"),
        ({"length": 0}, "length is 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, told):
    with pytest.raises(UserError, match=told):
        Config(**settings)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


def command(*arguments) -> tuple[int, str]:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(PROJECT, [str(argument) for argument in arguments])
    return status, printed.getvalue()


def test_pairs_from_file_to_report_and_back(runs, tmp_path):
    small = ("--model", "dssm", "--rows", 80, "--epochs", 2, "--learning-rate", 0.001)
    status, printed = command(*small, "--run", "small")
    assert status == 0, printed
    folder = runs_folder("headline_matching") / "small"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["baselines"]) == {"class_prior", "tfidf_cosine", "bm25", "minilm_cosine"}
    assert metrics["ranking"]["queries"] == metrics["ranking"]["candidates"] == 40
    found = {name: each["mean_reciprocal_rank"] for name, each in metrics["baselines"].items()}
    assert found["class_prior"]["value"] == pytest.approx(1 / 20.5)
    assert found["bm25"]["low"] > 0.8 < found["minilm_cosine"]["low"]
    assert metrics["test"]["recall_at_10"]["low"] <= metrics["test"]["recall_at_10"]["value"]
    page = (folder / "report.html").read_text()
    assert "Mean reciprocal rank" in page
    assert "their cosines rank all candidates" in page
    checks = {entry["check"] for entry in json.loads((folder / "checks.json").read_text())}
    assert {"texts cut off: headline", "texts cut off: article"} <= checks

    test = PROJECT.load(Config(model="dssm", rows=80)).examples("test").features
    odd = pd.DataFrame({ARTICLE: ["", "😀", "x" * 100_000], HEADLINE: ["", "a", "b"]})
    rows = pd.concat([test, odd], ignore_index=True)
    rows[[ARTICLE, HEADLINE]].to_csv(tmp_path / "in.csv", index=False)
    arguments = ("--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv")
    status, printed = command("predict", *arguments)
    assert status == 0, printed
    written = pd.read_csv(tmp_path / "out.csv", na_filter=False)
    assert written[HEADLINE].tolist() == rows[HEADLINE].tolist()
    with np.load(folder / "predictions.npz") as stored:
        np.testing.assert_allclose(written["probability"][:80], stored["0/test"], atol=2e-6)
    assert written["probability"].between(0, 1).all()
    bundle = load_bundle(folder / "bundle")
    assert bundle.tokenizers[HEADLINE].to_str() == bundle.tokenizers[ARTICLE].to_str()

    (tmp_path / "in.csv").write_text("headline,body\na,b\n")
    status, printed = command("predict", *arguments)
    assert status == 2
    assert "article" in printed


@pytest.mark.parametrize("search", [bm25, tfidf_cosine])
def test_nothing_to_search_in_is_told(search):
    with pytest.raises(UserError, match="None of the 2 texts to search in has a word"):
        search(["", "?!"])
