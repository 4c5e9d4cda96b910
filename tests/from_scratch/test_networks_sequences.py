"""Convolutional, recurrent and attending networks learn what Keras's learn, batch by batch."""

from dataclasses import replace

import pytest

from benchmarks.from_scratch.networks import Data, histories, largest_difference
from benchmarks.from_scratch.networks_sequences import NETWORKS


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_losses_of_all_epochs_are_those_of_keras(network):
    """In float64, where nothing can round a pixel to the other side of a ReLU's corner."""
    data = network.data()
    few = Data(data.x[:480], data.y[:480], data.test_x[:160], data.test_y[:160])
    mine, other = histories(replace(network, data=lambda: few, epochs=4), "float64")
    assert len(mine["loss"]) == 4
    assert mine["loss"][-1] < mine["loss"][0] - 0.05
    assert largest_difference(mine, other) < 1e-6
