"""Embeddings of numbers against their formulas, on real flights."""

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.models.encoder import build_encoder, describe_table, encode
from common.models.heads import describe_target
from common.models.number_embeddings import (
    embed_numbers,
    piecewise_linear_encoding,
    quantile_edges,
)
from common.tabular import TabularConfig, build_tabular


@pytest.fixture(scope="module")
def table(flights):
    features = flights.examples("train").features
    encoder = build_encoder(features, flights.schema.numbers, flights.schema.categories)
    return describe_table(encoder, encode(encoder, features))


def filled_share(x: float, edges: np.ndarray, bin_number: int) -> float:
    """Equation 1 of Gorishniy et al. 2022, word for word."""
    left, right = edges[bin_number], edges[bin_number + 1]
    if x < left and bin_number > 0:
        return 0.0
    if x >= right and bin_number < len(edges) - 2:
        return 1.0
    return (x - left) / (right - left)


def test_piecewise_linear_encoding_is_the_formula(flights, table):
    numbers = np.concatenate([table.numbers[:200], table.numbers[:1] + 20, table.numbers[:1] - 20])
    edges = quantile_edges(table.numbers, 8)
    inputs = keras.Input((numbers.shape[1],))
    encode_bins = keras.Model(inputs, piecewise_linear_encoding(inputs, edges))
    found = np.asarray(encode_bins(numbers))
    expected = np.zeros_like(found)
    for column, own in enumerate(edges):
        for bin_number in range(len(own) - 1):
            expected[:, column, bin_number] = [
                filled_share(x, own.astype("float64"), bin_number)
                for x in numbers[:, column].astype("float64")
            ]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    marks = range(len(flights.schema.numbers), numbers.shape[1])
    assert all(edges[column].tolist() == [0, 1] for column in marks)


def test_bins_hold_equal_numbers_of_rows_and_a_constant_column_is_no_trouble():
    values = np.random.default_rng(0).normal(size=(4800, 1)).astype("float32")
    edges = quantile_edges(np.concatenate([values, np.full_like(values, 3)], axis=1), 48)
    counts = np.histogram(values, edges[0])[0]
    assert len(counts) == 48
    assert set(counts) <= {99, 100, 101}
    assert edges[1].tolist() == [3, 4]


def test_embeddings_of_numbers_are_their_formulas(table):
    numbers = table.numbers[:50]
    inputs = keras.Input((numbers.shape[1],))
    generator = np.random.default_rng(0)
    models = {}
    for kind in ("linear", "piecewise_linear", "periodic"):
        models[kind] = keras.Model(inputs, embed_numbers(inputs, table, kind, 4))
        for weight in models[kind].weights:
            weight.assign(generator.normal(size=weight.shape))
    found = {kind: np.asarray(model(numbers)) for kind, model in models.items()}

    def weights(kind: str, name: str) -> list[np.ndarray]:
        return models[kind].get_layer(f"numbers_{name}").get_weights()

    kernel, bias = weights("linear", "linear")
    np.testing.assert_allclose(found["linear"], numbers[..., None] * kernel + bias, atol=1e-5)

    kernel, bias = weights("piecewise_linear", "linear")
    (bends,) = weights("piecewise_linear", "bins")
    encoding = piecewise_linear_encoding(numbers, quantile_edges(table.numbers, 48))
    expected = numbers[..., None] * kernel + bias
    expected = expected + (np.asarray(encoding)[..., None] * bends).sum(axis=2)
    np.testing.assert_allclose(found["piecewise_linear"], expected, rtol=1e-4, atol=1e-3)

    (frequencies,) = weights("periodic", "frequencies")
    kernel, bias = weights("periodic", "periodic")
    angles = 2 * np.pi * numbers[..., None].astype("float64") * frequencies
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    expected = np.maximum((waves[..., None] * kernel).sum(axis=2) + bias, 0)
    np.testing.assert_allclose(found["periodic"], expected, atol=1e-3)


@pytest.mark.parametrize("model", ["tabm", "mlp", "resnet", "ft-transformer"])
def test_every_network_cuts_numbers_as_finely_as_its_settings_say(flights, table, model):
    target = describe_target(flights.examples("train").target, "binary", 2)
    for bins in (5, 40):
        config = TabularConfig(model=model, units=16, number_bins=bins)
        network = build_tabular(config, table, target)
        assert network.get_layer("numbers_bins").kernel.shape[1] == bins


def test_numbers_need_a_bin():
    with pytest.raises(UserError, match="number_bins"):
        TabularConfig(number_bins=0)
