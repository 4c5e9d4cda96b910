"""Faults in how a network is built or begins, planted into real networks."""

import keras
import numpy as np
from keras import initializers, layers, ops, optimizers

from benchmarks.clinic import data
from benchmarks.clinic.faults import case
from benchmarks.clinic.networks import (
    CLASSES,
    classifier,
    convolutional,
    mlp,
    ready,
    recurrent,
    regression,
    trained,
)


@case("dead ReLUs", "cancer, MLP: biases begin at -6", chosen=True)
def _():
    return mlp(30, bias_initializer=initializers.Constant(-6)), *data.cancer()


@case("dead ReLUs", "digits, MLP: five epochs of SGD at rate 5", chosen=True)
def _():
    x, y = data.digits()
    model = trained(classifier(64, optimizer=optimizers.SGD(5.0)), x, y, 5)
    return ready(model, CLASSES, optimizers.SGD(0.01)), x, y


@case("dead ReLUs", "diamonds, MLP: kernels drawn below zero")
def _():
    negative = initializers.RandomUniform(-0.5, 0.0)
    return regression(7, units=(64, 64, 32), kernel_initializer=negative), *data.diamonds()


@case("dead ReLUs", "digits, CNN: ten epochs of Adam at rate 1")
def _():
    x, y = data.pictures()
    model = trained(convolutional(optimizers.Adam(1.0), norm=False), x, y, 10)
    return ready(model, CLASSES), x, y


@case("saturated sigmoids", "digits, MLP of sigmoids: kernels of deviation 5", chosen=True)
def _():
    wide = initializers.RandomNormal(stddev=5.0)
    return classifier(64, activation="sigmoid", kernel_initializer=wide), *data.digits()


@case("saturated sigmoids", "cancer, MLP of tanh: kernels of deviation 3", chosen=True)
def _():
    wide = initializers.RandomNormal(stddev=3.0)
    return mlp(30, activation="tanh", kernel_initializer=wide), *data.cancer()


@case("saturated sigmoids", "census, three sigmoid layers: biases begin at 8")
def _():
    late = initializers.Constant(8.0)
    return mlp(5, units=(64,) * 3, activation="sigmoid", bias_initializer=late), *data.census()


@case("saturated sigmoids", "census, MLP of tanh: three epochs of SGD at rate 20")
def _():
    x, y = data.census()
    model = trained(mlp(5, activation="tanh", optimizer=optimizers.SGD(20.0)), x, y, 3)
    return ready(model, "binary_crossentropy", optimizers.SGD(0.01)), x, y


@case(
    "exploding recurrent gradients",
    "digits by rows, ReLU: recurrent weights 2.5 x orthogonal",
    chosen=True,
)
def _():
    cell = layers.SimpleRNN(
        32, activation="relu", recurrent_initializer=initializers.Orthogonal(2.5)
    )
    return recurrent([cell]), *data.sequences()


@case(
    "exploding recurrent gradients",
    "digits by rows, tanh: recurrent weights 3 x orthogonal",
    chosen=True,
)
def _():
    cell = layers.SimpleRNN(32, recurrent_initializer=initializers.Orthogonal(3.0))
    return recurrent([cell]), *data.sequences()


@case(
    "exploding recurrent gradients",
    "digits by pixels, ReLU: 1.3 x the identity, 64 steps",
    chosen=True,
)
def _():
    cell = layers.SimpleRNN(24, activation="relu", recurrent_initializer=initializers.Identity(1.3))
    return recurrent([cell], 64, 1), *data.pixels()


@case(
    "exploding recurrent gradients",
    "digits by rows, two layers: recurrent weights of deviation 0.5",
)
def _():
    wide = initializers.RandomNormal(stddev=0.5)
    cells = [
        layers.SimpleRNN(48, recurrent_initializer=wide, return_sequences=True),
        layers.SimpleRNN(48, recurrent_initializer=initializers.RandomNormal(stddev=0.5)),
    ]
    return recurrent(cells), *data.sequences()


@case(
    "exploding recurrent gradients", "digits by pixels, no activation: 1.2 x orthogonal, 64 steps"
)
def _():
    cell = layers.SimpleRNN(16, activation=None, recurrent_initializer=initializers.Orthogonal(1.2))
    return recurrent([cell], 64, 1), *data.pixels()


@case("wrong loss for the activation", "cancer: logits into a loss of probabilities", chosen=True)
def _():
    return mlp(30, last=None), *data.cancer()


@case("wrong loss for the activation", "digits: softmax, and from_logits=True", chosen=True)
def _():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return classifier(64, loss=loss), *data.digits()


@case("wrong loss for the activation", "digits, CNN: ten sigmoids for one class of ten")
def _():
    return convolutional(last="sigmoid"), *data.pictures()


@case("wrong loss for the activation", "diamonds: a sigmoid for numbers below 0 and above 1")
def _():
    return mlp(7, loss="mean_squared_error"), *data.diamonds()


@case("wrong loss for the activation", "census: softmax over one output")
def _():
    return mlp(5, last="softmax"), *data.census()


@case("wrong loss for the activation", "wine: squared error of a softmax")
def _():
    x, y = data.wine()
    return classifier(13, 3, loss="mean_squared_error"), x, np.eye(3, dtype="float32")[y]


@case("softmax over the wrong axis", "digits: over the rows of the batch", chosen=True)
def _():
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(10)]
    )
    model.add(layers.Softmax(axis=0))
    return ready(model, CLASSES), *data.digits()


@case("softmax over the wrong axis", "digits by rows, a label each: over time", chosen=True)
def _():
    x, y = data.sequences()
    inputs = keras.Input((8, 8))
    scores = layers.Dense(10)(layers.LSTM(32, return_sequences=True)(inputs))
    model = keras.Model(inputs, layers.Softmax(axis=1)(scores))
    return ready(model, CLASSES), x, np.repeat(y[:, None], 8, axis=1)


@case("softmax over the wrong axis", "wine: an activation that normalises along axis 0")
def _():
    model = classifier(13, 3)
    model.layers[-1].activation = lambda scores: ops.softmax(scores, axis=0)
    return ready(model, CLASSES), *data.wine()


@case("softmax over the wrong axis", "cancer: gates of the columns over the rows of the batch")
def _():
    inputs = keras.Input((30,))
    gates = ops.softmax(layers.Dense(30)(inputs), axis=0)
    hidden = layers.Dense(32, activation="relu")(inputs * gates)
    return ready(
        keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden)), "binary_crossentropy"
    ), *data.cancer()


@case("missing activation", "cancer: three dense layers without any", chosen=True)
def _():
    return mlp(30, activation=None), *data.cancer()


@case("missing activation", "digits: two convolutions and batch normalisation alone", chosen=True)
def _():
    return convolutional(activation=None), *data.pictures()


@case("missing activation", "diamonds: dropout stands where ReLU should")
def _():
    body = [
        keras.Input((7,)),
        layers.Dense(64),
        layers.Dropout(0.1),
        layers.Dense(64),
        layers.BatchNormalization(),
    ]
    return ready(keras.Sequential([*body, layers.Dense(1)]), "mean_squared_error"), *data.diamonds()


@case("missing activation", "digits, LSTM: two dense layers after it without any")
def _():
    return recurrent([layers.LSTM(32)], between=[layers.Dense(64)]), *data.sequences()


@case("frozen layers", "cancer: all below the head, still random", chosen=True)
def _():
    model = mlp(30)
    for layer in model.layers[:-1]:
        layer.trainable = False
    return ready(model, "binary_crossentropy"), *data.cancer()


@case("frozen layers", "digits, CNN: convolutions and norms, still random", chosen=True)
def _():
    model = convolutional()
    for layer in model.layers[:-1]:
        layer.trainable = False
    return ready(model, CLASSES), *data.pictures()


@case("frozen layers", "diamonds: stop_gradient under the head")
def _():
    inputs = keras.Input((7,))
    hidden = layers.Dense(64, activation="relu")(inputs)
    hidden = ops.stop_gradient(layers.Dense(32, activation="relu")(hidden))
    return ready(
        keras.Model(inputs, layers.Dense(1)(hidden)), "mean_squared_error"
    ), *data.diamonds()


@case("frozen layers", "digits: a backbone within the model, still random")
def _():
    backbone = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
        ]
    )
    backbone.trainable = False
    inputs = keras.Input((64,))
    answer = layers.Dense(10, activation="softmax")(backbone(inputs))
    return ready(keras.Model(inputs, answer), CLASSES), *data.digits()


@case("frozen layers", "census: the whole network")
def _():
    model = mlp(5)
    model.trainable = False
    return ready(model, "binary_crossentropy"), *data.census()
