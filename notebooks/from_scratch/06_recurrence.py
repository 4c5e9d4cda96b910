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
# # 6. Recurrence
#
# A sentence, a month of measurements, a pen on paper: some data come one after the other, and what a thing means
# depends on what was there before. A recurrent network reads them step by step and keeps a state, its summary
# of all it has seen. The same weights serve at every step.
#
# That is easy to write, and its gradient is easy to derive. Then it fails, in a way that can be measured: the gradient
# shrinks or grows with every step it goes back. This notebook measures it, and what people have done about
# it: clipping, good starting weights, gates.

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
from sklearn.model_selection import train_test_split

from common.from_scratch.dense import Dense
from common.from_scratch.gradient_check import measured_gradient, relative_error
from common.from_scratch.gru import GRU
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.lstm import LSTM
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.optimizers import SGD, Adam
from common.from_scratch.sequential import Sequential
from common.from_scratch.simple_rnn import SimpleRNN
from common.plots.style import MUTED, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## A digit, read from top to bottom
#
# A handwritten digit has 8 rows of 8 pixels. We show the network one row after the other; at the end it has to say
# which digit it was. It never sees two rows at once: what it needs of the first has to be in its state.

# %%
digits = load_digits()
pictures = (digits.images / 16).astype("float32")[: 400 if QUICK else None]
x_train, x_test, y_train, y_test = train_test_split(
    pictures,
    digits.target[: len(pictures)],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[: len(pictures)],
)
print(f"{len(x_train)} digits to learn from, {len(x_test)} to test; each {x_train.shape[1:]}")
print(f"the first three steps of a {y_train[0]}:\n{x_train[0, :3].round(2)}")

# %% [markdown]
# ## By hand
#
# The new state is h[t] = tanh(x[t] W + h[t-1] U + b): what is seen and what is remembered, mixed by weights.
#
# **Back-propagation through time.** Write the loop out, and it is a deep network with a layer a step; all layers
# have the same W, U, b. The state h[t] acts on the loss through step t + 1 alone (and at the last step through the
# loss itself). So from the last step to the first, with g = dL/dh[t]:
#
# - through tanh: d = g (1 - h[t]²);
# - the weights were used here: W gets x[t]ᵀ d, U gets h[t-1]ᵀ d, b gets d, **added** to what other steps gave;
# - one step back: g = d Uᵀ.


# %%
def read(x, W, U, b):
    """x: (rows, steps, inputs). Returns the states (rows, steps + 1, units), the first of them 0."""
    h = np.zeros((len(x), x.shape[1] + 1, len(U)), x.dtype)
    for t in range(x.shape[1]):
        h[:, t + 1] = np.tanh(x[:, t] @ W + h[:, t] @ U + b)
    return h


def through_time(x, h, U, g):
    """dL/dW, dL/dU, dL/db from g = dL/d(last state), and the length of dL/dh at every step."""
    by_W, by_U, by_b = np.zeros((x.shape[2], len(U))), np.zeros_like(U), np.zeros(len(U))
    lengths = []
    for t in reversed(range(x.shape[1])):
        lengths.append(np.linalg.norm(g))
        d = g * (1 - h[:, t + 1] ** 2)
        by_W += x[:, t].T @ d
        by_U += h[:, t].T @ d
        by_b += d.sum(axis=0)
        g = d @ U.T
    return (by_W, by_U, by_b), lengths[::-1]


layer = SimpleRNN(8, 5, np.random.default_rng(0)).astype("float64")
W, U, b = layer.all_parameters()
few = x_train[:6].astype("float64")
weights_of_output = np.random.default_rng(1).normal(size=(6, 5))  # dL/dy of a loss sum(weights * y)
gradients, _ = through_time(few, read(few, W, U, b), U, weights_of_output)
layer.forward(few)
layer.backward(weights_of_output)
for name, w, ours, theirs in zip("WUb", (W, U, b), gradients, layer.all_gradients(), strict=True):
    slopes = measured_gradient(lambda: np.sum(weights_of_output * read(few, W, U, b)[:, -1]), w)
    print(f"{name}: against the layer {np.abs(ours - theirs).max():.1e},", end=" ")
    print(f"against measured slopes {relative_error(ours, slopes):.1e}")

# %% [markdown]
# The layers of `common/from_scratch` do the same. All recurrent ones share the loop of `recurrent.py` and differ in
# one step. Three of them, 32 units each, on the rows of the digits:


# %%
def classifier(layer, random):
    return Sequential([layer, Dense(layer.units, 10, random)])


def trained(kind, epochs, learning_rate, seed=0):
    random = np.random.default_rng(seed)
    network = classifier(kind(8, 32, random), random)
    optimizer = Adam(learning_rate, global_clipnorm=1.0)
    network.compile(optimizer, sparse_categorical_crossentropy, sparse_categorical_accuracy)
    network.fit(x_train, y_train, epochs=epochs, random=random)
    return network


for kind in (SimpleRNN, GRU, LSTM):
    right = trained(kind, 2 if QUICK else 15, 0.005).evaluate(x_test, y_test)
    print(
        f"{kind.__name__:10} {100 * right['sparse_categorical_accuracy']:.1f} % of test digits right"
    )

# %% [markdown]
# Eight steps are no difficulty for any of them, the simplest included. What was the fuss about?
#
# ## Longer: pixel by pixel
#
# Read the same digits pixel by pixel, and the first is 64 steps away from the answer. At each step the gradient is
# multiplied by Uᵀ and by slopes of tanh, which are at most 1. Sixty-four times a little less than one is nothing;
# sixty-four times a little more than one is a lot. We take a matrix U that keeps lengths exactly (orthogonal, how
# Keras starts it), stretch it by a factor, and measure how far the loss's gradient by the states reaches back. No
# training yet.

# %%
pixels = x_train[:200].reshape(-1, 64, 1)
START = SimpleRNN(1, 32, np.random.default_rng(0)).all_parameters()


def lengths_over_time(factor):
    W, U, b = START[0], START[1] * np.float32(factor), START[2]
    h = read(pixels, W, U, b)
    output = Dense(32, 10, np.random.default_rng(9))
    _, slope = sparse_categorical_crossentropy(y_train[:200], output.forward(h[:, -1]))
    return through_time(pixels, h, U, output.backward(slope))[1]


reach = {factor: lengths_over_time(factor) for factor in (2.0, 1.5, 1.0, 0.9, 0.7)}
for factor, lengths in reach.items():
    ratio = lengths[0] / lengths[-1]
    print(f"U stretched by {factor}: 63 steps back, the gradient is {ratio:.1e} times as long")


# %%
@styled
def over_time():
    figure = new_figure(3.0)
    axes = figure.subplots()
    for style, (factor, lengths) in zip(SERIES, reach.items(), strict=True):
        axes.plot(range(1, 65), lengths, **style | {"marker": ""}, label=f"U times {factor}")
    axes.set_yscale("log")
    axes.set_xlabel("step (the answer comes after step 64)")
    axes.set_ylabel("length of the gradient")
    axes.set_title("Going back from the right: it explodes, or it vanishes")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


over_time()

# %% [markdown]
# A straight line on this scale is a power: each step multiplies by about the same. The window between the two
# disasters is narrow, and even the length-keeping U loses, for the slopes of tanh are below 1.
#
# What it means. **Vanishing**: the share of an early step in dL/dW is next to nothing beside that of a late one.
# Nothing is wrong with the gradient, it is correct; it just says that early pixels hardly matter, and so the network
# never learns to remember them. **Exploding**: one step of training is as long as many others together, and what
# was learned is thrown away.
#
# ## Exploding, and clipping
#
# Let us see it happen. Rows of digits again, then 12 empty rows before the answer is asked for. U starts stretched
# by 1.2, and training is SGD with momentum. To clip a gradient is to shorten it to a given length where it is
# longer; its direction stays. We train as it is, clipped to two lengths, and with a learning rate ten times
# smaller.


# %%
def waited(x, steps):
    return np.concatenate([x, np.zeros((len(x), steps, 8), x.dtype)], axis=1)


def descend(optimizer, epochs, seed):
    """Loss and length of the gradient at every step of training; accuracy on test digits, and
    the share of states on them where tanh has a slope below 0.1."""
    random = np.random.default_rng(seed)
    network = classifier(SimpleRNN(8, 32, random), random)
    network.parts["0"].parameters["recurrent_kernel"] *= np.float32(1.2)
    x, losses, lengths = waited(x_train, 12), [], []
    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x) - 63, 64):  # full batches only: few rows, long gradients
            rows = order[start : start + 64]
            loss, slope = sparse_categorical_crossentropy(y_train[rows], network.forward(x[rows]))
            network.backward(slope)
            losses.append(loss)
            lengths.append(np.sqrt(sum(np.sum(g**2) for g in network.all_gradients())))
            optimizer.step(network)
    right = sparse_categorical_accuracy(y_test, network.forward(waited(x_test, 12)))
    flat = np.mean(1 - network.parts["0"].h[:, 1:] ** 2 < 0.1)
    return losses, lengths, right, flat


ways = {
    "as it is": lambda: SGD(0.05, momentum=0.9),
    "clipped to 5": lambda: SGD(0.05, momentum=0.9, global_clipnorm=5.0),
    "clipped to 1": lambda: SGD(0.05, momentum=0.9, global_clipnorm=1.0),
    "small rate": lambda: SGD(0.005, momentum=0.9),
}
seeds = range(1 if QUICK else 3)
runs = {
    name: [descend(way(), 2 if QUICK else 10, seed) for seed in seeds] for name, way in ways.items()
}
for name, group in runs.items():
    _, lengths, right, flat = (np.array(told) for told in zip(*group, strict=True))
    print(
        f"{name:13}test digits right, %: {(100 * right).round(1)}; states on flat tanh, %:", end=" "
    )
    print((100 * flat).round().astype(int))
    print(
        f"{'':13}gradient's length: median {np.median(lengths):.1f}, longest {lengths.max():.0f},",
        end=" ",
    )
    print(f"longer than 1 in {100 * np.mean(lengths > 1):.0f} % of steps")


# %%
@styled
def explosion():
    figure = new_figure(4.2)
    above, below = figure.subplots(2, 1, sharex=True)
    shown = ("as it is", "clipped to 1", "small rate")
    for style, name in zip((SERIES[3], SERIES[0], SERIES[2]), shown, strict=True):
        losses, lengths, *_ = runs[name][0]
        above.plot(lengths, **style | {"marker": "", "linewidth": 1}, label=name)
        below.plot(losses, **style | {"marker": "", "linewidth": 1})
    above.set_yscale("log")
    above.set_ylabel("gradient's length")
    above.set_title("Too long steps first, then a place without a way out", pad=26)
    above.legend(ncol=3, loc="lower left", bbox_to_anchor=(-0.02, 0.98), fontsize=9)
    below.axhline(np.log(10), color=MUTED, linewidth=0.8)
    below.set_ylabel("loss of the batch")
    below.set_xlabel("step of training (grey line below: what guessing costs)")
    return figure


explosion()

# %% [markdown]
# As it is, a few long steps throw the weights to where tanh is flat. From there on gradients are short, nothing
# explodes any more, and nothing is learned either: the loss stays at that of guessing, or above.
#
# Clipping limits how far one step can go, and that only helps where the limit is below what does the damage: 5 is
# not, 1 is. But look how many gradients are longer than 1. Clipped to 1, nearly every step has the same length,
# whatever the gradient's, and the small rate does as well. So clipping is a fuse: it saves the training when the rate
# is too bold for some moment, and makes no network better. Print the lengths before you choose the limit.
#
# Clipping cures explosion alone. A gradient that has vanished has no direction worth keeping.
#
# ## Vanishing, and gates
#
# The state of a simple network is written anew at every step. An LSTM has a memory c that is only added to,
# c[t] = f c[t-1] + i g, and gates f and i between 0 and 1 that say what to keep and what to let in. Going back through
# c, the gradient is multiplied by f, and by no matrix and no tanh. A GRU does it with one gate:
# h[t] = z h[t-1] + (1 - z) n.
#
# Whether the gradient survives is now a question of f or z, and these start somewhere: sigmoid(bias). Keras starts f's
# bias at 1 and z's at 0. We measure how the loss depends on each pixel (dL/dx at every step), before training, for
# these and for a bias of 4, "keep nearly all".

# %%
LONG_MEMORY = 4.0


def biased(layer, bias):
    """The layer with another starting bias for what keeps the memory: LSTM's f, GRU's z."""
    if isinstance(layer, LSTM):
        layer.parameters["bias"][layer.units : 2 * layer.units] = bias
    else:
        layer.parameters["bias"][0, : layer.units] = bias
    return layer


def by_pixel(layer):
    network = classifier(layer, np.random.default_rng(9))
    _, slope = sparse_categorical_crossentropy(y_train[:200], network.forward(pixels))
    return np.linalg.norm(network.backward(slope), axis=(0, 2))


at_start = {
    "simple": SimpleRNN(1, 32, np.random.default_rng(0)),
    "LSTM, f's bias 1": LSTM(1, 32, np.random.default_rng(0)),
    "LSTM, f's bias 4": biased(LSTM(1, 32, np.random.default_rng(0)), LONG_MEMORY),
    "GRU, z's bias 0": GRU(1, 32, np.random.default_rng(0)),
    "GRU, z's bias 4": biased(GRU(1, 32, np.random.default_rng(0)), LONG_MEMORY),
}
influence = {name: by_pixel(layer) for name, layer in at_start.items()}
for name, lengths in influence.items():
    print(f"{name:17} first pixel's gradient {lengths[0] / lengths[-1]:.1e} of the last one's")

# %% [markdown]
# Gates alone cure nothing: with the usual biases both start out more forgetful than the simple network with its
# length-keeping matrix. What they add is that forgetting is a number which can be set, and learned, for
# each unit and each moment: sigmoid(4) is 0.98, and 0.98 to the power 64 is still over a quarter.
#
# ## Four digits, one question
#
# Now a task that needs memory. The network reads four digits, one under the other, 32 rows. It is asked which the
# **first** was; the other three are there to distract. Real pictures, new companions in every epoch. The simple
# network gets three learning rates to choose from.


# %%
def stacked(x, random):
    """Each picture with three others of x below it: (rows, 32, 8)."""
    return np.concatenate([x, *(x[random.permutation(len(x))] for _ in range(3))], axis=1)


def remember(layer, learning_rate, seed):
    """Train to name the first of four digits; returns the network and test accuracy by epoch."""
    random = np.random.default_rng(seed)
    network, x_asked = classifier(layer, random), stacked(x_test, np.random.default_rng(0))
    optimizer = Adam(learning_rate, global_clipnorm=1.0)
    network.compile(optimizer, sparse_categorical_crossentropy, sparse_categorical_accuracy)
    accuracy = []
    for _ in range(2 if QUICK else 30):
        network.fit(stacked(x_train, random), y_train, batch_size=64, random=random)
        accuracy.append(network.evaluate(x_asked, y_test, 512)["sparse_categorical_accuracy"])
    return network, accuracy


def candidates(seed):
    """What is tried: a layer and a learning rate, by name."""
    random = np.random.default_rng(seed)
    simple = {f"simple, rate {r}": (SimpleRNN(8, 32, random), r) for r in (0.001, 0.003, 0.01)}
    return simple | {
        "LSTM, f's bias 1": (LSTM(8, 32, random), 0.01),
        "LSTM, f's bias 4": (biased(LSTM(8, 32, random), LONG_MEMORY), 0.01),
        "GRU, z's bias 0": (GRU(8, 32, random), 0.01),
        "GRU, z's bias 4": (biased(GRU(8, 32, random), LONG_MEMORY), 0.01),
    }


seeds = range(1 if QUICK else 3)
remembered = [
    {name: remember(*candidate, seed) for name, candidate in candidates(seed).items()}
    for seed in seeds
]
print(f"first digits right, % (guessing: 10); {len(seeds)} seeds")
for name in remembered[0]:
    print(f"{name:18}", *(f"{100 * group[name][1][-1]:6.1f}" for group in remembered))


# %%
@styled
def learning_to_remember():
    figure = new_figure(3.0)
    axes = figure.subplots()
    names = list(remembered[0])[1:2] + list(remembered[0])[3:]
    for style, name in zip(SERIES, names, strict=True):
        for group in remembered:
            label = name if group is remembered[0] else None
            accuracy = 100 * np.array(group[name][1])
            axes.plot(range(1, len(accuracy) + 1), accuracy, **style | {"marker": ""}, label=label)
    axes.set_ylim(0, 100)
    axes.set_xlabel("epoch")
    axes.set_ylabel("first digits right, %")
    axes.set_title("A line for each seed: who learns to remember, and when")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
    return figure


learning_to_remember()

# %% [markdown]
# The simple network is a matter of luck: a run may learn or may never start, and no rate is safe. With the usual
# biases the gated ones fare no better: epochs of nothing, until some unit happens to keep enough for a gradient to
# come through, and then it goes fast. Those that start with a long memory learn from the first epochs, in every
# run. The cure is not the gate alone; it is a gate that starts open to the past. (Jozefowicz et al., 2015, found it
# for f's bias; Tallec and Ollivier, 2018, say how large: about log T for a memory of T steps.)
#
# What has such a network learned? We look at two things in the LSTM, row by row: how much its answer depends on the
# row (the gradient of the right class's logit), and how far the gate i lets the row in.

# %%
x_asked = stacked(x_test, np.random.default_rng(0))


def by_row(network):
    """Share of the answer's dependence on each of the 32 rows, and the mean of the gate i there."""
    network.forward(x_asked)
    gate = np.array([kept[0].mean() for kept in network.parts["0"].kept])
    slopes = network.backward(np.eye(10, dtype="float32")[y_test])
    lengths = np.linalg.norm(slopes, axis=2).mean(axis=0)
    return lengths / lengths.sum(), gate


NAME = "LSTM, f's bias 4"
networks = {
    "trained": remembered[0][NAME][0],
    "before training": classifier(candidates(0)[NAME][0], np.random.default_rng(0)),
}
for name, network in networks.items():
    shares, gate = by_row(network)
    print(f"{name:15} dependence on the first digit {100 * shares[:8].sum():.0f} %;", end=" ")
    print(f"gate i {gate[:8].mean():.2f} on its rows, {gate[8:].mean():.2f} on the others")


# %%
@styled
def rows_that_count():
    figure = new_figure(3.6)
    above, below = figure.subplots(2, 1, sharex=True)
    for style, (name, network) in zip(SERIES, networks.items(), strict=False):
        shares, gate = by_row(network)
        above.plot(range(1, 33), 100 * shares, **style | {"markersize": 3}, label=name)
        below.plot(range(1, 33), gate, **style | {"markersize": 3})
    for axes in (above, below):
        for border in (8.5, 16.5, 24.5):
            axes.axvline(border, color=MUTED, linewidth=0.8)
    above.set_ylabel("dependence, %")
    above.set_title("It looks at the digit that was asked for")
    above.legend(fontsize=9)
    below.set_ylim(0, 1)
    below.set_ylabel("gate i, mean")
    below.set_xlabel("row; the lines part the four digits")
    return figure


rows_that_count()

# %% [markdown]
# Before training every row counts, and the gate is half open to each. Afterwards nearly everything hangs on the
# first digit, and on what follows the gate has closed further. Nobody told the network where a digit ends: it has
# learned to tell by what it has read.
#
# What remains of the problem: a gate near 1 postpones forgetting, it does not abolish it, and the steps have to be
# walked one by one. Attention, in notebook 7, gives every step a direct way to every other.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Clipping. All gradients count as one long vector; where it is longer than the limit, all are multiplied
# by the same number.


# %%
def clipped(gradients, limit):
    """gradients: list of arrays. Returns the list, shortened together to the length `limit`."""
    raise NotImplementedError


# %%
check(clipped)

# %% [markdown]
# **2.** A step of an LSTM. The four parts of x W + h U + b are, in this order, i, f, g and o; sigmoid for the gates
# i, f, o, tanh for the candidate g. Then c = f c + i g and h = o tanh(c).


# %%
def lstm_step(x, h, c, W, U, b):
    """x: (rows, inputs), h and c: (rows, units), W: (inputs, 4 units), U: (units, 4 units), b:
    (4 units,). Returns the new h and the new c."""
    raise NotImplementedError


# %%
check(lstm_step)

# %% [markdown]
# **3.** A bidirectional layer reads the sequence forward with one layer and backward with another, and gives for each
# step what both know there, side by side. Both layers return all their states.


# %%
def both_ways(forward, backward, x):
    """forward, backward: layers with return_sequences. Returns (rows, steps, 2 units)."""
    raise NotImplementedError


# %%
check(both_ways)
