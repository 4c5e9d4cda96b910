"""The encoder against pandas and scikit-learn, the builders, and the way back from disk."""

import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata, spearmanr
from sklearn.preprocessing import QuantileTransformer

from common.models.encoder import (
    Table,
    build_encoder,
    describe_table,
    encode,
    lookups,
    minimum_count,
    predict_rows,
    raw_inputs,
    stitch,
)
from common.models.heads import Target, average, describe_target
from common.models.mlp import build_linear, build_mlp
from common.models.tabm import build_tabm


@pytest.fixture(scope="module")
def train(flights):
    return flights.examples("train").features


@pytest.fixture(scope="module")
def encoder(flights, train):
    return build_encoder(train, flights.schema.numbers, flights.schema.categories)


@pytest.fixture(scope="module")
def table(train, encoder):
    return describe_table(encoder, encode(encoder, train))


def two_classes(share):
    return Target("binary", (1 - share, share))


def test_numbers_are_normal_scores_as_scikit_learn_makes_them(flights, train, encoder):
    """Columns without repeated values: elsewhere scikit-learn sends the ends to +-5.2."""
    generator = np.random.default_rng(0)
    column = np.exp(generator.normal(size=2000)).astype("float32")  # a long tail
    rows = pd.DataFrame({"price": column})
    ours = encode(build_encoder(rows, ["price"], []), rows)["numbers"][:, 0]
    transformer = QuantileTransformer(n_quantiles=2000, output_distribution="normal")
    expected = transformer.fit_transform(column[:, None])[:, 0]
    inside = np.abs(expected) < 2
    np.testing.assert_allclose(ours[inside], expected[inside], atol=0.03)
    assert np.corrcoef(ours[inside], column[inside])[0, 1] < 0.97  # the plain column is not it


def test_numbers_keep_their_order_and_gaps_their_marks(flights, train, encoder):
    names = flights.schema.numbers
    ours = encode(encoder, train)["numbers"]
    for place, name in enumerate(names):
        known = train[name].notna().to_numpy()
        ranks = rankdata(train[name][known])
        assert spearmanr(ours[known, place], ranks).statistic > 0.9999
        middle = (ranks - 0.5) / known.sum()
        expected = ndtri(middle)
        checked = np.abs(expected) < (2 if train[name].nunique() > 512 else np.inf)
        np.testing.assert_allclose(ours[known, place][checked], expected[checked], atol=0.05)
        assert (ours[~known, place] == 0).all()
    missing = train[names].isna()
    marks = missing.loc[:, missing.any()].to_numpy("float32")
    np.testing.assert_array_equal(ours[:, len(names) :], marks)


def test_wild_and_missing_numbers_stay_in_range(flights, train, encoder):
    wild = train.head(3).copy()
    wild.loc[0, "humid"], wild.loc[1, "humid"], wild.loc[2, "humid"] = 1e30, -1e30, np.nan
    column = flights.schema.numbers.index("humid")
    known = encode(encoder, train)["numbers"][:, column]
    expected = [known.max(), known.min(), 0]
    np.testing.assert_allclose(encode(encoder, wild)["numbers"][:, column], expected, atol=1e-6)


def test_categories_missing_unseen_rare_and_known(flights, train):
    few = minimum_count(len(train)) - 1
    carrier = train["carrier"].where(train.index >= few, "Rare Air")
    train = train.assign(carrier=carrier)
    encoder = build_encoder(train, flights.schema.numbers, flights.schema.categories)
    rows = train.head(4).assign(carrier=["", "Zeppelin", "Rare Air", "UA"])
    column = flights.schema.categories.index("carrier")
    missing, unseen, rare, known = encode(encoder, rows)["categories"][:, column]
    assert (missing, unseen, rare) == (1, 1, 1)  # training has no missing carrier to learn from
    column = flights.schema.categories.index("engine")
    assert (train["engine"] == "").any()
    assert encode(encoder, rows.assign(engine=""))["categories"][0, column] == 0
    column = flights.schema.categories.index("carrier")
    assert known >= 2
    sizes = describe_table(encoder, encode(encoder, rows)).vocabularies
    assert sizes["carrier"] == 2 + (carrier.value_counts() > few).sum()


def test_vocabularies_stand_in_the_order_of_the_encoded_columns(flights, train):
    names = flights.schema.categories
    rows = train.assign(carrier="", origin=train["origin"].where(train.index > 50, ""))
    for order in (names, names[::-1]):
        encoder = build_encoder(rows, flights.schema.numbers, order)
        encoded = encode(encoder, rows)
        table = describe_table(encoder, encoded)
        assert list(table.vocabularies) == order
        highest = encoded["categories"].max(axis=0)
        assert (highest < list(table.vocabularies.values())).all()


def test_fitted_on_training_rows_only(flights, train):
    """Rows added to other parts must not move the encoder; rows added to training must."""
    test = flights.examples("test").features
    args = (flights.schema.numbers, flights.schema.categories)
    alone = encode(build_encoder(train, *args), test)["numbers"]
    again = encode(build_encoder(train, *args), test)["numbers"]
    both = encode(build_encoder(pd.concat([train, test]), *args), test)["numbers"]
    np.testing.assert_array_equal(alone, again)
    assert np.abs(alone - both).max() > 0.1


@pytest.mark.parametrize("kinds", ["numbers", "categories"])
def test_tables_of_one_kind_work(flights, train, kinds):
    numbers = flights.schema.numbers if kinds == "numbers" else []
    categories = flights.schema.categories if kinds == "categories" else []
    encoder = build_encoder(train, numbers, categories)
    encoded = encode(encoder, train.head(5))
    table = describe_table(encoder, encoded)
    for network in (build_mlp(table, two_classes(0.2)), build_linear(table, two_classes(0.2))):
        assert network.predict(encoded, verbose=0).shape == (5, 1)


def test_untrained_networks_start_near_the_prior(train, encoder, table):
    keras.utils.set_random_seed(0)
    encoded = encode(encoder, train)
    for network in (build_mlp(table, two_classes(0.1)), build_linear(table, two_classes(0.1))):
        mean = network.predict(encoded, verbose=0).mean()
        assert mean == pytest.approx(0.1, abs=0.1)  # without the bias: 0.5


def test_linear_is_linear_in_the_numbers(train, encoder, table):
    network = build_linear(table, two_classes(0.3))
    encoded = {name: rows[:1] for name, rows in encode(encoder, train).items()}
    logits = []
    for scale in (0.0, 1.0, 2.0):
        p = network.predict(encoded | {"numbers": scale * encoded["numbers"]}, verbose=0)
        logits.append(np.log(p / (1 - p)).item())
    assert logits[2] - logits[1] == pytest.approx(logits[1] - logits[0], abs=1e-4)


def test_mlp_has_the_size_that_its_docstring_says(table):
    sizes = table.vocabularies
    embedded = {name: min(8, (size + 1) // 2) for name, size in sizes.items()}
    width = table.numbers.shape[1] + sum(embedded.values())
    expected = sum(sizes[name] * embedded[name] for name in sizes)
    expected += width * 16 + 16 + 16 + 1
    assert build_mlp(table, two_classes(0.2), hidden_units=(16,)).count_params() == expected


def test_both_ways_give_equal_predictions_also_in_a_fresh_process(
    flights, encoder, table, tmp_path
):
    """Encoded arrays through the network; raw columns through the saved, stitched model."""
    network = build_mlp(table, two_classes(0.2))
    test = flights.examples("test").features
    test.loc[0, "carrier"], test.loc[1, "temp"], test.loc[2, "dest"] = "Zeppelin", np.nan, ""
    direct = network.predict(encode(encoder, test), verbose=0)[:, 0]
    whole = stitch(encoder, network)
    stitched = whole.predict(raw_inputs(whole, test), verbose=0)[:, 0]
    np.testing.assert_allclose(stitched, direct, atol=1e-6)

    whole.save(tmp_path / "model.keras")
    test.to_csv(tmp_path / "rows.csv", index=False)
    code = """if True:  # nothing of the kit is imported here: Keras alone reads the model
        import sys, keras, numpy as np, pandas as pd
        model = keras.saving.load_model(sys.argv[1] + "/model.keras", compile=False)
        rows = pd.read_csv(sys.argv[1] + "/rows.csv", keep_default_na=False, na_values={
            tensor.name: [""] for tensor in model.inputs if tensor.dtype != "string"})
        inputs = {t.name: rows[t.name].astype("str").to_numpy(object) if t.dtype == "string"
                  else rows[t.name].to_numpy("float32") for t in model.inputs}
        np.save(sys.argv[1] + "/p.npy", model.predict(inputs, verbose=0)[:, 0])
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), direct, atol=1e-6)


def test_categories_with_an_order_are_numbers_too():
    rows = pd.DataFrame({"cut": ["Fair", "Ideal", "Good", "", "odd", "Good"]})
    encoder = build_encoder(rows, [], ["cut"], {"cut": ("Fair", "Good", "Ideal")})
    numbers = encode(encoder, rows)["numbers"]
    ranks = np.array([0, 2, 1, np.nan, np.nan, 1])
    expected = ndtri([0.125, 0.875, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(numbers[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(numbers[:, 1], np.isnan(ranks))


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (Target("multiclass", (0.7, 0.2, 0.1)), [0.7, 0.2, 0.1]),
        (describe_target(np.array([2.0, 4.0, 6.0]), "regression"), [4.0]),
        (describe_target(np.array([1.0, 10.0, 100.0]), "regression", log_scale=True), [10.0]),
    ],
)
def test_a_network_that_knows_nothing_answers_with_shares_or_mean(target, answer):
    network = build_linear(Table(np.zeros((3, 2), "float32"), {}), target)
    given = network.predict({"numbers": np.zeros((1, 2), "float32")}, verbose=0)
    np.testing.assert_allclose(given, [answer], rtol=1e-5)


def test_learned_scale_and_answer_are_inverse_to_each_other():
    values = np.array([3.0, 50.0, 400.0])
    target = describe_target(values, "regression", log_scale=True)
    learned = target.to_learned(values)
    assert learned.mean() == pytest.approx(0, abs=1e-6)
    assert learned.std() == pytest.approx(1, abs=1e-6)
    network = build_linear(Table(np.zeros((3, 1), "float32"), {}), target)
    network.get_layer("learned").set_weights([np.ones((1, 1)), np.zeros(1)])
    given = network.predict({"numbers": learned[:, None]}, verbose=0)[:, 0]
    np.testing.assert_allclose(given, values, rtol=1e-5)


def test_average_answers_with_the_mean_of_its_networks(train, encoder, table):
    networks = [build_mlp(table, two_classes(0.2)) for _ in range(3)]
    for number, network in enumerate(networks):
        network.name = f"network_{number}"
    encoded = encode(encoder, train.head(50))
    single = [network.predict(encoded, verbose=0) for network in networks]
    together = average(networks).predict(encoded, verbose=0)
    np.testing.assert_allclose(together, np.mean(single, axis=0), atol=1e-6)


ODD_NAMES = ("a b", "a/b", "CO(GT)", "größe", "日期", "_x", "%", "a.20.b", "x" * 200)


def test_columns_may_be_called_anything(tmp_path):
    """All numbers and all categories under names that TensorFlow or Keras refuse as such."""
    values = np.random.default_rng(0).integers(0, 3, (60, len(ODD_NAMES))).astype("str")
    words = pd.DataFrame(values, columns=[f"{name} word" for name in ODD_NAMES])
    numbers = words.set_axis(ODD_NAMES, axis=1).astype("float32")
    features = pd.concat([words, numbers], axis=1)
    encoder = build_encoder(
        features, list(numbers), list(words), {words.columns[1]: ("0", "1", "2")}
    )
    assert [name for name, _ in lookups(encoder)] == list(words)
    table = describe_table(encoder, encode(encoder, features))
    target = Target("binary", (0.5, 0.5))
    for network in (build_mlp(table, target), build_tabm(table, target, members=2, units=8)):
        model = stitch(encoder, network)
        model.save(tmp_path / "model.keras")
        read = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        np.testing.assert_array_equal(predict_rows(read, features), predict_rows(model, features))
