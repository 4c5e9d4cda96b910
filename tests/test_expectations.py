"""What training looked like is learned rightly, readable, editable, and new rows are held to it."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from common.bundle import Bundle, load_bundle, save_bundle
from common.data import rows as raw_rows
from common.data.deviations import Deviations
from common.data.expectations import Expectations, accepted_range, expect_alike, expect_number
from common.data.expectations_file import read_expectations, write_expectations
from common.data.stability import chance, stability_index
from common.errors import UserError
from common.models.encoder import build_encoder, describe_table, encode, stitch
from common.models.heads import Target
from common.models.mlp import build_mlp
from common.predict import predict_file
from projects.flight_delays.load import prepare, read_raw


@pytest.fixture(scope="module")
def expected(flights):
    return expect_alike(flights.schema, flights.examples("train").features)


@pytest.fixture(scope="module")
def bundle(flights, expected, tmp_path_factory):
    """An untrained network with what the 3,000 training flights looked like, through the disk."""
    schema, features = flights.schema, flights.examples("train").features
    encoder = build_encoder(features, schema.numbers, schema.categories)
    table = describe_table(encoder, encode(encoder, features))
    model = stitch(encoder, build_mlp(table, Target("binary", (0.8, 0.2)), hidden_units=(8,)))
    folder = tmp_path_factory.mktemp("run") / "bundle"
    save_bundle(Bundle(model, schema, {"threshold": 0.2}, flights.tables, expected), folder)
    return load_bundle(folder)


@pytest.fixture(scope="module")
def raw(flights):
    """The training flights as they stand in the file."""
    return read_raw()["flights"].loc[flights.ids.index[flights.part == "train"]]


@pytest.fixture
def scored(bundle, tmp_path):
    """Score a frame as a file, under changed rules; returns what was told."""

    def score(frame, rules=None, **columns):
        expectations = dataclasses.replace(
            bundle.expectations,
            rules=bundle.expectations.rules | (rules or {}),
            columns=bundle.expectations.columns
            | {
                name: dataclasses.replace(bundle.expectations.columns[name], **changes)
                for name, changes in columns.items()
            },
        )
        frame.to_csv(tmp_path / "in.csv", index=False, na_rep="NA")
        return "\n".join(
            predict_file(
                dataclasses.replace(bundle, expectations=expectations),
                prepare,
                tmp_path / "in.csv",
                tmp_path / "out.csv",
            )
        )

    return score


def test_what_is_learned_equals_a_count_by_hand(flights, expected):
    train = flights.examples("train").features
    distance, carrier = expected.columns["distance"], expected.columns["carrier"]
    assert (distance.lowest, distance.highest) == (train["distance"].min(), train["distance"].max())
    between = np.histogram(
        train["distance"], [-np.inf, *np.nextafter(distance.bin_edges, np.inf), np.inf]
    )
    np.testing.assert_allclose(distance.bin_shares, between[0] / 3000, atol=1e-6)
    shares = train["carrier"].value_counts(normalize=True)
    assert list(carrier.categories) == list(shares.index)
    np.testing.assert_allclose(list(carrier.categories.values()), shares, atol=1e-6)
    assert expected.columns["plane_age"].missing == pytest.approx(491 / 3000, abs=1e-6)


@pytest.mark.parametrize(
    ("numbers", "accepted"),
    [
        ([80, *range(100, 900), 1080], (0, 1400)),  # a quarter of 1,000 beyond; not below zero
        ([1, 12, 6, 7] * 30, (1, 12)),  # months: the ends are shared by many
        ([-10, *range(-7, 20), 30], (-20, 40)),
        ([*range(-900, -100)], (-1100, 0)),
        ([5.5] * 9, (5.5, 5.5)),
    ],
)
def test_accepted_range(numbers, accepted):
    assert accepted_range(pd.Series(numbers, dtype="float32")) == accepted


def test_file_is_read_back_as_it_was_written(flights, expected, tmp_path):
    write_expectations(expected, tmp_path / "expectations.json")
    assert read_expectations(tmp_path / "expectations.json", flights.schema) == expected
    text = (tmp_path / "expectations.json").read_text()
    assert '"accepted": [0, ' in text  # a short list on one line
    assert max(len(line) for line in text.splitlines()[2:]) < 160


def test_numbers_that_repeat_have_ascending_edges():
    """The quantiles of few float32 values lie between equal ones and round to them."""
    values = np.float32([1.1, 2.2, 3.3, 4.7, 5.9])
    for seed in range(50):
        random = np.random.default_rng(seed)
        edges = expect_number(pd.Series(random.choice(values, random.integers(2, 40)))).bin_edges
        assert list(edges) == sorted(set(edges))


def test_crowded_column_lists_its_commonest_values(flights):
    schema = dataclasses.replace(flights.schema, features={"name": "category"})
    names = [f"often {number}" for number in range(1000)] * 2 + [f"once {n}" for n in range(500)]
    column = expect_alike(schema, pd.DataFrame({"name": names})).columns["name"]
    assert (len(column.categories), column.not_listed) == (1000, 500)
    assert all(name.startswith("often") for name in column.categories)
    text = pd.DataFrame({"name": ["often 3", "once 7", "never"]}, index=[2, 3, 4])
    deviations = Deviations(
        Expectations(rows=2500, columns={"name": column}), schema, {"name": {"once 7"}}, Path("x")
    )
    deviations.add(text, text)
    (told,) = (line for line in deviations.told() if "unseen" in line)
    assert "1 (line 4: 'never')" in told


def test_rows_of_training_are_as_expected(scored, raw):
    told = scored(raw)
    assert "3,000 rows scored" in told
    assert not [line for line in told.splitlines() if line.startswith(("Cat", "Val", "More", "An"))]


def test_impossible_number_is_named_with_line_and_cell(scored, raw):
    frame = raw.head(60).copy()
    frame.iloc[[7, 9], frame.columns.get_loc("distance")] = [-100, 20000]
    told = scored(frame)
    assert (
        "Values out of the accepted range: distance 2 (line 9: '-100', accepted 0 to 7,000)" in told
    )


def test_counts_go_over_all_chunks(scored, raw, monkeypatch, tmp_path):
    """Seven rows a chunk or all at once: the same sentences."""
    frame = raw.head(100).copy()
    frame.iloc[::9, frame.columns.get_loc("distance")] = -1
    frame.iloc[5::20, frame.columns.get_loc("carrier")] = "ZZ"
    at_once = scored(frame)
    output = (tmp_path / "out.csv").read_text().splitlines()
    monkeypatch.setattr(
        "common.predict.read_chunks", lambda path, known: raw_rows.read_chunks(path, known, 7)
    )
    assert scored(frame) == at_once
    assert "distance 12 (line 2: '-1'" in at_once
    assert "carrier 5 (line 7: 'ZZ')" in at_once
    assert len(output) == 101


@pytest.mark.parametrize(
    ("spoil", "rules", "message"),
    [
        (
            lambda frame: frame.assign(distance=[94] * 30 + [-5] * 30),
            {"out_of_range": "fail"},
            r"in.csv, line 32, column 'distance': '-5' is out of the range, accepted 0 to 7,000.*"
            r"the rule out_of_range, in bundle/expectations.json",
        ),
        (
            lambda frame: frame.assign(carrier=["UA"] * 59 + ["ZZ"]),
            {"unseen_categories": "fail"},
            r"in.csv, line 61, column 'carrier': 'ZZ' is a category that training has not seen",
        ),
        (
            lambda frame: frame.assign(dest=["IAH"] * 40 + [None] * 20),
            {"more_missing": "fail", "unseen_categories": "ignore"},
            r"in.csv, line 42, column 'dest': missing here first, and in 33.3% of the rows",
        ),
        (
            lambda frame: frame.assign(distance=[2000.0] * 60),
            {"drift": "fail"},
            r"'\w+': distributed differently from training, stability index",
        ),
        (
            lambda frame: frame,
            {"extra_columns": "fail"},
            "beside those it may have, the columns dep",
        ),
        (
            lambda frame: frame.filter(["carrier", *frame.columns]),
            {"reordered_columns": "fail"},
            "in.csv has in another order the columns carrier, year",
        ),
        (
            lambda frame: frame.assign(distance=["far"] * 60),
            {},
            "line 2, column 'distance': 'far' is not a number",
        ),
        (lambda frame: frame.drop(columns="distance"), {}, "lacks the column distance. Needed"),
    ],
)
def test_rule_to_fail_gives_one_error_and_no_output(scored, raw, tmp_path, spoil, rules, message):
    columns = dict.fromkeys(["carrier", *raw.columns])
    frame = raw.sample(60, random_state=0)[list(columns)][list(raw.columns)]
    with pytest.raises(UserError, match=message):
        scored(spoil(frame), rules)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_rule_to_warn_scores_what_would_fail(scored, raw):
    frame = raw.head(60).assign(distance=["far", *raw["distance"].astype(str)[1:60]])
    told = scored(frame.drop(columns="dest"), {"changed_types": "warn", "missing_columns": "warn"})
    assert "60 rows scored" in told
    assert "could not be read, counted as missing: distance 1 (line 2: 'far')" in told
    assert "Columns that the file lacks, counted as missing: dest" in told
    assert "More missing values than in training: dest" not in told  # said already


def test_rule_to_ignore_and_rules_of_a_column(scored, raw):
    frame = raw.head(60).assign(distance=-1, carrier="ZZ")
    assert "Ignored columns" not in scored(frame, {"extra_columns": "ignore"})
    told = scored(frame, {"out_of_range": "ignore"}, carrier={"rules": {"drift": "ignore"}})
    assert "range" not in told
    assert "carrier 60 (line 2: 'ZZ')" in told
    assert "carrier" not in told.split("stability index:")[1]
    with pytest.raises(UserError, match="line 2, column 'carrier'"):
        scored(frame, carrier={"rules": {"unseen_categories": "fail"}})


def test_many_columns_are_cut_to_the_worst(scored, raw):
    """A winter day at one airport is nothing like nine months at three."""
    winter_day = read_raw()["flights"].query("month == 12 and day == 14 and origin == 'JFK'")
    told = scored(winter_day).split("stability index: ")[1].splitlines()[0]
    indices = [
        float(part.split()[-1].rstrip(".")) for part in told.split(", ") if "more" not in part
    ]
    assert len(indices) == 5
    assert indices == sorted(indices)[::-1]
    assert " more." in told


def test_index_comes_to_the_chi_squared_statistic():
    """For small differences index / (1/n + 1/m) is Pearson's statistic, whose chance is judged."""
    reference, current = np.array([4000, 3000, 3000]), np.array([390, 310, 300])
    before = pd.Series(np.repeat(list("abc"), reference))
    after = pd.Series(np.repeat(list("abc"), current))
    statistic = stability_index(before, after) / (1 / 10_000 + 1 / 1000)
    assert chance(reference, current) == pytest.approx(chi2.sf(statistic, 2), rel=0.02)


@pytest.mark.parametrize("rows", [20, 60, 200, 1000])
def test_chance_seldom_looks_like_drift(flights, expected, rows):
    """Draws from the training rows themselves; a shift of the same size is found from 200 on."""
    schema, train = flights.schema, flights.examples("train").features
    generator = np.random.default_rng(rows)
    alarms = found = 0
    for _ in range(20):
        drawn = train.iloc[generator.choice(3000, rows, replace=False)]
        shifted = drawn.assign(distance=drawn["distance"] * 1.6)
        for features in (drawn, shifted):
            deviations = Deviations(expected, schema, {}, Path("x"))
            deviations.add_columns(list(schema.required | schema.optional))
            features = features.set_axis(range(2, rows + 2))
            deviations.add(features[[]], features)
            drift = [line for line in deviations.told() if "stability index" in line]
            alarms += features is not shifted and bool(drift) and "distance" not in drift[0]
            found += bool(drift) and "distance" in drift[0]
    assert alarms <= 2
    assert found >= 20 if rows >= 200 else found <= 20


def changed(path: Path, change) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["rules"].update(drifft="warn"), "rules has 'drifft', .* Expected 'drift'"),
        (lambda r: r["rules"].update(drift="warning"), "drift has 'warning', .*Expected 'warn'"),
        (lambda r: r["rules"].update(drift=["warn"]), r"\['warn'\], which is not a rule"),
        (lambda r: r.update(drift="0.3"), 'drift is "0.3". Expected a number from 0'),
        (lambda r: r.update(colums={}), "has 'colums', .* Expected 'columns'"),
        (lambda r: r.pop("rules"), "the file lacks 'rules'"),
        (lambda r: r.update(columns=[1]), r"columns is \[1\]. Expected names with values"),
        (
            lambda r: r["columns"].update(distanc={}),
            "has 'distanc', which is not a feature of this model. Expected 'distance'",
        ),
        (
            lambda r: r["columns"]["distance"].update(accepted=[100, 50]),
            r"column 'distance', accepted is \[100, 50\]. Expected the lower border first",
        ),
        (
            lambda r: r["columns"]["distance"].update(accepted=["0", 50]),
            "column 'distance', accepted is \"0\". Expected a number",
        ),
        (lambda r: r["columns"]["distance"].update(missing_accepted=3), "a number from 0 to 1"),
        (lambda r: r["columns"]["distance"]["bin_edges"].pop(), "bins that do not fit"),
        (
            lambda r: r["columns"]["distance"].update(kind="category"),
            "column 'distance' has 'accepted'|has the kind",
        ),
        (
            lambda r: r["columns"]["distance"].update(rules={"extra_columns": "fail"}),
            "'extra_columns', which is not a sort of deviation",
        ),
        (
            lambda r: r["columns"]["carrier"]["categories"].update(ZZ="often"),
            "column 'carrier', category 'ZZ' is \"often\"",
        ),
    ],
)
def test_slips_of_the_pen_are_named(flights, expected, tmp_path, change, message):
    path = tmp_path / "expectations.json"
    write_expectations(expected, path)
    changed(path, change)
    with pytest.raises(UserError, match=message) as error:
        read_expectations(path, flights.schema)
    assert "expectations.json" in str(error.value)


def test_lost_comma_is_named_with_its_line(flights, expected, tmp_path):
    path = tmp_path / "expectations.json"
    write_expectations(expected, path)
    path.write_text(path.read_text().replace('"drift": 0.25,', '"drift": 0.25'))
    with pytest.raises(UserError, match=r"is no JSON \(Expecting ',' delimiter: line 5"):
        read_expectations(path, flights.schema)


def test_edited_bundle_is_held_to(bundle, raw, tmp_path):
    """By hand: a column's range opened upwards and its entry for another one taken out."""
    folder = tmp_path / "bundle"
    save_bundle(bundle, folder)

    def change(record):
        record["columns"]["distance"]["accepted"] = [500, None]
        del record["columns"]["carrier"]

    changed(folder / "expectations.json", change)
    raw.head(60).assign(distance=[20_000] * 59 + [499], carrier="ZZ").to_csv(tmp_path / "in.csv")
    told = predict_file(load_bundle(folder), prepare, tmp_path / "in.csv", tmp_path / "out.csv")
    told = "\n".join(told)
    assert "distance 1 (line 61: '499', accepted from 500)" in told
    assert "unseen in training, scored as unknown: carrier 60" in told  # the model's own words
    assert "carrier" not in told.split("stability index:")[1]
