"""The same kinds of faults, but faint: where does the doctor's sight end?"""

from collections.abc import Callable

import numpy as np
from keras import initializers, layers, optimizers

from benchmarks.clinic import data
from benchmarks.clinic.networks import classifier, convolutional, mlp, recurrent, regression

SEEN = ("digits: half of the labels shuffled",)  # a wrong alarm here changed the label control


def faint() -> dict[tuple[str, str], Callable[[], tuple]]:
    """Makers of (model, x, y) by fault and what was done."""
    return {
        ("dead ReLUs", "cancer: biases begin at -2"): lambda: biased(-2),
        ("dead ReLUs", "cancer: biases begin at -1"): lambda: biased(-1),
        ("saturated sigmoids", "digits, tanh: kernels of deviation 1"): lambda: wide(1.0),
        ("saturated sigmoids", "digits, tanh: kernels of deviation 0.5"): lambda: wide(0.5),
        ("exploding recurrent gradients", "digits by rows, tanh: 2 x orthogonal"): lambda: (
            recurrent([layers.SimpleRNN(32, recurrent_initializer=initializers.Orthogonal(2.0))]),
            *data.sequences(),
        ),
        ("exploding recurrent gradients", "digits by rows, tanh: 1.5 x orthogonal"): lambda: (
            recurrent([layers.SimpleRNN(32, recurrent_initializer=initializers.Orthogonal(1.5))]),
            *data.sequences(),
        ),
        ("shuffled labels", "digits: nine tenths of the labels shuffled"): lambda: partly(0.9),
        ("shuffled labels", "digits: half of the labels shuffled"): lambda: partly(0.5),
        ("learning rate far off", "digits, CNN: Adam at 0.3"): lambda: (
            convolutional(optimizers.Adam(0.3)),
            *data.pictures(),
        ),
        ("learning rate far off", "digits, MLP: Adam at 0.1"): lambda: (
            classifier(64, optimizer=optimizers.Adam(0.1)),
            *data.digits(),
        ),
        ("learning rate far off", "digits, MLP: Adam at 0.00001"): lambda: (
            classifier(64, optimizer=optimizers.Adam(1e-5)),
            *data.digits(),
        ),
        ("unscaled inputs", "digits, MLP: grey values of 0 to 16"): lambda: (
            classifier(64),
            16 * data.digits()[0],
            data.digits()[1],
        ),
        ("target leak", "diamonds: the price with 20 % of noise"): lambda: leaking(0.2),
        ("target leak", "diamonds: the price with 10 % of noise"): lambda: leaking(0.1),
        ("frozen layers", "digits, CNN: the first convolution"): first_frozen,
    }


def biased(start: float):
    return mlp(30, bias_initializer=initializers.Constant(start)), *data.cancer()


def wide(deviation: float):
    kernels = initializers.RandomNormal(stddev=deviation)
    return classifier(64, activation="tanh", kernel_initializer=kernels), *data.digits()


def partly(share: float):
    x, y = data.digits()
    random = np.random.default_rng(0)
    rows = np.flatnonzero(random.random(len(y)) < share)
    y = y.copy()
    y[rows] = y[random.permutation(rows)]
    return classifier(64), x, y


def leaking(noise: float):
    x, y = data.diamonds()
    told = y + noise * np.random.default_rng(3).normal(size=len(y))
    return regression(8), np.column_stack([x, told]).astype("float32"), y


def first_frozen():
    model = convolutional()
    model.layers[0].trainable = False
    model.compile("adam", model.loss)
    return model, *data.pictures()
