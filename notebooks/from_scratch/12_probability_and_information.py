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
# # 12. Probability and information
#
# Why is the loss of a classifier the negative logarithm of a probability? Why the squared error for numbers,
# and when the absolute one? Nobody chose these formulas for their looks. They all come from one question:
# how probable are the data, if the model is right? This notebook asks it of people in car crashes and of
# diamonds.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common and projects live

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd

from common.from_scratch.activations import ReLU, softmax
from common.from_scratch.dense import Dense
from common.from_scratch.losses import categorical_crossentropy, sparse_categorical_crossentropy
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.optimizers import Adam
from common.from_scratch.sequential import Sequential
from common.plots.style import FAINT, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check
from projects.crash_injuries.load import load as load_crashes
from projects.diamond_prices.load import load as load_diamonds

# %% [markdown]
# ## Surprise
#
# People in fatal crashes, and how badly they were hurt: eight classes. A forecaster who knows nothing but
# the shares of the classes says for everyone: this with probability p, that with q. How much should an
# outcome cost him?
#
# Call the cost the surprise. What is certain is no surprise: probability 1 costs 0. And two outcomes that
# have nothing to do with each other should cost the sum of the two, while their probabilities multiply. Only
# one kind of function turns products into sums: the surprise is -log p.

# %%
crashes = load_crashes(rows=2000 if QUICK else 0)
train, test = crashes.examples("train"), crashes.examples("test")
# The file writes "Incapaciting".
classes = [label.replace("capaciting", "capacitating") for label in crashes.schema.labels]
y_train, y_test = train.target.astype("int64"), test.target.astype("int64")
shares = np.bincount(y_train, minlength=8) / len(y_train)
shares = np.maximum(shares, 0.5 / len(y_train))  # a class that was never seen is not impossible
shares /= shares.sum()
pd.DataFrame({"share": shares, "surprise": -np.log(shares)}, index=classes).round(4)

# %% [markdown]
# ## Entropy: the surprise to expect
#
# The mean surprise, each outcome as often as it happens, is the entropy: H(p) = - sum of p log p. No
# forecaster who knows the shares alone can expect less. It is largest where all classes are equally likely,
# and the number that a classifier's loss must beat. With the natural logarithm it is counted in nats, with
# the logarithm to base 2 in bits: yes-or-no questions.

# %%
entropy_of_shares = -np.sum(shares * np.log(shares))
print(
    f"entropy of the injuries:  {entropy_of_shares:.4f} = {entropy_of_shares / np.log(2):.2f} bits"
)
print(f"of eight equal classes:   {np.log(8):.4f} = 3 bits")
print(f"mean surprise on the test people: {-np.log(shares)[y_test].mean():.4f}")

# %% [markdown]
# ## Cross-entropy, and what a wrong forecast costs
#
# Now a forecaster believes in q while the world follows p. His mean surprise is the cross-entropy
# H(p, q) = - sum of p log q. What it exceeds the entropy by is the Kullback-Leibler divergence,
# KL(p, q) = sum of p log(p / q): the price of being wrong, never below 0, and 0 for q = p only.
#
# Try it: three forecasters look at those who wore a lap and shoulder belt. One says that all classes are
# equal, one gives the shares of everybody, and one the shares of those who wore the belt.

# %%
belted = (train.features["restraint"] == "Lap and Shoulder Belt").to_numpy()
p = np.bincount(y_train[belted], minlength=8) / belted.sum()
possible = p > 0  # what never happens adds nothing: p log p goes to 0
for name, q in {"equal": np.full(8, 1 / 8), "everybody": shares, "the belted": p}.items():
    crossed = -np.sum(p[possible] * np.log(q[possible]))
    divergence = np.sum(p[possible] * np.log(p[possible] / q[possible]))
    print(
        f"{name:<10} cross-entropy {crossed:.4f} = entropy {crossed - divergence:.4f} + KL {divergence:.4f}"
    )

# %% [markdown]
# This is what a column is worth: the less surprise is left once we know its value, the more it tells about
# the injury. Here for all columns of words, with the shares learned from the training people and the
# surprise measured on the test people. (Each value's shares are drawn to those of everybody, as if five
# people more had come with them.)


# %%
def surprise_given(column):
    """Mean surprise of the test people for a forecaster who knows this column."""
    counts = (
        pd.crosstab(train.features[column], y_train).reindex(columns=range(8), fill_value=0)
        + 5 * shares
    )
    forecast = (
        counts.div(counts.sum(axis=1), axis=0)
        .reindex(test.features[column])
        .fillna(dict(enumerate(shares)))
    )
    return -np.log(forecast.to_numpy()[np.arange(len(y_test)), y_test]).mean()


nothing_known = -np.log(shares)[y_test].mean()
saved = pd.Series(
    {column: nothing_known - surprise_given(column) for column in crashes.schema.categories}
)
saved = saved.sort_values()


@styled
def worth_of_columns():
    figure = new_figure(3.4)
    axes = figure.subplots()
    axes.barh([name.replace("_", " ") for name in saved.index], saved, color=SERIES[0]["color"])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("surprise saved on the test people, nats")
    axes.set_title("What a column tells about the injury")
    return figure


worth_of_columns()

# %% [markdown]
# ## Maximum likelihood: where the loss comes from
#
# Turn the question round. We do not know the true share of the dead; which share makes the data most
# probable? With k of n dead, share q gives them the probability q^k (1 - q)^(n - k), the likelihood. It is a
# number with thousands of zeros after the point, so take its logarithm, and divide by n: k/n log q + (1 -
# k/n) log(1 - q). This is the cross-entropy with the sign turned. **To minimise the cross-entropy is to
# maximise the likelihood**, no more and no less.

# %%
dead = np.mean(y_train == classes.index("Fatal Injury"))
q = np.linspace(0.01, 0.99, 99)
losses = -(dead * np.log(q) + (1 - dead) * np.log(1 - q))


@styled
def likelihood():
    figure = new_figure(2.6)
    axes = figure.subplots()
    axes.plot(q, losses, **{**SERIES[0], "marker": ""})
    axes.axvline(dead, color=SERIES[3]["color"], linestyle="--")
    axes.annotate(
        f"share in the data: {dead:.3f}", (dead, losses.max()), (6, -4), textcoords="offset points"
    )
    axes.set_xlabel("assumed share of the dead")
    axes.set_ylabel("- log likelihood per person")
    axes.set_title("The best constant forecast is the share in the data")
    return figure


likelihood()

# %% [markdown]
# A network that has nothing but a bias is such a forecaster. Train eight biases by gradient descent with the
# loss of `common/from_scratch/losses.py`, and see where they end. (The mean over all people needs one row
# only: the mean of their targets.)

# %%
seen = np.bincount(y_train, minlength=8)[None] / len(y_train)
bias = np.zeros((1, 8))
for step in range(1, 10_001):
    value, gradient = categorical_crossentropy(seen, bias)
    bias -= 2.0 * gradient
    if step in (1, 10, 100, 1000, 10_000):
        off = np.abs(softmax(bias) - seen)[0]
        print(
            f"step {step:>6,}: loss {value:.6f}, largest error of a share {off.max():.6f} "
            f"({classes[off.argmax()]})"
        )

# %% [markdown]
# The loss stops at the entropy, and the rarest class is the last to settle: a class that hardly happens
# hardly pulls.
#
# ## Numbers: the squared error is a Gaussian's
#
# A network that predicts a number m says more than it seems to: the truth will lie around m. How? If the
# errors e are Gaussian with deviation sigma, the surprise of one is
#
# -log density = e^2 / (2 sigma^2) + log sigma + a constant,
#
# so that the most probable m is the one with the least mean squared error. If they are Laplacian, the
# density falls as exp(-|e| / b), the surprise is |e| / b + log 2b, and the most probable m has the least
# mean absolute error. **The loss is a statement about the errors.** Which one is true for diamonds? A linear
# model from carats and grades, once of the price in dollars, once of its logarithm:

# %%
diamonds = load_diamonds(rows=2000 if QUICK else 0)
grades = pd.get_dummies(diamonds.features[list(diamonds.schema.categories)], dtype="float64")
carats = diamonds.features["carat"].to_numpy("float64")[:, None]
dollars = diamonds.target.astype("float64")
learn, held = (np.flatnonzero(diamonds.part == part) for part in ("train", "test"))


def errors_of(columns, target):
    """Errors of a linear model on the training rows and on the test rows."""
    table = np.hstack([columns, grades.to_numpy()])
    weights = np.linalg.lstsq(table[learn], target[learn])[0]
    return tuple(target[rows] - table[rows] @ weights for rows in (learn, held))


def surprises(train_errors, test_errors):
    """Mean surprise of the test errors, with the width that makes the training errors most probable."""
    sigma, b = np.sqrt(np.mean(train_errors**2)), np.mean(np.abs(train_errors))
    gaussian = np.mean(test_errors**2) / (2 * sigma**2) + np.log(sigma * np.sqrt(2 * np.pi))
    laplacian = np.mean(np.abs(test_errors)) / b + np.log(2 * b)
    return {"Gaussian": gaussian, "Laplacian": laplacian}


errors = {
    "price in dollars": errors_of(carats, dollars),
    "logarithm of the price": errors_of(np.log(carats), np.log(dollars)),
}
pd.DataFrame({name: surprises(*pair) for name, pair in errors.items()}).round(4).T


# %%
@styled
def histograms():
    figure = new_figure(2.9)
    for axes, (name, (train_errors, _)) in zip(figure.subplots(1, 2), errors.items(), strict=True):
        sigma, b = np.sqrt(np.mean(train_errors**2)), np.mean(np.abs(train_errors))
        e = np.linspace(-4 * sigma, 4 * sigma, 200)
        axes.hist(train_errors, np.linspace(-4 * sigma, 4 * sigma, 60), density=True, color=FAINT)
        gaussian = np.exp(-(e**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
        axes.plot(e, gaussian, **{**SERIES[0], "marker": ""}, label="Gaussian")
        axes.plot(
            e, np.exp(-np.abs(e) / b) / (2 * b), **{**SERIES[3], "marker": ""}, label="Laplacian"
        )
        axes.set_xlabel(f"error, {name.split()[-1] if 'dollars' in name else 'log dollars'}")
        axes.set_yticks([])
        axes.set_title(name, fontsize=9)
    axes.legend(fontsize=8, loc="upper left", handlelength=1.4)
    return figure


histograms()

# %% [markdown]
# The lower surprise wins. In dollars a few dear stones are off by thousands while most are off by little:
# tails too long for a Gaussian, so that the Laplacian fits better, though not well, for the errors are
# lopsided. (And though the line was fitted by least squares, which favours the Gaussian.) In logarithms an error counts by its ratio, and the Gaussian is the better one. So one may change
# the loss, or change the scale until the usual loss is true. (The surprises of the two rows cannot be
# compared: they are densities by the dollar and by the logarithm.)
#
# ## Calibration: is 90 % nine times in ten?
#
# A classifier's probabilities should mean what they say. Train a network for too long on too few people, and
# they do not: it has learned those by heart, and is as sure about others.

# %%
random = np.random.default_rng(0)


def inputs(part):
    """Words as columns of 0 and 1, ages in units of 50 years; the same columns for every part."""
    features = crashes.examples(part).features
    words = pd.get_dummies(
        features[list(crashes.schema.categories)].astype("category"), dtype="float32"
    )
    return words.assign(age=(features["age"].fillna(40) / 50).astype("float32"))


x_train = inputs("train")
validation = crashes.examples("validation")
y_validation = validation.target.astype("int64")
x_validation, x_test = (
    inputs(part).reindex(columns=x_train.columns, fill_value=0).to_numpy()
    for part in ("validation", "test")
)
few = random.choice(len(x_train), min(len(x_train), 4000), replace=False)
network = Sequential([Dense(x_train.shape[1], 64, random), ReLU(), Dense(64, 8, random)])
network.compile(Adam(3e-3), sparse_categorical_crossentropy, sparse_categorical_accuracy)
history = network.fit(x_train.to_numpy()[few], y_train[few], 10 if QUICK else 40, 64, random=random)
print(f"training people: loss {history['loss'][-1]:.3f}")
logits_validation, logits_test = network.predict(x_validation), network.predict(x_test)
loss_test, _ = sparse_categorical_crossentropy(y_test, logits_test)
print(f"test people:     loss {loss_test:.3f}; the shares alone: {nothing_known:.3f}")


# %%
def confidence_and_truth(logits, target, bins=10):
    """Mean probability of the class that was named, share that was right, and people, by tenth of people."""
    sure = softmax(logits).max(axis=1)
    right = logits.argmax(axis=1) == target
    groups = np.array_split(np.argsort(sure), bins)
    return np.array([(sure[group].mean(), right[group].mean(), len(group)) for group in groups]).T


named, right, people = confidence_and_truth(logits_test, y_test)
print(f"mean probability of the named class {np.average(named, weights=people):.3f}")
print(f"share of people it was right for    {np.average(right, weights=people):.3f}")

# %% [markdown]
# ## The cure with one number
#
# Divide all logits by a temperature T. Above 1 it makes every forecast less sure, and the order of the
# classes stays, so that accuracy does not change. Which T? The one that makes other people's data most
# probable: maximum likelihood once more, on the validation people.

# %%
temperatures = np.geomspace(0.5, 8, 60)
by_temperature = [
    sparse_categorical_crossentropy(y_validation, logits_validation / t)[0] for t in temperatures
]
best = temperatures[np.argmin(by_temperature)]
cooled = logits_test / best
cooled_loss, _ = sparse_categorical_crossentropy(y_test, cooled)
print(f"temperature {best:.2f}")
print(f"loss on the test people: {loss_test:.3f} before, {cooled_loss:.3f} after")
print(
    f"accuracy: {sparse_categorical_accuracy(y_test, logits_test):.4f} before, "
    f"{sparse_categorical_accuracy(y_test, cooled):.4f} after"
)


@styled
def reliability():
    figure = new_figure(3.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=4, label="a probability means what it says")
    for style, name, logits in (
        (SERIES[3], "as trained", logits_test),
        (SERIES[0], f"T = {best:.2f}", cooled),
    ):
        named, right, _ = confidence_and_truth(logits, y_test)
        axes.plot(named, right, **style, markersize=4, label=name)
    axes.set_xlabel("probability of the named class")
    axes.set_ylabel("share of people it was right for")
    axes.set_title("Sure of itself, and right: each dot a tenth of the test people")
    axes.legend(loc="upper left")
    return figure


reliability()

# %% [markdown]
# One number, found by the same loss, repairs most of what overfitting did to the probabilities. It cannot
# repair what the network got wrong.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Entropy, for any shares. Mind those that are zero: p log p goes to 0 there, but `np.log(0)` does not.


# %%
def entropy(shares):
    """shares: (classes,), of sum 1. Returns the entropy with the natural logarithm."""
    raise NotImplementedError


# %%
check(entropy)

# %% [markdown]
# **2.** The Kullback-Leibler divergence of a world p from a forecast q.


# %%
def kl_divergence(p, q):
    """p, q: (classes,), of sum 1, q above 0. Returns KL(p, q)."""
    raise NotImplementedError


# %%
check(kl_divergence)

# %% [markdown]
# **3.** Which constant has the highest likelihood if errors are Gaussian, and which if they are Laplacian?
# Both widths are the same for all numbers.


# %%
def most_likely_constants(numbers):
    """numbers: (n,). Returns the best constant for Gaussian and for Laplacian errors, as a pair."""
    raise NotImplementedError


# %%
check(most_likely_constants)

# %% [markdown]
# **4.** One number for a calibration curve: the expected calibration error is the mean distance between
# confidence and truth over the bins, each bin weighted by its people (`confidence_and_truth` returns all
# three).


# %%
def calibration_error(named, right, people):
    """named, right, people: (bins,). Returns the distance of `named` from `right`, mean over people."""
    raise NotImplementedError


# %%
check(calibration_error)
