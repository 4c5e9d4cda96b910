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
# # 8. Regularisation and generalisation
#
# A network is trained on some rows and used on others. What it does on the first is easy to improve: more
# weights, more epochs. What counts is the second. We overfit on purpose, look at what that is, and then try
# the known cures one by one and measure what each buys on digits that the network has not seen, over several
# seeds. Some buy a lot, some nothing, and which it is depends on what is wrong.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives
# Products of small matrices: two threads would spend their time waiting for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
from sklearn.datasets import load_digits

from common.from_scratch.activations import ReLU
from common.from_scratch.dense import Dense
from common.from_scratch.dropout import Dropout
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.normalization import BatchNormalization
from common.from_scratch.optimizers import Adam, AdamW
from common.from_scratch.sequential import Sequential
from common.plots.style import FAINT, MUTED, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

EPOCHS = 4 if QUICK else 100
SEEDS = range(2 if QUICK else 5)

# %% [markdown]
# ## Few digits, many weights
#
# 200 handwritten digits to learn from, 300 to choose settings by (validation), 600 for the final word (test). The
# network has two hidden layers of 128 units. For each seed, rows are drawn anew.

# %%
digits = load_digits()
pictures = (digits.images / 16).astype("float32")


def parts(seed, rows=200):
    """Row numbers for training, validation, test."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    return order[:rows], order[-900:-600], order[-600:]


def build(random, units=128, layers=2, rate=0.0, normalised=False):
    """Hidden layers with ReLU; dropout and batch normalisation if asked for."""
    stack, inputs = [], 64
    for _ in range(layers):
        stack.append(Dense(inputs, units, random))
        stack += [BatchNormalization(units, momentum=0.9)] if normalised else []
        stack.append(ReLU())
        stack += [Dropout(rate, random)] if rate else []
        inputs = units
    return Sequential([*stack, Dense(inputs, 10, random)])


def flat(pictures):
    return pictures.reshape(len(pictures), 64)


def ready(network, optimizer):
    network.compile(optimizer, sparse_categorical_crossentropy, sparse_categorical_accuracy)
    return network


weights = sum(p.size for p in build(np.random.default_rng(0)).all_parameters())
print(f"{weights:,} weights, {200 * 64:,} pixels in all training digits, 200 labels")

# %% [markdown]
# ## A network can learn anything by heart
#
# First the digits with their labels. Then the same digits with the labels shuffled among them, so that there is
# nothing to be learned. (The experiment is that of Zhang et al., "Understanding deep learning requires
# rethinking generalization", 2017.)

# %%
train, validation, test = parts(0)
x_test, y_test = flat(pictures[test]), digits.target[test]
shuffled = np.random.default_rng(0).permutation(digits.target[train])
for name, labels in {"right labels": digits.target[train], "shuffled labels": shuffled}.items():
    random = np.random.default_rng(0)
    network = ready(build(random), Adam(0.003))
    network.fit(flat(pictures[train]), labels, epochs=EPOCHS, batch_size=25, random=random)
    told = network.evaluate(flat(pictures[train]), labels)
    on_test = network.evaluate(x_test, y_test)["sparse_categorical_accuracy"]
    print(f"{name:15} training: loss {told['loss']:.4f},", end=" ")
    print(
        f"{100 * told['sparse_categorical_accuracy']:.0f} % right; test: {100 * on_test:.0f} % right"
    )

# %% [markdown]
# Given time, the loss on the training digits goes to nearly 0 for nonsense as well. So a small training loss proves
# nothing: it says that the network is large enough, and no more.
#
# ## A careless annotator
#
# Real labels lie between the two. Let us redraw 30 % of the labels at random (a tenth of them happen to stay
# right), in training and validation, as if one careless person had typed them all. The test labels stay
# right. What happens epoch by epoch?


# %%
def labelled(seed, careless, rows=200):
    """Row numbers and labels: training, validation, test; careless: share of labels redrawn."""
    random, told = np.random.default_rng(seed + 100), []
    train, validation, test = parts(seed, rows)
    for part in (train, validation):
        redrawn = random.random(len(part)) < careless
        told.append(np.where(redrawn, random.integers(0, 10, len(part)), digits.target[part]))
    return (train, told[0]), (validation, told[1]), (test, digits.target[test])


def by_epoch(careless):
    """Loss and share right on training and test digits after every epoch."""
    (train, y_train), _, (test, y_test) = labelled(0, careless)
    random = np.random.default_rng(0)
    network, scores = ready(build(random), Adam(0.003)), []
    for _ in range(EPOCHS):
        network.fit(flat(pictures[train]), y_train, batch_size=25, random=random)
        for part, y in ((train, y_train), (test, y_test)):
            scores.append(list(network.evaluate(flat(pictures[part]), y, 600).values()))
    return np.array(scores).reshape(EPOCHS, 2, 2)  # epoch, part, (loss, accuracy)


curves = {"all labels right": by_epoch(0.0), "30 % redrawn": by_epoch(0.3)}
for name, scores in curves.items():
    loss, right = scores[:, 1, 0], 100 * scores[:, 1, 1]
    print(f"{name:17} test loss: lowest {loss.min():.2f} in epoch {loss.argmin() + 1},", end=" ")
    print(
        f"{loss[-1]:.2f} at the end; right: best {right.max():.1f} %, {right[-1]:.1f} % at the end"
    )


# %%
@styled
def overfitting():
    figure = new_figure(4.4)
    grid = figure.subplots(2, 2, sharex=True, sharey="row")
    for column, (name, scores) in zip(grid.T, curves.items(), strict=True):
        for style, place, part in ((SERIES[3], 0, "training"), (SERIES[0], 1, "test")):
            line = style | {"marker": ""}
            column[0].plot(range(1, EPOCHS + 1), scores[:, place, 0], **line, label=part)
            column[1].plot(range(1, EPOCHS + 1), 100 * scores[:, place, 1], **line)
        column[0].set_title(name)
        column[1].set_xlabel("epoch")
    grid[0, 0].set_ylabel("loss")
    grid[1, 0].set_ylabel("right, %")
    grid[0, 0].legend()
    return figure


overfitting()

# %% [markdown]
# Both times the training loss goes down and down, while the test loss turns and climbs, a little on the left, far on
# the right: overfitting. With right labels it is a matter of confidence; the share of right answers stays where it
# is. With wrong labels among them the network first learns what most digits agree on, and then the exceptions by
# heart, and for those it bends what it knew: right answers are lost.
#
# ## The cures, as switches
#
# - **Weight decay** pulls every weight towards 0 at each step, in proportion to itself. Weights that the data do not
#   insist on vanish.
# - **Dropout** sets units to 0 by chance in training. No unit can rely on one other to know the exception.
# - **Early stopping** keeps the weights of the epoch with the lowest validation loss.
# - **Augmentation** shows each digit moved by up to one pixel, anew in every epoch.
# - **A smaller network** has less room for exceptions, they say.
# - **Batch normalisation** brings each unit to mean 0 and deviation 1 within the batch, and is often named here too.
# - **Four at once**: early stopping, augmentation, dropout of 0.5 and a weight decay of 0.3.
# - **More data**: four times as many digits from the same annotator.


# %%
def moved(x, random):
    """Each picture by -1, 0 or 1 pixel each way; zeros come in from outside."""
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1)])
    places = random.integers(0, 3, (len(x), 2))
    return np.stack([p[i : i + 8, j : j + 8] for p, (i, j) in zip(padded, places, strict=True)])


def cured(
    seed, careless, rows=200, weight_decay=0.0, stop_early=False, augmented=False, **structure
):
    """Train with these switches, in the same number of steps for any number of rows.

    Returns loss and accuracy on the rows of training, validation and test, and on moved test rows.
    """
    (train, y_train), (validation, y_validation), (test, y_test) = labelled(seed, careless, rows)
    random = np.random.default_rng(seed)
    network = ready(build(random, **structure), AdamW(0.003, weight_decay))
    best = np.inf
    for _ in range(EPOCHS * 200 // rows):
        x = moved(pictures[train], random) if augmented else pictures[train]
        network.fit(flat(x), y_train, batch_size=25, random=random)
        if stop_early:
            loss = network.evaluate(flat(pictures[validation]), y_validation, 300)["loss"]
            if loss < best:
                best, kept = loss, [p.copy() for p in network.all_parameters()]
    if stop_early:
        network.set_parameters(kept)
    shifted = moved(pictures[test], np.random.default_rng(0))
    scores = [
        network.evaluate(flat(x), y, 600).values()
        for x, y in (
            (pictures[train], y_train),
            (pictures[validation], y_validation),
            (pictures[test], y_test),
            (shifted, y_test),
        )
    ]
    return [number for score in scores for number in score]


@styled
def how_moved_digits_look():
    figure = new_figure(1.0)
    shown = [pictures[0], *moved(np.repeat(pictures[:1], 7, axis=0), np.random.default_rng(1))]
    for axes, picture in zip(figure.subplots(1, 8), shown, strict=True):
        axes.imshow(picture, cmap="gray_r")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set(visible=True, color=FAINT)
    figure.suptitle("A digit, and seven moved ones made of it", x=0.01, ha="left")
    return figure


how_moved_digits_look()

# %% [markdown]
# ## How much of it
#
# Weight decay, dropout and size have a strength. We try several, look at the mean over the seeds on the **validation**
# digits, and keep the best. Test digits have no say in it: the best of several by test would be too good to be
# true.

# %%
STRENGTHS = {
    "weight decay": [{"weight_decay": w} for w in (0.3, 1.0, 3.0, 10.0)],
    "dropout": [{"rate": r} for r in (0.3, 0.5, 0.7, 0.85)],
    "smaller network": [{"units": u} for u in (16, 32, 64)],
}
OTHERS = {
    "plain": {},
    "early stopping": {"stop_early": True},
    "augmentation": {"augmented": True},
    "batch normalisation": {"normalised": True},
    "four at once": {"stop_early": True, "augmented": True, "rate": 0.5, "weight_decay": 0.3},
    "four times the data": {"rows": 800},
    "more data, stopped early": {"rows": 800, "stop_early": True},
}


def scores(careless, switches):
    """(seeds, 8): loss and accuracy on training, validation, test, and moved test digits."""
    return np.array([cured(seed, careless, **switches) for seed in SEEDS])


CASES = {"all labels right": 0.0, "30 % redrawn": 0.3}
found = {case: {} for case in CASES}
for case, careless in CASES.items():
    for name, options in STRENGTHS.items():
        tried = [scores(careless, switches) for switches in options]
        right = [100 * one[:, 3].mean() for one in tried]
        chosen = int(np.argmax(right))
        found[case][name] = tried[chosen]
        told = ", ".join(
            f"{next(iter(switches.values()))}: {share:.1f}"
            for switches, share in zip(options, right, strict=True)
        )
        print(f"{case:17} {name:16} right on validation, %: {told}")

# %% [markdown]
# (With redrawn labels nobody can be right about much more than 70 % of the validation digits, since so many of
# their labels are wrong.)
#
# ## What each buys
#
# Now the test digits. The difference from the plain network is taken seed by seed, for the same rows; ± is its
# standard error.

# %%
for case, careless in CASES.items():
    for name, switches in OTHERS.items():
        found[case][name] = scores(careless, switches)
gains = {case: {} for case in CASES}
for case, by_name in found.items():
    print(f"{case} ({len(SEEDS)} seeds)\n{'':25}training |   test")
    print(f"{'':25}right, % | right, %   loss   more than plain")
    for name in ["plain", *(name for name in by_name if name != "plain")]:
        learned, loss, right = by_name[name][:, [1, 4, 5]].T * [[100], [1], [100]]
        gain = right - 100 * by_name["plain"][:, 5]
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        gains[case][name] = (gain.mean(), error)
        told = "" if name == "plain" else f"{gain.mean():+11.1f} ± {error:.1f}"
        print(f"{name:25}{learned.mean():8.1f} |{right.mean():9.1f}{loss.mean():7.2f}{told}")


# %%
@styled
def what_each_buys():
    figure = new_figure(3.6)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, (case, by_name) in zip((left, right), gains.items(), strict=True):
        names = [name for name in by_name if name != "plain"]
        for place, name in enumerate(names):
            mean, error = by_name[name]
            line = {"fmt": "o", "color": SERIES[0]["color"], "capsize": 3}
            axes.errorbar(mean, place, xerr=2 * error, **line)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_title(case, fontweight="normal")
        axes.set_xlabel("points more than plain")
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    title = "What each cure buys, ± two standard errors"
    figure.suptitle(title, x=0.01, ha="left")
    return figure


what_each_buys()

# %% [markdown]
# Two troubles, two lists of cures.
#
# **All labels right.** There is little to cure. Nearly every network knows its 200 digits by heart, and decay, dropout
# and early stopping change next to nothing about the others. More digits do. Four cures at once do harm: so held
# back, the network is no longer right about all the digits that it was shown.
#
# **30 % redrawn.** Now a network that is right about all its labels is wrong about digits, and the column of the
# training rows tells the cures apart. Some 73 % of the labels are right. Decay, dropout and early stopping bring
# the network near to that share, so they kept it from learning the exceptions, and all three buy a lot. They do not
# add up, though: four at once lie below what early stopping buys alone. More data from the same annotator helps
# too, and most where training stops before the exceptions are learned.
#
# Two names from the list are no cures here. The smaller network has learned every wrong label as well: room was never
# the matter. With batch normalisation it is nearly the same.
#
# ## What augmentation is for
#
# With right labels it bought nothing. But it teaches something that these digits do not ask for. So here are the test
# digits once more, each moved by up to a pixel:

# %%
for case, by_name in found.items():
    print(f"{case:27}in place   moved   (right, % of the test digits)")
    for name in ("plain", "four times the data", "augmentation"):
        in_place, shifted = (100 * by_name[name][:, column].mean() for column in (5, 7))
        print(f"    {name:23}{in_place:8.1f}{shifted:8.1f}")

# %% [markdown]
# Moved by a pixel, the digits are strangers to the plain network (notebook 5 has told why), and four times as many
# that are all in place change little. The network that has seen moved ones hardly minds. Augmentation is a way of
# saying what must not matter; it helps as far as that is true of the data to come.
#
# So, in this order: look at the labels; get more data, or say by augmentation what you know about them; stop early,
# which costs nothing; then dropout or decay, with a strength that validation chose. And measure each over
# several seeds: many of the differences above are smaller than their error.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Dropout, both ways. `chance` holds numbers drawn evenly between 0 and 1; where one is below the rate, the number
# of x at its place is set to 0. What is left is scaled so that the mean over all draws is x.


# %%
def dropped(x, gradient, rate, chance):
    """x, gradient = dL/dy, chance: all of one shape. Returns y and dL/dx, of this shape."""
    raise NotImplementedError


# %%
check(dropped)

# %% [markdown]
# **2.** Early stopping that really stops. Training ends when `patience` epochs in a row have not gone below the lowest
# validation loss before them; the weights of the epoch with the lowest are kept.


# %%
def when_to_stop(losses, patience):
    """losses: validation loss after epoch 1, 2, ... Returns the last epoch trained and the one kept."""
    raise NotImplementedError


# %%
check(when_to_stop)

# %% [markdown]
# **3.** If we know that the annotator has redrawn a share of the labels, we can say so to the loss. Given the typed
# label, how probable is each class (all are equally frequent, redrawn labels too)? With these as targets the
# cross-entropy no longer asks for certainty. This is *label smoothing* (Szegedy et al., 2016).


# %%
def smoothed(labels, classes, redrawn):
    """labels: class numbers (rows,); redrawn: share of labels. Returns targets (rows, classes)."""
    raise NotImplementedError


# %%
check(smoothed)
