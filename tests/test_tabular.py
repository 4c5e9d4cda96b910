"""The encoder against pandas and scikit-learn, the builders, and the way back from disk."""

import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from common.models.tabular import (
    build_encoder,
    build_linear,
    build_mlp,
    encode,
    raw_inputs,
    stitch,
    vocabulary_sizes,
)


@pytest.fixture(scope="module")
def train(flights):
    return flights.examples("train").features


@pytest.fixture(scope="module")
def encoder(flights, train):
    return build_encoder(train, flights.schema.numbers, flights.schema.categories)


def test_numbers_equal_scikit_learns_scaling(flights, train, encoder):
    names = flights.schema.numbers
    ours = encode(encoder, train)["numbers"]
    expected = np.nan_to_num(StandardScaler().fit_transform(train[names].astype("float64")))
    np.testing.assert_allclose(ours[:, : len(names)], expected.clip(-8, 8), atol=1e-4)
    missing = train[names].isna()
    marks = missing.loc[:, missing.any()].to_numpy("float32")
    np.testing.assert_array_equal(ours[:, len(names) :], marks)


def test_wild_and_missing_numbers_stay_in_range(flights, train, encoder):
    wild = train.head(3).copy()
    wild.loc[0, "humid"], wild.loc[1, "humid"], wild.loc[2, "humid"] = 1e30, -1e30, np.nan
    column = flights.schema.numbers.index("humid")
    np.testing.assert_allclose(encode(encoder, wild)["numbers"][:, column], [8, -8, 0], atol=1e-6)


def test_categories_missing_unseen_rare_and_known(flights, train, encoder):
    rows = train.head(3).copy()
    rows["carrier"] = ["", "Zeppelin", "UA"]
    column = flights.schema.categories.index("carrier")
    ids = encode(encoder, rows)["categories"][:, column]
    assert ids[0] == 0
    assert ids[1] == 1
    assert ids[2] >= 2
    counts = train["carrier"].value_counts()
    assert vocabulary_sizes(encoder)["carrier"] == 2 + (counts >= 20).sum()
    rare = counts.index[counts < 20][0]
    assert encode(encoder, rows.assign(carrier=rare))["categories"][0, column] == 1


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
    for network in (build_mlp(encoder, 0.2), build_linear(encoder, 0.2)):
        assert network.predict(encode(encoder, train.head(5)), verbose=0).shape == (5, 1)


def test_untrained_networks_start_near_the_prior(train, encoder):
    keras.utils.set_random_seed(0)
    encoded = encode(encoder, train)
    for network in (build_mlp(encoder, 0.1), build_linear(encoder, 0.1)):
        mean = network.predict(encoded, verbose=0).mean()
        assert mean == pytest.approx(0.1, abs=0.1)  # without the bias: 0.5


def test_linear_is_linear_in_the_numbers(train, encoder):
    network = build_linear(encoder, 0.3)
    encoded = {name: rows[:1] for name, rows in encode(encoder, train).items()}
    logits = []
    for scale in (0.0, 1.0, 2.0):
        p = network.predict(encoded | {"numbers": scale * encoded["numbers"]}, verbose=0)
        logits.append(np.log(p / (1 - p)).item())
    assert logits[2] - logits[1] == pytest.approx(logits[1] - logits[0], abs=1e-4)


def test_mlp_has_the_size_that_its_docstring_says(encoder):
    sizes = vocabulary_sizes(encoder)
    embedded = {name: min(8, (size + 1) // 2) for name, size in sizes.items()}
    width = encoder.output["numbers"].shape[1] + sum(embedded.values())
    expected = sum(sizes[name] * embedded[name] for name in sizes)
    expected += width * 16 + 16 + 16 + 1
    assert build_mlp(encoder, 0.2, hidden_units=(16,)).count_params() == expected


def test_both_ways_give_equal_predictions_also_in_a_fresh_process(
    flights, train, encoder, tmp_path
):
    """Encoded arrays through the network; raw columns through the saved, stitched model."""
    network = build_mlp(encoder, 0.2)
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
