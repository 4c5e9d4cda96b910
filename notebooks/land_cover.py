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
# # Which crop grows at this pixel?
#
# An aircraft photographs farmland in 200 narrow bands of light, from blue to far beyond red. Somebody
# walks the fields and notes what grows there. Can a network say it of the other pixels? And how would
# we know?
#
# This notebook walks the same road as `projects/land_cover/run.py`, with the same functions, and looks
# around on the way: what a spectrum is, how a random split of pixels leaks, three kinds of convolution,
# and a map.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import tempfile
from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from projects.land_cover.load import LABELS, PIXEL, load, read_raw
from projects.land_cover.run import PROJECT, Config

config = Config(model="spectral-spatial", epochs=20, patience=20)
if QUICK:  # the map asks for each of 21,025 pixels: the smallest network does
    config = replace(config, model="spectral", rows=600, epochs=2)
machine

# %% [markdown]
# ## The scene
#
# Three of the 200 bands, shown as red, green and blue, and beside them the labels: about half of the
# pixels have one.

# %%
from common.plots.scenes import draw_classes
from common.plots.style import new_figure, styled

file, labels = read_raw()
scene = np.load(file)
print(scene.shape, scene.dtype, f"{(labels > 0).sum():,} of {labels.size:,} pixels have a label")


@styled
def scene_and_labels(bands=(28, 15, 7)):
    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2)
    colours = scene[..., bands].astype(float)
    low, high = np.quantile(colours, (0.02, 0.98), axis=(0, 1))
    left.imshow(np.clip((colours - low) / (high - low), 0, 1))
    left.set_title("the scene, three bands of it")
    left.set(xticks=[], yticks=[])
    left.grid(visible=False)
    draw_classes(right, labels - 1, "the labels", len(LABELS))
    return figure


scene_and_labels()

# %% [markdown]
# ## A pixel is a spectrum
#
# `load` gives the labelled pixels, split. A cell of the features names a pixel; its 200 bands are read
# from the scene. Here is the mean spectrum of each class with a band of one deviation, and dotted the
# mean of all.

# %%
from common.plots.scenes import class_spectra
from common.scenes.patches import spectra_of

dataset = load(config.side, config.split, config.draw, config.rows)
train = dataset.examples("train")
spectra = spectra_of(train.features[PIXEL], dataset.schema.patch)
class_spectra(spectra, train.target.astype(int), LABELS)

# %% [markdown]
# Plants are dark in visible light, bright beyond red, and dark again where their water absorbs: woods and
# grass show it best. It is June, corn and soybean are small, and what the aircraft sees of them is mostly
# soil. No wonder that their spectra look alike.
#
# ## How a random split leaks
#
# Most papers on this scene draw their training pixels at random. Take a test pixel and look at what lies
# around it:


# %%
@styled
def around_a_test_pixel(datasets, rows=slice(62, 84), columns=slice(30, 52)):
    figure = new_figure(2.9)
    for axes, (title, each) in zip(
        figure.subplots(1, len(datasets)), datasets.items(), strict=True
    ):
        parts = np.full(labels.shape, -1)
        for number, part in enumerate(("train", "test")):
            places = each.ids.loc[each.part == part, ["row", "column"]].to_numpy()
            parts[*places.T] = number
        axes.imshow(np.where(labels > 0, 0.88, 1)[rows, columns], "gray", vmin=0, vmax=1)
        axes.imshow(np.ma.masked_less(parts[rows, columns], 0), "cividis", vmin=0, vmax=1)
        axes.set_title(title)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
    return figure


random = load(config.side, "random", config.draw, config.rows)
around_a_test_pixel({"at random": random, "by area": dataset})

# %% [markdown]
# Dark blue trains, yellow tests, grey is neither. At random, each test pixel lies among training pixels of
# its own field: a network that sees 5 x 5 pixels has seen nearly all of them, with the label. By area, the
# fields are cut, and what would touch both sides is left out. The checks know the difference:

# %%
from common.data.checks import check_dataset

for name, each in {"random": random, "area": dataset}.items():
    for finding in check_dataset(each):
        if finding.check == "overlapping patches":
            print(f"{name:6}  {finding.level:5}  {finding.message}")
dataset.account.as_dict()

# %% [markdown]
# How much does that flatter? A model that has nothing to do with deep learning shows it: a support vector
# machine, on the pixel alone and on the mean of the 5 x 5 pixels around it. `fields` is stricter still:
# whole fields are kept for the test, where a class has three. We score on the validation part; the test is
# for the end.

# %%
from common.evaluation.multiclass import MulticlassRows
from common.evaluation.spectrum_baselines import RIVALS

rows, rivals = [], {}
splits = {
    "random": random,
    "area": dataset,
    "fields": load(config.side, "fields", config.draw, config.rows),
}
for split, each in splits.items():
    learn, validation = each.examples("train"), each.examples("validation")
    for name in ("svm", "svm_on_mean_of_patch"):
        rivals[split, name] = RIVALS[name](learn, validation, each.schema, config.seed)
        answers = rivals[split, name](validation.features)
        scores = MulticlassRows(validation.target, answers).metrics()
        rows.append({"split": split, "model": name, **scores})
table = pd.DataFrame(rows).pivot(index="split", columns="model", values="accuracy")
table.loc[list(splits)].round(3)

# %% [markdown]
# The same scene, the same model. At random, taking the mean of the neighbours is a great idea, since the
# neighbours are training pixels of the same field. With the areas kept apart it has to work by itself.
# Which number would you tell a farmer?
#
# ## Three convolutions
#
# A convolution slides a small filter along something. Along what?
#
# - **spectral**: along the 200 bands of the pixel itself. It finds edges and dips, wherever they lie.
# - **spatial**: over the rows and columns of the patch, once all bands have been mixed into a few. It finds
#   texture, and rows of plants.
# - **spectral-spatial**: over rows, columns and bands at once.
#
# Patches overlap, so they are never stored: a batch cuts its own out of the scene.

# %%
from common.training.train import prepare_rows

prepared = prepare_rows(dataset)
for part in ("train", "validation", "test"):
    print(f"{part:10} {prepared.part(part).inputs['patch'].shape}")
print(f"{scene.nbytes / 1e6:.0f} MB on disk")

# %%
from projects.land_cover.model import build

MODELS = ("spectral", "spatial", "spectral-spatial")
for model in MODELS:
    network = build(replace(config, model=model), prepared.table, prepared.target)
    shapes = [str(layer.output.shape[1:]) for layer in network.layers if layer.count_params()]
    print(f"{model:17} {network.count_params():>8,} weights   {' -> '.join(shapes)}")

# %% [markdown]
# All three begin with the same layer: each band to mean 0 and deviation 1, as of the training pixels. It is
# part of the network, so nobody can forget it. Now they learn.

# %%
from common.plots.learning import learning_curves
from common.training.train import history_frame, train_seed

trained = {}
for model in MODELS:
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as checkpoints:
        trained[model] = train_seed(
            PROJECT, replace(config, model=model), prepared, config.seed, Path(checkpoints)
        )
learning_curves(history_frame([trained["spectral-spatial"]]), config.monitor)

# %% [markdown]
# ## The test pixels, opened once

# %%
from common.evaluation.evaluate import score_models

parts = {part: dataset.examples(part) for part in ("validation", "test")}
answers = {}
for model, result in trained.items():
    answers[model] = {"validation": result.validation, "test": result.test}
for name in ("svm", "svm_on_mean_of_patch"):
    predict = rivals["area", name]
    answers[name] = {part: predict(each.features) for part, each in parts.items()}
answers = {"network": answers.pop(config.model), **answers}
scored, metrics, comparison = score_models(dataset.schema, "accuracy", *parts.values(), answers)
print(comparison["verdict"])
pd.DataFrame(
    {
        name.replace("network", config.model): {
            metric: f"{scores[metric]['value']:.3f} ({scores[metric]['low']:.3f} to "
            f"{scores[metric]['high']:.3f})"
            for metric in ("accuracy", "balanced_accuracy", "f1_macro")
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# At random, a model that sees the surroundings was next to perfect. Here those that see the pixel alone do
# no worse: much of what is to be seen around a pixel is which field it lies in, and that does not help in the
# next one. The intervals resample whole fields, since the pixels of a field share one fate. They are wide,
# because there are few fields: one scene does not tell much more than that.
#
# ## The map

# %%
from common.bundle import Bundle
from common.plots.scenes import scene_figures

(network,) = trained[config.model].networks
bundle = Bundle(network, dataset.schema, {}, {})
scene_figures(bundle, dataset, answers["network"]["test"])["scene_map"]

# %% [markdown]
# What the network says is drawn for all pixels, also for those that nobody labelled: there it has to name
# one of 16 crops, even for a road. The lower right is what counts, the test pixels alone. Mistakes come in
# clumps: a piece of a field, or a field, is taken for another crop as a whole.

# %%
from common.plots.classes import class_confusion

class_confusion(scored["network"].confusion(), LABELS)

# %% [markdown]
# What is green in June is told apart. Corn and soybean are taken for each other, and one kind of tillage for
# another: the soil is what the aircraft sees of them.
#
# ## What to try next
#
# - `python projects/land_cover/run.py --side 9`: more surroundings, wider gaps, fewer pixels. Does it pay?
# - `--split fields` for all three networks: `python -m benchmarks.land_cover_splits` does it with several
#   draws of each split.
# - `--class-weights balanced`: what do the small classes gain, and what do the large ones pay?
# - Labels of your own: change one field's label in `read_raw` and see where the map follows.
