"""Whole networks: trained beside Keras's, and the two-layer one written out on a page."""

import numpy as np
import pytest

from benchmarks.from_scratch.networks import (
    NETWORKS,
    breast_cancer,
    compiled,
    digits,
    histories,
    largest_difference,
)
from common.from_scratch import two_layers
from common.from_scratch.activations import ReLU
from common.from_scratch.dense import Dense
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.from_scratch.losses import mean_squared_error, sparse_categorical_crossentropy
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.optimizers import SGD
from common.from_scratch.sequential import Sequential


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_losses_of_all_epochs_are_those_of_keras(network):
    mine, other = histories(network, "float32")
    assert len(mine["loss"]) == network.epochs
    assert mine["loss"][-1] < 0.7 * mine["loss"][0]
    # Adam's constants are rounded to float32 in Keras: benchmarks/from_scratch.md.
    assert largest_difference(mine, other) < 2e-5


def test_predict_and_evaluate_give_what_keras_gives():
    data = breast_cancer()
    ours, theirs = compiled(NETWORKS[2], data)
    expected = theirs.predict(data.test_x, verbose=0)
    np.testing.assert_allclose(ours.predict(data.test_x), expected, atol=1e-6)
    expected = theirs.evaluate(data.test_x, data.test_y, verbose=0, return_dict=True)
    assert ours.evaluate(data.test_x, data.test_y) == pytest.approx(expected, rel=1e-6)


def test_float32_stays_float32():
    ours, _ = compiled(NETWORKS[1], digits())
    data = digits()
    ours.fit(data.x[:100], data.y[:100])
    y = ours.forward(data.x[:5], training=True)
    arrays = [y, ours.backward(y), *ours.all_parameters(), *ours.all_gradients()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def test_rows_are_mixed_anew_each_epoch_by_the_generator_alone():
    seen = []

    class Watching(Sequential):
        def train_on_batch(self, x, y):
            seen.append(x[:, 0].astype(int).tolist())
            return super().train_on_batch(x, y)

    x, y = np.arange(10.0)[:, None], np.zeros((10, 1))
    network = Watching([Dense(1, 1, np.random.default_rng(0))])
    network.compile(SGD(1e-6), mean_squared_error)
    network.fit(x, y, epochs=2, batch_size=4)
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] * 2
    seen.clear()
    network.fit(x, y, epochs=2, batch_size=4, random=np.random.default_rng(0))
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert (first != second).any()


def test_two_layers_have_the_measured_gradients():
    random = np.random.default_rng(0)
    x, target = random.normal(size=(6, 5)), random.integers(0, 3, 6)
    weights = two_layers.initialise(5, 4, 3, random)
    found = two_layers.gradients(weights, x, target)
    for name, weight in weights.items():
        slopes = measured_gradient(
            lambda: two_layers.loss(two_layers.forward(weights, x)[2], target), weight
        )
        assert relative_error(found[name], slopes) < 1e-7, name


def test_two_layers_learn_digits_as_the_layers_do():
    data = digits()
    x = data.x.astype("float64")
    weights = two_layers.initialise(64, 32, 10, np.random.default_rng(0))
    random = np.random.default_rng(1)
    network = Sequential([Dense(64, 32, random), ReLU(), Dense(32, 10, random)]).astype("float64")
    network.set_parameters(list(weights.values()))
    network.compile(SGD(0.3), sparse_categorical_crossentropy, sparse_categorical_accuracy)
    network.fit(x, data.y, 20, random=np.random.default_rng(2))
    losses = two_layers.train(weights, x, data.y, 20, 0.3, 32, np.random.default_rng(2))
    for mine, weight in zip(network.all_parameters(), weights.values(), strict=True):
        np.testing.assert_allclose(mine, weight, atol=1e-9)
    assert network.evaluate(x, data.y)["loss"] == pytest.approx(losses[-1])
    answers = two_layers.forward(weights, data.test_x)[2].argmax(axis=1)
    assert (answers == data.test_y).mean() > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(3, int)}, "4 rows of x, but 3 of y"),
        ({"x": np.array([[0.0], [1], [np.nan], [2]])}, "row 2 of x holds NaN"),
        ({"y": np.full(4, 2)}, "whole numbers from 0 to 1"),
    ],
)
def test_bad_rows_are_refused_in_words(change, message):
    network = Sequential([Dense(1, 2, np.random.default_rng(0))])
    with pytest.raises(ValueError, match="call compile"):
        network.fit(np.zeros((4, 1)), np.zeros(4, int))
    network.compile(SGD(), sparse_categorical_crossentropy)
    rows = {"x": np.zeros((4, 1)), "y": np.zeros(4, int)} | change
    with pytest.raises(ValueError, match=message):
        network.fit(**rows)
