"""Checks of notebook 13, the debugging clinic. Keras is imported where networks are examined."""

import numpy as np
from sklearn.datasets import load_digits


def check_dead_share(dead_share):
    outputs = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    yield "two of four units silent for three rows", dead_share(outputs), 0.5
    yield "no unit silent", dead_share(np.ones((5, 3))), 0.0


def wrong_dead_share(outputs):
    return np.mean(outputs == 0)  # of values, not of units


def check_growth_per_step(growth_per_step):
    random = np.random.default_rng(0)
    noise = random.normal(size=(6, 1, 3))
    for factor in (1.0, 2.5, 0.5):
        gradient = noise * factor ** np.arange(5, 0, -1)[None, :, None]
        yield f"five steps, each {factor} times the later one", growth_per_step(gradient), factor


def wrong_growth_per_step(gradient):
    sizes = np.sqrt((gradient**2).sum(axis=(0, 2)))
    return (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1))  # forward in time


def examined(model, shape):
    """Alarms of the doctor, and whether the network learns digits of this shape."""
    import keras

    from common.training_doctor import diagnose

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, *shape)
    found = diagnose(model, x[:1000], y[:1000])
    alarms = {finding.check for finding in found if finding.level == "alarm"}
    yield f"alarms of the doctor ({', '.join(sorted(alarms)) or 'none'})", len(alarms), 0
    keras.utils.set_random_seed(0)
    model.fit(x[:1000], y[:1000], epochs=10, verbose=0)
    answers = model.predict(x[1000:], verbose=0).argmax(axis=1)
    yield (
        "more than 80 % of other digits right after ten epochs",
        (answers == y[1000:]).mean() > 0.8,
        True,
    )


def check_mended_digits(mended_digits):
    yield from examined(mended_digits(), (64,))


def wrong_mended_digits():
    import keras
    from keras import initializers, layers

    start = initializers.Constant(-6)  # the first fault mended, not the second
    hidden = [layers.Dense(32, "relu", bias_initializer=start) for _ in range(2)]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def check_mended_reader(mended_reader):
    yield from examined(mended_reader(), (8, 8))


def wrong_mended_reader():
    import keras
    from keras import layers

    hidden = [layers.SimpleRNN(32), layers.Dense(32), layers.Dense(10)]  # still two lines in a row
    model = keras.Sequential([keras.Input((8, 8)), *hidden, layers.Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
