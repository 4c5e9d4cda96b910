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
# # 3. Activations: why ReLU trains where sigmoid starves
#
# For twenty years networks had sigmoids, and few had more than two hidden layers, because deeper ones would not
# learn. Then max(x, 0) took the place of the sigmoid, the weights were started more carefully, and depth was
# possible. What exactly went wrong before?
#
# The answer can be seen in a picture: how large is the gradient that each layer receives? This notebook draws
# it for deep networks on handwritten digits, then looks at what the start of the weights has to do with it, and at
# what ReLU does badly.

# %%
import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from common.from_scratch.activations import GELU, LeakyReLU, ReLU, Sigmoid, Tanh
from common.from_scratch.dense import Dense
from common.from_scratch.initializers import glorot_uniform, he_uniform
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.optimizers import SGD, Adam
from common.from_scratch.sequential import Sequential
from common.plots.style import MUTED, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## Five of them, and their slopes
#
# Going backwards, an activation multiplies each gradient by its slope. Keep an eye on the lower row.

# %%
ACTIVATIONS = {
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "ReLU": ReLU,
    "leaky ReLU": partial(LeakyReLU, 0.1),
    "GELU": partial(GELU, approximate=True),  # the one with tanh is much faster in NumPy
}


@styled
def gallery():
    figure = new_figure(2.9)
    panels = figure.subplots(2, 5, sharex=True, sharey="row")
    x = np.linspace(-4, 4, 161)
    for (above, below), (name, build) in zip(panels.T, ACTIVATIONS.items(), strict=True):
        activation = build()
        above.plot(x, activation.forward(x), color=SERIES[0]["color"], linewidth=2)
        below.plot(x, activation.slope, color=SERIES[3]["color"], linewidth=2)
        above.set_title(name, fontsize=9.5)
        below.set_xlabel("x")
    panels[0, 0].set_ylabel("y")
    panels[1, 0].set_ylabel("slope")
    panels[0, 0].set_ylim(-1.2, 2)
    panels[0, 0].set_xticks([-3, 0, 3])
    return figure


x = np.linspace(-10, 10, 20_001)
for name, build in ACTIVATIONS.items():
    activation = build()
    activation.forward(x)
    print(f"{name}: slope from {activation.slope.min():.2f} to {activation.slope.max():.2f}")
gallery()

# %% [markdown]
# ## Without one, depth is an illusion
#
# Ten linear layers are one linear layer, whose matrix is the product of the ten. Nothing can be said by them that
# one could not say.

# %%
random = np.random.default_rng(0)
linear = Sequential([Dense(64, 64, random) for _ in range(10)]).astype("float64")
rows = random.normal(size=(5, 64))
product = np.linalg.multi_dot([layer.parameters["kernel"] for layer in linear.parts.values()])
print(f"ten layers less one: {np.abs(linear.forward(rows) - rows @ product).max():.0e}")

# %% [markdown]
# ## The gradient of each layer
#
# The digits, and a network of eight hidden layers of 64 units. Before any training, one forward and one backward
# pass with all training images: how long is the gradient of each layer's weights?

# %%
digits = load_digits()
count = 500 if QUICK else len(digits.data)
pixels = ((digits.data - digits.data.mean()) / digits.data.std())[:count].astype("float32")
x_train, x_test, y_train, y_test = train_test_split(
    pixels, digits.target[:count], test_size=0.25, random_state=0, stratify=digits.target[:count]
)
x_train, x_validation, y_train, y_validation = train_test_split(
    x_train, y_train, test_size=0.2, random_state=0, stratify=y_train
)
print(f"training {x_train.shape}, validation {x_validation.shape}, test {x_test.shape}")


def deep(build, initialise, depth, seed=0):
    """`depth` hidden layers of 64 units, each with the activation, and ten outputs."""
    random = np.random.default_rng(seed)
    layers = []
    for _ in range(depth):
        dense = Dense(64, 64, random)
        dense.parameters["kernel"] = initialise((64, 64), random)
        layers += [dense, build()]
    return Sequential([*layers, Dense(64, 10, random)])


def dense_layers(network):
    return [layer for layer in network.parts.values() if isinstance(layer, Dense)]


def gradient_sizes(network):
    """Length of the gradient of each layer's kernel, first layer first."""
    _, gradient = sparse_categorical_crossentropy(y_train, network.forward(x_train))
    network.backward(gradient)
    return [np.linalg.norm(layer.gradients["kernel"]) for layer in dense_layers(network)]


STARTS = {  # each activation with the start that suits it; more on this below
    "sigmoid": (Sigmoid, glorot_uniform),
    "tanh": (Tanh, glorot_uniform),
    "ReLU": (ReLU, he_uniform),
}


@styled
def per_layer():
    figure = new_figure(2.9)
    axes = figure.subplots()
    for style, (name, start) in zip((SERIES[3], SERIES[2], SERIES[0]), STARTS.items(), strict=True):
        axes.plot(range(1, 10), gradient_sizes(deep(*start, depth=8)), **style, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("layer; 1 is next to the pixels, 9 gives the logits")
    axes.set_ylabel("length of its gradient")
    axes.set_title("With sigmoids, little of the gradient arrives below")
    axes.legend(loc="lower right")
    return figure


per_layer()

# %% [markdown]
# With ReLU and with tanh all layers hear about equally much of the error. With sigmoids each layer further down hears
# a fraction of what the one above it heard.
#
# Where does it go? From a layer to the one below, a gradient is multiplied by the weights and by the slope. The
# slope of a sigmoid is at most 1/4, even at its best place; ReLU's is 1 for the units that are on. Measured:


# %%
def on_the_way_down(network):
    """Mean slope of the activations, and by what the gradient grows from one hidden layer to the next."""
    _, gradient = sparse_categorical_crossentropy(y_train, network.forward(x_train))
    sizes, slopes = [], []
    for layer in reversed(network.parts.values()):
        if not isinstance(layer, Dense):
            slopes.append(layer.slope.mean())
        gradient = layer.backward(gradient)
        if not isinstance(layer, Dense):
            sizes.append(np.linalg.norm(gradient))
    return np.mean(slopes), (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1))


table = {name: on_the_way_down(deep(*start, depth=8)) for name, start in STARTS.items()}
table = pd.DataFrame(table, index=["mean slope", "gradient grows, per layer, by"]).T
table["after 8 layers"] = table["gradient grows, per layer, by"] ** 8
table.map("{:.2g}".format)

# %% [markdown]
# ## Does it matter in training?
#
# An optimizer could make up for a small gradient with a large learning rate, if all layers had the same need. They
# have not: what is right for the last layer is nothing for the first. After one epoch, by how much of its
# length has each layer's kernel moved?


# %%
def train(network, optimizer, epochs, seed=0):
    """Train; a learning rate far too high may end in infinity, which is a result as well."""
    network.compile(optimizer, sparse_categorical_crossentropy)
    with np.errstate(all="ignore"):
        network.fit(x_train, y_train, epochs, random=np.random.default_rng(seed))
    return network


def share_right(network, x, y):
    with np.errstate(all="ignore"):
        return 100 * np.mean(network.predict(x, 1024).argmax(axis=1) == y)


@styled
def moved():
    figure = new_figure(2.7)
    axes = figure.subplots()
    for style, (name, start) in zip((SERIES[3], SERIES[2], SERIES[0]), STARTS.items(), strict=True):
        network = deep(*start, depth=8)
        before = [layer.parameters["kernel"].copy() for layer in dense_layers(network)]
        train(network, SGD(0.03), 1)
        change = [
            100 * np.linalg.norm(layer.parameters["kernel"] - kernel) / np.linalg.norm(kernel)
            for layer, kernel in zip(dense_layers(network), before, strict=True)
        ]
        axes.plot(range(1, 10), change, **style, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("layer")
    axes.set_ylabel("kernel moved, % of its length")
    axes.set_title("In one epoch the lower sigmoid layers hardly move")
    axes.legend(loc="lower right")
    return figure


moved()

# %% [markdown]
# And the result, by depth. Each network is trained with several learning rates; the validation images choose
# one, and the test images judge it.

# %%
depths = (1, 4) if QUICK else (1, 2, 4, 8, 12)
rates = (0.03, 0.1) if QUICK else (0.01, 0.03, 0.1, 0.3)
epochs = 2 if QUICK else 12


def best_of(rates, optimizer, start, depth, seed=0):
    """The network whose learning rate suited the validation images best."""
    networks = [train(deep(*start, depth, seed), optimizer(rate), epochs, seed) for rate in rates]
    return max(networks, key=lambda network: share_right(network, x_validation, y_validation))


by_depth = {
    name: [share_right(best_of(rates, SGD, start, depth), x_test, y_test) for depth in depths]
    for name, start in STARTS.items()
}
by_depth["sigmoid, Adam"] = [
    share_right(best_of((0.001, 0.003, 0.01), Adam, STARTS["sigmoid"], depth), x_test, y_test)
    for depth in depths
]


@styled
def depth_curves():
    figure = new_figure(2.9)
    axes = figure.subplots()
    for style, (name, shares) in zip(
        (SERIES[3], SERIES[2], SERIES[0], SERIES[1]), by_depth.items(), strict=True
    ):
        axes.plot(depths, shares, **style, label=name)
    axes.axhline(10, color=MUTED, linewidth=1)
    axes.text(depths[0], 10, "a guess", va="bottom", color=MUTED)
    axes.set_ylim(0, 103)
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("test digits right, %")
    axes.set_title(f"After {epochs} epochs, each with its best learning rate")
    axes.legend(loc="center right")
    return figure


print(pd.DataFrame(by_depth, index=pd.Index(depths, name="hidden layers")).T.round(1).to_string())
depth_curves()

# %% [markdown]
# Two hidden layers of sigmoids learn, four do not, at any of the rates. Adam (notebook 4), which gives each weight
# steps of about the same size however small its gradient is, carries them to four, and then fails as well. ReLU and
# tanh go deep.
#
# Note that tanh does better than ReLU here, at twelve layers clearly (with one seed each, so do not make a law of
# it). It is not the flat ends as such that starve a network: tanh has them as well. But at 0, where a careful start
# keeps the signals, its slope is 1, and the sigmoid's is 1/4.
#
# ## How to start
#
# The start decides where on these curves the units stand. A unit's sum z has 64 terms w h; independent and of mean
# 0, their variances add up: var(z) = 64 var(w) mean(h²). To keep signals level from layer to layer, var(w) = 1/64
# is right if an activation leaves them as they are. ReLU sets half of them to 0, and then it takes twice that.
#
# - **Glorot** (2010): variance 2 / (inputs + outputs), for activations like the identity around 0, such as tanh;
# - **He** (2015): variance 2 / inputs, for ReLU.
#
# A factor of 2 looks like a trifle. Sixteen layers of ReLU, the signals on the way up, the gradients on the way down:

# %%
RELU_STARTS = {
    "He, deviation doubled": lambda shape, random: 2 * he_uniform(shape, random),
    "He": he_uniform,
    "Glorot": glorot_uniform,
    "He, deviation halved": lambda shape, random: he_uniform(shape, random) / 2,
}


def signals_and_gradients(network):
    """Deviation of each dense layer's output, and of the gradient by it; first layer first."""
    x, signals, gradients = x_train, [], []
    for layer in network.parts.values():
        x = layer.forward(x)
        if isinstance(layer, Dense):
            signals.append(x.std())
    _, gradient = sparse_categorical_crossentropy(y_train, x)
    for layer in reversed(network.parts.values()):
        if isinstance(layer, Dense):
            gradients.insert(0, gradient.std())
        gradient = layer.backward(gradient)
    return signals, gradients


@styled
def by_start():
    figure = new_figure(3.1)
    left, right = figure.subplots(1, 2)
    styles = (SERIES[3], SERIES[0], SERIES[2], SERIES[4])
    for style, (name, initialise) in zip(styles, RELU_STARTS.items(), strict=True):
        signals, gradients = signals_and_gradients(deep(ReLU, initialise, depth=16))
        left.plot(range(1, 18), signals, **style, markersize=4, label=name)
        right.plot(range(1, 18), gradients, **style, markersize=4)
    left.set_title("Signals")
    right.set_title("Gradients")
    for axes in (left, right):
        axes.set_yscale("log")
        axes.set_xlabel("layer")
    left.set_ylabel("deviation")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


by_start()

# %% [markdown]
# Only one of the four is level on both sides. With Glorot's variance each ReLU layer loses a factor of about
# 1.4, and 1.4 to the power of 16 is large. With too large a start the gradients explode, and the first step
# throws the network far away.

# %%
fates = {
    name: {
        rate: share_right(
            train(deep(ReLU, initialise, depth=16), SGD(rate), epochs), x_test, y_test
        )
        for rate in ((0.01, 0.1) if QUICK else (0.001, 0.01, 0.03, 0.1))
    }
    for name, initialise in RELU_STARTS.items()
}
pd.DataFrame(fates).T.round(1).rename_axis(columns="test digits right, %, with a learning rate of")

# %% [markdown]
# ## What ReLU does badly: dying
#
# Left of 0 ReLU's slope is 0. A unit whose sum is below 0 for *every* image gives 0 always, gets no gradient, and
# can never come back: it is dead. A learning rate that is too high for a while is enough, for one long step
# can throw a unit's weights to where nothing switches it on. Let us have this accident: two hidden layers, two epochs
# with a rate of 1, ten times what is good for them.


# %%
def outputs_of(network, x):
    """The outputs of each activation layer."""
    outputs = []
    for layer in network.parts.values():
        x = layer.forward(x)
        if not isinstance(layer, Dense):
            outputs.append(x)
    return outputs


def dead_percent(network):
    """Of the hidden units those whose output is not above 0 for any training image."""
    return 100 * np.mean([(h <= 0).all(axis=0).mean() for h in outputs_of(network, x_train)])


seeds = (0,) if QUICK else (0, 1, 2)
accidents = [train(deep(ReLU, he_uniform, 2, seed), SGD(1.0), 2, seed) for seed in seeds]
healthy = [train(deep(ReLU, he_uniform, 2, seed), SGD(0.1), 2, seed) for seed in seeds]
for name, networks in (("a rate of 0.1", healthy), ("a rate of 1", accidents)):
    dead = np.mean([dead_percent(network) for network in networks])
    right = np.mean([share_right(network, x_test, y_test) for network in networks])
    print(f"{name}: {dead:.0f} % of the units dead, {right:.1f} % of the test digits right")

first = accidents[0]
gradient_sizes(first)
kernel = dense_layers(first)[0].gradients["kernel"]
dead = (outputs_of(first, x_train)[0] <= 0).all(axis=0)
print(
    f"gradients of the first layer's {dead.sum()} dead units: all 0 is {not kernel[:, dead].any()}"
)

# %% [markdown]
# Now a careful rate of 0.03, to see whether the damage heals. The same damaged weights, three ways on: as they are,
# with leaky ReLU put in the place of ReLU, and with GELU.

# %%
healing, damage = {}, np.mean([dead_percent(network) for network in accidents])
for name in ("ReLU", "leaky ReLU", "GELU"):
    curves, off = [], []
    for seed, accident in zip(seeds, accidents, strict=True):
        network = deep(ACTIVATIONS[name], he_uniform, 2, seed)
        network.set_parameters(accident.all_parameters())
        curve = [share_right(network, x_test, y_test)]
        for epoch in range(3 if QUICK else 20):
            train(network, SGD(0.03), 1, seed=epoch)
            curve.append(share_right(network, x_test, y_test))
        curves.append(curve)
        off.append(dead_percent(network))
    healing[name] = np.array(curves)
    print(
        f"{name}: units below 0 for every image {damage:.0f} % before, {np.mean(off):.0f} % after"
    )


@styled
def after_the_accident():
    figure = new_figure(2.8)
    axes = figure.subplots()
    for style, (name, curves) in zip(
        (SERIES[0], SERIES[3], SERIES[2]), healing.items(), strict=True
    ):
        axes.plot(curves.mean(axis=0), **style, markersize=4, label=name)
    axes.set_ylim(0, 100)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epochs after the accident")
    axes.set_ylabel("test digits right, %")
    axes.set_title("A slope below 0 is a way back")
    axes.legend(loc="lower right")
    return figure


after_the_accident()

# %% [markdown]
# Hardly one of ReLU's units comes back, by luck, when the layer below it changes; the others stay dead, and the network
# does with what is left. With leaky ReLU a unit that is below 0 everywhere still passes a tenth of its gradient on, and
# learns. GELU lies between: near 0 it has a slope on both sides, but far below it is as flat as ReLU.
#
# The better cure is not to have the accident: a smaller rate, inputs of a sensible scale, a start like He's.
#
# ## Which one?
#
# All five in a network of ordinary depth, two hidden layers, each with its best rate and the start that suits it. Three
# seeds, for there is chance in every one of these numbers.

# %%
rows = {}
for name, build in ACTIVATIONS.items():
    initialise = glorot_uniform if name in ("sigmoid", "tanh") else he_uniform
    shares = [
        share_right(best_of(rates, SGD, (build, initialise), 2, seed), x_test, y_test)
        for seed in seeds
    ]
    rows[name] = {"test digits right, %": np.mean(shares), "from": min(shares), "to": max(shares)}
pd.DataFrame(rows).T.round(1)

# %% [markdown]
# Sigmoid is behind even here. Among the other four there is little to choose at this depth, and a few digits more or
# less are no proof. So:
#
# - **ReLU with He's start** is the plain choice for hidden layers: cheap, and its gradients are level at any depth;
# - **leaky ReLU** where units die;
# - **GELU** in Transformers, where it is the custom (notebook 7);
# - **tanh** where values must stay bounded, as in recurrent networks (notebook 6);
# - **sigmoid** at the end, for a probability, and as a gate. Not between layers.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Swish is x · sigmoid(x), also called SiLU: a relative of GELU. Write it and its slope. (`sigmoid` is in
# `common.from_scratch.activations`.)


# %%
def swish(x):
    """x: an array of any shape. Returns y and dy/dx, both of its shape."""
    raise NotImplementedError


# %%
check(swish)

# %% [markdown]
# **2.** Which units of a ReLU layer are dead? Given the sums before the activation, for all images.


# %%
def dead_units(z):
    """z: (images, units), sums before ReLU. Returns the places of the dead units, smallest first."""
    raise NotImplementedError


# %%
check(dead_units)

# %% [markdown]
# **3.** How should a layer with leaky ReLU start? Follow the argument for He's variance. z has mean 0 and the variance v,
# and is above 0 as often as below; what is the mean of h², and which variance of the weights makes up for it?


# %%
def leaky_variance(inputs, negative_slope):
    """Returns the variance of the weights that keeps the mean of h² level from layer to layer."""
    raise NotImplementedError


# %%
check(leaky_variance)
