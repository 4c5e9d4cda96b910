"""Checks of notebook 10, from NumPy to Keras."""

import numpy as np

from common.from_scratch.dense import Dense
from common.from_scratch.normalization import BatchNormalization


def check_folded(folded):
    random = np.random.default_rng(0)
    dense, normalisation = Dense(3, 4, random), BatchNormalization(4, epsilon=1e-1)
    dense.set_parameters([random.normal(size=(3, 4)), random.normal(size=4)])
    normalisation.set_parameters(list(random.normal(size=(2, 4))))
    x = random.normal(size=(20, 3))
    for _ in range(30):
        normalisation.forward(dense.forward(x), training=True)
    expected = normalisation.forward(dense.forward(x))
    kernel, bias = folded(
        *dense.all_parameters(),
        *normalisation.all_parameters(),
        *normalisation.state.values(),
        normalisation.epsilon,
    )
    yield "outputs of the two layers in one", x @ kernel + bias, expected


def wrong_folded(kernel, bias, gamma, beta, moving_mean, moving_variance, epsilon):
    scale = gamma / np.sqrt(moving_variance + epsilon)
    return kernel * scale, bias + beta - moving_mean * scale  # the old bias is scaled as well


def check_gru_kernel_for_pytorch(gru_kernel_for_pytorch):
    kernel = np.arange(12.0).reshape(2, 6)  # 2 inputs, 2 units
    expected = kernel[:, [2, 3, 0, 1, 4, 5]].T
    yield "2 inputs, 2 units", gru_kernel_for_pytorch(kernel), expected


def wrong_gru_kernel_for_pytorch(kernel):
    return kernel.T  # the gates are still in Keras's order


def check_keras_epsilon(keras_epsilon):
    m, v, beta_1 = 3e-8, 4e-16, 0.9
    for k, beta_2 in ((1, 0.999), (10, 0.999), (500, 0.99)):
        correction = 1 - beta_2**k
        paper = m / (1 - beta_1**k) / (np.sqrt(v / correction) + 1e-8)
        epsilon = keras_epsilon(1e-8, k, beta_2)
        answer = np.sqrt(correction) / (1 - beta_1**k) * m / (np.sqrt(v) + epsilon)
        yield f"step {k} with beta_2 {beta_2}", answer, paper


def wrong_keras_epsilon(paper_epsilon, k, beta_2):
    return paper_epsilon / np.sqrt(1 - beta_2**k)
