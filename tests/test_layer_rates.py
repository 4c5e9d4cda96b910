"""LayerwiseAdamW: every weight goes as AdamW would take it with that weight's own rate."""

import keras
import numpy as np
import pytest
from keras import layers

from common.training.layer_rates import LayerwiseAdamW

IDS = np.array([[1, 2, 2], [3, 0, 1]], "int32")
TARGET = np.array([[1.0], [0.0]], "float32")


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    ids = keras.Input((3,), dtype="int32")
    hidden = layers.Flatten()(layers.Embedding(5, 4, name="embedding")(ids))
    hidden = layers.Dense(3, activation="tanh", name="hidden")(hidden)
    return keras.Model(ids, layers.Dense(1, name="head")(hidden))


def trained(optimizer: keras.Optimizer, steps: int, eager: bool = True) -> dict[str, np.ndarray]:
    """The weights by path after some steps; steps 0: before."""
    model = network()
    model.compile(optimizer, "mse", run_eagerly=eager)
    for _ in range(steps):
        model.train_on_batch(IDS, TARGET)
    return {weight.path: np.asarray(weight) for weight in model.weights}


def schedule():
    return keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.05, warmup_steps=3)


def test_without_factors_it_is_adamw():
    ours = trained(LayerwiseAdamW({}, schedule(), weight_decay=0.1), 6, eager=False)
    theirs = trained(keras.optimizers.AdamW(schedule(), weight_decay=0.1), 6, eager=False)
    start = trained(keras.optimizers.SGD(), 0)
    for path, weight in theirs.items():
        assert np.abs(weight - start[path]).max() > 0.01
        np.testing.assert_array_equal(ours[path], weight)


def test_it_is_built_again_from_its_config():
    optimizer = LayerwiseAdamW({"head/kernel": 0.5}, schedule(), weight_decay=0.1, beta_1=0.8)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    ours, theirs = trained(optimizer, 4), trained(again, 4)
    plain = trained(LayerwiseAdamW({}, schedule(), weight_decay=0.1), 4)
    for path, weight in ours.items():
        np.testing.assert_array_equal(theirs[path], weight)
    assert np.abs(plain["head/kernel"] - ours["head/kernel"]).max() > 0.001


def test_the_first_moves_have_the_ratio_of_the_factors():
    factors = {"embedding/embeddings": 0.25, "hidden/kernel": 0.5}
    start = trained(keras.optimizers.SGD(), 0)
    ours = trained(LayerwiseAdamW(factors, 0.01, weight_decay=0.1), 1)
    plain = trained(keras.optimizers.AdamW(0.01, weight_decay=0.1), 1)
    for path, weight in start.items():
        expected = factors.get(path, 1.0) * (plain[path] - weight)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(ours[path] - weight, expected, rtol=1e-3, atol=1e-7)


def test_a_factor_is_adamw_with_that_rate():
    """Of one weight that learns alone, over many steps: decay and moments too."""
    for factor in (0.3, 1.0):
        weights = []
        for optimizer in (
            LayerwiseAdamW({"head/kernel": factor}, 0.1, weight_decay=0.2),
            keras.optimizers.AdamW(0.1 * factor, weight_decay=0.2),
        ):
            model = network()
            model.get_layer("embedding").trainable = False
            model.get_layer("hidden").trainable = False
            model.get_layer("head").bias.trainable = False
            model.compile(optimizer, "mse", run_eagerly=True)
            for _ in range(10):
                model.train_on_batch(IDS, TARGET)
            weights.append(np.asarray(model.get_layer("head").kernel))
        np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5)


def test_a_path_that_is_no_weight_is_an_error():
    model = network()
    with pytest.raises(ValueError, match="no weight that learns is called heed/kernel"):
        LayerwiseAdamW({"heed/kernel": 0.5}, 0.1, 0.0).build(model.trainable_weights)
