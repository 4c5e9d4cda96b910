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
# # 9. Automatic differentiation
#
# So far every layer came with a backward pass that somebody derived and somebody else had to check. A
# framework asks for none: write the forward pass, and the gradients are there. How does it know them?
#
# It does not know your network. It knows the derivatives of a dozen operations, keeps a record of which
# ones you used, and applies the chain rule to the record. This notebook writes such an engine in one
# cell, goes on with the one of `common/from_scratch/autograd.py`, which does the same with arrays, and
# trains a network on it.

# %%
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

from common.backend import start_backend

start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import math

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from common.from_scratch import two_layers
from common.from_scratch.autograd import Tensor
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.plots.style import FAINT, INK, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## One neuron, one patient, by hand
#
# A tumour of the breast cancer table: x is the radius of its largest cells, in standard deviations from
# the mean; the target is -1 for malignant and 1 for benign. One neuron guesses tanh(wx + b), and its loss
# is the squared error. The chain rule, link by link:

# %%
cancer = load_breast_cancer()
x = scale(cancer.data)[0, list(cancer.feature_names).index("worst radius")]
target = 2.0 * cancer.target[0] - 1
w, b = -0.5, 0.1

z = w * x + b
guess = math.tanh(z)
loss = (guess - target) ** 2

dloss_dguess = 2 * (guess - target)
dloss_dz = dloss_dguess * (1 - guess**2)
by_hand = {"w": dloss_dz * x, "b": dloss_dz * 1}
print(f"x {x:.3f}, target {target:.0f}, guess {guess:.3f}, loss {loss:.4f}")
print(f"dloss/dw {by_hand['w']:.6f}, dloss/db {by_hand['b']:.6f}")

# %% [markdown]
# Look at the three lines that compute gradients. Each takes the gradient of the line before, multiplies it by
# the derivative of one operation, and hands it on. Nothing there needs a person: if every number remembered the operation
# that made it, a loop could do it.
#
# ## An engine in one cell
#
# A `Number` keeps its value, its parents (what it was computed from), and for each parent the slope of the
# operation by it. `backward` goes through the numbers in the reverse of the order in which they came about.


# %%
class Number:
    def __init__(self, value, parents=(), slopes=()):
        self.value, self.parents, self.slopes = value, parents, slopes
        self.gradient = 0.0

    def __add__(self, other):
        return Number(self.value + other.value, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other), (other.value, self.value))

    def tanh(self):
        y = math.tanh(self.value)
        return Number(y, (self,), (1 - y * y,))

    def ancestors(self, seen):
        """Everything this number was computed from, parents before children, and itself at the end."""
        if self not in seen:
            for parent in self.parents:
                parent.ancestors(seen)
            seen[self] = True  # a dict keeps the order
        return list(seen)

    def backward(self):
        self.gradient = 1.0  # by itself
        for number in reversed(self.ancestors({})):
            for parent, slope in zip(number.parents, number.slopes, strict=True):
                parent.gradient += number.gradient * slope


names = {"w": Number(w), "x": Number(x), "b": Number(b), "-target": Number(-target)}
names["w x"] = names["w"] * names["x"]
names["z"] = names["w x"] + names["b"]
names["guess"] = names["z"].tanh()
names["error"] = names["guess"] + names["-target"]
names["loss"] = names["error"] * names["error"]
names["loss"].backward()
for name, slope in by_hand.items():
    print(f"dloss/d{name}: engine {names[name].gradient:.12f}, by hand {slope:.12f}")

# %% [markdown]
# The `+=` in the last line of `backward` matters. The error goes into the loss twice, as both factors of
# the square, and each use brings a share of its gradient. An engine that writes `=` keeps only half of it.
#
# Here is the record that the expression left behind. The values came about from left to right, the gradients
# from right to left.

# %%
PLACES = {
    **{"w": (0, 3), "x": (0, 2), "b": (0, 1), "-target": (0, 0)},
    **{"w x": (1, 2.5), "z": (2, 2), "guess": (3, 2), "error": (4, 1.5), "loss": (5, 1.5)},
}


@styled
def graph(numbers):
    figure = new_figure(3.1)
    axes = figure.subplots()
    found = {number: PLACES[name] for name, number in numbers.items()}
    for name, number in numbers.items():
        for parent in number.parents:
            start = (found[parent][0] + 0.4, found[parent][1])
            end = (PLACES[name][0] - 0.4, PLACES[name][1])
            arrow = {"arrowstyle": "->", "color": SERIES[0]["color"]}
            axes.annotate("", end, start, arrowprops=arrow)
        text = f"{name}\n{number.value:.3f}\ngrad {number.gradient:.3f}"
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": FAINT}
        axes.text(*PLACES[name], text, ha="center", va="center", fontsize=7.5, color=INK, bbox=box)
    axes.set_xlim(-0.5, 5.5)
    axes.set_ylim(-0.5, 3.5)
    axes.set_axis_off()
    axes.set_title("Every number, and how the loss moves with it")
    return figure


graph(names)

# %% [markdown]
# ## From numbers to arrays
#
# `Tensor` in `common/from_scratch/autograd.py` is this class with arrays for values. It knows more
# operations, and three things are new:
#
# - what is kept is not a slope but a function from the gradient of the result to the gradient of the
#   parent. For a matrix product the slope would be a table of every output by every input; the function is
#   one more matrix product;
# - broadcasting. A bias of 3 numbers that is added to a table of 4 rows is used 4 times, so that its gradient
#   is the sum over the rows;
# - the walk through the graph does without recursion, for a graph can be deeper than Python's stack.

# %%
table, bias = Tensor(scale(cancer.data)[:4, :3]), Tensor(np.zeros(3))
((table + bias) * 10.0).sum().backward()
print("gradient of the table, one number a cell:\n", table.gradient)
print("gradient of the bias, summed over the rows:", bias.gradient)

# %% [markdown]
# ## A network, without a backward pass
#
# Handwritten digits, 8 x 8 pixels. The network is the one of notebook 1: two layers, ReLU between them,
# softmax and cross-entropy at the end. `two_layers.py` has its gradients on one page, five steps of the
# chain rule. The engine needs the forward pass alone.

# %%
digits = load_digits()
pixels = digits.data / 16
rows = 600 if QUICK else len(pixels)
x_train, x_test, y_train, y_test = train_test_split(
    pixels[:rows],
    digits.target[:rows],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[:rows],
)


def logits_of(weights, x):
    return (x @ weights["W1"] + weights["b1"]).relu() @ weights["W2"] + weights["b2"]


def loss_of(weights, x, target):
    logits = logits_of(weights, x)
    of_the_class = (logits * np.eye(10)[target]).sum(axis=1)
    return (logits.exp().sum(axis=1).log() - of_the_class).mean()


start = two_layers.initialise(64, 32, 10, np.random.default_rng(0))
weights = {name: Tensor(value.copy()) for name, value in start.items()}
loss = loss_of(weights, x_train, y_train)
loss.backward()
by_hand = two_layers.gradients(start, x_train, y_train)
print(
    f"loss of the untrained network {loss.data:.4f}; a guess among ten costs log 10 = {math.log(10):.4f}"
)
for name, slopes in by_hand.items():
    error = np.abs(weights[name].gradient - slopes).max()
    print(
        f"{name}: shape {slopes.shape}, largest difference from the gradients by hand {error:.1e}"
    )

# %% [markdown]
# The same to the last digits. Does it train?


# %%
def train(weights, epochs, learning_rate=0.1, batch_size=32, seed=0):
    """The loop of notebook 1; returns the loss on all training rows after each epoch."""
    random, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        order = random.permutation(len(x_train))
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            loss_of(weights, x_train[batch], y_train[batch]).backward()
            for weight in weights.values():
                weight.data -= learning_rate * weight.gradient
        losses.append(float(loss_of(weights, x_train, y_train).data))
    return losses


epochs = 5 if QUICK else 30
losses = train(weights, epochs)
theirs = {name: value.copy() for name, value in start.items()}
losses_by_hand = two_layers.train(
    theirs, x_train, y_train, epochs, 0.1, 32, np.random.default_rng(0)
)
right = np.mean(logits_of(weights, x_test).data.argmax(axis=1) == y_test)
print(f"{len(y_test)} test digits, {100 * right:.1f} % right")
print(
    f"largest difference of the two losses: {np.abs(np.subtract(losses, losses_by_hand)).max():.1e}"
)


# %%
@styled
def loss_curves():
    figure = new_figure(2.6)
    axes = figure.subplots()
    after = range(1, epochs + 1)
    axes.plot(after, losses_by_hand, color=FAINT, linewidth=7, label="gradients by hand")
    axes.plot(after, losses, **SERIES[0], markersize=3, label="gradients by the engine")
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss on the training digits")
    axes.set_title("One curve on top of the other")
    axes.legend()
    return figure


loss_curves()

# %% [markdown]
# ## What it buys: change the network, not the derivation
#
# Add a second hidden layer with tanh whose input is added to its output (a skip connection), and a penalty
# on large weights. By hand that is a new page, and a new chance of errors. Here it is three lines, and the
# gradients are right at once. The proof is a comparison with slopes measured by small steps.


# %%
def deeper_loss(weights, x, target):
    h = (x @ weights["W1"] + weights["b1"]).relu()
    h = h + (h @ weights["W3"]).tanh()
    logits = h @ weights["W2"] + weights["b2"]
    penalty = 1e-3 * (weights["W1"] ** 2).sum()
    of_the_class = (logits * np.eye(10)[target]).sum(axis=1)
    return (logits.exp().sum(axis=1).log() - of_the_class).mean() + penalty


small = two_layers.initialise(64, 6, 10, np.random.default_rng(1))
small["W3"] = np.random.default_rng(2).normal(0, 0.4, (6, 6))
tensors = {name: Tensor(value) for name, value in small.items()}
few = (x_train[:20], y_train[:20])
started = time.perf_counter()
deeper_loss(tensors, *few).backward()
engine_seconds = time.perf_counter() - started
started = time.perf_counter()
for name, value in small.items():
    slopes = measured_gradient(lambda: float(deeper_loss(tensors, *few).data), value)
    print(f"{name}: relative error {relative_error(tensors[name].gradient, slopes):.1e}")
steps_seconds = time.perf_counter() - started

# %% [markdown]
# Why not always measure the slopes, if it is that easy? Because every single weight costs two forward passes.
# Going backwards costs about as much as a few forward passes, however many weights there are. This is the
# reason why networks of billions of weights can be trained at all.

# %%
count = sum(value.size for value in small.values())
print(f"{count} weights: all slopes by small steps {steps_seconds:.2f} s")
print(f"               one backward pass       {engine_seconds:.4f} s")
print(
    f"The ratio grows with the number of weights; here it is {steps_seconds / engine_seconds:,.0f}."
)

# %% [markdown]
# ## The framework's tape
#
# `tf.GradientTape` is the same idea under another name: operations on watched variables are written on a tape,
# and `tape.gradient` plays it backwards. In Keras, `fit` does this for every batch. The same network, the
# same weights:

# %%
variables = {name: tf.Variable(value) for name, value in start.items()}
with tf.GradientTape() as tape:
    h = tf.nn.relu(x_train @ variables["W1"] + variables["b1"])
    logits = h @ variables["W2"] + variables["b2"]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y_train, logits))
for name, slopes in tape.gradient(loss, variables).items():
    print(f"{name}: largest difference from the tape {np.abs(slopes - by_hand[name]).max():.1e}")

# %% [markdown]
# ## What frameworks add
#
# The principle fits on a page. The rest of a framework is for:
#
# - **speed**: every operation compiled, for processors and graphics cards, several of them joined into one;
#   our engine runs NumPy line by line and keeps every intermediate array until the graph is forgotten;
# - **operations**: hundreds, each with its rule, convolutions and recurrent layers among them;
# - **numbers that stay finite**. Our loss takes the logarithm of a sum of exponentials literally. That is right on
#   paper, and fails where a logit is large. Frameworks have the whole expression as one operation with a rule
#   of its own:

# %%
large = Tensor(np.array([[1000.0, 0.0]]))
with np.errstate(over="ignore", invalid="ignore"):
    naive = large.exp().sum(axis=1).log().sum()
    naive.backward()
variable = tf.Variable(large.data)
with tf.GradientTape() as tape:
    stable = tf.reduce_logsumexp(variable)
print(f"our engine: loss {naive.data}, gradient {large.gradient}")
print(f"TensorFlow: loss {stable.numpy()}, gradient {tape.gradient(stable, variable).numpy()}")

# %% [markdown]
# An engine differentiates what you wrote, not what you meant. This is why losses in this kit take logits and
# not probabilities, and it is the first place to look when a loss turns to NaN.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** An embedding looks up rows of a table by number; a number may come up many times. Write it as an
# operation of the engine. `Tensor(data, parents, rule)` makes a result, where `rule(g)` turns the gradient of
# the result into the gradient of the table.


# %%
def looked_up(table, numbers):
    """table: Tensor (rows, n); numbers: whole numbers (k,). Returns the Tensor (k, n) of those rows."""
    raise NotImplementedError


# %%
check(looked_up)

# %% [markdown]
# **2.** log(1 + e^x) is finite for every x, and e^1000 is not. Write it as one operation, with a value that
# does not overflow (NumPy has `np.logaddexp`), and a rule that does not either.


# %%
def softplus(tensor):
    """tensor: Tensor of any shape. Returns the Tensor log(1 + e^x) of the same shape."""
    raise NotImplementedError


# %%
check(softplus)

# %% [markdown]
# **3.** How much does the engine keep in memory? Count the numbers in all arrays (`tensor.data.size`) that
# belong to a loss's graph, the leaves and the loss included, each tensor once.


# %%
def numbers_kept(loss):
    """loss: a Tensor. Returns how many numbers all tensors of its graph hold together."""
    raise NotImplementedError


# %%
check(numbers_kept)
