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
# # 5. Convolution
#
# To a fully connected layer a picture is a list of numbers. Mix the pixels, in the same way for all
# pictures, and it learns as well as before: what lies beside what is news to it. A convolution starts from two
# things that everybody knows about pictures: what belongs together lies together, and a thing stays the same
# thing when it moves.
#
# We take a photograph apart with filters, write the layer with loops and then fast, derive its backward pass,
# and let it compete with a fully connected network of as many weights.

# %%
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives
# Products of small matrices: two threads would spend their time waiting for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
from sklearn.datasets import load_digits, load_sample_image
from sklearn.model_selection import train_test_split

from common.from_scratch.activations import ReLU
from common.from_scratch.convolution import Conv2D, sliding_windows
from common.from_scratch.convolution_loops import convolve
from common.from_scratch.dense import Dense
from common.from_scratch.flatten import Flatten
from common.from_scratch.gradient_check import check_layer
from common.from_scratch.losses import mean_squared_error, sparse_categorical_crossentropy
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.optimizers import Adam
from common.from_scratch.pooling import MaxPooling2D
from common.from_scratch.sequential import Sequential
from common.plots.style import SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## A filter at one place
#
# A photograph of a tower, in grey: numbers from 0, black, to 1, white. A filter is a small table of weights. Put
# it on the picture, multiply each weight by the pixel under it, and add up. This one takes what is right of the
# middle less what is left of it, so it answers where brightness changes from left to right.

# %%
photograph = load_sample_image("china.jpg") @ np.array([0.299, 0.587, 0.114]) / 255
across = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])  # Sobel's filter
window = photograph[249:252, 150:153]
print("the photograph:", photograph.shape)
print("nine of its pixels:\n", window.round(2))
print(f"the filter's answer there: {np.sum(window * across):.2f}")

# %% [markdown]
# ## A filter at every place
#
# That answer for each window of the photograph makes a new picture. Other weights, another picture: nine by nine
# times 1/81 is the mean of the neighbourhood, which blurs.


# %%
def filtered(picture, weights):
    """Answers of one filter (size, size) at every window of a picture (height, width)."""
    return (
        sliding_windows(picture[None, ..., None], len(weights), 1)[0, ..., 0, :, :] * weights
    ).sum(axis=(2, 3))


@styled
def four_pictures():
    pictures = {
        "the photograph": photograph,
        "mean of 9 x 9 pixels: blurred": filtered(photograph, np.full((9, 9), 1 / 81)),
        "changes from left to right": -np.abs(filtered(photograph, across)),
        "changes from top to bottom": -np.abs(filtered(photograph, across.T)),
    }
    figure = new_figure(4.2)
    for axes, (title, picture) in zip(figure.subplots(2, 2).flat, pictures.items(), strict=True):
        axes.imshow(picture, cmap="gray", vmin=np.quantile(picture, 0.005))
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    return figure


four_pictures()

# %% [markdown]
# In the lower two, dark is a strong answer of either sign. The one on the left shows columns and the flanks of the
# tower, the one on the right the rims of its roofs and the far shore. The sky hardly answers to either.
#
# People used to design such filters. A convolutional layer has them as weights, and learns them.
#
# ## With loops, and fast
#
# The layer `Conv2D` takes pictures of several channels (colours, or the answers of the layer before) and has several
# filters, each of which looks at all channels. As loops, over pictures, rows, columns and filters, it is in
# `convolution_loops.py`. The colour photograph, cut, through eight filters:

# %%
random = np.random.default_rng(0)
colours = (load_sample_image("china.jpg")[None, 200:280, 100:220] / 255).astype("float32")
layer = Conv2D(3, 8, 3, random)


def timed(function, *arguments):
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start


by_loops, loop_seconds = timed(convolve, colours, *layer.all_parameters(), 1)
layer.forward(colours)  # once without the clock: the first call of a matrix product is slow
by_layer, layer_seconds = timed(layer.forward, colours)
print(
    f"{colours.shape} to {by_layer.shape}, largest difference {np.abs(by_loops - by_layer).max():.1e}"
)
print(f"loops {1000 * loop_seconds:.0f} ms, sliding windows {1000 * layer_seconds:.1f} ms")
print(f"the loops take {loop_seconds / layer_seconds:.0f} times as long")

# %% [markdown]
# Where does the time go? Not into multiplying: both multiply as often. The loops come back to Python for each
# window and filter. The fast way has two steps:
#
# 1. all windows as one array. It looks nine times as large, but it is a view: the same bytes, read in another
#    order;
# 2. each window as a row, each filter as a column. Then all answers are one product of two matrices, the
#    operation that processors and their libraries are best at.

# %%
windows = sliding_windows(colours, 3, 1)
kernel, bias = layer.all_parameters()
rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 3 * 3 * 3)
product = rows @ kernel.reshape(-1, 8) + bias
print(f"windows {windows.shape}: {windows.size:,} numbers to see, {colours.size:,} in memory,")
print(f"the same memory: {np.shares_memory(windows, colours)}")
print(f"{rows.shape} times {kernel.reshape(-1, 8).shape}: difference", end=" ")
print(f"{np.abs(product.reshape(by_layer.shape) - by_layer).max():.1e}")

# %% [markdown]
# ## The backward pass
#
# One channel, one filter: y[i, j] is the sum over a, b of x[i + a, j + b] k[a, b]. Let g[i, j] be the derivative of
# the loss by y[i, j], which the layer above hands down.
#
# - k[a, b] is used at every place, each time with another pixel: **dL/dk[a, b] = sum over i, j of g[i, j] x[i + a, j + b]**.
# - x[i + a, j + b] is used by every window that covers it: each place hands back g[i, j] k[a, b], and a pixel
#   adds up what it gets.
#
# So the backward pass walks over the same windows as the forward pass. At each place the filter gets g times
# the window, and the window gets g times the filter. Both are sums, `+=`: the weights are shared, the windows
# overlap.


# %%
def convolution_backward(x, k, g):
    """dL/dk and dL/dx for x: (height, width), k: (size, size), g: dL/dy of every place."""
    by_k, by_x = np.zeros_like(k), np.zeros_like(x)
    size = len(k)
    for i, j in np.ndindex(g.shape):
        place = slice(i, i + size), slice(j, j + size)
        by_k += g[i, j] * x[place]
        by_x[place] += g[i, j] * k
    return by_k, by_x


x, g = photograph[200:230, 100:130], random.normal(size=(28, 28))
by_k, by_x = convolution_backward(x, across, g)
one = Conv2D(1, 1, 3, random).astype("float64")
one.set_parameters([across[..., None, None], np.zeros(1)])
one.forward(x[None, ..., None])
theirs = one.backward(g[None, ..., None])[0, ..., 0]
print(f"by the pixels, against the layer: {np.abs(by_x - theirs).max():.1e}")
print(f"by the filter: {np.abs(by_k - one.gradients['kernel'][..., 0, 0]).max():.1e}")
print(f"the layer against measured slopes: {check_layer(one, x[None, :9, :9, None].copy()):.1e}")

# %% [markdown]
# ## What the gradient is good for: finding a filter
#
# Suppose we have the photograph and the picture of its changes, and somebody lost the filter. Start from a random
# one, compare its answers with the picture, and go down the slope.

# %%
lost = Conv2D(1, 1, 3, random)
before = photograph[None, 150:300, 100:300, None].astype("float32")
after = filtered(before[0, ..., 0], across)[None, ..., None]
optimizer = Adam(0.02)
for step in range(300 if QUICK else 1500):
    value, slope = mean_squared_error(after, lost.forward(before))
    lost.backward(slope)
    optimizer.step(lost)
    if step == 0:
        print(f"loss at the start {value:.4f}")
print(
    f"loss at the end   {value:.1e}\nthe filter found:\n",
    lost.parameters["kernel"][..., 0, 0].round(2),
)

# %% [markdown]
# It is Sobel's filter, found from the picture alone. A network does the same with one difference: nobody tells it
# what a filter's answers should be. It hears from the loss at the far end.
#
# ## Padding, strides, pooling
#
# Windows that lie in the picture leave a border out, and layer after layer the picture shrinks. `padding="same"`
# puts zeros around it. Strides skip places, and pooling keeps one number of each little square, its
# largest: both make pictures smaller on purpose, so that the next filters see more of the original.

# %%
digits = load_digits()
pictures = (digits.images / 16).astype("float32")[..., None]
zero = pictures[:1]
steps = {
    "a digit": zero,
    "filter": Conv2D(1, 1, 3, random),
    "zeros around": Conv2D(1, 1, 3, random, padding="same"),
    "strides 2": Conv2D(1, 1, 3, random, strides=2, padding="same"),
    "pooled": MaxPooling2D(2),
}
for layer in list(steps.values())[1:4]:
    layer.set_parameters([across[..., None, None] / 4, np.zeros(1)])
answers = {name: step if name == "a digit" else step.forward(zero) for name, step in steps.items()}


@styled
def small_pictures():
    figure = new_figure(1.4)
    for axes, (name, answer) in zip(figure.subplots(1, 5), answers.items(), strict=True):
        picture = answer[0, ..., 0]
        axes.imshow(picture, cmap="gray", vmin=-1, vmax=1)
        axes.set_title(f"{name}\n{picture.shape[0]} x {picture.shape[1]}", fontsize=8)
        axes.set_axis_off()
    return figure


small_pictures()

# %% [markdown]
# Grey is 0 here. The three in the middle have the filter from above: white at left edges of the stroke, black at
# right ones.
#
# ## Three networks of the same size
#
# Handwritten digits with two empty pixels around them, so that there is room to move. Three networks with about
# as many weights each:
#
# - fully connected, with 17 hidden units;
# - convolution, pooling, convolution, pooling; then every place of the last pictures gets weights of its own for
#   each class;
# - two convolutions, and of each filter's answers only the largest, wherever it is.

# %%
pictures = np.pad(pictures, [(0, 0), (2, 2), (2, 2), (0, 0)])[: 400 if QUICK else None]
x_train, x_test, y_train, y_test = train_test_split(
    pictures,
    digits.target[: len(pictures)],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[: len(pictures)],
)


def fully_connected(random):
    return Sequential([Flatten(), Dense(144, 17, random), ReLU(), Dense(17, 10, random)])


def pooled_twice(random):
    first = Conv2D(1, 8, 3, random, padding="same")
    second = Conv2D(8, 16, 3, random, padding="same")
    layers = [first, ReLU(), MaxPooling2D(2), second, ReLU(), MaxPooling2D(2)]
    return Sequential([*layers, Flatten(), Dense(144, 10, random)])


def largest_anywhere(random):
    first, second = Conv2D(1, 8, 3, random, padding="same"), Conv2D(8, 32, 3, random)
    layers = [first, ReLU(), second, ReLU(), MaxPooling2D(10)]
    return Sequential([*layers, Flatten(), Dense(32, 10, random)])


def trained(build, seed):
    random = np.random.default_rng(seed)
    network = build(random)
    network.compile(Adam(0.003), sparse_categorical_crossentropy, sparse_categorical_accuracy)
    network.fit(x_train, y_train, epochs=2 if QUICK else 20, random=random)
    return network


def moved(pictures, down, right):
    """The margin is two pixels wide: nothing is pushed out."""
    return np.roll(pictures, (down, right), axis=(1, 2))


def accuracy(network, distance):
    """Share of test digits that are right, over all moves by this many pixels at most one way."""
    moves = [(d, r) for d in range(-2, 3) for r in range(-2, 3) if max(abs(d), abs(r)) == distance]
    return np.mean([np.mean(network.predict(moved(x_test, *m)).argmax(1) == y_test) for m in moves])


builders, seeds = (fully_connected, pooled_twice, largest_anywhere), range(1 if QUICK else 3)
networks = {build.__name__: [trained(build, seed) for seed in seeds] for build in builders}
survived = {
    name: np.array([[accuracy(network, distance) for distance in range(3)] for network in group])
    for name, group in networks.items()
}
print(f"% right of {len(y_test)} test digits: mean of {len(seeds)} seeds (smallest to largest)")
print(f"{'':18}weights   in place          moved by 1        moved by 2")
for name, scores in survived.items():
    size = sum(p.size for p in networks[name][0].all_parameters())
    told = [f"{s.mean():4.1f} ({s.min():4.1f} to {s.max():4.1f})" for s in 100 * scores.T]
    print(f"{name:18}{size:7,}   {'  '.join(told)}")


# %%
@styled
def survival():
    figure = new_figure(2.8)
    axes = figure.subplots()
    for style, (name, scores) in zip(SERIES[1:], survived.items(), strict=False):
        axes.plot(range(3), 100 * scores.mean(axis=0), **style, label=name.replace("_", " "))
    axes.axhline(10, color=SERIES[0]["color"], linewidth=0.8)
    axes.text(0, 12, "guessing", fontsize=8)
    axes.set_xticks(range(3))
    axes.set_ylim(0, 103)
    axes.set_xlabel("pixels that test digits are moved by; training had none moved")
    axes.set_ylabel("right, %")
    axes.set_title("One pixel is enough to tell them apart")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.12))
    return figure


survival()

# %% [markdown]
# In place the three are close. Moved, they are not, though to the eye the digits are the same. The fully connected
# network has weights for pixel 40, and nothing of what it learned there holds for pixel 41. The network with
# pooling suffers too, which may surprise: its filters do not mind the move, but its last layer has weights for
# each place again. Only the third, which asks *whether* something is there and not *where*, holds.
#
# So it is not "a convolution" that makes a network indifferent to moves. Let us look at each layer by itself: is the
# answer to the moved picture the moved answer?

# %%
network = networks["largest_anywhere"][0]
answers = network.parts["1"].forward(network.parts["0"].forward(x_test))
of_moved = network.parts["1"].forward(network.parts["0"].forward(moved(x_test, 0, 1)))
print(
    f"filters, moved by 1: largest difference {np.abs(of_moved - moved(answers, 0, 1)).max():.1e}"
)
pool = MaxPooling2D(2)
pooled = pool.forward(answers)
for pixels, places in ((2, 1), (1, 0), (1, 1)):
    theirs = pool.forward(moved(answers, 0, pixels))
    changed = np.mean(np.abs(theirs - moved(pooled, 0, places)) > 0.01)
    print(
        f"pooled, moved by {pixels}, against pooled and moved by {places}: {100 * changed:.0f} % differ"
    )

# %% [markdown]
# Filters move their answers along, exactly. Pooling does so only for moves by its own width: by one pixel, other
# numbers fall into one square. Then the last layer decides what becomes of the place.
#
# Do not conclude that the third is always right. Where the place matters (is the stroke above or below?) it has to
# be in the filters' windows, or it is lost. And there is another cure: train with moved digits. Notebook 8 does.
#
# ## What it has learned
#
# The first layer's filters of the third network, and below each its answers to one test digit:

# %%
kernels = network.parts["0"].parameters["kernel"][:, :, 0]
chosen = int(np.flatnonzero(y_test == 4)[0])
maps = network.parts["1"].forward(network.parts["0"].forward(x_test[chosen : chosen + 1]))[0]


@styled
def learned():
    figure = new_figure(1.9)
    grid = figure.subplots(2, 9)
    for axes in grid.flat:
        axes.set_axis_off()
    grid[1, 0].imshow(x_test[chosen, ..., 0], cmap="gray", vmin=0)
    grid[1, 0].set_title("digit", fontsize=8)
    largest = np.abs(kernels).max()
    for place in range(8):
        grid[0, place + 1].imshow(kernels[..., place], cmap="gray", vmin=-largest, vmax=largest)
        grid[1, place + 1].imshow(maps[..., place], cmap="gray", vmin=0, vmax=maps.max())
        grid[0, place + 1].set_title(f"filter {place + 1}", fontsize=8)
    title = "Filters (white: above 0, black: below) and where they answer"
    figure.suptitle(title, x=0.01, ha="left")
    return figure


learned()

# %% [markdown]
# Nobody asked for edges. Yet several filters have a light and a dark side, and answer along one flank of the
# stroke, each in another direction: small relatives of Sobel's filter, learned since they tell digits apart. (The
# signs and the order are chance; another seed has others.)
#
# The second layer does to these eight pictures what the first did to one: 32 filters, each 3 x 3 x 8.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** How long is the output? "valid": as many windows as fit, starting at 0, strides, 2 strides, ...
# "same": the length divided by the strides, rounded up.


# %%
def output_length(length, size, strides, padding):
    """Number of windows of `size` along an axis; padding: "valid" or "same"."""
    raise NotImplementedError


# %%
check(output_length)

# %% [markdown]
# **2.** A depthwise convolution, of which networks for telephones are built, has one filter for each channel and
# does not add channels up. Padding "valid", strides 1, loops allowed.


# %%
def depthwise(picture, kernel):
    """picture: (height, width, channels), kernel: (size, size, channels). Returns the answers,
    (height - size + 1, width - size + 1, channels)."""
    raise NotImplementedError


# %%
check(depthwise)

# %% [markdown]
# **3.** dL/dx is a convolution itself: pad g with size - 1 zeros on each side, and filter it with the same kernel,
# but ... Which pixel of g does k[0, 0] meet when you stand at x[i, j]? Write it without `+=` on windows.


# %%
def pixel_gradient(g, k):
    """g: dL/dy of every place (height - size + 1, width - size + 1), k: (size, size).
    Returns dL/dx (height, width)."""
    raise NotImplementedError


# %%
check(pixel_gradient)
