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
# # 2. Losses, and what each of them punishes
#
# A network makes small what it is told to make small, and nothing else. So the loss is not a technical detail: it
# is the question that the network answers. Ask the same data two questions, and there are two answers, each
# right in its way.
#
# This notebook looks at the losses of `common/from_scratch/losses.py`, first with no network at all, then on
# prices and on tumours. Each of them is a function of target and prediction that returns two things: its
# value, and its slope by the prediction, which notebook 1 has shown to be the beginning of all back-propagation.

# %%
import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from common.from_scratch.activations import ReLU, Sigmoid, sigmoid
from common.from_scratch.dense import Dense
from common.from_scratch.losses import (
    binary_crossentropy,
    hinge,
    huber,
    mean_absolute_error,
    mean_squared_error,
)
from common.from_scratch.optimizers import SGD, Adam
from common.from_scratch.schedules import cosine_decay
from common.from_scratch.sequential import Sequential
from common.plots.style import MUTED, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check
from projects.diamond_prices.load import GRADES, NUMBERS, load, read_raw

# %% [markdown]
# ## One number for 34 diamonds
#
# These stones have the same weight, 0.51 carats, the same colour and the same clarity. How high is such a stone,
# in millimetres? One number for all of them is asked for.

# %%
diamonds = read_raw()
alike = diamonds.query("carat == 0.51 and color == 'E' and clarity == 'VS1'")
height = alike["z"].to_numpy()
print(f"{len(height)} stones, in order:\n{np.sort(height)}")

# %% [markdown]
# Nearly all lie between 3.0 and 3.3. One is said to be 31.8 mm high, ten times too much: surely 3.18, and somebody
# lost the point. In another row two columns have changed places. Nobody made this up for a lesson; the table of
# 53,940 diamonds has been used in courses for years, with these rows in it.
#
# Now take a number c for all. Three losses for an error e:
#
# - **MSE**, mean squared error: e²;
# - **MAE**, mean absolute error: |e|;
# - **Huber**: e²/2 up to a width delta that we choose, and from there on a straight line.
#
# We go downhill for each of them, by its slopes alone.


# %%
def best_constant(loss, target, start, steps, rate):
    """Go against the slope from `start`, with smaller and smaller steps."""
    c = start
    for step in range(steps):
        _, slopes = loss(target, np.full(target.shape, c))
        c -= rate * (1 - step / steps) * slopes.sum()  # all predictions are the one c
    return c


LOSSES = {
    "MSE": mean_squared_error,
    "Huber, delta 0.1": partial(huber, delta=0.1),
    "MAE": mean_absolute_error,
}
answers = {name: best_constant(loss, height, 5.0, 4000, 0.1) for name, loss in LOSSES.items()}
for name, answer in answers.items():
    print(f"{name}: {answer:.3f} mm")
print(f"mean of the heights {height.mean():.3f}, median {np.median(height):.3f}")


# %%
@styled
def heights():
    figure = new_figure(2.3)
    axes = figure.subplots()
    stack = pd.Series(height).round(1).to_frame("z").groupby("z").cumcount()
    axes.plot(height, stack, "o", color=MUTED, alpha=0.5, markersize=5)
    for style, (name, answer) in zip(
        (SERIES[0], SERIES[2], SERIES[3]), answers.items(), strict=True
    ):
        line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
        axes.axvline(answer, **line, label=f"{name}: {answer:.2f}")
    axes.set_xscale("log")
    axes.set_xticks([3, 4, 5, 10, 20, 32], ["3", "4", "5", "10", "20", "32"])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.set_xlabel("height of a stone, mm")
    axes.set_title("MSE answers where there is no stone at all")
    axes.legend(loc="upper right")
    return figure


heights()

# %% [markdown]
# MSE wants the mean, and two bad rows in 34 drag the mean to where no stone is. MAE wants the median, which
# they hardly move. Huber is near the median here.
#
# Why? Each row pulls at c, and the slope says how hard. In MSE a row pulls with twice its distance: the stone of
# 31.8 mm pulls like hundreds. In MAE each pulls with the same force, however far away it is, and c rests where
# as many pull up as down. Huber pulls like MSE near by and never harder than delta.


# %%
@styled
def values_and_slopes():
    figure = new_figure(2.7)
    left, right = figure.subplots(1, 2)
    errors = np.linspace(-3, 3, 301)
    named = {"MSE": mean_squared_error, "MAE": mean_absolute_error, "Huber, delta 1": huber}
    for style, (name, loss) in zip((SERIES[0], SERIES[3], SERIES[2]), named.items(), strict=True):
        told = [loss(np.zeros(1), np.array([error])) for error in errors]
        line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
        left.plot(errors, [value for value, _ in told], **line)
        right.plot(errors, [slope[0] for _, slope in told], **line, label=name)
    left.set_title("What an error costs")
    right.set_title("How hard it pulls")
    left.set_ylim(0, 5)
    right.legend(loc="upper left", fontsize=9)
    for axes in (left, right):
        axes.set_xlabel("prediction less target")
    return figure


values_and_slopes()

# %% [markdown]
# ## Outliers that are true
#
# It would be too simple to say: so use the median. Prices are skewed as well, but nothing is wrong with them;
# a large stone does cost 18,000 dollars. One price for all diamonds:

# %%
prices = diamonds["price"].to_numpy("float64") / 1000
if QUICK:
    prices = prices[::20]
rows = []
for c in (prices.mean(), np.median(prices)):
    rows.append(
        {
            "price for all": 1000 * c,
            "mean error of a stone": 1000 * np.mean(np.abs(prices - c)),
            "error of the whole lot, %": 100 * (c * len(prices) / prices.sum() - 1),
        }
    )
pd.DataFrame(rows, index=["mean (MSE)", "median (MAE)"]).round(1)

# %% [markdown]
# Who wants to be near the price of a single stone says the median. Who buys the whole lot, and pays the sum, is
# ruined by it: only the mean gets sums right. An insurer, a power station, a shop that orders for the week add
# up, and need the mean, outliers included. The loss has to ask what the user asks.
#
# Huber's delta is a dial between the two:

# %%
deltas = np.geomspace(0.05, 20, 5 if QUICK else 12)
between = [best_constant(partial(huber, delta=d), prices, 3.0, 150, 2 / min(1, d)) for d in deltas]


@styled
def dial():
    figure = new_figure(2.5)
    axes = figure.subplots()
    axes.plot(1000 * deltas, 1000 * np.array(between), **SERIES[0], markersize=4)
    for value, name, place in (
        (prices.mean(), "mean", "bottom"),
        (np.median(prices), "median", "top"),
    ):
        axes.axhline(1000 * value, color=MUTED, linewidth=1)
        axes.text(1000 * deltas[-1], 1000 * value, name, ha="right", va=place, color=MUTED)
    axes.set_ylim(1000 * np.median(prices) - 250, 1000 * prices.mean() + 250)
    axes.set_xscale("log")
    axes.set_xticks([100, 1000, 10_000], ["100", "1,000", "10,000"])
    axes.set_xlabel("delta, dollars")
    axes.set_ylabel("best constant, dollars")
    axes.set_title("Huber goes from the median to the mean")
    return figure


dial()

# %% [markdown]
# ## With a model: each loss wins by its own measure
#
# Now the price from weight, sizes and grades, on the project's split, where a stone that is listed twice never is in
# two parts. First a linear model, then a network of two hidden layers, trained with each of the losses and
# nothing else changed.

# %%
dataset = load(2000 if QUICK else 0)
table = np.column_stack(
    [dataset.features[list(NUMBERS)]]
    + [dataset.features[name].map(order.index) for name, order in GRADES.items()]
).astype("float32")
train = np.random.default_rng(0).permutation(np.flatnonzero(dataset.part == "train"))[:10_000]
test = np.flatnonzero(dataset.part == "test")
mean, deviation = table[train].mean(axis=0), table[train].std(axis=0)
table = (table - mean) / deviation
price = (dataset.target / 1000).reshape(-1, 1)
print(f"{len(train):,} stones to learn from, {len(test):,} to test on")


def linear(random):
    return Sequential([Dense(table.shape[1], 1, random)])


def network(random):
    first, second = Dense(table.shape[1], 32, random), Dense(32, 32, random)
    return Sequential([first, ReLU(), second, ReLU(), Dense(32, 1, random)])


def errors_of(build, loss, seed, epochs):
    """Errors in dollars on the test stones, after training with the loss."""
    random = np.random.default_rng(seed)
    model = build(random)
    steps = epochs * -(-len(train) // 64)
    model.compile(Adam(cosine_decay(0.01, steps)), loss)
    model.fit(table[train], price[train], epochs, batch_size=64, random=random)
    return 1000 * (model.predict(table[test], 1024) - price[test])


MEASURES = {
    "RMSE": lambda errors: np.sqrt(np.mean(errors**2)),
    "MAE": lambda errors: np.mean(np.abs(errors)),
    "half are nearer than": lambda errors: np.median(np.abs(errors)),
    "error of the lot, %": lambda errors: 100 * errors.mean() / (1000 * price[test].mean()),
}
ON_PRICES = {
    "MSE": mean_squared_error,
    "Huber, delta 300": partial(huber, delta=0.3),
    "MAE": mean_absolute_error,
}
rows = {}
for build in (linear, network):
    for name, loss in ON_PRICES.items():
        runs = [errors_of(build, loss, s, 2 if QUICK else 15) for s in range(1 if QUICK else 3)]
        rows[build.__name__, name] = {
            measure: float(np.mean([value(errors) for errors in runs]))
            for measure, value in MEASURES.items()
        }
pd.DataFrame(rows).T.round(1)

# %% [markdown]
# Read the columns. In the linear model the losses are up to hundreds of dollars apart, and each is best by its
# own measure: the model is too simple for the data, cannot be right everywhere, and the loss decides where it is
# wrong. MSE gets the sum right; MAE and Huber are nearer to most stones, and sell the lot too cheap.
#
# In the network the differences are small. The nearer a model comes to the truth, the less there is to choose.

# %% [markdown]
# ## Classes: why not the squared error of a probability?
#
# A network that says malignant or benign gives a number z, the logit, and p = sigmoid(z) is its probability. The
# squared error (p - t)² would be a loss too. Compare it with the cross-entropy, -log of the probability that was
# given to what is true. The tumour is malignant, t = 1, and z goes from *surely benign* to *surely malignant*.


# %%
@styled
def confidently_wrong():
    figure = new_figure(2.7)
    left, right = figure.subplots(1, 2)
    z = np.linspace(-8, 8, 161)
    p, t = sigmoid(z), 1.0
    for style, name, value, slope in (
        (SERIES[0], "cross-entropy", -np.log(p), p - t),
        (SERIES[2], "squared error", (p - t) ** 2, 2 * (p - t) * p * (1 - p)),
    ):
        line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
        left.plot(z, value, **line, label=name)
        right.plot(z, slope, **line)
    left.set_title("Loss of a malignant tumour")
    right.set_title("Slope by the logit")
    left.legend()
    for axes in (left, right):
        axes.set_xlabel("logit")
    right.text(-8, -0.42, "surely wrong,\nand no slope", va="top", fontsize=9)
    return figure


confidently_wrong()

# %% [markdown]
# The slope of the cross-entropy is p - t: the more wrong, the steeper, up to 1. The squared error has two more
# factors from the sigmoid, p (1 - p), and where the network is surely wrong p is next to 0, and so is the slope.
# The rows that have most to teach are those that it does not hear.
#
# Does it matter? From a fresh start perhaps not: small weights make no network sure of anything. So let us
# make it sure and wrong, by a mistake that really happens. In scikit-learn's table 1 stands for *benign*. Somebody
# trains with 1 for malignant, notices that the labels are turned round, corrects them, and trains on from
# the weights that are there.

# %%
cancer = load_breast_cancer()
malignant = 1.0 - cancer.target.reshape(-1, 1)
x_train, x_test, t_train, t_test = train_test_split(
    cancer.data, malignant, test_size=0.25, random_state=0, stratify=malignant
)
mean, deviation = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = (x_train - mean) / deviation, (x_test - mean) / deviation


def trained(loss, rate, start, epochs, labels=t_train):
    """A linear model after training; with the squared error, a sigmoid stands behind it."""
    layers = [Dense(30, 1, np.random.default_rng(0))]
    if loss is mean_squared_error:
        layers.append(Sigmoid())
    model = Sequential(layers).astype("float64")
    model.set_parameters(start)
    model.compile(SGD(rate), loss)
    model.fit(x_train, labels, epochs, random=np.random.default_rng(0))
    return model


def share_right(model, x, t):
    """Of the two classes the one on the prediction's side: of 1/2 for a probability, of 0 for a logit."""
    border = 0.5 if model.loss is mean_squared_error else 0.0
    return 100 * np.mean((model.predict(x, 1024) > border) == t)


fresh = [np.zeros((30, 1)), np.zeros(1)]
mistaken = trained(binary_crossentropy, 0.3, fresh, 100, labels=1 - t_train)
turned = mistaken.all_parameters()
print(f"right with the labels turned round: {share_right(mistaken, x_train, t_train):.1f} %")
print(f"half of its logits are beyond ± {np.median(np.abs(mistaken.predict(x_train))):.1f}")

# %% [markdown]
# Five epochs with the right labels follow. One learning rate for both losses would favour one of them, so each
# shows its result for all rates.

# %%
rates = np.geomspace(0.01, 10, 4 if QUICK else 10)
CLASS_LOSSES = {"cross-entropy": binary_crossentropy, "squared error": mean_squared_error}
after = {
    (beginning, name): [
        share_right(trained(loss, rate, start, 5), x_test, t_test) for rate in rates
    ]
    for beginning, start in (("fresh start", fresh), ("from surely wrong", turned))
    for name, loss in CLASS_LOSSES.items()
}


@styled
def by_rate():
    figure = new_figure(2.8)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, beginning in zip(panels, ("fresh start", "from surely wrong"), strict=True):
        for style, name in zip((SERIES[0], SERIES[2]), CLASS_LOSSES, strict=True):
            axes.plot(rates, after[beginning, name], **style, markersize=4, label=name)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_title(beginning.capitalize())
    panels[0].set_ylabel("test tumours right, %")
    panels[0].legend(loc="center right")
    return figure


by_rate()

# %% [markdown]
# From a fresh start the two are equals: the squared error is no mistake in itself, and its best answer is the
# true probability too. From a wrong conviction the cross-entropy comes back over most of the range of rates, and the
# squared error at the large end alone. This is why classifiers are
# trained with cross-entropies: not that the minimum were another, but that there is a slope towards it from
# everywhere.
#
# ## Hinge: good enough is good enough
#
# Count the classes as t = -1 and 1. The hinge loss max(0, 1 - t z) asks for a margin of 1 on the right side, and
# whoever has it costs nothing and pulls no more. The cross-entropy is never content.


# %%
@styled
def margins():
    figure = new_figure(2.6)
    axes = figure.subplots()
    z = np.linspace(-4, 4, 161).reshape(-1, 1)
    t = np.ones_like(z)
    for style, (name, loss) in zip(
        (SERIES[0], SERIES[3]),
        {"cross-entropy": binary_crossentropy, "hinge": hinge}.items(),
        strict=True,
    ):
        _, slopes = loss(t, z)
        line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
        axes.plot(z, -slopes * len(z), **line, label=name)
    axes.set_xlabel("margin: logit, counted towards the right side")
    axes.set_ylabel("pull")
    axes.set_title("Who is right by 1 no longer pulls at the hinge")
    axes.legend()
    return figure


margins()

# %% [markdown]
# The same linear model, trained for long with each of them:

# %%
signs = 2 * t_train - 1
epochs = 20 if QUICK else 200
by_entropy = trained(binary_crossentropy, 0.1, fresh, epochs)
by_hinge = trained(hinge, 0.01, fresh, epochs, labels=signs)
for name, model, labels in (
    ("cross-entropy", by_entropy, t_train),
    ("hinge", by_hinge, signs),
):
    z = model.predict(x_train, 1024)
    _, slopes = model.loss(labels, z)
    test_z = model.predict(x_test, 1024)
    print(
        f"{name}: {np.sum(slopes != 0)} of {len(z)} training rows still pull, half of these by more "
        f"than {np.median(np.abs(slopes[slopes != 0])) * len(z):.4f}\n"
        f"    test tumours: {share_right(model, x_test, t_test):.1f} % right, "
        f"cross-entropy {binary_crossentropy(t_test, test_z)[0]:.3f}"
    )


# %%
@styled
def outputs():
    figure = new_figure(2.6)
    panels = figure.subplots(1, 2)
    for axes, name, model in zip(
        panels, ("cross-entropy", "hinge"), (by_entropy, by_hinge), strict=True
    ):
        margin = (signs * model.predict(x_train, 1024)).ravel()
        axes.hist(margin, bins=40, color=SERIES[0]["color"])
        axes.axvline(1, color=SERIES[3]["color"], linestyle="--")
        axes.set_title(name.capitalize())
        axes.set_xlabel("margin of a training row")
    panels[0].set_ylabel("rows")
    return figure


outputs()

# %% [markdown]
# With the cross-entropy nearly every row pulls on, however faintly, and the margins grow as long as one trains.
# With the hinge a few rows at the border hold the model (they are the *support vectors* of the machines
# of that name), and all others could be forgotten. The shares of tumours right are as good as equal; they differ
# by a tumour or two. But the hinge has nothing to say about *how* sure it is. Read as logits its outputs cost more
# cross-entropy. Who needs a probability, for a threshold or for a cost, takes the cross-entropy.
#
# ## Which one?
#
# | the question | loss | the best answer | beware of |
# | --- | --- | --- | --- |
# | what is it on average? what do many add up to? | MSE | mean | a bad row pulls like hundreds |
# | what is near most of them? | MAE | median | sums come out wrong where the target is skewed; near the end the slope stays as large |
# | the mean, but not of the typing errors | Huber | between, by delta | delta has a unit: scale the target, or choose it anew |
# | how probable is each class? | cross-entropy | the probability | wrong labels: each costs without limit |
# | which class, and a safe distance? | hinge | the side | no probabilities |
#
# Where notebook 12 asks *why* just the squared error and the cross-entropy, the answer comes from
# probability: each of them is the -log of what a model considers likely.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`. All three return
# what the library's losses return: the mean over all numbers, and the slope by each prediction, which is
# divided by how many there are.
#
# **1.** A baker wants the number of loaves that suffices on nine days of ten. Where the prediction is too low by
# e the loss is share · e, where it is too high by e it is (1 - share) · e; the best constant is then the value with
# `share` of the targets below it. (At an error of exactly 0, any slope between the two will do.)


# %%
def quantile_loss(target, prediction, share):
    """target, prediction: of one shape. Returns the value and dvalue/dprediction."""
    raise NotImplementedError


# %%
check(quantile_loss)

# %% [markdown]
# **2.** log(cosh(e)) is about e²/2 near 0 and |e| - log 2 far away: a Huber without a delta, and smooth. But cosh(1000)
# is no number that a computer has. Find a form that does not overflow. (cosh e = (eᵉ + e⁻ᵉ) / 2, so take the larger
# of the two powers out of the logarithm.)


# %%
def log_cosh(target, prediction):
    """target, prediction: of one shape. Returns the value and dvalue/dprediction."""
    raise NotImplementedError


# %%
check(log_cosh)

# %% [markdown]
# **3.** A missed tumour is worse than a false alarm. Let the cross-entropy of the rows with target 1 count `weight`
# times. The mean is still over all rows, not divided by the weights.


# %%
def weighted_crossentropy(target, logits, weight):
    """target: of 0 and 1; logits: of its shape. Returns the value and dvalue/dlogits."""
    raise NotImplementedError


# %%
check(weighted_crossentropy)
