"""Real data for the clinic, in random order: x scaled unless it says raw, y numbers.

Small sets from scikit-learn; diamonds and census as their projects load them.
"""

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

ROWS = 3000  # of diamonds and census


def mixed(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(y))
    return x[order].astype("float32"), y[order]


def scaled(x: np.ndarray) -> np.ndarray:
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")


@cache
def cancer_raw():
    """(569, 30), two classes."""
    return mixed(*load_breast_cancer(return_X_y=True))


def cancer():
    x, y = cancer_raw()
    return scaled(x), y


@cache
def digits():
    """(1797, 64) grey values of 0 to 1, ten classes."""
    x, y = mixed(*load_digits(return_X_y=True))
    return x / 16, y


def pictures():
    """(1797, 8, 8, 1)."""
    x, y = digits()
    return x.reshape(-1, 8, 8, 1), y


def sequences():
    """(1797, 8, 8): a digit's rows from above as steps of time."""
    x, y = digits()
    return x.reshape(-1, 8, 8), y


def pixels():
    """(1797, 64, 1): a digit's pixels one after the other."""
    x, y = digits()
    return x[:, :, None], y


def tokens():
    """(1797, 64): each pixel's grey value as one of 17 words."""
    x, y = digits()
    return np.rint(16 * x).astype("int32"), y


def wine():
    """(178, 13), three classes."""
    x, y = mixed(*load_wine(return_X_y=True))
    return scaled(x), y


def diabetes():
    """(442, 10), a number of mean 0 and deviation 1."""
    x, y = mixed(*load_diabetes(return_X_y=True))
    return scaled(x), scaled(y)


@cache
def diamonds_raw():
    """(3000, 6): carat, depth, table, length, width, height; the logarithm of the price, scaled."""
    from projects.diamond_prices.load import load

    dataset = load(ROWS)
    chosen = dataset.part == "train"
    x = dataset.features.loc[chosen].select_dtypes("number").to_numpy("float32")
    return mixed(x, scaled(np.log(dataset.target[chosen])))


def diamonds():
    x, y = diamonds_raw()
    return scaled(x), y


@cache
def census_raw():
    """(3000, n) numbers of the census, two classes."""
    from projects.census_income.load import load

    dataset = load(ROWS)
    chosen = dataset.part == "train"
    x = dataset.features.loc[chosen].select_dtypes("number").to_numpy("float32")
    return mixed(x, dataset.target[chosen].astype(int))


def census():
    x, y = census_raw()
    return scaled(x), y
