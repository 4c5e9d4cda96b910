"""Layers, losses, optimizers and the like, against small steps and against Keras."""

import keras
import numpy as np
import pytest
from scipy.stats import ks_2samp

from benchmarks.from_scratch import optimizers as optimizer_pairs
from benchmarks.from_scratch import pairs, pairs_sequences, repeated_ids
from benchmarks.from_scratch.checks import check_pair
from benchmarks.from_scratch.losses import LOSSES, check_loss
from common.from_scratch import initializers, losses, metrics, schedules
from common.from_scratch.activations import sigmoid, softmax
from common.from_scratch.dense import Dense
from common.from_scratch.dropout import Dropout
from common.from_scratch.embedding import Embedding
from common.from_scratch.gradient_check import check_layer
from common.from_scratch.normalization import BatchNormalization


def by_name(pair) -> str:
    return pair.name


@pytest.mark.parametrize("pair", [*pairs.PAIRS, *pairs_sequences.PAIRS], ids=by_name)
def test_layers_have_the_measured_slopes_and_keras_numbers(pair):
    check = check_pair(pair)
    assert check.kept(), check


@pytest.mark.parametrize("pair", LOSSES, ids=by_name)
def test_losses_have_the_measured_slopes_and_keras_numbers(pair):
    check = check_loss(pair)
    assert check.kept(), check


@pytest.mark.parametrize("pair", optimizer_pairs.OPTIMIZERS, ids=by_name)
def test_optimizers_take_the_way_of_keras(pair):
    assert optimizer_pairs.trajectory_difference(pair, "float32") < optimizer_pairs.MOST


@pytest.mark.parametrize("name", repeated_ids.OPTIMIZERS)
def test_embeddings_move_by_the_sum_over_repeated_ids(name):
    ours, _, theirs = repeated_ids.steps_by_id(*repeated_ids.OPTIMIZERS[name])
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_the_check_of_slopes_finds_a_wrong_backward_pass():
    class Wrong(Dense):
        def backward(self, gradient):
            by_x = super().backward(gradient)
            self.gradients["bias"] = gradient.mean(axis=0)
            return by_x

    random = np.random.default_rng(0)
    layer, x = Wrong(3, 2, random).astype("float64"), random.normal(size=(4, 3))
    assert check_layer(layer, x) > 0.1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            schedules.exponential_decay(0.1, 10, 0.5),
            keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5),
        ),
        (
            schedules.exponential_decay(0.1, 10, 0.5, staircase=True),
            keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
        ),
        (
            schedules.piecewise_constant_decay([5, 12], [0.3, 0.2, 0.1]),
            keras.optimizers.schedules.PiecewiseConstantDecay([5, 12], [0.3, 0.2, 0.1]),
        ),
        (
            schedules.cosine_decay(0.1, 20, alpha=0.2),
            keras.optimizers.schedules.CosineDecay(0.1, 20, alpha=0.2),
        ),
        (
            schedules.cosine_decay(0.01, 15, 0.1, warmup_target=0.3, warmup_steps=6),
            keras.optimizers.schedules.CosineDecay(
                0.01, 15, 0.1, warmup_target=0.3, warmup_steps=6
            ),
        ),
    ],
    ids=["exponential", "staircase", "piecewise", "cosine", "cosine after warm-up"],
)
def test_schedules_are_those_of_keras(ours, theirs):
    steps = range(30)
    expected = [float(theirs(step)) for step in steps]
    np.testing.assert_allclose([ours(step) for step in steps], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal"])
@pytest.mark.parametrize("shape", [(200, 100), (3, 3, 20, 60)])
def test_initial_weights_are_spread_as_those_of_keras(name, shape):
    ours = getattr(initializers, name)(shape, np.random.default_rng(0))
    theirs = getattr(keras.initializers, name)(seed=0)(shape).numpy()
    assert ours.shape == shape
    assert ours.dtype == np.float32
    assert ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 0.01
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


@pytest.mark.parametrize("shape", [(30, 10), (10, 30), (3, 3, 2, 8)])
def test_orthogonal_weights_keep_lengths(shape):
    w = initializers.orthogonal(shape, np.random.default_rng(0)).reshape(-1, shape[-1])
    product = w.T @ w if len(w) > w.shape[1] else w @ w.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6)


def test_dropout_keeps_the_mean_and_passes_gradients_where_it_passed_numbers():
    layer = Dropout(0.25, np.random.default_rng(0))
    x = np.ones((200, 500), "float32")
    y = layer.forward(x, training=True)
    assert y.dtype == np.float32
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.005)  # three standard deviations
    np.testing.assert_allclose(y[y > 0], 4 / 3, rtol=1e-6)
    np.testing.assert_array_equal(layer.backward(x), y)
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_batch_normalization_remembers_what_keras_remembers():
    random = np.random.default_rng(0)
    ours, theirs = BatchNormalization(4), keras.layers.BatchNormalization()
    for _ in range(20):
        x = random.normal(3, 2, (16, 4)).astype("float32")
        ours.forward(x, training=True)
        theirs(x, training=True)
    for name in ("moving_mean", "moving_variance"):
        expected = getattr(theirs, name).numpy()
        np.testing.assert_allclose(ours.state[name], expected, rtol=1e-5)
    np.testing.assert_allclose(ours.forward(x), theirs(x).numpy(), rtol=1e-4, atol=1e-5)


def test_huge_numbers_overflow_nowhere():
    huge = np.array([-1e4, 0, 1e4], "float32")
    np.testing.assert_array_equal(sigmoid(huge), [0, 0.5, 1])
    np.testing.assert_array_equal(softmax(huge), [0, 0, 1])
    assert losses.binary_crossentropy(np.array([1, 0, 0]), huge)[0] == pytest.approx(
        (1e4 + np.log(2) + 1e4) / 3, rel=1e-6
    )
    assert losses.sparse_categorical_crossentropy(np.array([0]), huge[None])[0] == 2e4


def test_accuracies_count_right_rows():
    logits = np.array([[2.0, 1.0, 0.0], [0.0, -1.0, 3.0]])
    assert metrics.sparse_categorical_accuracy(np.array([0, 1]), logits) == 0.5
    assert metrics.binary_accuracy(np.array([[1], [1], [0]]), np.array([[0.3], [-2], [-1]])) == (
        pytest.approx(2 / 3)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.mean_squared_error(np.zeros(3), np.zeros((3, 1))),
            r"target has the shape \(3,\), prediction \(3, 1\)",
        ),
        (
            lambda: metrics.binary_accuracy(np.zeros(3), np.zeros((3, 1))),
            r"target has the shape \(3,\), prediction \(3, 1\)",
        ),
        (
            lambda: losses.binary_crossentropy(np.array([[2.0]]), np.zeros((1, 1))),
            "targets from 0 to 1 only",
        ),
        (
            lambda: losses.binary_crossentropy(np.array([[np.nan]]), np.zeros((1, 1))),
            "targets from 0 to 1 only",
        ),
        (lambda: losses.hinge(np.array([[3]]), np.zeros((1, 1))), "targets -1"),
        (
            lambda: losses.categorical_crossentropy(np.array([[1, 1]]), np.zeros((1, 2))),
            "rows sum up to 1",
        ),
        (
            lambda: losses.sparse_categorical_crossentropy(np.array([5]), np.zeros((1, 5))),
            "whole numbers from 0 to 4",
        ),
        (
            lambda: losses.sparse_categorical_crossentropy(np.array([0.5]), np.zeros((1, 5))),
            "whole numbers from 0 to 4",
        ),
        (
            lambda: losses.sparse_categorical_crossentropy(np.array([[1]]), np.zeros((1, 5))),
            r"expected \(1,\)",
        ),
        (lambda: Dropout(1.0, np.random.default_rng(0)), "from 0 to below 1"),
        (lambda: schedules.piecewise_constant_decay([1, 2], [0.1]), "2 boundaries part 3 values"),
        (
            lambda: Embedding(3, 2, np.random.default_rng(0)).forward(np.array([[-1]])),
            "whole numbers from 0 to 2",
        ),
        (
            lambda: Embedding(3, 2, np.random.default_rng(0)).forward(np.array([[1.0]])),
            "whole numbers from 0 to 2",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
