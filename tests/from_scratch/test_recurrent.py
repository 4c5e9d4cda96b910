"""Recurrent layers: masks and first weights. Gradients and Keras: test_basics.py."""

import keras
import numpy as np
import pytest

from common.from_scratch.gru import GRU
from common.from_scratch.lstm import LSTM
from common.from_scratch.simple_rnn import SimpleRNN

LAYERS = [SimpleRNN, LSTM, GRU]


@pytest.mark.parametrize("kind", LAYERS)
def test_padding_changes_nothing_before_or_behind(kind):
    random = np.random.default_rng(0)
    layer = kind(3, 5, random).astype("float64")
    x, padding = random.normal(size=(2, 4, 3)), random.normal(size=(2, 3, 3))
    there, away = np.ones((2, 4), bool), np.zeros((2, 3), bool)
    alone = layer.forward(x)
    by_x = layer.backward(np.ones_like(alone))
    by_parameter = [gradient.copy() for gradient in layer.all_gradients()]
    for parts in (((x, there), (padding, away)), ((padding, away), (x, there))):
        steps, mask = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        assert np.array_equal(layer.forward(steps, mask=mask), alone)
        by_steps = layer.backward(np.ones_like(alone))
        np.testing.assert_allclose(by_steps[mask].reshape(x.shape), by_x, rtol=0, atol=1e-15)
        assert not by_steps[~mask].any()
        for gradient, expected in zip(layer.all_gradients(), by_parameter, strict=True):
            np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", LAYERS)
def test_first_weights_are_as_in_keras(kind):
    ours = kind(300, 100, np.random.default_rng(0))
    theirs = getattr(keras.layers, kind.__name__)(100)
    theirs.build((None, None, 300))
    for mine, other in zip(ours.all_parameters(), theirs.get_weights(), strict=True):
        assert mine.dtype == other.dtype
        assert mine.shape == other.shape
        assert mine.std() == pytest.approx(other.std(), rel=0.01)
    np.testing.assert_array_equal(ours.parameters["bias"], theirs.get_weights()[2])
    recurrent = ours.parameters["recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(100), rtol=0, atol=1e-5)


def test_sequences_of_another_shape_are_refused():
    layer = GRU(3, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"\(rows, steps, 3\) is expected, got \(2, 3\)"):
        layer.forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"\(rows, steps, 3\) is expected, got \(2, 4, 1\)"):
        layer.forward(np.ones((2, 4, 1)))
