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
# # 13. The debugging clinic
#
# A wrong program stops. A wrong network trains: the progress bar moves, the loss is a number, and what comes out
# is a little worse than it should be, or nothing at all, or too good to be true. Nothing tells you which line it is.
#
# You know by now what has to happen inside, forward and backward. So look there. Six networks in this notebook are
# broken; for each there is a picture of the evidence, the finding of the kit's training doctor
# (`common/training_doctor.py`), and the line that mends it.

# %%
import json
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

from common.backend import start_backend

start_backend("float32")
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few epochs

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers, ops
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from common.plots.style import SERIES, new_figure, styled
from common.training_doctor import diagnose
from notebooks.from_scratch.exercises import check

EPOCHS = 2 if QUICK else 15
BESIDE = 1 if QUICK else 2  # is a sound network trained beside the broken one?
digits, digit = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(
    digits.astype("float32") / 16, digit, test_size=500, random_state=0, stratify=digit
)
x.shape

# %% [markdown]
# ## The patient who learns nothing
#
# Somebody trained a network on the digits with Adam and a learning rate of 1, saw nonsense, lowered the rate to the
# usual thousandth, and went on. Since then:


# %%
def build(optimizer="adam", activation="relu", initializer="glorot_uniform"):
    model = keras.Sequential([keras.Input((64,))])
    for number in (1, 2, 3):
        dense = layers.Dense(
            64, activation, kernel_initializer=initializer, name=f"hidden_{number}"
        )
        model.add(dense)
    model.add(layers.Dense(10, "softmax", name="classes"))
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def accuracy_of(model, x, y):
    return np.mean(model(x).numpy().argmax(axis=1) == y)


def train(model, x=x, x_test=x_test, epochs=EPOCHS):
    """Fit, and tell the loss of the first and last epoch and the accuracy on test digits."""
    losses = model.fit(x, y, epochs=epochs, batch_size=64, verbose=0).history["loss"]
    accuracy = accuracy_of(model, x_test, y_test)
    print(f"loss {losses[0]:.3f} to {losses[-1]:.3f}, test accuracy {accuracy:.1%}")


keras.utils.set_random_seed(1)
patient = build(keras.optimizers.Adam(1.0))
train(patient, epochs=3)
patient.compile("adam", "sparse_categorical_crossentropy")
train(patient)

# %% [markdown]
# A loss that stays where guessing is: a guess among ten costs log 10, about 2.303. Too few units, too few epochs, bad
# luck with the seed, the data? All four cost an afternoon to try. Looking takes a dozen lines: run one batch through
# every layer, and the gradient back.


# %%
def signals(model, x, y):
    """For each hidden layer: its output (rows, units), and the loss's gradient by it."""
    outputs = []
    with tf.GradientTape() as tape:
        answer = tf.constant(x)
        for layer in model.layers:
            answer = layer(answer)
            outputs.append(answer)
        loss = ops.mean(keras.losses.sparse_categorical_crossentropy(y, answer))
    hidden = outputs[:-1]
    return [
        (output.numpy(), gradient.numpy())
        for output, gradient in zip(hidden, tape.gradient(loss, hidden), strict=True)
    ]


@styled
def evidence(model, title):
    """What comes out of each hidden layer, and how large a gradient arrives at it."""
    found = signals(model, x[:256], y[:256])
    figure = new_figure(2.3)
    figure.suptitle(title, x=0.01, ha="left")
    *panels, last = figure.subplots(1, len(found) + 1, width_ratios=[*[1] * len(found), 1.3])
    for number, (axes, (output, _)) in enumerate(zip(panels, found, strict=True), start=1):
        axes.hist(output.ravel(), bins=25, color=SERIES[0]["color"])
        axes.set_title(f"hidden layer {number}", fontsize=9)
        axes.set_yticks([])
        axes.tick_params(labelsize=8)
        axes.set_xlabel("output", fontsize=9)
    sizes = [np.sqrt((slope**2).sum()) for _, slope in found]
    last.bar(range(1, len(sizes) + 1), np.maximum(sizes, 1e-12), color=SERIES[3]["color"])
    last.set_yscale("log")
    last.set_ylim(1e-12, 10)
    last.set_title("gradient", fontsize=9)
    last.set_xlabel("hidden layer", fontsize=9)
    last.tick_params(labelsize=8)
    return figure


evidence(patient, "Two layers give 0 for every row; no gradient comes back")

# %% [markdown]
# There it is. Wild steps have pushed the units so far below zero that ReLU cuts off every row; where it cuts off, its
# slope is 0 too, so no later step can lift them again. These units are dead, and a lower rate does not wake them. The
# doctor measures the same and says it in a sentence:


# %%
def told(model, x, y, **settings):
    """Print what the doctor finds wrong; one line where there is nothing."""
    wrong = [finding for finding in diagnose(model, x, y, **settings) if finding.level != "ok"]
    for finding in wrong:
        print(f"{finding.level}: {finding.check}. {finding.message}\n")
    if not wrong:
        print("nothing found")


told(patient, x, y)

# %% [markdown]
# Dead units cannot be trained, only drawn anew:

# %%
keras.utils.set_random_seed(0)
mended = build()
told(mended, x, y)
train(mended)

# %%
evidence(mended, "After: every layer answers, and the gradient arrives in all of them")

# %% [markdown]
# ## Saturated, and slow to admit it
#
# The second patient has tanh and was initialised by hand, "a normal distribution will do". The picture shows it before
# its training, the line above it what came of it, beside the same network as Keras begins it.

# %%
keras.utils.set_random_seed(0)
normal = build(activation="tanh", initializer=initializers.RandomNormal(stddev=1.0))
picture = evidence(normal, "Most outputs lie at the two ends, where tanh is flat")
for number, (output, _) in enumerate(signals(normal, x[:256], y[:256]), start=1):
    print(f"hidden layer {number}: {np.mean(np.abs(output) > 0.95):.0%} of the outputs beyond 0.95")
told(normal, x, y)
train(normal)
keras.utils.set_random_seed(0)
train(build(activation="tanh"))
picture

# %% [markdown]
# It does learn, which is why nobody looked; only worse than it could. At the ends the slope of tanh is almost 0, so
# that most units hear nothing for most rows. (The bars do not show it: the large weights blow up what comes through
# the few others. Look at more than one number.) In the second and third layer 64 inputs of about ±1, with weights of
# deviation 1, add up to numbers of about √64 = 8. Glorot's formula asks for weights of deviation √(2 / (64 + 64)) = 1/8.

# %% [markdown]
# ## Who looks at the neighbour's sheet?
#
# The third patient has `Softmax(axis=0)`. The shapes are right, so nothing complains. But axis 0 is the batch: the
# shares of a class sum to 1 over the *rows*, and what is said of a digit depends on which digits happen to stand
# beside it. The test is simple: the answer for row i must not move when input j does.


# %%
def with_softmax(axis):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), layers.Dense(32, "relu"), layers.Dense(10)])
    model.add(layers.Softmax(axis=axis, name="shares"))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def influence(model, rows=12):
    """How much the answer for row i moves with input j: (rows, rows)."""
    batch = tf.constant(x[:rows])
    with tf.GradientTape() as tape:
        tape.watch(batch)
        answers = model(batch)
        largest = ops.max(answers, axis=1)
    return np.abs(tape.jacobian(largest, batch)).sum(axis=2)


@styled
def neighbours():
    figure = new_figure(2.9)
    figure.suptitle("How the answer for row i moves with input j", x=0.01, ha="left")
    for axes, axis in zip(figure.subplots(1, 2), (0, -1), strict=True):
        moved = influence(with_softmax(axis))
        axes.imshow(moved / moved.max(), cmap="Greys", vmin=0, vmax=0.1)
        axes.set_title(f"softmax over axis {axis}")
        axes.set_xlabel("input j")
        axes.set_ylabel("answer i")
        axes.grid(visible=False)
    return figure


neighbours()

# %% [markdown]
# Black is a tenth of the largest movement and more. On the right only the diagonal moves. On the left every row looks
# at every other, from afar.

# %%
told(with_softmax(0), x, y)
for axis in (0, -1)[:BESIDE]:
    model = with_softmax(axis)
    print(f"softmax over axis {axis}: ", end="")
    train(model)
    with warnings.catch_warnings(action="ignore"):  # of one row even Keras sees the wrong axis
        print("    one digit alone:", model(x_test[:1]).numpy()[0].round(2))

# %% [markdown]
# The two losses are the same: where the last layer is a softmax, Keras computes the cross-entropy from what went into
# it, over the last axis, and never sees the wrong one. So the loss curve of this patient is the picture of health. But
# its answers depend on the company: among 500 others most digits are still told apart, and for one alone all ten
# classes are certain.

# %% [markdown]
# ## The gradient that grows on its way back
#
# A recurrent layer multiplies the gradient by the same matrix at each step (notebook 6). The fourth patient reads a
# digit row by row, with recurrent weights two and a half times too large. How large is the gradient by the input at
# each step?

# %%
rows, rows_test = x.reshape(-1, 8, 8), x_test.reshape(-1, 8, 8)


def reader(scale):
    keras.utils.set_random_seed(0)
    start = initializers.Orthogonal(scale)
    cell = layers.SimpleRNN(32, activation="relu", recurrent_initializer=start)
    model = keras.Sequential([keras.Input((8, 8)), cell, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def gradient_by_step(model):
    batch = tf.constant(rows[:256])
    with tf.GradientTape() as tape:
        tape.watch(batch)
        loss = ops.mean(keras.losses.sparse_categorical_crossentropy(y[:256], model(batch)))
    return np.sqrt((np.asarray(tape.gradient(loss, batch)) ** 2).sum(axis=(0, 2)))


@styled
def through_time():
    figure = new_figure(2.8)
    axes = figure.subplots()
    for style, scale in zip((SERIES[3], SERIES[0]), (2.5, 1.0), strict=True):
        sizes = gradient_by_step(reader(scale))
        axes.plot(range(1, 9), sizes, **style, label=f"orthogonal x {scale}")
        print(f"x {scale}: first step {sizes[0] / sizes[-1]:.2g} times the last one")
    axes.set_yscale("log")
    axes.set_title("Back in time, one gradient grows, the other fades")
    axes.set_xlabel("time step")
    axes.set_ylabel("gradient by the input")
    axes.legend(loc="upper right")
    return figure


through_time()

# %%
told(reader(2.5), rows, y)
for scale in (2.5, 1.0)[:BESIDE]:
    print(f"x {scale}: ", end="")
    train(reader(scale), rows, rows_test)

# %% [markdown]
# Adam divides by the size of the gradients, so this one still learns, and only eight steps had time to grow. With every
# further step the factor comes in once more.
#
# ## Nothing wrong with the network at all
#
# The fifth patient learns its training digits better and better. On others it guesses. More dropout? More data? First
# a control: take answers for rows that were not learned from, and compare their loss with that of the *same answers
# and swapped labels*. If labels have anything to do with the inputs, swapping makes the loss worse.

# %%
broken_labels = np.sort(y)  # the file of labels was sorted, the file of pictures was not


def control(labels):
    """Loss of 300 rows after training on the others, and of 500 swaps of their labels."""
    keras.utils.set_random_seed(0)
    model = build()
    order = np.random.default_rng(0).permutation(len(x))
    learn, held_out = order[:-300], order[-300:]
    model.fit(x[learn], labels[learn], epochs=2 * EPOCHS, batch_size=64, verbose=0)
    for name, part in (("learned from", learn), ("held out", held_out)):
        print(f"    {name:12} {accuracy_of(model, x[part], labels[part]):.1%} right")
    logs = np.log(np.maximum(model(x[held_out]).numpy(), 1e-7))
    random = np.random.default_rng(1)
    swaps = [random.permutation(labels[held_out]) for _ in range(500)]
    return -logs[range(300), labels[held_out]].mean(), [-logs[range(300), s].mean() for s in swaps]


@styled
def controls():
    figure = new_figure(2.5)
    figure.suptitle("Swapping sorted labels makes nothing worse", x=0.01, ha="left")
    for axes, (name, labels) in zip(
        figure.subplots(1, 2),
        {"labels as they were": y, "labels sorted": broken_labels}.items(),
        strict=True,
    ):
        print(name)
        own, swapped = control(labels)
        axes.hist(swapped, bins=25, color=SERIES[1]["color"], label="labels swapped")
        axes.axvline(own, color=SERIES[3]["color"], linewidth=2.5, label="their own labels")
        axes.set_title(name)
        axes.set_xlabel("loss of held-out rows")
        axes.set_yticks([])
    figure.axes[0].legend(fontsize=8, loc="upper center")
    return figure


controls()

# %%
told(build(), x, broken_labels)

# %% [markdown]
# ## Too good
#
# The last patient does not complain at all. Breast cancer, a table of 31 columns, and a network that is hardly ever
# wrong.

# %%
loaded = load_breast_cancer()
measured = (loaded.data - loaded.data.mean(axis=0)) / loaded.data.std(axis=0)
random = np.random.default_rng(0)
letter = random.integers(0, 3, len(measured)) + 3 * (loaded.target == 0)  # six kinds of letters
columns = np.column_stack([measured, letter]).astype("float32")


def for_columns(count):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((count,)), layers.Dense(32, "relu"), layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model


for table in (columns, measured.astype("float32"))[:BESIDE]:
    model = for_columns(table.shape[1])
    model.fit(table[:400], loaded.target[:400], epochs=2 * EPOCHS, verbose=0)
    right = (model(table[400:]).numpy()[:, 0] > 0.5) == loaded.target[400:]
    print(f"{table.shape[1]} columns: test accuracy {right.mean():.1%}")
told(for_columns(31), columns, loaded.target)


@styled
def columns_alone():
    alone = [roc_auc_score(loaded.target, column) for column in columns.T]
    alone = np.maximum(alone, 1 - np.array(alone))  # upside down it tells as much
    figure = new_figure(2.3)
    axes = figure.subplots()
    axes.bar(range(30), alone[:30], color=SERIES[0]["color"])
    axes.bar(30, alone[30], color=SERIES[3]["color"])
    axes.set_ylim(0.5, 1.01)
    axes.set_xlabel("column")
    axes.set_ylabel("ROC AUC alone")
    axes.set_title("One column alone knows everything")
    return figure


columns_alone()

# %% [markdown]
# Column 30 (we added it, the first is 0) is the kind of the letter that was sent to the woman: written after the
# diagnosis. The network is right to use it, and useless, for whoever asks it has no letter yet. No measure of training
# can see that; it takes a look at single columns and the question "is it known at the moment of prediction?".
#
# ## How far the doctor sees
#
# `python -m benchmarks.clinic` plants twelve faults into several networks each, and examines sound ones too:

# %%
results = json.loads((Path.cwd().parents[1] / "benchmarks" / "clinic.json").read_text())
faults = {}
for entry in results["faults"]:
    named = entry["findings"][0]["check"] if entry["findings"] else "nothing"
    faults.setdefault(entry["fault"], []).append(named)
for fault, named in faults.items():
    print(f"{fault:31} {len(named)} networks, named first: {', '.join(sorted(set(named)))}")
sound = [each for part in results if part not in ("faults", "faint") for each in results[part]]
alarmed = [each for each in sound if any(f["level"] == "alarm" for f in each["findings"])]
print(f"\nalarms on sound networks: {len(alarmed)} of {len(sound)}")

# %% [markdown]
# And where faults are faint, it grows blind (what it named, beside what was planted):

# %%
for entry in results["faint"]:
    named = entry["findings"][0]["check"] if entry["findings"] else "nothing"
    print(f"{entry['fault']:31} {entry['name']:44} {named}")

# %% [markdown]
# Half of the labels shuffled looks from outside like a hard problem. So use it as one would use a doctor: early, and
# not in place of looking at the data. In the kit, every run asks two quick questions before the training (does it
# start at chance, can it learn one batch by heart?); `--diagnose` asks all of them.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** The measure behind the first picture: which share of the units gives 0 for every row?


# %%
def dead_share(outputs):
    """outputs: (rows, units), after ReLU. Returns a number from 0 to 1."""
    raise NotImplementedError


# %%
check(dead_share)

# %% [markdown]
# **2.** The measure behind the fourth: by which factor does the gradient grow from one time step to the one before?
# Take the mean factor, geometrically: a growth of 4 and one of 1 make 2 a step.


# %%
def growth_per_step(gradient):
    """gradient: by the input, (rows, steps, features). Returns the factor a step, back in time."""
    raise NotImplementedError


# %%
check(growth_per_step)

# %% [markdown]
# **3.** Two faults at once. Try `told(broken_digits(), x, y)`, mend, look again: the second shows when the first is
# gone. The check trains your network for some epochs.


# %%
def broken_digits():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    hidden = [
        layers.Dense(32, "relu", bias_initializer=initializers.Constant(-6)) for _ in range(2)
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")])
    model.compile("adam", loss)
    return model


def mended_digits():
    """Returns the network of `broken_digits`, compiled, without its faults."""
    raise NotImplementedError


# %%
check(mended_digits)

# %% [markdown]
# **4.** And a reader of rows, `told(broken_reader(), rows, y)`. Three faults.


# %%
def broken_reader():
    start = initializers.Orthogonal(3.0)
    hidden = [layers.SimpleRNN(32, recurrent_initializer=start), layers.Dense(32), layers.Dense(10)]
    model = keras.Sequential([keras.Input((8, 8)), *hidden, layers.Softmax(axis=0)])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def mended_reader():
    """Returns the network of `broken_reader`, compiled, without its faults."""
    raise NotImplementedError


# %%
check(mended_reader)
