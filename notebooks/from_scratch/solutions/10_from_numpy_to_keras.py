"""Solutions of notebook 10."""

import numpy as np


def folded(kernel, bias, gamma, beta, moving_mean, moving_variance, epsilon):
    scale = gamma / np.sqrt(moving_variance + epsilon)
    return kernel * scale, (bias - moving_mean) * scale + beta


def gru_kernel_for_pytorch(kernel):
    update, reset, candidate = np.split(kernel, 3, axis=1)
    return np.concatenate([reset, update, candidate], axis=1).T


def keras_epsilon(paper_epsilon, k, beta_2):
    # In the paper's form, numerator and denominator times sqrt(1 - beta_2^k).
    return paper_epsilon * np.sqrt(1 - beta_2**k)
