"""Checks of notebook 12, probability and information."""

import numpy as np

P = np.array([0.5, 0.5, 0.0])
Q = np.array([0.25, 0.25, 0.5])


def check_entropy(entropy):
    yield "of a fair coin", entropy(np.array([0.5, 0.5])), np.log(2)
    yield "of eight equal classes", entropy(np.full(8, 1 / 8)), np.log(8)
    yield "of what is certain", entropy(np.array([1.0, 0.0])), 0.0


def wrong_entropy(shares):
    return -np.sum(shares * np.log(shares + 1e-3))  # keeps the logarithm of zero away, at a price


def check_kl_divergence(kl_divergence):
    yield "of equal shares", kl_divergence(Q, Q), 0.0
    yield f"p = {P} and q = {Q}", kl_divergence(P, Q), np.log(2)


def wrong_kl_divergence(p, q):
    possible = p > 0
    return np.sum(q[possible] * np.log(q[possible] / p[possible]))  # p and q changed places


def check_most_likely_constants(most_likely_constants):
    numbers = np.array([1.0, 2.0, 3.0, 4.0, 90.0])
    yield "of 1, 2, 3, 4 and 90", most_likely_constants(numbers), (20.0, 3.0)


def wrong_most_likely_constants(numbers):
    return np.median(numbers), np.mean(numbers)


def check_calibration_error(calibration_error):
    named, right = np.array([0.5, 0.9]), np.array([0.6, 0.6])
    people = np.array([300.0, 100.0])
    yield "two bins of 300 and 100 people", calibration_error(named, right, people), 0.15


def wrong_calibration_error(named, right, people):
    return np.abs(np.average(named - right, weights=people))  # above and below cancel
