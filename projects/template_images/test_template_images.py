"""Every file is accounted for, copies stay together, and predict sees a picture as training did."""

import numpy as np
import pandas as pd
import pytest

from common.images.cache import cached_images, decoded_images
from common.images.dataset import PICTURE
from projects.template_images.load import load


@pytest.fixture(scope="module")
def dataset():
    return load(size=32)


def test_every_file_is_used_or_left_out_with_a_reason(dataset):
    account = dataset.account
    assert account.rows_used == len(dataset.target)
    assert account.rows_in == account.rows_used + sum(account.dropped.values())


def test_no_two_copies_straddle_two_parts(dataset):
    assert (pd.Series(dataset.part).groupby(dataset.groups).nunique() == 1).all()


def test_predict_decodes_a_file_as_training_did(dataset):
    some = slice(None, None, max(1, len(dataset.target) // 20))
    form = dataset.schema.image
    trained = cached_images(dataset.features[PICTURE], form)[some]
    np.testing.assert_array_equal(decoded_images(dataset.features[PICTURE][some], form), trained)
