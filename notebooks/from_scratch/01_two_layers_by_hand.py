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
# # 1. A network of two layers, by hand
#
# A neural network is a formula with many numbers in it, the weights. Training changes the weights until the
# formula's answers are right. The only question is: in which direction does each weight have to move?
#
# That is school mathematics, the chain rule, and here it is done on one network without leaving anything
# out: forward, backward, a check that the derivatives are right, and training on real images. At the end it
# has to compete with logistic regression. All of it is NumPy; no framework is imported.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from common.from_scratch import two_layers
from common.from_scratch.activations import ReLU
from common.from_scratch.dense import Dense
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.optimizers import SGD
from common.from_scratch.sequential import Sequential
from common.plots.style import FAINT, MUTED, PARTS, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## The data
#
# Handwritten digits, scanned and reduced to 8 x 8 pixels of brightness 0 to 16, which we divide by 16. For the
# network an image is a row of 64 numbers, and the answer is one of 10 classes.

# %%
digits = load_digits()
count = 600 if QUICK else len(digits.data)
x_train, x_test, y_train, y_test = train_test_split(
    digits.data[:count] / 16,
    digits.target[:count],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[:count],
)
print(f"x_train {x_train.shape}, y_train {y_train.shape}, x_test {x_test.shape}")


@styled
def images(rows, titles, columns=10):
    lines = -(-len(rows) // columns)
    figure = new_figure(0.75 * lines)
    panels = np.ravel(figure.subplots(lines, columns))
    for axes in panels:
        axes.set_axis_off()
    largest = np.abs(rows).max()
    for axes, row, title in zip(panels, rows, titles, strict=False):
        axes.imshow(row.reshape(8, 8), cmap="RdBu", vmin=-largest, vmax=largest)
        axes.set_title(title, loc="center", fontsize=8.5, fontweight="normal", pad=3)
    return figure


images(x_train[:10], y_train[:10])

# %% [markdown]
# ## Forward: one image, step by step
#
# Three steps lead from 64 pixels to 10 probabilities.
#
# 1. 32 sums, each with its own 64 weights: z = x W1 + b1.
# 2. Whatever is below zero becomes zero: h = max(z, 0). This bend (ReLU) is all that keeps two layers from being
#    one: without it, (x W1) W2 would be x (W1 W2), a single matrix.
# 3. 10 sums of these: logits = h W2 + b2. Softmax makes probabilities of them: e to the power of each, divided by
#    the sum of all.
#
# The weights start at random.

# %%
weights = two_layers.initialise(64, 32, 10, np.random.default_rng(0))
W1, b1, W2, b2 = weights.values()

one, its_class = x_train[:1], y_train[0]
z = one @ W1 + b1
h = np.maximum(z, 0)
logits = h @ W2 + b2
p = np.exp(logits) / np.exp(logits).sum()

for name, values in {"x": one, "z": z, "h": h, "logits": logits, "p": p}.items():
    print(f"{name:6} {values.shape}")
print(f"the sum of the probabilities is {p.sum():.6f}")
print(f"probability of the right answer, {its_class}: {p[0, its_class]:.4f}")

# %% [markdown]
# ## One number says how bad it is
#
# The loss of an image is -log p, where p is the probability that the right class got: nothing for p = 1, and
# ever more as p comes near 0. The loss of many images is the mean. Whoever guesses, with p = 1/10 for all, pays
# log 10.

# %%
print(f"loss of this image: {-np.log(p[0, its_class]):.4f}")
loss_at_start = two_layers.loss(two_layers.forward(weights, x_train)[2], y_train)
print(f"loss of all training images: {loss_at_start:.4f}, of a guess: {np.log(10):.4f}")

# %% [markdown]
# ## What does one weight do to the loss?
#
# Take one weight and turn it up and down, with all others left as they are. The loss draws a curve, and we
# stand somewhere on it. The slope there says which way is down. It can be measured: two steps to the sides,
# and the difference of the losses divided by the distance.


# %%
def loss_of(weights):
    return two_layers.loss(two_layers.forward(weights, x_train)[2], y_train)


def loss_with(name, place, shift):
    moved = {key: value.copy() for key, value in weights.items()}
    moved[name][place] += shift
    return loss_of(moved)


@styled
def turning_one_weight():
    figure = new_figure(2.7)
    shifts = np.linspace(-3, 3, 61)
    panels = figure.subplots(1, 2, sharey=True)
    losses = []
    for axes, (name, place) in zip(panels, [("W1", (36, 16)), ("W2", (7, 6))], strict=True):
        curve = [loss_with(name, place, shift) for shift in shifts]
        losses += curve
        slope = (loss_with(name, place, 1e-5) - loss_with(name, place, -1e-5)) / 2e-5
        axes.plot(shifts, curve, color=SERIES[0]["color"], linewidth=2.2)
        axes.plot(shifts, loss_at_start + slope * shifts, "--", color=SERIES[3]["color"])
        axes.plot(0, loss_at_start, "o", color=SERIES[3]["color"])
        axes.set_title(f"{name}[{place[0]}, {place[1]}]: slope {slope:.4f}")
        axes.set_xlabel("weight moved by")
    panels[0].set_ylim(min(losses) - 0.05, max(losses) + 0.05)
    panels[0].set_ylabel("loss")
    return figure


turning_one_weight()

# %% [markdown]
# So we could measure the slopes of all weights, one after the other. It would take two forward passes a weight,
# for a single step of training. The chain rule gets all of them in one pass.
#
# ## Backward, from the end to the beginning
#
# The loss is a chain of functions: x to z to h to logits to loss. We go through it from the end, and at each
# place ask: if this number grew a little, what would the loss do? The answer for one place follows from the
# answer for the next. `dlogits` stands for dloss/dlogits, and likewise for the others; each has the shape of
# what it belongs to.
#
# **Step 1, the logits.** The loss of a row is -log of e^logit_class / sum e^logit_k, that is
# log(sum e^logit_k) - logit_class. Its derivative by logit_k is e^logit_k / sum = p_k, and for the right class there
# is a -1 besides. *Probability given, less what was right*: nothing could be simpler. We divide by the number of
# rows, for the loss is their mean.

# %%
z = x_train @ W1 + b1
h = np.maximum(z, 0)
logits = h @ W2 + b2
e = np.exp(logits - logits.max(axis=1, keepdims=True))  # the same ratios, and no overflow
p = e / e.sum(axis=1, keepdims=True)

rows = len(x_train)
dlogits = p.copy()
dlogits[np.arange(rows), y_train] -= 1
dlogits /= rows
print("dlogits", dlogits.shape)


@styled
def first_gradient():
    figure = new_figure(2.5)
    panels = figure.subplots(1, 2, sharex=True)
    panels[0].bar(range(10), p[0], color=SERIES[0]["color"])
    panels[0].set_title(f"p of an image of a {its_class}")
    panels[0].set_ylabel("probability")
    below = [SERIES[3]["color"] if k == its_class else SERIES[0]["color"] for k in range(10)]
    panels[1].bar(range(10), rows * dlogits[0], color=below)
    panels[1].set_title("Slopes by its logits")
    panels[1].set_ylabel("slope")
    for axes in panels:
        axes.set_xticks(range(10))
        axes.set_xlabel("class")
        axes.axhline(0, color=MUTED, linewidth=0.8)
    return figure


first_gradient()

# %% [markdown]
# Training goes against the slope: the logit of the right class is to rise, and all others are to fall, the more
# the surer the network was of them.
#
# **Step 2, the second layer's weights.** logits_k = sum over j of h_j W2_jk + b2_k. Where the weight W2_jk grows by
# one, logit k grows by h_j. So the slope is h_j times dlogits_k, summed over the rows, and that is a matrix
# product. The bias is multiplied by 1.
#
# **Step 3, the hidden layer's output.** h_j goes into all ten logits, with the weights W2_jk. Each of them has its
# effect on the loss, and the effects add up: again a matrix product, with W2 turned.

# %%
dW2 = h.T @ dlogits
db2 = dlogits.sum(axis=0)
dh = dlogits @ W2.T
print(f"dW2 {dW2.shape}, db2 {db2.shape}, dh {dh.shape}")

# %% [markdown]
# **Step 4, through the bend.** Where z is above 0, h is z, and the slope goes through as it is. Where z is below 0,
# h is 0 whatever z does, and the slope ends there.
#
# **Step 5, the first layer's weights.** As in step 2, with x in place of h.

# %%
dz = dh * (z > 0)
dW1 = x_train.T @ dz
db1 = dz.sum(axis=0)
print(f"dz {dz.shape}, dW1 {dW1.shape}, db1 {db1.shape}")
print(f"the bend let {100 * np.mean(z > 0):.0f} % of the slopes through")

# %% [markdown]
# ## Is it right?
#
# A wrong gradient rarely stops a program. Training just goes worse, and nobody knows why. So we compare with
# slopes measured by small steps, for all weights, on the first images. The relative error is 0 for equal
# arrays and 1 for opposite ones; small steps alone leave some 1e-9.


# %%
def compare(slopes_of):
    """Relative error of the gradients that slopes_of(weights, x, target) gives, for each weight."""
    few = (x_train[:40], y_train[:40])
    slopes, errors = slopes_of(weights, *few), {}
    for name, value in weights.items():
        measured = measured_gradient(
            lambda: two_layers.loss(two_layers.forward(weights, few[0])[2], few[1]), value
        )
        errors[name] = relative_error(slopes[name], measured)
    return errors


def slopes_by_hand(weights, x, target):
    """The five steps from above."""
    z, h, p = two_layers.forward(weights, x)
    dlogits = (p - np.eye(10)[target]) / len(x)
    dz = dlogits @ weights["W2"].T * (z > 0)
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": h.T @ dlogits, "b2": dlogits.sum(0)}


def slopes_without_the_bend(weights, x, target):
    """The same, with step 4 forgotten."""
    _, h, p = two_layers.forward(weights, x)
    dlogits = (p - np.eye(10)[target]) / len(x)
    dz = dlogits @ weights["W2"].T
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": h.T @ dlogits, "b2": dlogits.sum(0)}


for slopes_of in (slopes_by_hand, slopes_without_the_bend):
    told = ", ".join(f"{name} {error:.0e}" for name, error in compare(slopes_of).items())
    print(f"{slopes_of.__name__}: {told}")

# %% [markdown]
# The right formula and the wrong one are worlds apart, and the check even tells where the fault lies: what is
# nearer to the end than the forgotten step is right.
#
# ## The same in the library
#
# `common/from_scratch/two_layers.py` has these steps on one page. `Sequential` of `Dense` layers has them too, but
# cut differently: each layer knows its own derivative alone, takes dloss/doutput and returns dloss/dinput. Put
# together, they must give the same numbers.


# %%
def layers():
    """The network as layers, with copies of our weights."""
    random = np.random.default_rng(0)
    network = Sequential([Dense(64, 32, random), ReLU(), Dense(32, 10, random)]).astype("float64")
    network.set_parameters(list(weights.values()))
    return network


network = layers()
_, by_logits = sparse_categorical_crossentropy(y_train, network.forward(x_train))
network.backward(by_logits)
on_one_page = two_layers.gradients(weights, x_train, y_train)
by_hand = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
for (name, slopes), by_layers in zip(by_hand.items(), network.all_gradients(), strict=True):
    print(
        f"d{name}: largest difference from two_layers.py {np.abs(slopes - on_one_page[name]).max():.0e}, "
        f"from the layers {np.abs(slopes - by_layers).max():.0e}"
    )

# %% [markdown]
# ## One step down
#
# Move every weight against its slope, by the slope times a number that we choose, the learning rate. As long as
# the step is small, the loss falls as the slopes predict: by the learning rate times the sum of all slopes
# squared. How far can one go?

# %%
rates = np.linspace(0, 4, 41)
after_a_step = [
    loss_of({name: value - rate * by_hand[name] for name, value in weights.items()})
    for rate in rates
]
fall = sum(float(np.sum(slopes**2)) for slopes in by_hand.values())


@styled
def one_step():
    figure = new_figure(2.6)
    axes = figure.subplots()
    axes.plot(rates, after_a_step, **SERIES[0], markersize=3, label="measured")
    axes.plot(
        rates, loss_at_start - rates * fall, "--", color=SERIES[3]["color"], label="by the slopes"
    )
    axes.set_ylim(min(after_a_step) - 0.3, 1.2 * loss_at_start)
    axes.set_xlabel("learning rate of a single step")
    axes.set_ylabel("loss after it")
    axes.set_title("A slope holds near the place where it was taken")
    axes.legend()
    return figure


print(f"best of these for one step: {rates[np.argmin(after_a_step)]:.1f}")
one_step()

# %% [markdown]
# ## Training
#
# Training is this step again and again. We do not wait for the slopes of all images, though: 32 of them already
# give a fair guess of the direction, and forty such steps cost what one exact step does. One round through the
# images, shuffled anew, is an epoch. The loop, in full:

# %%
epochs, learning_rate, batch_size = (5 if QUICK else 40), 0.1, 32
trained = {name: value.copy() for name, value in weights.items()}
random = np.random.default_rng(1)
train_losses, test_losses = [], []
for _ in range(epochs):
    order = random.permutation(len(x_train))
    for start in range(0, len(x_train), batch_size):
        batch = order[start : start + batch_size]
        slopes = slopes_by_hand(trained, x_train[batch], y_train[batch])
        for name in trained:
            trained[name] -= learning_rate * slopes[name]
    train_losses.append(loss_of(trained))
    test_losses.append(two_layers.loss(two_layers.forward(trained, x_test)[2], y_test))

guesses = two_layers.forward(trained, x_test)[2].argmax(axis=1)
print(f"{len(y_test)} test images, {100 * np.mean(guesses == y_test):.1f} % right")


@styled
def learning_curve():
    figure = new_figure(2.6)
    axes = figure.subplots()
    after = range(1, epochs + 1)
    axes.plot(after, train_losses, **PARTS["train"], markersize=3, label="training images")
    axes.plot(after, test_losses, **PARTS["test"], markersize=3, label="test images")
    axes.axhline(np.log(10), color=MUTED, linewidth=1, linestyle=":")
    axes.text(epochs, np.log(10), "a guess", ha="right", va="bottom", color=MUTED)
    axes.set_yscale("log")
    axes.set_ylim(top=1.6 * np.log(10))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_title("The network learns, also about images it has not seen")
    axes.legend(loc=(0.42, 0.56))
    return figure


learning_curve()

# %% [markdown]
# The jumps are steps that were too long for the place where they were taken, and they heal. More about the length of
# steps in notebook 4.
#
# The library's loop and the layers', from the same weights, with the rows shuffled in the same order:

# %%
on_one_page = {name: value.copy() for name, value in weights.items()}
arguments = (x_train, y_train, epochs, learning_rate, batch_size)
two_layers.train(on_one_page, *arguments, np.random.default_rng(1))

network = layers()
network.compile(SGD(learning_rate), sparse_categorical_crossentropy)
network.fit(x_train, y_train, epochs, batch_size, random=np.random.default_rng(1))
for (name, value), by_layers in zip(trained.items(), network.all_parameters(), strict=True):
    print(
        f"{name}: largest difference from two_layers.py {np.abs(value - on_one_page[name]).max():.0e}, "
        f"from the layers {np.abs(value - by_layers).max():.0e}"
    )

# %% [markdown]
# ## What has it learned?
#
# Each hidden unit has 64 weights in the first layer, one a pixel, so they can be looked at as an image: ink on
# blue pixels raises the unit, ink on red ones lowers it. These are the units with the largest effect on the
# logits.

# %%
largest = np.argsort(-np.abs(trained["W2"]).sum(axis=1))[:10]
images(trained["W1"].T[largest], [f"unit {unit}" for unit in largest])

# %% [markdown]
# Strokes and gaps at certain places, and much that is left of the random start. No unit is a digit: what it is
# good for, only all of them together say.
#
# And the test images that it gets wrong, "what is right > what it says":

# %%
wrong = np.flatnonzero(guesses != y_test)[:10]
images(x_test[wrong], [f"{y_test[row]} > {guesses[row]}" for row in wrong])

# %% [markdown]
# ## Does it need two layers?
#
# The honest rival is logistic regression: softmax(x W + b), this network without the hidden layer. Both get
# the same rows, and a fifth of the training rows chooses what is left open: for the network the epoch to stop at,
# for logistic regression how strongly its weights are held small. Three problems: the digits; the same images
# with another question, odd or even; and the tumours of the breast cancer table, 30 measurements, malignant or
# benign. Several splits each, for one alone would be luck.


# %%
def network_score(parts, classes):
    """Share of test rows right, with the weights of the epoch that suited the validation rows best."""
    x, validation_x, test_x, y, validation_y, test_y = parts
    random = np.random.default_rng(0)
    weights = two_layers.initialise(x.shape[1], 32, classes, random)
    lowest, best = np.inf, weights
    for _ in range(10 if QUICK else 100):
        two_layers.train(weights, x, y, 1, 0.1, 32, random)
        now = two_layers.loss(two_layers.forward(weights, validation_x)[2], validation_y)
        if now < lowest:
            lowest, best = now, {name: value.copy() for name, value in weights.items()}
    return np.mean(two_layers.forward(best, test_x)[2].argmax(axis=1) == test_y)


def logistic_score(parts):
    """The same of logistic regression, with the strength that suited the validation rows best."""
    x, validation_x, test_x, y, validation_y, test_y = parts
    models = [LogisticRegression(C=C, max_iter=2000).fit(x, y) for C in (0.01, 0.1, 1, 10)]
    best = min(models, key=lambda model: log_loss(validation_y, model.predict_proba(validation_x)))
    return best.score(test_x, test_y)


def parts_of(x, y, seed):
    """x, y for training, validation and test: 60, 15 and 25 of 100 rows."""
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
    x, validation_x, y, validation_y = train_test_split(
        x, y, test_size=0.2, random_state=seed, stratify=y
    )
    if x.max() > 1:  # measurements in units of their own: in standard deviations from the mean
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        x, validation_x, test_x = ((part - mean) / deviation for part in (x, validation_x, test_x))
    return x, validation_x, test_x, y, validation_y, test_y


cancer = load_breast_cancer()
pixels, classes = digits.data[:count] / 16, digits.target[:count]
problems = {
    "which digit": (pixels, classes),
    "odd or even": (pixels, classes % 2),
    "tumours": (cancer.data, cancer.target),
}
splits = 2 if QUICK else 10
scores = {}
for name, (x, y) in problems.items():
    parts = [parts_of(x, y, seed) for seed in range(splits)]
    ours = 100 * np.array([network_score(part, y.max() + 1) for part in parts])
    theirs = 100 * np.array([logistic_score(part) for part in parts])
    scores[name] = ours, theirs
    gain = ours - theirs
    print(
        f"{name}: network {ours.mean():.1f} %, logistic regression {theirs.mean():.1f} %, gain "
        f"{gain.mean():+.1f} ± {gain.std(ddof=1) / np.sqrt(splits):.1f}; "
        f"better on {np.sum(gain > 0)}, worse on {np.sum(gain < 0)} of {splits} splits"
    )


# %%
@styled
def rivals():
    figure = new_figure(2.2)
    figure.suptitle("% of the test rows right; above the line the network is ahead")
    for axes, (name, (ours, theirs)) in zip(figure.subplots(1, 3), scores.items(), strict=True):
        low, high = min(*ours, *theirs) - 0.5, max(*ours, *theirs) + 0.5
        axes.plot([low, high], [low, high], color=FAINT, linewidth=2)
        axes.plot(theirs, ours, "o", color=SERIES[0]["color"], alpha=0.6)
        axes.set_title(name, fontweight="normal")
        axes.set_xlabel("logistic regression")
        axes.set_aspect("equal")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_locator(MaxNLocator(3))
    figure.axes[0].set_ylabel("network")
    return figure


rivals()

# %% [markdown]
# Three problems, three verdicts.
#
# - Which digit? About a draw. In 64 dimensions a flat border can nearly part each digit from the others.
# - Odd or even? Here the hidden layer earns its place. The odd digits lie scattered among the even ones, and no
#   flat border parts them; the units bend it.
# - Tumours: logistic regression is ahead. A few hundred rows, and measurements that simply add up to a risk: the
#   bends have nothing to gain here, and a little to lose.
#
# So a network is no better by nature. It can draw borders that a linear model cannot, and whether the data have
# such a border has to be tried, against a rival that was given the same chances.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Which pixels would have to change for the loss to grow? Go one step further back than step 5, to
# dloss/dx. (`two_layers.forward(weights, x)` returns z, h and p.)


# %%
def slopes_by_pixels(weights, x, target):
    """weights: W1, b1, W2, b2; x: (rows, inputs); target: (rows,). Returns dloss/dx, (rows, inputs)."""
    raise NotImplementedError


# %%
check(slopes_by_pixels)

# %% [markdown]
# **2.** Take another bend, h = tanh(z), with the slope 1 - h². Write the network's gradients anew, forward pass
# included, and have them checked with small steps.


# %%
def slopes_with_tanh(weights, x, target):
    """Returns {"W1": ..., "b1": ..., "W2": ..., "b2": ...} of the network with tanh in place of ReLU."""
    raise NotImplementedError


# %%
check(slopes_with_tanh)

# %% [markdown]
# **3.** Large weights often mean that noise was learned. So let them cost something: the loss is now the mean
# of -log p, plus `strength` times the sum of all squares in W1 and W2 (the biases are free). Begin with
# `two_layers.gradients(weights, x, target)`.


# %%
def slopes_with_penalty(weights, x, target, strength):
    """Returns {"W1": ..., "b1": ..., "W2": ..., "b2": ...} of the loss with the penalty."""
    raise NotImplementedError


# %%
check(slopes_with_penalty)
