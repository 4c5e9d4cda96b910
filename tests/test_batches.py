"""Order of the rows, dropout and weights of classes: what an epoch is made of."""

import keras
import numpy as np
import pytest

from common.training.batches import EpochRandomness, balanced_weights, shuffled_batches


def orders_of_rows(seed, epochs, rows=1000, batch_size=64):
    """The row numbers that `fit` is given in each epoch."""
    randomness = EpochRandomness(seed)
    target = np.arange(rows, dtype="float32")
    batches = shuffled_batches(({"x": target[:, None]}, target), batch_size, randomness)
    orders = []
    for epoch in epochs:
        randomness.epoch.assign(epoch)
        seen = [(inputs["x"].numpy()[:, 0], t.numpy()) for inputs, t in batches]
        assert [len(t) for _, t in seen] == [64] * 15 + [40]
        for x, t in seen:
            np.testing.assert_array_equal(x, t)
        orders.append(np.concatenate([t for _, t in seen]))
    return orders


def test_each_epoch_has_every_row_once_in_an_order_of_its_own():
    orders = orders_of_rows(0, [0, 1, 2])
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (orders[one] == orders[other]).mean() < 0.02


def test_order_follows_from_seed_and_epoch_alone():
    first, later = orders_of_rows(5, [0, 3])
    np.testing.assert_array_equal(orders_of_rows(5, [3])[0], later)
    assert (orders_of_rows(6, [0])[0] == first).mean() < 0.02


def test_dropout_follows_from_seed_and_epoch_alone():
    def masks(epochs):
        randomness = EpochRandomness(0)
        model = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
        randomness.set_model(model)
        found = []
        for epoch in epochs:
            randomness.on_epoch_begin(epoch)
            found.append(np.asarray(model(np.ones((4, 50)), training=True)))
        return found

    first, second = masks([0, 1])
    np.testing.assert_array_equal(masks([1])[0], second)
    assert (first != second).mean() > 0.3


def test_balanced_weights_make_both_classes_weigh_the_same():
    target = np.array([1, 0, 0, 0, 0], "float32")
    weights = balanced_weights(target)
    assert weights[target == 1].sum() == pytest.approx(weights[target == 0].sum())
    assert weights.mean() == pytest.approx(1)
