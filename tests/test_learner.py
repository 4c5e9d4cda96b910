"""The loss of networks with members: apart in training, of their mean in validation."""

import keras
import numpy as np
import pytest

from common.models.heads import Target, with_head
from common.training.learner import Learner

TWO = Target("binary", (0.5, 0.5))


class TestMembers:
    """Three members that answer 0.2, 0.5 and 0.8 to everything."""

    probabilities = np.array([0.2, 0.5, 0.8])
    target = np.array([1.0, 0.0, 1.0, 1.0], "float32")

    @pytest.fixture
    def learner(self):
        inputs = {"numbers": keras.Input((2,), name="numbers")}
        hidden = keras.layers.RepeatVector(3)(inputs["numbers"])
        network = with_head(inputs, hidden, TWO, "members")
        bias = np.log(self.probabilities / (1 - self.probabilities))[:, None]
        network.get_layer("learned").set_weights([np.zeros((3, 2, 1)), bias])
        learner = Learner.of(network, TWO)
        learner.compile(keras.optimizers.SGD(0.0))
        return learner

    def loss(self, probability):
        return -np.mean(np.log(np.where(self.target == 1, probability, 1 - probability)))

    def test_training_takes_the_mean_of_the_members_losses(self, learner):
        given = learner.train_on_batch({"numbers": np.zeros((4, 2), "float32")}, self.target)
        expected = np.mean([self.loss(p) for p in self.probabilities])
        assert float(given) == pytest.approx(expected, abs=1e-5)
        assert abs(expected - self.loss(0.5)) > 0.05  # the loss of the mean is another

    def test_validation_takes_the_loss_of_the_mean(self, learner):
        given = learner.test_on_batch({"numbers": np.zeros((4, 2), "float32")}, self.target)
        assert float(given) == pytest.approx(self.loss(0.5), abs=1e-5)

    def test_weights_of_rows_count_for_every_member(self, learner):
        weights = np.array([1.0, 0.0, 0.0, 0.0], "float32")
        inputs = {"numbers": np.zeros((4, 2), "float32")}
        given = learner.train_on_batch(inputs, self.target, weights)
        expected = -np.mean(np.log(self.probabilities)) / 4
        assert float(given) == pytest.approx(expected, abs=1e-5)
