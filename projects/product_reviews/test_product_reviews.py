"""The reviews are what the card says; copies are dropped, and left in they are an alarm."""

import numpy as np
import pandas as pd
import pytest

from common.data.checks import check_dataset
from common.text.form import TextForm
from projects.product_reviews.load import TEXT, load, prepare, read_raw
from projects.product_reviews.run import Config

FORM = TextForm("characters", length=64)


@pytest.fixture(scope="module")
def reviews():
    return load(FORM)


def test_known_figures(reviews):
    raw = read_raw()
    assert raw.groupby("file")["line"].count().to_dict() == {"neg.txt": 18_576, "pos.txt": 16_548}
    assert raw[TEXT].str.replace(" ", "").nunique() == 17_408 + 1  # and the empty line
    assert reviews.account.rows_used == 17_361
    assert np.bincount(reviews.target.astype(int)).tolist() == [9_031, 8_330]
    assert sum(reviews.account.dropped.values()) == 35_124 - 17_361


def test_no_text_is_there_twice_and_near_copies_lie_in_one_part(reviews):
    texts = reviews.features[TEXT]
    assert not texts.str.replace(" ", "").duplicated().any()
    groups = pd.Series(reviews.groups)
    assert groups.duplicated().sum() == 33
    assert (pd.Series(reviews.part).groupby(groups).nunique() == 1).all()
    shares = pd.Series(reviews.part).value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.01)
    by_part = pd.Series(reviews.target).groupby(reviews.part).mean()
    assert by_part.max() - by_part.min() < 0.01


def test_copies_that_are_kept_are_an_alarm():
    """Of the test reviews most stand in training, too, and the shared checks say so."""
    kept = load(FORM, copies="kept")
    assert kept.account.rows_used == 35_123
    findings = check_dataset(kept)
    across = [each for each in findings if each.check == "duplicates across parts"]
    assert [each.level for each in across] == ["alarm", "alarm"]
    texts = kept.features[TEXT].str.replace(" ", "")
    known = set(texts[kept.part == "train"])
    assert texts[kept.part == "test"].isin(known).mean() > 0.6


def test_the_honest_data_raises_no_alarm(reviews):
    assert [each for each in check_dataset(reviews) if each.level == "alarm"] == []


def test_prediction_sees_what_training_saw(reviews):
    raw = read_raw().iloc[:50]
    pd.testing.assert_frame_equal(prepare(raw, {}), raw[[TEXT]])
    written = pd.DataFrame({TEXT: ["  很　好\t吃 ", "", "NA"]})
    assert prepare(written, {})[TEXT].tolist() == ["很 好 吃", "", "NA"]


def test_settings_reach_the_form():
    form = Config(length=99, vocabulary=500).form
    assert (form.unit, form.length, form.vocabulary) == ("characters", 99, 500)
    assert Config(model="bert").form.unit == "bert"
