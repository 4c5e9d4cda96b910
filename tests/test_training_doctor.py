"""Planted faults are named, sound networks are left alone, and nothing is changed for good."""

import keras
import numpy as np
import pytest
from keras import initializers, layers, ops, optimizers
from sklearn.datasets import load_breast_cancer, load_digits

from common.errors import UserError
from common.models.heads import describe_target
from common.models.table import Table
from common.models.tabm import build_tabm
from common.training.learner import Learner
from common.training_doctor import diagnose


def mixed(loaded):
    x, y = loaded
    order = np.random.default_rng(0).permutation(len(y))
    return x[order].astype("float32"), y[order]


@pytest.fixture(scope="module")
def cancer():
    x, y = mixed(load_breast_cancer(return_X_y=True))
    return (x - x.mean(axis=0)) / x.std(axis=0), y


@pytest.fixture(scope="module")
def digits():
    x, y = mixed(load_digits(return_X_y=True))
    return x.reshape(-1, 8, 8) / 16, y


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def mlp(last="sigmoid", loss="binary_crossentropy", optimizer="adam", columns=30, **settings):
    settings = {"activation": "relu", **settings}
    hidden = [layers.Dense(32, **settings), layers.Dense(16, **settings)]
    head = layers.Dense(1, activation=last)
    model = keras.Sequential([keras.Input((columns,)), *hidden, head])
    model.compile(optimizer, loss)
    return model


def recurrent(cell, head=None, loss="sparse_categorical_crossentropy"):
    model = keras.Sequential(
        [keras.Input((8, 8)), cell, *(head or [layers.Dense(10, activation="softmax")])]
    )
    model.compile("adam", loss)
    return model


def faults(found):
    return [finding.check for finding in found if finding.level == "alarm"]


def first(model, x, y, **settings):
    """The check and the message of the first finding, which has to be an alarm."""
    finding = diagnose(model, x, y, **settings)[0]
    assert finding.level == "alarm"
    return finding.check, finding.message


def test_sound_networks_are_left_alone(cancer, digits):
    for model, (x, y) in ((mlp(), cancer), (recurrent(layers.LSTM(16)), digits)):
        found = diagnose(model, x, y)
        assert {finding.level for finding in found} == {"ok"}
        assert {"learning rate far off", "shuffled labels", "target leak"} <= {
            finding.check for finding in found
        }


def test_a_network_of_members_is_left_alone(cancer):
    x, y = cancer
    target = describe_target(y, "binary", 2)
    learner = Learner.of(build_tabm(Table(x, {}), target, members=4, units=32), target)
    learner.compile(optimizers.AdamW(1e-3))
    found = diagnose(learner, {"numbers": x}, y.astype("float32"))
    assert {finding.level for finding in found} == {"ok"}


def test_nothing_is_changed_for_good(digits):
    x, y = digits
    model = keras.Sequential(
        [
            *(keras.Input((8, 8, 1)), layers.Conv2D(8, 3), layers.BatchNormalization()),
            *(layers.ReLU(), layers.Flatten(), layers.Dropout(0.3)),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:320, ..., None], y[:320], verbose=0)

    def state():
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return [variable.numpy().copy() for variable in variables]

    before = state()
    dropout = next(layer for layer in model.layers if isinstance(layer, layers.Dropout))
    calls = {name for name in vars(dropout) if "call" in name}
    first_time, again = (diagnose(model, x[:256, ..., None], y[:256]) for _ in range(2))
    assert first_time == again
    for old, new in zip(before, state(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert {name for name in vars(dropout) if "call" in name} == calls


def test_nan_in_the_data(cancer):
    x, y = cancer[0][:100].copy(), cancer[1][:100]
    check, message = first(mlp(), x, np.where(np.arange(100) < 2, np.inf, y))
    assert check == "NaN in the data"
    assert "the target: 2 of 100" in message
    x[7, 3] = np.nan
    check, message = first(mlp(), x, y)
    assert check == "NaN in the data"
    assert "1 of 3,000 values in column 3" in message


def test_unscaled_inputs(cancer, digits):
    x, y = mixed(load_breast_cancer(return_X_y=True))
    assert first(mlp(), x, y)[0] == "unscaled inputs"
    assert first(mlp(), cancer[0] / 1000, cancer[1])[0] == "unscaled inputs"
    scale = layers.Normalization()
    scale.adapt(x)
    inputs = keras.Input((30,))
    model = keras.Model(inputs, mlp()(scale(inputs)))
    assert faults(diagnose(model, x, y, loss="binary_crossentropy")) == []


def test_target_leak(cancer):
    x, y = cancer
    check, message = first(mlp(columns=31), np.column_stack([x, y]), y)
    assert check == "target leak"
    assert "column 30" in message


@pytest.mark.parametrize(
    ("last", "loss", "advice"),
    [
        (None, "binary_crossentropy", "from_logits=True"),
        ("sigmoid", keras.losses.BinaryCrossentropy(from_logits=True), "from_logits=False"),
        ("softmax", "binary_crossentropy", "sigmoid"),
    ],
)
def test_wrong_loss_for_the_activation(cancer, last, loss, advice):
    check, message = first(mlp(last, loss), *cancer)
    assert check == "loss does not fit the output"
    assert advice in message


def test_numbers_out_of_reach_of_the_activation(cancer):
    x, _ = cancer
    check, message = first(mlp("sigmoid", "mean_squared_error", columns=29), x[:, 1:], x[:, 0])
    assert check == "loss does not fit the output"
    assert f"{(np.mean((x[:, 0] < 0) | (x[:, 0] > 1))):.0%} of the targets" in message


def test_softmax_over_the_wrong_axis(cancer, digits):
    head = [layers.Dense(10), layers.Softmax(axis=0, name="shares")]
    check, message = first(recurrent(layers.LSTM(16), head), *digits)
    assert check == "softmax over the wrong axis"
    assert "first in layer shares" in message
    x, y = digits
    each_step = [layers.Dense(10), layers.Softmax(axis=1)]
    model = recurrent(layers.LSTM(16, return_sequences=True), each_step)
    check, message = first(model, x, np.repeat(y[:, None], 8, axis=1))
    assert check == "softmax over the wrong axis"
    assert "sum to 1 along axis 1" in message


def test_rows_mixed_by_a_reshape(digits):
    inputs = keras.Input((8, 8))
    turned = ops.reshape(ops.transpose(inputs, (1, 0, 2)), (-1, 8, 8))
    hidden = layers.Dense(32, activation="relu")(layers.Flatten()(turned))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    assert first(model, *digits)[0] == "rows of a batch mixed"


def test_missing_activation(cancer):
    assert first(mlp(activation=None), *cancer)[0] == "missing activation"


def test_a_linear_bottleneck_misses_no_activation(digits):
    x = digits[0].reshape(-1, 64)
    body = [layers.Dense(32, activation="relu"), layers.Dense(4), layers.Dense(32, "relu")]
    model = keras.Sequential([keras.Input((64,)), *body, layers.Dense(64)])
    model.compile("adam", "mean_squared_error")
    assert faults(diagnose(model, x, x)) == []


def test_frozen_layers(cancer):
    model = mlp()
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", "binary_crossentropy")
    check, message = first(model, *cancer)
    assert check == "frozen layers"
    assert "1,520 of 1,537 weights never learn" in message


def test_weights_that_no_gradient_reaches(cancer):
    inputs = keras.Input((30,))
    hidden = ops.stop_gradient(layers.Dense(32, activation="relu")(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy")
    check, message = first(model, *cancer)
    assert check == "frozen layers"
    assert "2 of 4 weights" in message


def test_frozen_layers_that_have_learned_are_left_alone(cancer):
    x, y = cancer
    model = mlp()
    model.fit(x, y, epochs=5, verbose=0)
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", "binary_crossentropy")
    assert "frozen layers" not in faults(diagnose(model, x, y))


def test_dead_relus(cancer):
    check, message = first(mlp(bias_initializer=initializers.Constant(-6)), *cancer)
    assert check == "dead ReLUs"
    assert "100% of 16 units" in message or "100% of 32 units" in message


def test_saturated_units(cancer):
    wide = initializers.RandomNormal(stddev=5.0)
    for activation in ("sigmoid", "tanh"):
        model = mlp(activation=activation, kernel_initializer=wide)
        assert first(model, *cancer)[0] == "saturated units"


def test_vanishing_gradients(cancer):
    hidden = [layers.Dense(16, activation="sigmoid") for _ in range(10)]
    model = keras.Sequential([keras.Input((30,)), *hidden, layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    assert first(model, *cancer)[0] == "vanishing gradients"


def test_exploding_recurrent_gradients(digits):
    wide = initializers.Orthogonal(2.0)
    cell = layers.SimpleRNN(16, activation=None, recurrent_initializer=wide)
    check, message = first(recurrent(cell), *digits)
    assert check == "exploding recurrent gradients"
    assert "2 times a step" in message  # linear and orthogonal: exactly the factor


@pytest.mark.parametrize(("rate", "word"), [(3.0, "high"), (1e-7, "low")])
def test_learning_rate_far_off(cancer, rate, word):
    check, message = first(mlp(optimizer=optimizers.Adam(rate)), *cancer)
    assert check == "learning rate far off"
    assert message.startswith(f"Far too {word}")


def test_the_peak_of_a_schedule_counts(cancer):
    schedule = optimizers.schedules.CosineDecay(0.0, 900, warmup_target=1e-3, warmup_steps=100)
    assert faults(diagnose(mlp(optimizer=optimizers.Adam(schedule)), *cancer)) == []


def test_shuffled_labels(cancer):
    x, y = cancer
    assert first(mlp(), x, np.random.default_rng(1).permutation(y))[0] == "shuffled labels"
    rows = slice(400)
    found = diagnose(mlp(), x[rows], y[rows], validation=(x[400:], np.roll(y[400:], 1)))
    assert faults(found) == ["shuffled labels"]


def test_labels_out_of_range(digits):
    x, y = digits
    check, message = first(recurrent(layers.LSTM(16)), x, y + 1)
    assert check == "loss does not fit the output"
    assert "from 1 to 10 for 10 outputs" in message


def test_a_broken_training_is_told_from_its_weights(cancer):
    model = mlp(optimizer=optimizers.SGD(0.1))
    model.layers[0].kernel.assign(np.full((30, 32), np.nan))
    assert first(model, *cancer)[0] == "NaN in the weights"


def test_bad_input_is_one_clear_error(cancer):
    x, y = cancer
    with pytest.raises(UserError, match=r"x has 569 rows and y has 568"):
        diagnose(mlp(), x, y[1:])
    uncompiled = keras.Sequential([keras.Input((30,)), layers.Dense(1)])
    with pytest.raises(UserError, match="has no loss yet"):
        diagnose(uncompiled, x, y)
    with pytest.raises(UserError, match="has no weights yet"):
        diagnose(keras.Sequential([layers.Dense(1)]), x, y)
    with pytest.raises(UserError, match="examines numbers"):
        diagnose(mlp(), x.astype(str), y)
