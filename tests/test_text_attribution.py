"""Which words speak for a class: on real tweets, against sums by hand and through the bundle."""

import html
import re
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from common.bundle import Bundle
from common.evaluation.attribution import gradient_times_input, log_odds, occlusion
from common.models.bert_weights import BertConfig
from common.models.heads import LEARNED, average, describe_target
from common.models.table import Table, Tokens
from common.models.text import (
    build_bag_of_ngrams,
    build_text_cnn,
    build_text_rnn,
    build_text_transformer,
    hashed_ngrams,
)
from common.report.page import template
from common.report.texts import pieces, texts_told
from common.text.form import TextForm
from common.text.tokenizer import fit_tokenizer, token_places
from projects.product_reviews.load import read_raw as read_reviews
from projects.tweet_sentiment.load import TEXT, load

FORM = TextForm("words", length=40)
BUILDERS = [build_bag_of_ngrams, build_text_cnn, build_text_rnn, build_text_transformer]


@pytest.fixture(scope="module")
def tweets():
    return load(FORM, rows=300)


@pytest.fixture(scope="module")
def tokenizer(tweets):
    return fit_tokenizer(tweets.features[TEXT], FORM)


def network_of(build, tokenizer, classes: int = 3, **settings) -> keras.Model:
    """An untrained network whose answers differ much between texts."""
    keras.utils.set_random_seed(0)
    table = Table(texts={TEXT: Tokens(tokenizer.get_vocab_size(), FORM.length)})
    task = "binary" if classes == 2 else "multiclass"
    network = build(table, describe_target(np.arange(classes), task, classes), **settings)
    random = np.random.default_rng(0)
    for weight in network.trainable_weights:
        if "embedding" in weight.path or LEARNED in weight.path:
            weight.assign(random.normal(0, 0.3, weight.shape))
    return network


def texts_of(tweets, tokenizer, count: int = 6) -> list[np.ndarray]:
    return [token_places(tokenizer, text, FORM.length)[0] for text in tweets.features[TEXT][:count]]


def test_of_a_bag_of_words_the_values_are_weight_times_count(tweets, tokenizer):
    """The log-odds are the mean of the words' own scores: each word's share of it, summed up."""
    network = network_of(build_bag_of_ngrams, tokenizer, classes=2, ngrams=1)
    head = network.get_layer(LEARNED)
    weight = network.get_layer("token_embedding").get_weights()[0] @ head.kernel.numpy()[:, 0]
    for ids in texts_of(tweets, tokenizer):
        found = gradient_times_input(network, ids, 1)
        words, counts = np.unique(ids, return_counts=True)
        by_word = [found[ids == word].sum() for word in words]
        np.testing.assert_allclose(by_word, weight[words] * counts / len(ids), rtol=1e-4, atol=1e-5)
        answer = log_odds(network.predict_on_batch({f"{TEXT}_tokens": ids[None]}), 1)[0]
        assert found.sum() + head.bias.numpy()[0] == pytest.approx(answer, abs=1e-3)
        np.testing.assert_allclose(gradient_times_input(network, ids, 0), -found, rtol=1e-5)


def test_a_run_of_words_counts_for_each_of_them_alike(tweets, tokenizer):
    network = network_of(build_bag_of_ngrams, tokenizer, classes=2, ngrams=3, buckets=500)
    head = network.get_layer(LEARNED).kernel.numpy()[:, 0]
    words = network.get_layer("token_embedding").get_weights()[0] @ head
    runs = network.get_layer("ngram_embedding").get_weights()[0] @ head
    for ids in texts_of(tweets, tokenizer):
        count = 3 * len(ids) - 3
        expected = words[ids] / count
        numbers = iter(np.asarray(hashed_ngrams(ids[None], 3, 500))[0])
        for size in (2, 3):
            for place in range(len(ids) - size + 1):
                expected[place : place + size] += runs[next(numbers)] / size / count
        found = gradient_times_input(network, ids, 1)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def build_small_bert(table, target):
    from common.models.bert import build_bert

    size = next(iter(table.texts.values())).vocabulary_size
    return build_bert(table, target, BertConfig(size, FORM.length, 16, 2, 2, 32))


@pytest.mark.parametrize("build", [*BUILDERS, build_small_bert])
def test_gradients_are_slopes_when_a_vector_grows(tweets, tokenizer, build):
    """Each word's vector, made longer by a thousandth; every word stands once in the text."""
    network = network_of(build, tokenizer)
    (ids, *_) = (ids for ids in texts_of(tweets, tokenizer) if len(ids) == len(set(ids)))
    if build is build_bag_of_ngrams:
        network.get_layer("ngram_embedding").set_weights(
            [0 * network.get_layer("ngram_embedding").get_weights()[0]]
        )
    layer = next(
        each
        for each in network._flatten_layers()
        if each.name in ("token_embedding", "word_embedding")
    )
    table = layer.get_weights()[0]
    found = gradient_times_input(network, ids, 2)
    slopes = []
    for each in ids:
        ends = []
        for factor in (0.999, 1.001):
            scaled = table.copy()
            scaled[each] *= factor
            layer.set_weights([scaled])
            answers = network.predict_on_batch({f"{TEXT}_tokens": ids[None]})
            ends.append(log_odds(answers, 2)[0])
        slopes.append((ends[1] - ends[0]) / 0.002)
    assert np.abs(found).max() > 0.01
    np.testing.assert_allclose(found, slopes, atol=0.03 * np.abs(found).max() + 2e-3)


def test_occlusion_is_what_the_bundle_says_to_the_text_without_the_word(tweets, tokenizer):
    """By hand: the word cut out of the raw text, and the bundle asked with a table of texts."""
    network = network_of(build_text_cnn, tokenizer)
    bundle = Bundle(network, tweets.schema, {}, {}, tokenizers={TEXT: tokenizer})
    for text in tweets.features[TEXT][:5]:
        ids, places = token_places(tokenizer, text, FORM.length)
        cut = [f"{text[:start]} {text[end:]}" for start, end in places]
        answers = bundle.answers(pd.DataFrame({TEXT: [text, *cut]}))
        odds = np.log(answers[:, 1] / (1 - answers[:, 1]))
        found = occlusion(network, ids, 1, np.arange(len(ids)), 1)
        assert np.abs(found).max() > 0.01
        np.testing.assert_allclose(found, odds[0] - odds[1:], atol=2e-3)
    assert occlusion(network, np.array([7]), 1, [0], 7) == pytest.approx(0, abs=1e-6)


def test_places_of_tokens_in_tweets_and_chinese_reviews(tweets, tokenizer):
    for text in tweets.features[TEXT][:50]:
        ids, places = token_places(tokenizer, text, FORM.length)
        words = [text[start:end].lower() for start, end in places]
        assert len(words) == len(ids)
        for word, number in zip(words, ids, strict=True):
            assert number == 1 or word == tokenizer.id_to_token(number)
    reviews = read_reviews()["review"][:300]
    form = TextForm("characters", length=30)
    characters = fit_tokenizer(reviews, form)
    for text in reviews[:50]:
        ids, places = token_places(characters, text, 30)
        assert [text[start:end] for start, end in places] == list(text[:30])
    assert token_places(tokenizer, "", 40)[1] == [(0, 0)]


def test_what_the_report_tells_of_texts(tweets, tokenizer):
    """Mistakes and doubtful labels picked by hand, every letter kept, and no text becomes HTML."""
    network = network_of(build_bag_of_ngrams, tokenizer)
    features = tweets.features.copy()
    features.loc[features.index[tweets.part == "test"][::2], TEXT] += " <b>好</b> & 😀"
    dataset = replace(tweets, features=features)
    bundle = Bundle(network, dataset.schema, {}, {}, tokenizers={TEXT: tokenizer})
    validation, test = dataset.examples("validation"), dataset.examples("test")
    answers = {
        name: bundle.answers(part.features)
        for name, part in (("validation", validation), ("test", test))
    }
    told = texts_told(bundle, dataset, validation, test, answers)
    sure = answers["test"].max(axis=1) * (answers["test"].argmax(axis=1) != test.target)
    expected = [f"row {test.ids['row'][place]}" for place in np.argsort(-sure, kind="stable")[:8]]
    assert [each["row"] for each in told["mistakes"]] == expected
    for each, place in zip(told["mistakes"], np.argsort(-sure, kind="stable"), strict=False):
        assert "".join(piece["text"] for piece in each["pieces"]) == test.features[TEXT][place]
        ids = token_places(tokenizer, test.features[TEXT][place], FORM.length)[0]
        gradient = [piece["gradient"] for piece in each["pieces"] if piece["gradient"] is not None]
        number = dataset.schema.labels.index(each["called"])
        np.testing.assert_allclose(gradient, gradient_times_input(network, ids, number), rtol=1e-5)
    worst = told["doubted"]["worst"]
    assert told["doubted"]["rows"] == 600
    assert [each["probability"] for each in worst] == sorted(each["probability"] for each in worst)
    page = template().environment.get_template("texts.html")
    macros = template().environment.get_template("macros.html").module
    names = {name: getattr(macros, name) for name in ("gain", "percent", "count")}
    drawn = page.render(metrics={"texts": told}, **names)
    assert "<b>" not in drawn
    plain = html.unescape(re.sub(r"<[^>]+>", "", drawn))
    for each in told["mistakes"]:
        assert plain.count("".join(piece["text"] for piece in each["pieces"])) >= 2


def test_a_mean_of_networks_and_a_text_without_anything(tweets, tokenizer):
    """Left out: by all networks, through the mean; the slope: of the first one."""
    first, second = (network_of(build, tokenizer) for build in BUILDERS[:2])
    bundle = Bundle(average([first, second]), tweets.schema, {}, {}, tokenizers={TEXT: tokenizer})
    ids, places = token_places(tokenizer, "so late again", FORM.length)
    found = [piece for piece in pieces(bundle, "so late again", 0) if piece["text"] != " "]
    np.testing.assert_allclose(
        [piece["gradient"] for piece in found], gradient_times_input(first, ids, 0), rtol=1e-4
    )
    both = pd.DataFrame({TEXT: ["so late again", "late again", "so again", "so late"]})
    answers = bundle.answers(both)[:, 0]
    odds = np.log(answers / (1 - answers))
    fallen = [piece["occlusion"] for piece in found]
    np.testing.assert_allclose(fallen, odds[0] - odds[1:], atol=1e-3)
    assert len(places) == 3
    assert pieces(bundle, "", 0) == [{"text": "", "gradient": None, "occlusion": None}]


def test_nothing_is_told_where_there_is_no_text_or_no_class(tweets):
    schema = replace(tweets.schema, features={}, texts={})
    bundle = Bundle(None, schema, {}, {})
    assert texts_told(bundle, tweets, None, None, {}) == {}
