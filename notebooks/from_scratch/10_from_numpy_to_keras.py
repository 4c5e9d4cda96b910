# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10. From NumPy to Keras
#
# Five lines of Keras build, train and save a network. By now you have written what is behind each of them. This
# notebook puts the two side by side, line by line, with the same weights and the same batches, and looks at
# what is equal (nearly all), what Keras does besides, and where two correct implementations differ without
# telling.

# %%
import functools
import io
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

from common.backend import start_backend

start_backend("float32")
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import h5py
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from common.from_scratch import optimizers
from common.from_scratch.activations import ReLU
from common.from_scratch.convolution import Conv2D
from common.from_scratch.dense import Dense
from common.from_scratch.gru import GRU
from common.from_scratch.initializers import glorot_uniform
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.lstm import LSTM
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.normalization import BatchNormalization
from common.from_scratch.pooling import GlobalAveragePooling2D, MaxPooling2D
from common.from_scratch.sequential import Sequential
from common.plots.style import FAINT, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

keras.utils.set_random_seed(0)
digits = load_digits()
count = 600 if QUICK else len(digits.data)
x_train, x_test, y_train, y_test = train_test_split(
    (digits.data[:count] / 16).astype("float32"),
    digits.target[:count],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[:count],
)


def difference(ours, theirs):
    """The largest difference of two arrays, or of two lists of arrays."""
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, list) else [(ours, theirs)]
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)


# %% [markdown]
# ## Build
#
# A network for handwritten digits: 64 pixels, two hidden layers, 10 classes.


# %%
def build_ours(seed=0):
    random = np.random.default_rng(seed)
    return Sequential(
        [
            *(Dense(64, 64, random), ReLU()),
            *(Dense(64, 32, random), ReLU()),
            Dense(32, 10, random),
        ]
    )


def build_theirs():
    return keras.Sequential([layers.Dense(64, "relu"), layers.Dense(32, "relu"), layers.Dense(10)])


ours, theirs = build_ours(), build_theirs()
print(f"arrays of weights: ours {len(ours.all_parameters())}, Keras {len(theirs.weights)}")
theirs.build((None, 64))
print(f"after build((None, 64)): Keras {len(theirs.weights)}")

# %% [markdown]
# The first difference. Our layers want to know how many inputs they get. Those of Keras wait: the weights come
# about when the first input is seen, or by `build`. Afterwards:

# %%
names = [f"layer {n}, {name}" for n, layer in ours.parts.items() for name in layer.parameters]
pd.DataFrame(
    {
        "ours": names,
        "shape, ours": [value.shape for value in ours.all_parameters()],
        "Keras": [weight.path for weight in theirs.weights],
        "shape, Keras": [tuple(weight.shape) for weight in theirs.weights],
    }
)

# %% [markdown]
# ## Initialise
#
# Both draw kernels from the uniform distribution of Glorot and Bengio, within ± √(6 / (inputs + outputs)), and
# set biases to 0:

# %%
for mine, other in zip(ours.all_parameters()[::2], theirs.weights[::2], strict=True):
    print(
        f"{mine.shape!s:9} limit {np.sqrt(6 / sum(mine.shape)):.4f}, "
        f"largest of ours {np.abs(mine).max():.4f}, of Keras's {np.abs(other.numpy()).max():.4f}"
    )

# %% [markdown]
# The rule is the same, the dice are not: there is no seed that gives the same numbers in both. So weights are
# copied. Names do not matter, order and shapes do.

# %%
theirs.set_weights(ours.all_parameters())
logits = theirs(x_test).numpy()
print(
    f"logits of {len(x_test)} test digits differ by {difference(ours.forward(x_test), logits):.1e}"
)
print(f"the largest of them is {np.abs(logits).max():.2f}; float32 has about seven digits")

# %% [markdown]
# ## Compile: a loss, and its gradients
#
# `compile` computes nothing. It notes what is to be made small, how, and what else is to be told. Our losses
# return their derivative together with the value; those of Keras return the value alone, for the tape of
# notebook 9 finds the derivative.

# %%
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
mine, by_logits = sparse_categorical_crossentropy(y_train, ours.forward(x_train))
ours.backward(by_logits)

with tf.GradientTape() as tape:
    other = loss_of(y_train, theirs(x_train))
gradients = tape.gradient(other, theirs.trainable_variables)

print(f"loss: ours {mine:.7f}, Keras {other:.7f}; a guess among ten costs {np.log(10):.7f}")
for name, ours_by_weight, theirs_by_weight in zip(
    names, ours.all_gradients(), gradients, strict=True
):
    print(
        f"gradient of {name}: largest {np.abs(ours_by_weight).max():.4f}, "
        f"difference {difference(ours_by_weight, theirs_by_weight):.0e}"
    )

# %% [markdown]
# ## Fit
#
# The same two calls on both sides: compile, fit. `shuffle=False`, and no generator on our side, means the same
# batches in the same order.

# %%
epochs, batch_size = (3 if QUICK else 20), 32


def trained(ours, theirs, optimizer, keras_optimizer, x, x_val, epochs):
    """Both histories, from the same weights."""
    theirs.build((None, *x.shape[1:]))
    theirs.set_weights(ours.all_parameters())
    ours.compile(optimizer, sparse_categorical_crossentropy, sparse_categorical_accuracy)
    theirs.compile(keras_optimizer, loss_of, metrics=["sparse_categorical_accuracy"])
    settings = {"epochs": epochs, "batch_size": batch_size}
    mine = ours.fit(x, y_train, **settings, validation_data=(x_val, y_test))
    other = theirs.fit(
        x, y_train, **settings, validation_data=(x_val, y_test), shuffle=False, verbose=0
    )
    return mine, other.history


mine, other = trained(
    ours, theirs, optimizers.Adam(), keras.optimizers.Adam(), x_train, x_test, epochs
)
far = (pd.DataFrame(mine) - pd.DataFrame(other)).abs()
print(f"largest difference of a loss: {far[['loss', 'val_loss']].max().max():.0e}")
accuracy = far["val_sparse_categorical_accuracy"].max()
print(
    f"largest difference of an accuracy: {accuracy * len(x_test):.0f} of {len(x_test)} test digits"
)
pd.DataFrame(
    {
        "loss, ours": mine["loss"],
        "loss, Keras": other["loss"],
        "difference": far["loss"].to_numpy(),
    },
    index=pd.RangeIndex(1, epochs + 1, name="epoch"),
).iloc[[0, 1, 2, -1]]

# %% [markdown]
# Nearly equal. But the rounding of one step is far finer than these differences; where do they come from? Keras
# holds the settings of an optimizer in float32. Adam needs 1 - 0.999, and in float32 that is

# %%
print(f"1 - 0.999 = {float(np.float32(1) - np.float32(0.999)):.10f}, instead of 0.001")
exact = {"learning_rate": 2**-9, "beta_1": 1 - 2**-3, "beta_2": 1 - 2**-7}
both = optimizers.Adam(**exact), keras.optimizers.Adam(**exact)
again = trained(build_ours(), theirs, *both, x_train, x_test, epochs)
far_exact = (pd.DataFrame(again[0]) - pd.DataFrame(again[1])).abs()


@styled
def curves():
    figure = new_figure(2.8)
    left, right = figure.subplots(1, 2)
    after = range(1, epochs + 1)
    for name, label, style in (("loss", "training", 0), ("val_loss", "test", 3)):
        left.plot(after, other[name], color=FAINT, linewidth=7, label="Keras" * (style == 3))
        left.plot(after, mine[name], **SERIES[style], markersize=3, label=f"ours, {label}")
    left.set_ylabel("loss")
    left.set_title("One curve on the other")
    for differences, label, style in (
        (far, "0.9, 0.999", 3),
        (far_exact, "7/8, 127/128", 0),
    ):
        seen = np.maximum(differences["loss"], 1e-9)  # 0 has no place on this axis
        right.plot(after, seen, **SERIES[style], markersize=3, label=label)
    right.set_ylabel("difference of the losses")
    right.set_title("The rest has a cause")
    right.legend(title="Adam's two settings", loc="upper left", fontsize=9, title_fontsize=9)
    left.legend(fontsize=9)
    for axes in (left, right):
        axes.set_yscale("log")
        axes.set_xlabel("epoch")
    right.set_ylim(3e-10, 1)  # room for the legend
    return figure


print(f"with settings that float32 holds, losses differ by {far_exact['loss'].max():.0e} at most")
curves()

# %% [markdown]
# A cause in the fifth digit of one constant, which every step passes on to the next, at times enlarged. With
# settings that float32 holds exactly the two are as close as float32 can tell.
#
# ## What fit does
#
# It is the loop of notebook 1: for each epoch, for each batch, forward, loss, backward, update. Here it is
# around the Keras model, with Keras's own parts, and beside `fit`:


# %%
def fit_by_hand(model, epochs):
    for _ in range(epochs):
        for start in range(0, len(x_train), batch_size):
            rows = slice(start, start + batch_size)
            with tf.GradientTape() as tape:
                loss = loss_of(y_train[rows], model(x_train[rows], training=True))
            slopes = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(slopes, model.trainable_variables)


weights = []
for by_hand in (True, False):
    theirs.set_weights(build_ours().all_parameters())
    theirs.compile(keras.optimizers.Adam(), loss_of)
    if by_hand:
        fit_by_hand(theirs, 1)
    else:
        theirs.fit(x_train, y_train, batch_size, shuffle=False, verbose=0)
    weights.append(theirs.get_weights())
print(f"weights after an epoch of fit_by_hand and of fit: difference {difference(*weights):.0e}")

# %% [markdown]
# ## Evaluate and predict
#
# Both go through the data in batches, with `training=False`, and learn nothing.

# %%
theirs.set_weights(ours.all_parameters())
theirs.compile(keras.optimizers.Adam(), loss_of, metrics=["sparse_categorical_accuracy"])
print("ours: ", ours.evaluate(x_test, y_test))
print("Keras:", theirs.evaluate(x_test, y_test, verbose=0, return_dict=True))


def seconds_of(function, times=5):
    """The fastest of several calls: what else the computer does can only make it slower."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken)


one = x_test[:1]
ways = {
    "ours.predict": lambda: ours.predict(one),
    "keras model.predict": lambda: theirs.predict(one, verbose=0),
    "keras model(x)": lambda: theirs(one),
}
for name, function in ways.items():
    print(f"one digit by {name:20} {1000 * seconds_of(function):8.3f} ms")

# %% [markdown]
# `predict` is made for many rows: it sets up an iterator over batches, callbacks and a compiled function first.
# For one row at a time, call the model.
#
# ## Save
#
# What is in a `.keras` file? A zip with three files: a date and a version, the architecture as JSON, and the
# arrays.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.keras"
    theirs.fit(x_train[:64], y_train[:64], verbose=0)  # gives Adam something to remember
    theirs.save(path)
    loaded = keras.models.load_model(path)
    archive = path.read_bytes()

with zipfile.ZipFile(io.BytesIO(archive)) as kept:
    for entry in kept.infolist():
        print(f"{entry.filename}: {entry.file_size:,} bytes")
    weights_file = h5py.File(io.BytesIO(kept.read("model.weights.h5")))

arrays = {}
weights_file.visititems(
    lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
)
for name in sorted(arrays, key=lambda name: (name.split("/")[0], len(name), name)):
    print(f"    {name:24} {arrays[name].shape}")

# %% [markdown]
# The layers' six arrays, and twelve of the optimizer, Adam's two memories of each (and two numbers: the steps
# done and the learning rate). This is why the file holds three numbers for every weight, and why
# training can go on from it as if nothing had happened. And our network can read it:

# %%
by_layer = [arrays[name] for name in sorted(arrays) if name.startswith("layers/")]
reader = build_ours(seed=1)
reader.set_parameters(by_layer)
print(
    f"NumPy from the file, beside the Keras model: {difference(reader.predict(x_test), theirs(x_test)):.0e}"
)
print(
    f"Keras from the file:                         {difference(loaded(x_test), theirs(x_test)):.0e}"
)
memory = sum(value.size for name, value in arrays.items() if name.startswith("optimizer"))
print(f"{memory:,} numbers of the optimizer, {sum(value.size for value in by_layer):,} weights")

# %% [markdown]
# ## The same for pictures and sequences
#
# One convolutional network, on the digits as pictures, and one LSTM, which reads them line by line. Nothing new
# is needed: build both, copy the weights, train.

# %%
random = np.random.default_rng(0)
others = {
    "CNN": (
        Sequential(
            [
                *(Conv2D(1, 8, 3, random, padding="same"), ReLU(), MaxPooling2D(2)),
                *(Conv2D(8, 16, 3, random), ReLU(), GlobalAveragePooling2D()),
                Dense(16, 10, random),
            ]
        ),
        keras.Sequential(
            [
                *(layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)),
                *(layers.Conv2D(16, 3, activation="relu"), layers.GlobalAveragePooling2D()),
                layers.Dense(10),
            ]
        ),
        (8, 8, 1),
    ),
    "LSTM": (
        Sequential([LSTM(8, 32, random), Dense(32, 10, random)]),
        keras.Sequential([layers.LSTM(32), layers.Dense(10)]),
        (8, 8),
    ),
}
settings = {"learning_rate": 2**-4, "momentum": 0.75}
for name, (mine, other, shape) in others.items():
    x, x_val = x_train.reshape(-1, *shape), x_test.reshape(-1, *shape)
    other.build((None, *shape))
    other.set_weights(mine.all_parameters())
    first = difference(mine.forward(x_val), other(x_val))
    both = optimizers.SGD(**settings), keras.optimizers.SGD(**settings)
    told = trained(mine, other, *both, x, x_val, epochs=2 if QUICK else 5)
    far = (pd.DataFrame(told[0]) - pd.DataFrame(told[1])).abs().max().max()
    print(
        f"{name}: {sum(w.size for w in mine.all_parameters()):,} weights, logits differ by {first:.0e}; "
        f"loss {told[0]['loss'][0]:.4f} ... {told[0]['loss'][-1]:.4f}, largest difference {far:.0e}"
    )

# %% [markdown]
# `python -m benchmarks.from_scratch` does this for every layer, loss and optimizer of the folder.
#
# ## What Keras does besides
#
# **Graphs.** Our Python runs for every batch. Keras runs it once, with placeholders for arrays, records which
# operations came up, and from then on plays the record in C++. A loss that counts how often Python enters it:

# %%
entered = []


def counting_loss(target, prediction):
    entered.append(1)
    return loss_of(target, prediction)


theirs.compile(keras.optimizers.Adam(), counting_loss)
theirs.fit(x_train, y_train, batch_size, 3, verbose=0)
print(f"{theirs.optimizer.iterations.numpy()} steps; Python was in the loss {len(entered)} times")

# %% [markdown]
# Twice: the last batch of an epoch is shorter, and for another shape there is another record. So a `print` in a
# layer speaks twice and then no more, and a random number that NumPy draws there stays the same for ever.
# `run_eagerly=True` in `compile` switches records off: slow, and right for debugging.
#
# **Callbacks.** Functions that `fit` calls between epochs and batches. Early stopping, which in our loop would
# be a few lines more, is one:

# %%
kept_back = len(x_train) // 5
theirs.set_weights(build_ours().all_parameters())
theirs.compile(keras.optimizers.Adam(0.01), loss_of)
stopping = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
held_out = (x_train[:kept_back], y_train[:kept_back])
history = theirs.fit(
    x_train[kept_back:],
    y_train[kept_back:],
    batch_size=batch_size,
    epochs=6 if QUICK else 100,
    validation_data=held_out,
    callbacks=[stopping],
    verbose=0,
).history["val_loss"]
restored = theirs.evaluate(*held_out, verbose=0, return_dict=True)["loss"]
print(
    f"{len(history)} epochs; lowest validation loss {min(history):.4f} in epoch {np.argmin(history) + 1}"
)
print(f"last epoch {history[-1]:.4f}, the model it left {restored:.4f}")

# %% [markdown]
# **Devices.** The same lines run on a graphics card, where there is one, and on other engines (TensorFlow, JAX,
# PyTorch). Here:

# %%
print(f"backend {keras.config.backend()}, weights in {keras.config.dtype_policy().variable_dtype}")
print(*(device.device_type for device in tf.config.list_physical_devices()))

# %% [markdown]
# **Speed.** Is it faster? An epoch on the same data, the fastest of several, after Keras has made its record. A
# wide network comes in, a CNN on larger pictures (every pixel repeated 4 x 4 times), and Keras without graphs.
# NumPy works on one core, since small matrices are not worth sharing; Keras takes what it finds.

# %%
random = np.random.default_rng(0)
wide = (
    Sequential(
        [
            *(Dense(64, 1024, random), ReLU(), Dense(1024, 1024, random), ReLU()),
            Dense(1024, 10, random),
        ]
    ),
    keras.Sequential([layers.Dense(1024, "relu"), layers.Dense(1024, "relu"), layers.Dense(10)]),
)
large = (
    Sequential(
        [
            *(Conv2D(1, 32, 3, random), ReLU(), MaxPooling2D(2)),
            *(Conv2D(32, 64, 3, random), ReLU(), GlobalAveragePooling2D()),
            Dense(64, 10, random),
        ]
    ),
    keras.Sequential(
        [
            *(layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2)),
            *(layers.Conv2D(64, 3, activation="relu"), layers.GlobalAveragePooling2D()),
            layers.Dense(10),
        ]
    ),
)
pictures = x_train.reshape(-1, 8, 8, 1)


def keras_epoch_seconds(model, x, y, rows, epochs):
    """The fastest epoch of one call of fit, the first left out."""
    ends = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
    model.fit(x, y, rows, epochs + 1, shuffle=False, verbose=0, callbacks=[watch])
    return np.diff(ends).min()


measured = (  # name, both networks, x, rows in a batch, epochs
    ("MLP 64-32, without graphs", (build_ours(), build_theirs()), x_train, 32, 1),
    ("MLP 64-32", (build_ours(), build_theirs()), x_train, 32, 10),
    ("MLP 1024-1024", wide, x_train, 256, 10),
    ("CNN, 8 x 8 pixels", others["CNN"][:2], pictures, 32, 10),
    ("CNN, 32 x 32 pixels", large, pictures[:320].repeat(4, axis=1).repeat(4, axis=2), 32, 3),
    ("LSTM, 8 steps", others["LSTM"][:2], pictures[..., 0], 32, 10),
)
ratios = {}
for name, (mine, other), x, rows, times in measured[1:3] if QUICK else measured:
    y = y_train[: len(x)]
    mine.compile(optimizers.Adam(), sparse_categorical_crossentropy)
    other.compile(keras.optimizers.Adam(), loss_of, run_eagerly=name.endswith("without graphs"))
    with threadpool_limits(1):
        one_epoch = functools.partial(mine.fit, x, y, 1, rows)
        ours_took = seconds_of(one_epoch, 1 if QUICK else times)
    keras_took = keras_epoch_seconds(other, x, y, rows, 1 if QUICK else times)
    ratios[name] = ours_took / keras_took
    print(
        f"{name:26} {-(-len(x) // rows):2} steps: ours {1000 * ours_took:5.0f} ms, "
        f"Keras {1000 * keras_took:5.0f} ms"
    )
products = 3 * 32 * sum(w.size for w in ours.all_parameters()) / 1e6
print(f"products of two numbers in a step of the MLP 64-32: {products:.1f} million")
print(f"cores of this computer: {os.cpu_count()}")


# %%
@styled
def speed():
    figure = new_figure(2.3)
    axes = figure.subplots()
    places = np.arange(len(ratios))
    axes.barh(places, np.array(list(ratios.values())) - 1, left=1, color=SERIES[0]["color"])
    axes.axvline(1, color=SERIES[3]["color"])
    for place, ratio in enumerate(ratios.values()):
        side = "left" if ratio > 1 else "right"
        axes.annotate(
            f"{ratio:.2g}", (ratio, place), (4 if ratio > 1 else -4, 0), textcoords="offset points",
            ha=side, va="center",
        )  # fmt: skip
    axes.set_yticks(places, list(ratios))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(*ratios.values(), 1) / 6, max(*ratios.values(), 1) * 4)
    axes.set_xlabel("time of NumPy by time of Keras")
    axes.set_title("Right of the line, Keras is faster")
    axes.grid(visible=False, axis="y")
    return figure


speed()

# %% [markdown]
# Where does the time go? In a small network into what stands around the arithmetic: looking up operations,
# handing out memory, the books kept for each step. The few products of a step of the small MLP take a processor
# well under a millisecond. NumPy's overhead is the smaller one, and without graphs Keras's is by far the
# larger. The more numbers there are in one operation, the less this counts, and the more what the engine can do
# better: split the work over the cores, join operations that follow each other, and convolve without writing
# out every window. On a graphics card the picture is another one altogether. (Other work on the computer moves
# these numbers: on a busy one the wide MLP and the larger pictures have come out on either side of the line.)
#
# ## Where the two differ in silence
#
# All that was equal was equal because names, orders and defaults were made equal. These are the places where
# nothing complains and the numbers are others.
#
# **Logits or probabilities?** A loss by its name takes probabilities. Given logits it says nothing:

# %%
for name, loss in (("from_logits=True", loss_of), ("by name", "sparse_categorical_crossentropy")):
    theirs.set_weights(build_ours().all_parameters())
    theirs.compile(keras.optimizers.Adam(), loss, metrics=["sparse_categorical_accuracy"])
    theirs.fit(x_train, y_train, batch_size, epochs, shuffle=False, verbose=0)
    loss, accuracy = theirs.evaluate(x_test, y_test, verbose=0)
    print(f"{name:18} test loss {loss:.3f}, accuracy {accuracy:.3f}")

# %% [markdown]
# **The order of the rows.** After `keras.utils.set_random_seed`, on TensorFlow, `fit(shuffle=True)` mixes the
# rows once and for all. Ours draws a new order for each epoch:

# %%
seen = []


def watching_loss(target, prediction):
    seen.extend(np.asarray(target).ravel().astype(int).tolist())
    return tf.reduce_mean(prediction)


keras.utils.set_random_seed(0)
watcher = keras.Sequential([layers.Input((1,)), layers.Dense(1)])
watcher.compile("sgd", watching_loss, run_eagerly=True)
watcher.fit(np.zeros((10, 1)), np.arange(10)[:, None], batch_size=5, epochs=3, verbose=0)
random = np.random.default_rng(0)
for epoch in range(3):
    print(
        f"epoch {epoch + 1}: Keras {seen[10 * epoch : 10 * epoch + 10]}, ours {random.permutation(10)}"
    )

# %% [markdown]
# **A mean of means.** 1,000 rows in batches of 300 leave one of 100. The mean of the four batch losses is not
# the loss of all rows, for the last one counts too much. `fit` and `evaluate` weigh each batch by its rows, on
# both sides; a loop of one's own that averages does not. (Gradients are never weighed: rows of a short batch
# pull harder.) And with weights of rows, the weighted sum is divided by the *number* of rows, not by the sum of
# their weights.

# %%
theirs.set_weights(ours.all_parameters())
theirs.compile(keras.optimizers.Adam(), loss_of, metrics=["sparse_categorical_accuracy"])
order = np.argsort(y_test, kind="stable")  # sorted by class: no batch is like another one
x_sorted, y_sorted = x_test[order], y_test[order]
size = len(x_test) // 3 - 10  # three full batches, and a short one
batch_losses = [
    float(loss_of(y_sorted[i : i + size], theirs(x_sorted[i : i + size])))
    for i in range(0, len(x_test), size)
]
print(f"evaluate            {theirs.evaluate(x_sorted, y_sorted, size, verbose=0)[0]:.4f}")
print(f"mean of batch means {np.mean(batch_losses):.4f}")
half = np.arange(len(x_test)) % 2  # weight 1 for every second row, 0 for the others
print(f"every second row    {loss_of(y_sorted[half == 1], theirs(x_sorted[half == 1])):.4f}")
print(f"by sample_weight    {loss_of(y_sorted, theirs(x_sorted), sample_weight=half):.4f}")

# %% [markdown]
# **The epsilon of Adam.** A guard against division by 0, and not a small matter: Keras takes 1e-7 and adds it
# before the bias correction, Adam's paper and PyTorch take 1e-8 and add it after. The first step for gradients
# of different size:

# %%
sizes = np.logspace(-10, -3, 29).astype("float32")
weight = keras.Variable(np.zeros_like(sizes))
keras.optimizers.Adam(1.0).apply([tf.constant(sizes)], [weight])
steps = {"Keras": -weight.numpy()}
column = Dense(1, len(sizes), np.random.default_rng(0))
column.set_parameters([np.zeros((1, len(sizes))), np.zeros(len(sizes))])
column.gradients = {"kernel": sizes[None], "bias": sizes}
optimizers.Adam(1.0).step(column)
steps["ours"] = -column.parameters["bias"]
steps["the paper's algorithm 1"] = sizes / (sizes + 1e-8)  # both corrections done, m = g and v = g²


@styled
def first_steps():
    figure = new_figure(2.6)
    axes = figure.subplots()
    axes.plot(sizes, steps["Keras"], color=FAINT, linewidth=7, label="Keras")
    axes.plot(sizes, steps["ours"], **SERIES[0], markersize=3, label="ours")
    name = "the paper's algorithm 1"
    axes.plot(sizes, steps[name], **SERIES[3], markersize=3, label="paper, epsilon 1e-8")
    axes.set_xscale("log")
    axes.set_xlabel("size of the gradient")
    axes.set_ylabel("first step / learning rate")
    axes.set_title("Small gradients: Adam is not Adam")
    axes.legend()
    return figure


print(
    f"Keras's 1e-7 acts in the first step like {1e-7 / np.sqrt(1 - 0.999):.1e} in the paper's form"
)
first_steps()

# %% [markdown]
# **Batch normalisation** has three traps. Its epsilon is 1e-3 here and 1e-5 in PyTorch, which matters for
# inputs that hardly vary, such as the pixels in the corners. Its momentum is the share of the *old* average, in
# PyTorch that of the new. And it has two modes: after training it uses the moving averages, which start at 0
# and 1 and need time.

# %%
normalised = BatchNormalization(64).forward(x_train, training=True)
theirs_normalised = layers.BatchNormalization()(x_train, training=True)
print(
    f"pixels normalised, ours and Keras's: difference {difference(normalised, theirs_normalised):.0e}"
)
other_epsilon = BatchNormalization(64, epsilon=1e-5).forward(x_train, training=True)
print(
    f"epsilon 1e-5 in place of 1e-3: largest difference {difference(normalised, other_epsilon):.1f}"
)
steps = -(-len(x_train) // batch_size)
for momentum in (0.99, 0.9):
    random = np.random.default_rng(0)
    network = Sequential(
        [Dense(64, 64, random), BatchNormalization(64, momentum), ReLU(), Dense(64, 10, random)]
    )
    network.compile(optimizers.Adam(), sparse_categorical_crossentropy)
    network.fit(x_train, y_train, 1, batch_size)
    by_averages = network.evaluate(x_test, y_test)["loss"]
    by_batch = sparse_categorical_crossentropy(y_test, network.forward(x_test, training=True))[0]
    print(
        f"momentum {momentum}: after {steps} steps the start still has a share of {momentum**steps:.2f}; "
        f"test loss {by_averages:.3f}, with the test rows' own mean and variance {by_batch:.3f}"
    )

# %% [markdown]
# **GRU** has two forms. The one of the first paper resets the state before the matrix product, that of cuDNN
# after it (`reset_after=True`, the default, and ours). Shapes betray it by the bias alone, and without biases
# nothing does:

# %%
lines = x_test.reshape(-1, 8, 8)
gru = GRU(8, 16, np.random.default_rng(0))
kernel, recurrent_kernel, bias = gru.all_parameters()
for reset_after in (True, False):
    layer = layers.GRU(16, reset_after=reset_after)
    layer.build(lines.shape)
    layer.set_weights([kernel, recurrent_kernel, bias if reset_after else bias.sum(axis=0)])
    print(
        f"reset_after={reset_after}: bias {tuple(layer.weights[2].shape)}, "
        f"output differs from ours by {difference(gru.forward(lines), layer(lines)):.0e}"
    )

# %% [markdown]
# **Momentum** can hold steps (`m = momentum * m - rate * g`, `w += m`: Keras, ours) or gradients
# (`m = momentum * m + g`, `w -= rate * m`: PyTorch). With one learning rate both are the same. When the rate falls, the first goes on with the
# old steps for a while. A slope of 1 all the time, and a rate that falls to a tenth:

# %%
weight = keras.Variable(np.zeros(1, "float32"))
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
column = Dense(1, 1, np.random.default_rng(0))
column.gradients = {"kernel": np.ones((1, 1), "float32"), "bias": np.ones(1, "float32")}
our_optimizer = optimizers.SGD(lambda step: 0.1 if step < 40 else 0.01, momentum=0.9)
held, walked = (
    0.0,
    {"holds steps: Keras": [0.0], "holds steps: ours": [0.0], "holds gradients": [0.0]},
)
for step in range(70):
    rate = 0.1 if step < 40 else 0.01
    optimizer.learning_rate = rate
    optimizer.apply([tf.ones(1)], [weight])
    our_optimizer.step(column)
    held = 0.9 * held + 1
    walked["holds steps: Keras"].append(float(weight.numpy()[0]))
    walked["holds steps: ours"].append(float(column.parameters["bias"][0]))
    walked["holds gradients"].append(walked["holds gradients"][-1] - rate * held)


@styled
def after_the_fall():
    figure = new_figure(2.5)
    axes = figure.subplots()
    theirs, mine, gradients = (-np.diff(way) for way in walked.values())
    axes.plot(theirs, color=FAINT, linewidth=7, label="holds steps: Keras")
    axes.plot(mine, **(SERIES[0] | {"marker": ""}), label="holds steps: ours")
    axes.plot(gradients, **(SERIES[3] | {"marker": ""}), label="holds gradients")
    axes.set_xlabel("step; the rate falls at 40")
    axes.set_ylabel("length of the step")
    axes.set_title("The rate falls, and one of them rolls on")
    axes.legend()
    return figure


after_the_fall()

# %% [markdown]
# **Initialisation.** "A dense layer" and "an embedding" do not start alike everywhere. Standard deviations of
# the weights by the rules of the two frameworks (PyTorch's as its documentation has them):

# %%
random = np.random.default_rng(0)
embedding = layers.Embedding(1000, 64)
embedding.build((None,))
pd.DataFrame(
    {
        "Keras": {
            "Dense, 64 to 64": glorot_uniform((64, 64), random).std(),
            "Dense, 64 to 1024": glorot_uniform((64, 1024), random).std(),
            "bias": 0.0,
            "Embedding": embedding.embeddings.numpy().std(),
        },
        "PyTorch's rule": {
            "Dense, 64 to 64": random.uniform(-1 / 8, 1 / 8, (64, 64)).std(),  # ± 1 / √inputs
            "Dense, 64 to 1024": random.uniform(-1 / 8, 1 / 8, (64, 1024)).std(),
            "bias": random.uniform(-1 / 8, 1 / 8, 1024).std(),
            "Embedding": random.normal(size=(1000, 64)).std(),
        },
    }
).round(3)

# %% [markdown]
# None of these is an error, and each can be the reason why the results of a paper do not come out again.
# The cure is always the same: copy the weights, feed one batch, compare layer by layer, then gradients, then
# one step.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** After training, a batch normalisation is a fixed scale and shift of each feature. Put it into the dense
# layer before it: return the kernel and bias of one dense layer that does what both did. (Deployment tools do
# this.)


# %%
def folded(kernel, bias, gamma, beta, moving_mean, moving_variance, epsilon):
    """kernel (inputs, units), all others (units,) but epsilon. Returns the new kernel and bias."""
    raise NotImplementedError


# %%
check(folded)

# %% [markdown]
# **2.** You have a GRU of Keras and want to hand its kernel to PyTorch. Keras: (inputs, 3 units), gates in the
# order update, reset, candidate. PyTorch: (3 units, inputs), in the order reset, update, candidate.


# %%
def gru_kernel_for_pytorch(kernel):
    """kernel: (inputs, 3 units) in Keras's layout. Returns it in PyTorch's."""
    raise NotImplementedError


# %%
check(gru_kernel_for_pytorch)

# %% [markdown]
# **3.** Which epsilon must be given to Keras's Adam (added before the correction) so that step k is the one of
# the paper's algorithm 1 with a given epsilon? Keras: rate √(1 - β₂ᵏ) / (1 - β₁ᵏ) · m / (√v + ε). Paper: rate
# m̂ / (√v̂ + ε), with m̂ = m / (1 - β₁ᵏ) and v̂ = v / (1 - β₂ᵏ).


# %%
def keras_epsilon(paper_epsilon, k, beta_2):
    """k: the number of the step, from 1. Returns the epsilon for Keras."""
    raise NotImplementedError


# %%
check(keras_epsilon)
