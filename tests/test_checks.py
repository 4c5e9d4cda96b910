"""The checks raise the alarm on real data that was spoilt on purpose, and stay quiet otherwise."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from common.data.checks import check_dataset, single_column_auc, stability_index
from common.errors import UserError
from projects.flight_delays.load import read_raw


def findings(dataset, check):
    return [finding for finding in check_dataset(dataset) if finding.check == check]


def with_column(dataset, name, values, kind):
    schema = dataclasses.replace(dataset.schema, features={**dataset.schema.features, name: kind})
    features = dataset.features.assign(**{name: values})
    return dataclasses.replace(dataset, schema=schema, features=features)


def test_honest_data_raises_no_alarm(flights):
    assert {finding.level for finding in check_dataset(flights)} <= {"ok", "note"}


def test_departure_delay_trips_the_leak_alarm(flights):
    """dep_delay is known only after departure, and all but tells the arrival delay."""
    raw = read_raw()["flights"]
    delay = raw.loc[flights.ids.index, "dep_delay"].to_numpy("float32")
    (leak,) = findings(with_column(flights, "dep_delay", delay, "number"), "leak")
    assert leak.level == "alarm"
    assert "dep_delay" in leak.message


def test_target_hidden_in_a_category_trips_the_leak_alarm(flights):
    words = np.where(flights.target == 1, "B", "A").astype(object)
    (leak,) = findings(with_column(flights, "code", words, "category"), "leak")
    assert leak.level == "alarm"
    assert '"code" alone reaches ROC AUC 1.000' in leak.message


def test_id_column_is_named_but_is_no_leak(flights):
    ids = np.array([f"id{row}" for row in range(len(flights.target))], object)
    spoilt = with_column(flights, "ticket", ids, "category")
    assert findings(spoilt, "id-like columns")[0].level == "alarm"
    assert single_column_auc(spoilt.features["ticket"], flights.target) == pytest.approx(0.5)


def test_constant_column_is_named(flights):
    spoilt = with_column(
        flights, "planet", np.full(len(flights.target), "Earth", object), "category"
    )
    (found,) = findings(spoilt, "constant columns")
    assert found.level == "note"
    assert found.message == "planet."


def test_duplicates_across_parts_are_counted(flights):
    features = flights.features.copy()
    train, test = (np.flatnonzero(flights.part == part) for part in ("train", "test"))
    features.iloc[test[:600]] = features.iloc[train[:600]].to_numpy()
    spoilt = dataclasses.replace(flights, features=features.astype(flights.features.dtypes))
    found = findings(spoilt, "duplicates across parts")
    assert found[0].level == "alarm"
    assert "600 of 3,000 test rows (20.00%)" in found[0].message


def test_same_input_with_both_targets_is_counted(flights):
    features = flights.features.copy()
    late, on_time = (np.flatnonzero(flights.target == value)[:500] for value in (1, 0))
    features.iloc[late] = features.iloc[on_time].to_numpy()
    spoilt = dataclasses.replace(flights, features=features.astype(flights.features.dtypes))
    (found,) = findings(spoilt, "same input, different target")
    assert found.level == "note"
    assert found.message.startswith("1,000 rows")


def test_time_order_that_is_mixed_up(flights):
    mixed = np.random.default_rng(0).permutation(flights.part)
    (found,) = findings(dataclasses.replace(flights, part=mixed), "time order")
    assert found.level == "alarm"


def test_unseen_categories_are_counted(flights):
    features = flights.features.copy()
    test = flights.part == "test"
    features.loc[test, "carrier"] = "ZZ"
    (found,) = findings(
        dataclasses.replace(flights, features=features), "unseen categories in test"
    )
    assert found.level == "note"
    assert "carrier (3,000 rows)" in found.message


def test_drift_between_summer_and_winter_is_seen(flights):
    (found,) = findings(flights, "drift from train to test")
    assert found.level == "note"
    assert "temp" in found.message


def test_stability_index_against_a_hand_computed_case():
    """Shares .5/.5 against .8/.2: .3 ln(1.6) - .3 ln(.4) = .3 ln 4."""
    before, after = pd.Series(["a"] * 50 + ["b"] * 50), pd.Series(["a"] * 80 + ["b"] * 20)
    assert stability_index(before, after) == pytest.approx(0.3 * np.log(4))
    numbers = pd.Series(np.arange(1000.0))
    assert stability_index(numbers, numbers.sample(frac=1, random_state=0)) == pytest.approx(0)


def test_rows_that_vanish_from_the_account_are_an_error(flights):
    account = dataclasses.replace(flights.account, rows_in=flights.account.rows_in + 1)
    with pytest.raises(UserError, match="dropped row"):
        dataclasses.replace(flights, account=account)


def test_infinite_numbers_are_an_error(flights):
    features = flights.features.assign(humid=flights.features["humid"].replace(100, np.inf))
    with pytest.raises(UserError, match=r"Column 'humid' has \d+ infinite values"):
        dataclasses.replace(flights, features=features)


def test_missing_target_is_an_error(flights):
    target = flights.target.copy()
    target[7] = np.nan
    with pytest.raises(UserError, match="1 target values are not 0 or 1, the first one nan"):
        dataclasses.replace(flights, target=target)


def test_part_with_one_class_is_an_error(flights):
    target = np.where(flights.part == "test", 0, flights.target)
    with pytest.raises(UserError, match="test part needs rows of two classes, but has only 0"):
        dataclasses.replace(flights, target=target)
    with pytest.raises(UserError, match=r"validation part .* no rows"):
        dataclasses.replace(flights, part=np.where(flights.part == "test", "test", "train"))
