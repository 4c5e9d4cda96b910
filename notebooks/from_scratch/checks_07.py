"""Checks of notebook 7, attention up to BERT."""

import numpy as np

from common.from_scratch.activations import softmax
from common.from_scratch.attention import attend


def check_looks_back(looks_back):
    yield "4 steps, reach 0: itself alone", looks_back(4, 0), np.eye(4, dtype=bool)
    yield "4 steps, reach 3: a triangle", looks_back(4, 3), np.tri(4, dtype=bool)
    expected = np.tri(6, dtype=bool) & ~np.tri(6, k=-3, dtype=bool)
    yield "6 steps, reach 2", looks_back(6, 2), expected


def wrong_looks_back(steps, reach):
    back = np.arange(steps)[:, None] - np.arange(steps)
    return (back >= 0) & (back < max(reach, 1))  # counts the step itself among those before it


def check_rollout(rollout):
    random = np.random.default_rng(0)
    first, second, third = softmax(random.normal(size=(3, 4, 4)))
    yield "one block", rollout([first]), (first + np.eye(4)) / 2
    inputs, x = np.eye(4), np.eye(4)
    for attention in (first, second, third):
        x = (x + attention @ x) / 2
    yield "three blocks, applied to the inputs", rollout([first, second, third]) @ inputs, x


def wrong_rollout(maps):
    mixed = np.eye(len(maps[0]))
    for attention in maps:
        mixed = mixed @ (attention + np.eye(len(attention))) / 2  # the last block acts first
    return mixed


def part(query, key, value):
    """The answer of some keys, and the logarithm of their sum of e^score."""
    scores = query @ key.T / query.shape[1] ** 0.5
    largest = scores.max(axis=1)
    log_sum = largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))
    return attend(query, key, value)[0], log_sum


def check_merged(merged):
    random = np.random.default_rng(0)
    for size in (1, 1000):
        query, key, value = size * random.normal(size=(3, 4)), *random.normal(size=(2, 7, 4))
        pair = merged(part(query, key[:3], value[:3]), part(query, key[3:], value[3:]))
        for name, answer, expected in zip(
            ("y", "log_sum"), pair, part(query, key, value), strict=True
        ):
            yield f"{name}, of queries of about {size}", answer, expected


def wrong_merged(first, second):
    (y_1, log_1), (y_2, log_2) = first, second
    weight = (1 / (1 + np.exp(-np.sign(log_1 - log_2))))[:, None]
    return weight * y_1 + (1 - weight) * y_2, np.logaddexp(log_1, log_2)
