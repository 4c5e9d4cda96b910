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
# # 4. Optimizers: how to go downhill
#
# The gradient says which way is down, for each weight. What to do with it is another question. Gradient descent
# takes a step against it; momentum lets steps gather speed; Adam measures each weight's step by what that
# weight's gradients are usually like. Which one is best?
#
# The question has no answer without "on what". This notebook looks at a model so small that its whole loss can be
# drawn, then at real ones, and gives every optimizer the same chance: its own learning rate, searched for. An
# optimizer with a good rate beats any other with a bad one, and many a comparison shows nothing else.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split

from common.from_scratch.activations import ReLU, sigmoid
from common.from_scratch.dense import Dense
from common.from_scratch.losses import binary_crossentropy, sparse_categorical_crossentropy
from common.from_scratch.optimizers import SGD, Adam, AdamW, RMSprop
from common.from_scratch.schedules import cosine_decay, exponential_decay
from common.from_scratch.sequential import Sequential
from common.plots.style import FAINT, INK, SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check

# %% [markdown]
# ## A model with two weights
#
# Is a tumour malignant? By one measurement of the breast cancer table alone, the largest perimeter of its cells:
# logit = w x + b. Two weights, 569 tumours, and the cross-entropy; the loss is a landscape over the plane of w and b.
#
# The same model can be written in many ways. The perimeter in hundreds; or less its mean; or in standard
# deviations from its mean. Each w and b of one form has its w and b in the other, with the same answers for all
# tumours. To the model it is all one. To the optimizer they are three landscapes.

# %%
cancer = load_breast_cancer()
malignant = 1.0 - cancer.target.reshape(-1, 1)
perimeter = cancer.data[:, [list(cancer.feature_names).index("worst perimeter")]]
FORMS = {
    "hundreds": perimeter / 100,
    "less the mean": perimeter - perimeter.mean(),
    "standard": (perimeter - perimeter.mean()) / perimeter.std(),
}
START = (0.0, 2.0)  # w = 0: every tumour is called malignant with the same probability


def minimum(x):
    """w and b of the smallest loss, its value, and the curvatures there: Newton's method."""
    columns, best = np.column_stack([x, np.ones_like(x)]), np.zeros(2)
    for _ in range(30):
        p = sigmoid(columns @ best)
        hessian = (columns * (p * (1 - p))[:, None]).T @ columns / len(x)
        best -= np.linalg.solve(hessian, columns.T @ (p - malignant[:, 0]) / len(x))
    value, _ = binary_crossentropy(malignant, (columns @ best)[:, None])
    return best, value, np.linalg.eigvalsh(hessian)


for name, x in FORMS.items():
    (w, b), value, (flattest, steepest) = minimum(x)
    print(
        f"{name}: least loss {value:.4f} at w {w:.2f}, b {b:.2f}; the steepest direction is curved "
        f"{steepest / flattest:.0f} times as much as the flattest"
    )

# %% [markdown]
# ## Five rules
#
# w is a weight, g its gradient, r the learning rate.
#
# - **SGD**: w -= r g.
# - **Momentum**: m = 0.9 m - r g, w += m. Steps that agree add up, to ten times one step; steps to and fro cancel.
# - **Nesterov**: the same m, but w += 0.9 m - r g: it looks at where the momentum is about to carry it.
# - **RMSprop**: v = a moving average of g², w -= r g / sqrt(v). A weight with large gradients takes no larger steps
#   than one with small gradients.
# - **Adam**: both. m is a moving average of g, v one of g², and w -= r m / sqrt(v), with a correction for both
#   having started at 0.
#
# Written out, and compared with the classes of `common/from_scratch/optimizers.py` over 50 steps:


# %%
def sgd(w, g, memory, step, r):
    w -= r * g


def momentum(w, g, memory, step, r):
    memory["m"] = 0.9 * memory.get("m", 0.0) - r * g
    w += memory["m"]


def nesterov(w, g, memory, step, r):
    memory["m"] = 0.9 * memory.get("m", 0.0) - r * g
    w += 0.9 * memory["m"] - r * g


def rmsprop(w, g, memory, step, r):
    memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g**2
    w -= r * g / np.sqrt(memory["v"] + 1e-7)


def adam(w, g, memory, step, r):
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0.0) + 0.001 * g**2
    corrected = r * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)  # for m and v at once
    w -= corrected * memory["m"] / (np.sqrt(memory["v"]) + 1e-7)


def path_by_hand(rule, x, r, steps):
    """The points (w, b) on the way from START, (steps + 1, 2)."""
    weights, memory, points = np.array(START), {}, [START]
    for step in range(1, steps + 1):
        error = sigmoid(x * weights[0] + weights[1]) - malignant
        gradient = np.array([np.mean(error * x), np.mean(error)])
        rule(weights, gradient, memory, step, r)
        points.append(tuple(weights))
    return np.array(points)


def path(optimizer, x, steps, goal=-np.inf):
    """The same with a layer and an optimizer of the library; ends where the loss is below `goal`."""
    layer = Dense(1, 1, np.random.default_rng(0)).astype("float64")
    layer.set_parameters([np.array([[START[0]]]), np.array([START[1]])])
    points = [START]
    for _ in range(steps):
        value, gradient = binary_crossentropy(malignant, layer.forward(x))
        if value < goal or not np.isfinite(value):
            break
        layer.backward(gradient)
        optimizer.step(layer)
        points.append(tuple(float(value.item()) for value in layer.all_parameters()))
    return np.array(points)


OPTIMIZERS = {
    "SGD": SGD,
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: SGD(rate, momentum=0.9, nesterov=True),
    "RMSprop": RMSprop,
    "Adam": Adam,
}
rules = (sgd, momentum, nesterov, rmsprop, adam)
for rule, (name, build) in zip(rules, OPTIMIZERS.items(), strict=True):
    x = FORMS["standard"]
    apart = np.abs(path_by_hand(rule, x, 0.1, 50) - path(build(0.1), x, 50)).max()
    print(f"{name}: largest difference in 50 steps {apart:.0e}")

# %% [markdown]
# ## The race
#
# From the same start, with all tumours in each step: how many steps until the loss is within 0.001 of its
# minimum? Every optimizer runs with learning rates over six powers of ten, and its best one counts.

# %%
rates = 10.0 ** np.arange(-3, 3.1, 1 if QUICK else 0.25)
longest = 60 if QUICK else 600


def race(build, x):
    """The shortest path to the goal, and its rate; None where no rate got there."""
    goal = minimum(x)[1] + 0.001
    with np.errstate(all="ignore"):  # far too large a rate may end in infinity
        paths = {rate: path(build(rate), x, longest, goal) for rate in rates}
    there = {rate: p for rate, p in paths.items() if len(p) <= longest and np.isfinite(p).all()}
    return min(there.items(), key=lambda item: len(item[1]), default=(None, None))


races = {
    (form, name): race(build, x) for form, x in FORMS.items() for name, build in OPTIMIZERS.items()
}


def told(form, name):
    rate, points = races[form, name]
    return "not in time" if points is None else f"{len(points) - 1} (rate {rate:.2g})"


steps = {form: {name: told(form, name) for name in OPTIMIZERS} for form in FORMS}
pd.DataFrame(steps).rename_axis(columns="steps to the goal")


# %%
@styled
def landscapes():
    figure = new_figure(6.0)
    shown = ("SGD", "momentum", "Adam")
    for line, (form, x) in zip(figure.subplots(3, 3), FORMS.items(), strict=True):
        best, least, _ = minimum(x)
        ways = [races[form, name][1] for name in shown]
        met = np.vstack([best, START, *(points for points in ways if points is not None)])
        low, high = met.min(axis=0), met.max(axis=0)
        room = 0.15 * (high - low)
        w = np.linspace(low[0] - room[0], high[0] + room[0], 60)
        b = np.linspace(low[1] - room[1], high[1] + room[1], 60)
        heights = [
            [binary_crossentropy(malignant, x * one_w + one_b)[0] for one_w in w] for one_b in b
        ]
        for axes, name in zip(line, shown, strict=True):
            _, points = races[form, name]
            levels = least + np.geomspace(0.001, 10, 13)
            axes.contour(w, b, heights, levels, colors=FAINT, linewidths=1)
            if points is not None:
                axes.plot(*points.T, color=SERIES[0]["color"], linewidth=1)
                axes.plot(*points.T, ".", color=SERIES[0]["color"], markersize=3)
            axes.plot(*best, "*", color=SERIES[3]["color"], markersize=11)
            axes.plot(*START, "o", color=INK, markersize=5)
            length = "not in time" if points is None else f"{len(points) - 1} steps"
            axes.set_title(f"{name}: {length}", fontsize=8.5)
            axes.set_xlim(w[0], w[-1])
            axes.set_ylim(b[0], b[-1])
            axes.grid(visible=False)
        line[0].set_ylabel(f"{form}\nb")
        for axes in line[1:]:
            axes.tick_params(labelleft=False)
    for axes in figure.axes[-3:]:
        axes.set_xlabel("w")
    return figure


landscapes()

# %% [markdown]
# Row by row:
#
# - **Hundreds.** w and b can make up for each other: a valley runs across the plane. SGD is thrown from side to side.
#   Its rate cannot be much larger than 2 / curvature of the steep direction, or it would be thrown out, and along
#   the valley such steps are short. Momentum averages the sides away. Adam and RMSprop measure w and b each by its own
#   gradients, and that is no help in a valley across both.
# - **Less the mean.** The valley lies along an axis: w is steep and b is flat, for their units differ. This is what
#   Adam and RMSprop are made for.
# - **Standard.** A round bowl, nearly. Everyone is quick, and plain SGD needs no tricks.
#
# So the rules differ in *which* bad landscape they can cope with. And the largest gain came from no optimizer at
# all, but from one line that scaled the data. (A factor of two in this table means little: with many rates to choose
# from, now and then one lands on the goal by luck.)
#
# The limit for SGD can be seen from near by, with a start next to the minimum:

# %%
for form, x in FORMS.items():
    best, least, (_, steepest) = minimum(x)
    ends = {}
    for share in (0.95, 1.05):
        layer = Dense(1, 1, np.random.default_rng(0)).astype("float64")
        layer.set_parameters([best[:1, None] * 1.001, best[1:] * 1.001])
        optimizer = SGD(share * 2 / steepest)
        for _ in range(200):
            layer.backward(binary_crossentropy(malignant, layer.forward(x))[1])
            optimizer.step(layer)
        ends[share] = binary_crossentropy(malignant, layer.forward(x))[0] - least
    print(
        f"{form}: 2 / curvature = {2 / steepest:.3g}; loss above the minimum after 200 steps with "
        f"0.95 of it {ends[0.95]:.0e}, with 1.05 of it {ends[1.05]:.0e}"
    )

# %% [markdown]
# ## All 30 measurements
#
# Now logistic regression on the whole table, in batches of 32 as usual, 20 epochs. The columns as they are, where an
# area is in the hundreds and a smoothness around 0.1, and in standard deviations. Every optimizer with every rate:

# %%
TABLES = {
    "columns as they are": cancer.data,
    "columns scaled": (cancer.data - cancer.data.mean(axis=0)) / cancer.data.std(axis=0),
}
SHOWN = dict(zip(OPTIMIZERS, (SERIES[1], SERIES[3], SERIES[4], SERIES[2], SERIES[0]), strict=True))


def logistic_loss(build, rate, x, epochs=3 if QUICK else 20):
    """Training loss of logistic regression from zero weights."""
    model = Sequential([Dense(30, 1, np.random.default_rng(0))]).astype("float64")
    model.set_parameters([np.zeros((30, 1)), np.zeros(1)])
    model.compile(build(rate), binary_crossentropy)
    model.fit(x, malignant, epochs, random=np.random.default_rng(0))
    return model.evaluate(x, malignant, 1024)["loss"]


exponents = np.arange(-6, 1.1, 1.5 if QUICK else 0.5)
found = {
    (table, name): [logistic_loss(build, 10.0**power, x) for power in exponents]
    for table, x in TABLES.items()
    for name, build in OPTIMIZERS.items()
}


@styled
def by_rate():
    figure = new_figure(3.3)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, table in zip(panels, TABLES, strict=True):
        for name, style in SHOWN.items():
            axes.plot(10.0**exponents, found[table, name], **style, markersize=4, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.03, 1.5)
        axes.set_xlabel("learning rate")
        axes.set_title(table.capitalize())
    panels[0].set_ylabel("training loss")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


least = {table: {name: min(found[table, name]) for name in OPTIMIZERS} for table in TABLES}
best = {
    table: {name: f"{10.0 ** exponents[np.argmin(found[table, name])]:.1g}" for name in OPTIMIZERS}
    for table in TABLES
}
print(pd.DataFrame(least).rename_axis(columns="least loss").round(3).to_string())
print(pd.DataFrame(best).rename_axis(columns="at the rate").to_string())
by_rate()

# %% [markdown]
# On the raw columns Adam is ahead, and it is still worse than the last of them on scaled columns. There, with its own
# best rate each, all five end at about the same loss, and what differs is where the good rates lie: far apart for
# SGD and Adam. This is why "we used the same learning rate for all optimizers" is no fair test.
#
# ## A network
#
# Two hidden layers on the digits. The validation images choose each optimizer's rate; then three fresh starts with it,
# judged on the test images.

# %%
digits = load_digits()
count = 500 if QUICK else len(digits.data)
x_train, x_test, y_train, y_test = train_test_split(
    (digits.data[:count] / 16).astype("float32"),
    digits.target[:count],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[:count],
)
x_train, x_validation, y_train, y_validation = train_test_split(
    x_train, y_train, test_size=0.2, random_state=0, stratify=y_train
)
epochs = 2 if QUICK else 15
in_all = epochs * -(-len(x_train) // 32)  # steps of a training


def network(optimizer, seed=0):
    """A network of two hidden layers after training."""
    random = np.random.default_rng(seed)
    first, second = Dense(64, 64, random), Dense(64, 64, random)
    model = Sequential([first, ReLU(), second, ReLU(), Dense(64, 10, random)])
    model.compile(optimizer, sparse_categorical_crossentropy)
    with np.errstate(all="ignore"):
        model.fit(x_train, y_train, epochs, random=random)
    return model


def loss_on(model, x, y):
    with np.errstate(all="ignore"):
        return model.evaluate(x, y, 1024)["loss"]


network_rates = 10.0 ** np.arange(-4, 0.1, 2 if QUICK else 0.5)
by_network_rate = {
    name: [loss_on(network(build(rate)), x_validation, y_validation) for rate in network_rates]
    for name, build in OPTIMIZERS.items()
}
seeds = (1,) if QUICK else (1, 2, 3)
rows = {}
for name, build in OPTIMIZERS.items():
    rate = network_rates[np.argmin(by_network_rate[name])]
    models = [network(build(rate), seed) for seed in seeds]
    losses = [loss_on(model, x_test, y_test) for model in models]
    right = [100 * np.mean(model.predict(x_test).argmax(axis=1) == y_test) for model in models]
    rows[name] = {
        "best rate": f"{rate:.2g}",
        "test loss": f"{np.mean(losses):.3f}",
        "from": f"{min(losses):.3f}",
        "to": f"{max(losses):.3f}",
        "right, %": f"{np.mean(right):.1f}",
    }
pd.DataFrame(rows).T


# %%
@styled
def network_by_rate():
    figure = new_figure(3.3)
    axes = figure.subplots()
    for name, style in SHOWN.items():
        axes.plot(network_rates, by_network_rate[name], **style, markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.06, 3)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("validation loss")
    axes.set_title(f"Digits, {epochs} epochs: each has good rates of its own")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


network_by_rate()

# %% [markdown]
# Each has its valley of good rates, SGD's far to the right of Adam's, and at the bottom they are not far apart. Adam is
# a little ahead here, and its valley begins early: with its default of 0.001 it does tolerably at once. That,
# more than a better end, is why it is the first choice of most people.
#
# ## What Adam does to a step
#
# m / sqrt(v) is about 1 for a weight whose gradients agree, whatever their size, and near 0 for one whose gradients
# contradict each other. At the first step m and v know one gradient only, and their ratio is ± 1, but for the 1e-7
# that tells where a gradient is next to nothing:

# %%
random = np.random.default_rng(0)
model = Sequential([Dense(64, 64, random), ReLU(), Dense(64, 10, random)])
_, gradient = sparse_categorical_crossentropy(y_train, model.forward(x_train))
model.backward(gradient)
kernel, slopes = model.all_parameters()[0], np.abs(model.all_gradients()[0])
for name, optimizer in {"SGD": SGD(0.1), "Adam": Adam(0.001)}.items():
    before = kernel.copy()
    optimizer.step(model)
    moved = np.abs(kernel - before)[slopes > 1e-6]
    low, middle, high = np.percentile(moved, (5, 50, 95))
    print(
        f"{name}: of 100 weights, from the one least moved, the 5th moves by {low:.1e}, the 50th by "
        f"{middle:.1e}, the 95th by {high:.1e}"
    )

# %% [markdown]
# So Adam's learning rate has a plain meaning: no weight moves by much more than that in one step. It also explains
# the columns with different units, and why Adam got the sigmoid network of notebook 3 further than SGD. The price
# is that a weight with faint gradients, which may be noise, moves like one with strong ones.
#
# ## Schedules
#
# Far from the goal long steps are good, near to it they shake the weights about. So let the rate fall. Four ways,
# here with Adam, for several top rates:
#
# - constant;
# - exponential decay, down to a hundredth at the end;
# - half a cosine wave, down to 0;
# - the same after a tenth of the steps as warm-up, for at the first steps Adam's averages know little.

# %%
SCHEDULES = {
    "constant": lambda rate: rate,
    "exponential": lambda rate: exponential_decay(rate, in_all, 0.01),
    "cosine": lambda rate: cosine_decay(rate, in_all),
    "warm-up, cosine": lambda rate: cosine_decay(
        0.0, in_all - in_all // 10, warmup_target=rate, warmup_steps=in_all // 10
    ),
}
STYLES = dict(zip(SCHEDULES, (SERIES[1], SERIES[2], SERIES[0], SERIES[3]), strict=True))
top_rates = np.array((0.003, 0.03) if QUICK else (0.001, 0.003, 0.01, 0.03, 0.1))
by_schedule = {
    name: [
        np.mean([loss_on(network(Adam(build(rate)), seed), x_test, y_test) for seed in seeds])
        for rate in top_rates
    ]
    for name, build in SCHEDULES.items()
}


@styled
def schedules():
    figure = new_figure(3.3)
    left, right = figure.subplots(1, 2)
    places = np.arange(in_all)
    for name, build in SCHEDULES.items():
        rate = build(1.0)
        line = {key: STYLES[name][key] for key in ("color", "linestyle", "linewidth")}
        left.plot(places, [rate(step) if callable(rate) else rate for step in places], **line)
        right.plot(top_rates, by_schedule[name], **STYLES[name], markersize=4, label=name)
    left.set_xlabel("step")
    left.set_title("Share of the top rate")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_yticks([0.1, 0.2, 0.5], ["0.1", "0.2", "0.5"])
    right.set_yticks([], minor=True)
    right.set_xlabel("top rate")
    right.set_title("Test loss")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


print(pd.DataFrame(by_schedule, index=pd.Index(top_rates, name="top rate")).T.round(3).to_string())
schedules()

# %% [markdown]
# A falling rate bears a higher top than a constant one: where the constant rate already shakes the weights about, the
# cosine does well, and where the rate is small, falling makes it too small. At their best they are close, and the
# cosine is a little ahead. Warm-up gains nothing at a good rate here, and is a safeguard where the top is too
# high.
#
# ## Weights that are to stay small: AdamW
#
# A penalty on the squares of the weights adds a multiple of w to each gradient (notebook 1, exercise 3). In SGD this
# shrinks all weights by the same share. In Adam the addition would be divided by sqrt(v) along with the gradient:
# weights with large gradients would hardly shrink. AdamW takes it out of the gradient and shrinks each
# weight by rate · decay in every step, whatever its gradients are.

# %%
rows = {}
for decay in (0.0, 0.03, 0.1, 0.3, 1.0):
    models = [network(AdamW(cosine_decay(0.01, in_all), weight_decay=decay), s) for s in seeds]
    rows[decay] = {
        "length of all weights": np.mean(
            [np.sqrt(sum(np.sum(w**2) for w in model.all_parameters())) for model in models]
        ),
        "training loss": np.mean([loss_on(model, x_train, y_train) for model in models]),
        "test loss": np.mean([loss_on(model, x_test, y_test) for model in models]),
    }
pd.DataFrame(rows).T.rename_axis(index="decay").round(4)

# %% [markdown]
# The decay does what it says: the weights get shorter, and the training loss higher. The test loss hardly moves for
# a small decay and rises for a large one. These digits do not need it. Where a network learns its training rows by
# heart it is another story, that of notebook 8.
#
# ## When each wins
#
# | the landscape | where it comes from | what helps |
# | --- | --- | --- |
# | a round bowl | scaled columns, sensible start | plain SGD; everything works |
# | a valley along the axes | units, rare features, layers with gradients of different size | Adam, RMSprop; better still, scale |
# | a valley across | columns that say nearly the same, a mean not taken off | momentum, Nesterov |
# | slopes that change with every batch | small batches | a falling rate |
#
# And for every comparison, ours included: each with its own rate, more than one seed, and the data scaled first.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** AdaGrad, the ancestor of RMSprop, keeps the plain sum of all squared gradients, and no moving average. Write one
# step; put the 1e-7 beside the root, not under it. What does it do to the steps in a long training?


# %%
def adagrad_step(w, gradient, total, rate):
    """All arrays of one shape; total: sum of the squares before this step. Returns new w and total."""
    raise NotImplementedError


# %%
check(adagrad_step)

# %% [markdown]
# **2.** Lion (2023) keeps one average only and takes nothing but its sign: w -= rate · sign(0.9 m + 0.1 g), and *after
# that* m = 0.99 m + 0.01 g.


# %%
def lion_step(w, gradient, m, rate):
    """All arrays of one shape. Returns new w and m, and leaves what it was given unchanged."""
    raise NotImplementedError


# %%
check(lion_step)

# %% [markdown]
# **3.** The first Transformers were trained with a rate that rises in a straight line up to `top` at step
# `warmup_steps`, and from there falls like 1 / sqrt(step), without a jump.


# %%
def rate_of_transformers(step, top, warmup_steps):
    """step: steps done, from 0. Returns the rate of the next one."""
    raise NotImplementedError


# %%
check(rate_of_transformers)
