"""Every row is accounted for, and predict sees a pair as training did."""

import pandas as pd
import pytest

from common.data.rows import read_chunks, typed_rows
from common.text.form import TextForm
from projects.template_pairs.load import RAW, TARGET, data_file, load, prepare


@pytest.fixture(scope="module")
def dataset():
    return load(TextForm())


def test_every_row_is_used_or_dropped_with_a_reason(dataset):
    account = dataset.account
    assert account.rows_used == len(dataset.target)
    assert account.rows_in == account.rows_used + sum(account.dropped.values())


def test_the_answer_is_not_among_the_features(dataset):
    assert not {*TARGET} & {*RAW, *dataset.features}


def test_no_group_straddles_two_parts(dataset):
    if dataset.time is None:
        assert (pd.Series(dataset.part).groupby(dataset.groups).nunique() == 1).all()


def test_predict_reads_the_features_of_training(dataset):
    text = next(read_chunks(data_file(), chunk_rows=500))
    features = prepare(typed_rows(text, dataset.schema, data_file()), {})
    known = dataset.ids["line"].isin(features.index).to_numpy()
    assert known.any()
    pd.testing.assert_frame_equal(
        features.loc[dataset.ids["line"][known]].reset_index(drop=True),
        dataset.features[known].reset_index(drop=True),
        check_names=False,
    )
