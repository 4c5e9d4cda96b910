"""Faults in the data and in the rate of learning, planted into real networks."""

import keras
import numpy as np
from keras import layers, optimizers

from benchmarks.clinic import data
from benchmarks.clinic.faults import case
from benchmarks.clinic.networks import classifier, convolutional, mlp, ready, recurrent, regression


@case("shuffled labels", "cancer: labels in random order", chosen=True)
def _():
    x, y = data.cancer()
    return mlp(30), x, np.random.default_rng(1).permutation(y)


@case("shuffled labels", "digits: labels sorted, pictures not", chosen=True)
def _():
    x, y = data.digits()
    return classifier(64), x, np.sort(y)


@case("shuffled labels", "census: labels moved by one row")
def _():
    x, y = data.census()
    return mlp(5, units=(64, 64)), x, np.roll(y, 1)


@case("shuffled labels", "diamonds: prices in random order")
def _():
    x, y = data.diamonds()
    return regression(7, units=(64, 64)), x, np.random.default_rng(2).permutation(y)


@case("shuffled labels", "digits, CNN: pictures sorted, labels not")
def _():
    x, y = data.pictures()
    return convolutional(), x[np.argsort(x.mean(axis=(1, 2, 3)))], y


@case("learning rate far off", "cancer, MLP: Adam at 3", chosen=True)
def _():
    return mlp(30, optimizer=optimizers.Adam(3.0)), *data.cancer()


@case("learning rate far off", "digits, MLP: SGD at 0.000001", chosen=True)
def _():
    return classifier(64, optimizer=optimizers.SGD(1e-6)), *data.digits()


@case("learning rate far off", "diamonds, MLP: AdamW at 1")
def _():
    return regression(7, optimizer=optimizers.AdamW(1.0), units=(64, 64)), *data.diamonds()


@case("learning rate far off", "digits, CNN: Adam at 0.0000001")
def _():
    return convolutional(optimizers.Adam(1e-7)), *data.pictures()


@case("learning rate far off", "census, MLP: SGD with momentum at 50")
def _():
    return mlp(5, optimizer=optimizers.SGD(50.0, momentum=0.9)), *data.census()


@case("learning rate far off", "digits, LSTM: RMSprop at 0.000001")
def _():
    return recurrent([layers.LSTM(32)], optimizer=optimizers.RMSprop(1e-6)), *data.sequences()


@case("unscaled inputs", "cancer as it comes, 0.001 to 4,000", chosen=True)
def _():
    return mlp(30), *data.cancer_raw()


@case("unscaled inputs", "digits, CNN: grey values of 0 to 255", chosen=True)
def _():
    x, y = data.pictures()
    return convolutional(norm=False), 255 * x, y


@case("unscaled inputs", "diamonds as they come: 0.2 carat, depth 60 %")
def _():
    return regression(7), *data.diamonds_raw()


@case("unscaled inputs", "digits, MLP: divided by 255 twice")
def _():
    x, y = data.digits()
    return classifier(64), x / 255, y


@case("unscaled inputs", "census as it comes, MLP of tanh: gains up to 99,999")
def _():
    return mlp(5, activation="tanh"), *data.census_raw()


@case("target leak", "cancer: the label is the last column", chosen=True)
def _():
    x, y = data.cancer()
    return mlp(31), np.column_stack([x, y]).astype("float32"), y


@case("target leak", "digits, CNN: the label is a pixel in the corner", chosen=True)
def _():
    x, y = data.pictures()
    x = x.copy()
    x[:, 0, 0, 0] = y / 10
    return convolutional(), x, y


@case("target leak", "diamonds: the price with 5 % of noise among the columns")
def _():
    x, y = data.diamonds()
    told = y + 0.05 * np.random.default_rng(3).normal(size=len(y))
    return regression(8), np.column_stack([x[:, :4], told, x[:, 4:]]).astype("float32"), y


@case("target leak", "census: a category that only one class has")
def _():
    x, y = data.census()
    ids = np.random.default_rng(4).integers(0, 20, len(y)) + 20 * y
    numbers, categories = (
        keras.Input((5,), name="numbers"),
        keras.Input((1,), dtype="int32", name="ids"),
    )
    row = layers.Concatenate()([numbers, layers.Flatten()(layers.Embedding(40, 4)(categories))])
    answer = layers.Dense(1, activation="sigmoid")(layers.Dense(32, activation="relu")(row))
    model = ready(keras.Model([numbers, categories], answer), "binary_crossentropy")
    return model, [x, ids[:, None].astype("int32")], y


@case("NaN in the data", "cancer: one value of 17,070", chosen=True)
def _():
    x, y = data.cancer()
    x = x.copy()
    x[100, 7] = np.nan
    return mlp(30), x, y


@case("NaN in the data", "digits, CNN: a row of pixels divided by zero in 90 pictures", chosen=True)
def _():
    x, y = data.pictures()
    x = x.copy()
    x[::20, 3] = np.inf
    return convolutional(), x, y


@case("NaN in the data", "diamonds: three prices of zero before the logarithm")
def _():
    x, y = data.diamonds()
    y = y.copy()
    y[[5, 50, 500]] = -np.inf
    return regression(7), x, y


@case("NaN in the data", "census: 4 % of one column missing")
def _():
    x, y = data.census()
    x = x.copy()
    x[::25, 2] = np.nan
    return mlp(5), x, y
