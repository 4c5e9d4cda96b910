"""Networks with nothing wrong: plain Keras ones, and the kit's own in its five projects."""

import importlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import initializers, layers, optimizers

from benchmarks.clinic import data
from benchmarks.clinic.networks import (
    CLASSES,
    Attention,
    classifier,
    convolutional,
    mlp,
    ready,
    recurrent,
    regression,
    trained,
    transformer,
)

PROJECTS = ("flight_delays", "census_income", "crash_injuries", "diamond_prices", "house_prices")
CHOSEN_PROJECTS = ("flight_delays", "diamond_prices")
BUILDERS = ("tabm", "tabm-mini", "mlp", "resnet", "ft-transformer")
PROJECT_ROWS = 4000


def plain() -> dict[tuple[str, bool], Callable[[], tuple]]:
    """Makers of (model, x, y) by name and whether thresholds were chosen with a look at them."""
    return {
        ("cancer, MLP", True): lambda: (mlp(30), *data.cancer()),
        ("digits, CNN with batch normalisation", True): lambda: (convolutional(), *data.pictures()),
        ("digits by rows, LSTM", True): lambda: (recurrent([layers.LSTM(32)]), *data.sequences()),
        ("cancer, MLP after 30 epochs", False): lambda: after_training(mlp(30), *data.cancer(), 30),
        ("digits, CNN after 15 epochs", False): lambda: after_training(
            convolutional(), *data.pictures(), 15
        ),
        ("digits by rows, LSTM after 15 epochs", False): lambda: after_training(
            recurrent([layers.LSTM(32)]), *data.sequences(), 15
        ),
        ("digits as 64 words, Transformer", False): lambda: (transformer(), *data.tokens()),
        ("digits by rows, Transformer as layers of layers", False): tutorial_transformer,
        ("digits by rows, GRU both ways", False): lambda: (
            recurrent([layers.Bidirectional(layers.GRU(24))]),
            *data.sequences(),
        ),
        ("digits by pixels, two SimpleRNN", False): lambda: (
            recurrent([layers.SimpleRNN(32, return_sequences=True), layers.SimpleRNN(32)], 64, 1),
            *data.pixels(),
        ),
        ("digits, SGD at 0.1", False): lambda: (
            classifier(64, optimizer=optimizers.SGD(0.1)),
            *data.digits(),
        ),
        ("digits, Adam at 0.0001", True): lambda: (
            classifier(64, optimizer=optimizers.Adam(1e-4)),
            *data.digits(),
        ),
        ("digits, four layers of sigmoids", False): lambda: (
            classifier(64, activation="sigmoid", units=(64,) * 4),
            *data.digits(),
        ),
        ("digits, eight layers of ReLU, He", False): lambda: (
            classifier(64, units=(64,) * 8, kernel_initializer="he_normal"),
            *data.digits(),
        ),
        ("digits, a new head on a frozen learned body", True): transferred,
        ("digits, autoencoder with a linear bottleneck", True): autoencoder,
        ("digits, linear model", False): lambda: (
            mlp(64, 10, "softmax", CLASSES, units=()),
            *data.digits(),
        ),
        ("cancer as it comes, batch normalisation first", True): lambda: (
            mlp(30, before=[layers.BatchNormalization()]),
            *data.cancer_raw(),
        ),
        ("cancer as it comes, Normalization first", False): normalised,
        ("wine, MLP with one-hot labels", False): lambda: (
            classifier(13, 3, loss="categorical_crossentropy"),
            data.wine()[0],
            np.eye(3, dtype="float32")[data.wine()[1]],
        ),
        ("diabetes, MLP of tanh", False): lambda: (
            regression(10, activation="tanh"),
            *data.diabetes(),
        ),
        ("diamonds, MLP of ELU, mean absolute error", False): lambda: (
            regression(7, activation="elu", loss="mean_absolute_error"),
            *data.diamonds(),
        ),
        ("diamonds, MLP, SGD with momentum at 0.01", False): lambda: (
            regression(7, optimizer=optimizers.SGD(0.01, momentum=0.9)),
            *data.diamonds(),
        ),
        ("diabetes, three batch normalisations before the first layer", False): lambda: (
            regression(10, before=[layers.BatchNormalization() for _ in range(3)]),
            *data.diabetes(),
        ),
        ("cancer, a new head on a frozen learned body", False): transferred_table,
        ("digits, CNN without norms, SGD at 0.05", False): lambda: (
            convolutional(optimizers.SGD(0.05), norm=False),
            *data.pictures(),
        ),
        ("digits by pixels, LSTM of 64 steps", False): lambda: (
            recurrent([layers.LSTM(24)], 64, 1),
            *data.pixels(),
        ),
        ("census, MLP with dropout", False): lambda: (
            mlp(5, units=(128, 64), before=[layers.Dropout(0.1)]),
            *data.census(),
        ),
    }


def after_training(model, x, y, epochs):
    return trained(model, x, y, epochs), x, y


def tutorial_transformer():
    inputs = keras.Input((8, 8))
    hidden = Attention(32)(Attention(32)(layers.Dense(32)(inputs)))
    pooled = layers.GlobalAveragePooling1D()(hidden)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(pooled))
    return ready(model, CLASSES), *data.sequences()


def transferred():
    """A body that learned the digits below five, frozen, with a new head for the others."""
    x, y = data.pictures()
    body = trained(convolutional(), x[y < 5], y[y < 5], 10)
    body = keras.Model(body.inputs, body.layers[-2].output)
    body.trainable = False
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, layers.Dense(5, activation="softmax")(body(inputs)))
    return ready(model, CLASSES), x[y >= 5], y[y >= 5] - 5


def transferred_table():
    """A body that learned whether the cancer's area is large, with a new head for its kind."""
    x, y = data.cancer()
    body = trained(mlp(30), x, (x[:, 3] > 0).astype(int), 10)
    body = keras.Model(body.inputs, body.layers[-2].output)
    body.trainable = False
    inputs = keras.Input((30,))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(body(inputs)))
    return ready(model, "binary_crossentropy"), x, y


def autoencoder():
    x, _ = data.digits()
    body = [
        layers.Dense(64, activation="relu"),
        layers.Dense(8),
        layers.Dense(64, activation="relu"),
    ]
    model = keras.Sequential([keras.Input((64,)), *body, layers.Dense(64)])
    return ready(model, "mean_squared_error"), x, x


def normalised():
    x, y = data.cancer_raw()
    scale = layers.Normalization()
    scale.adapt(x)
    return mlp(30, before=[scale], kernel_initializer=initializers.HeUniform()), x, y


def of_projects(name: str, seed: int) -> Iterator[tuple[str, tuple]]:
    """Each builder's network on the encoded training rows of one project, as a run has them."""
    from common.training.fit import compile_learner
    from common.training.learner import Learner
    from common.training.sanity import shuffled_sample
    from common.training.train import prepare_rows

    project = importlib.import_module(f"projects.{name}.run").PROJECT
    prepared = prepare_rows(project.load(project.config(rows=PROJECT_ROWS)))
    sample = shuffled_sample(prepared.part("train"), PROJECT_ROWS, seed)
    target = prepared.target
    for builder in BUILDERS:
        config = project.config(rows=PROJECT_ROWS, model=builder)
        keras.utils.set_random_seed(seed)
        learner = Learner.of(project.build(config, prepared.table, target), target)
        steps = -(-len(sample) // config.batch_size)
        compile_learner(learner, target, config, steps)
        yield f"{name}, {builder}", (learner, sample.inputs, target.to_learned(sample.target))
