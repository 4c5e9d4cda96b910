"""Checks of notebook 6, recurrence."""

import numpy as np

from common.from_scratch.activations import sigmoid
from common.from_scratch.lstm import LSTM
from common.from_scratch.simple_rnn import SimpleRNN


def check_clipped(clipped):
    gradients = [np.array([[3.0, 0.0]]), np.array([4.0])]
    shortened = clipped(gradients, 2.0)
    yield "length 5, limit 2: the first array", shortened[0], gradients[0] * 0.4
    yield "length 5, limit 2: the second array", shortened[1], gradients[1] * 0.4
    yield "length 5, limit 10: the first array", clipped(gradients, 10.0)[0], gradients[0]


def wrong_clipped(gradients, limit):
    # Each array by itself: the direction of the whole changes.
    return [g * min(1.0, limit / np.linalg.norm(g)) for g in gradients]


def check_lstm_step(lstm_step):
    random = np.random.default_rng(0)
    layer = LSTM(3, 2, random, return_sequences=True).astype("float64")
    x, zero = random.normal(size=(4, 2, 3)), np.zeros((4, 2))
    expected = layer.forward(x)
    h, c = lstm_step(x[:, 0], zero, zero, *layer.all_parameters())
    yield "h after a first step", h, expected[:, 0]
    yield (
        "h after a second step",
        lstm_step(x[:, 1], h, c, *layer.all_parameters())[0],
        expected[:, 1],
    )


def wrong_lstm_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * sigmoid(g)  # the candidate is no gate
    return sigmoid(o) * np.tanh(c), c


def check_both_ways(both_ways):
    random = np.random.default_rng(0)
    layers = [SimpleRNN(3, 2, random, return_sequences=True) for _ in range(2)]
    x = random.normal(size=(4, 5, 3)).astype("float32")
    answer = both_ways(*layers, x)
    ahead, back = layers[0].forward(x), layers[1].forward(x[:, ::-1])
    yield "what goes forward", answer[:, :, :2], ahead
    yield (
        "what goes backward has seen only the last row at the last step",
        answer[:, -1, 2:],
        back[:, 0],
    )
    yield "all of it", answer, np.concatenate([ahead, back[:, ::-1]], axis=2)


def wrong_both_ways(forward, backward, x):
    # What was read backward stays in the order of reading: step 1 stands beside the last one.
    return np.concatenate([forward.forward(x), backward.forward(x[:, ::-1])], axis=2)
