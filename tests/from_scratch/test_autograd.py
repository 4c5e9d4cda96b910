"""Gradients of expressions: against small steps, TensorFlow's tape, and gradients by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from common.from_scratch import two_layers
from common.from_scratch.activations import ReLU
from common.from_scratch.autograd import Tensor
from common.from_scratch.dense import Dense
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.from_scratch.losses import binary_crossentropy, mean_squared_error

ROWS, CANCER = scale(load_breast_cancer().data), load_breast_cancer().target

OURS = SimpleNamespace(
    **{name: getattr(Tensor, name) for name in ("exp", "log", "tanh", "relu", "sum", "mean")}
)
THEIRS = SimpleNamespace(
    **{"exp": tf.exp, "log": tf.math.log, "tanh": tf.tanh, "relu": tf.nn.relu},
    sum=lambda a, axis=None: tf.reduce_sum(a, axis, keepdims=axis is not None),
    mean=lambda a, axis=None: tf.reduce_mean(a, axis, keepdims=axis is not None),
)

# Of a (6, 4), b (4,) above zero, and c (4, 3), with the functions of f.
EXPRESSIONS = {
    "a row beside a table": lambda a, b, c, f: f.sum((a + b) * (a - b) / b),
    "a column beside a table": lambda a, b, c, f: f.sum((a - f.mean(a, 1)) ** 4 / f.sum(a * a, 1)),
    "numbers on the left": lambda a, b, c, f: f.sum(1 - a) + f.sum(2 * b - 3 / b + 0.5),
    "arrays on the left": lambda a, b, c, f: f.sum(ROWS[6:12, :4] * a) + f.sum(ROWS[0, :4] / b),
    "powers": lambda a, b, c, f: f.sum(a**3 + b**0.5 - b**-2.0),
    "functions": lambda a, b, c, f: f.sum(f.exp(-a) + f.log(b) * f.tanh(a) + f.relu(a)),
    "means": lambda a, b, c, f: f.mean(f.mean(a, 0) ** 2) + f.mean(c),
    "used three times": lambda a, b, c, f: f.sum(f.tanh(a) * a + a),
    "products": lambda a, b, c, f: f.mean(f.tanh((a * b) @ c) ** 2),
    "softmax": lambda a, b, c, f: f.sum(f.exp(a @ c) / f.sum(f.exp(a @ c), 1) * ROWS[:6, 5:8]),
}


@pytest.fixture
def arrays():
    return [ROWS[:6, :4].copy(), 0.5 + ROWS[7, :4] ** 2, ROWS[20:24, 4:7].copy()]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_gradients_equal_the_tapes_and_measured_slopes(name, arrays):
    expression = EXPRESSIONS[name]
    ours = [Tensor(array) for array in arrays]
    loss = expression(*ours, OURS)
    loss.backward()

    theirs = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        value = expression(*theirs, THEIRS)
    np.testing.assert_allclose(loss.data, value.numpy(), rtol=1e-12)
    expected = tape.gradient(value, theirs, unconnected_gradients="zero")
    for mine, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine.gradient, other.numpy(), rtol=1e-10, atol=1e-12)

    def recomputed():
        return float(expression(*(Tensor(array) for array in arrays), OURS).data)

    for mine, array in zip(ours, arrays, strict=True):
        assert relative_error(mine.gradient, measured_gradient(recomputed, array)) < 1e-7


def test_equals_hand_written_layers_and_loss():
    random = np.random.default_rng(0)
    layers = [Dense(30, 8, random), ReLU(), Dense(8, 1, random)]
    x, target = ROWS, CANCER[:, None].astype("float64")
    z = x
    for layer in layers:
        z = layer.astype("float64").forward(z)
    value, gradient = binary_crossentropy(target, z)
    for layer in reversed(layers):
        gradient = layer.backward(gradient)
    by_hand = [g for layer in layers for g in layer.all_gradients()]

    weights = [Tensor(w) for layer in layers for w in layer.all_parameters()]
    kernel1, bias1, kernel2, bias2 = weights
    logits = (x @ kernel1 + bias1).relu() @ kernel2 + bias2
    loss = ((1 + logits.exp()).log() - target * logits).mean()
    loss.backward()
    np.testing.assert_allclose(loss.data, value, rtol=1e-12)
    for ours, expected in zip(weights, by_hand, strict=True):
        np.testing.assert_allclose(ours.gradient, expected, rtol=1e-10, atol=1e-14)


def test_equals_the_network_on_one_page():
    weights = two_layers.initialise(30, 5, 2, np.random.default_rng(1))
    by_hand = two_layers.gradients(weights, ROWS, CANCER)
    t = {name: Tensor(value) for name, value in weights.items()}
    logits = (ROWS @ t["W1"] + t["b1"]).relu() @ t["W2"] + t["b2"]
    chosen = np.eye(2)[CANCER]
    loss = (logits.exp().sum(axis=1).log() - (logits * chosen).sum(axis=1)).mean()
    loss.backward()
    for name, expected in by_hand.items():
        np.testing.assert_allclose(t[name].gradient, expected, rtol=1e-10, atol=1e-14)


def test_single_precision_stays():
    w = Tensor(ROWS[:3, :2].astype("float32"))
    loss = (0.5 * (1 / (1 + (-w).exp())) ** 2 - 1).mean()
    loss.backward()
    assert loss.data.dtype == w.gradient.dtype == np.float32


def test_a_second_backward_starts_anew():
    w = Tensor(2.0)
    loss = w * w
    for _ in range(2):
        loss.backward()
        assert w.gradient == 4


def test_deep_graphs_need_no_recursion():
    w = total = Tensor(1.0)
    for _ in range(5000):
        total = total * 0.999 + w
    total.backward()
    np.testing.assert_allclose(w.gradient, sum(0.999**n for n in range(5001)))


def test_gradient_of_a_loss_by_its_prediction():
    prediction, target = ROWS[:5, :3].copy(), ROWS[5:10, :3]
    value, by_hand = mean_squared_error(target, prediction)
    tensor = Tensor(prediction)
    loss = ((tensor - target) ** 2).mean()
    loss.backward()
    np.testing.assert_allclose(loss.data, value)
    np.testing.assert_allclose(tensor.gradient, by_hand)


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="not int64"):
        Tensor(np.arange(3))
    with pytest.raises(ValueError, match=r"one number, not from shape \(3,\)"):
        Tensor(np.ones(3)).backward()
    with pytest.raises(ValueError, match=r"cannot be \(2, 3\) @ \(2, 3\)"):
        Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3)))
