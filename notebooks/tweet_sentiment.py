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
# # Is this tweet negative, neutral or positive?
#
# 38,158 tweets, each called negative, neutral or positive by people. The file is damaged, many tweets
# are there twice, and the people do not always agree.
#
# This notebook walks the same road as `projects/tweet_sentiment/run.py`, with the same functions, and
# looks around on the way: the damage, the copies, a small network and the words it goes by. Then it
# opens a **BERT**: how a sentence enters, what attends to what, and which tweets it holds for alike.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import keras
import numpy as np
import pandas as pd

from projects.tweet_sentiment.load import LABELS, TEXT, load, prepare, read_raw
from projects.tweet_sentiment.run import PROJECT, Config

config = Config(rows=300) if QUICK else Config()
machine

# %% [markdown]
# ## The data, before we touch it

# %%
raw = read_raw()
print(raw["sentiment"].value_counts().to_string())
damaged = raw[raw[TEXT].str.contains("�")]
print(f"\n{len(damaged):,} tweets hold damaged characters, read as one � each")
damaged[TEXT].head(5).tolist()

# %% [markdown]
# What was an apostrophe, a quotation mark or an emoji went through several wrong encodings before the
# file was published, and cannot be won back; the [card](../data/tweets.md) tells what was tried.
#
# The people who called the tweets were not always sure. How sure they were is the *confidence*; for a
# seventh of the tweets it is not told.

# %%
from common.plots.style import new_figure, styled


@styled
def confidence_of_labels():
    figure = new_figure(2.8)
    panels = figure.subplots(1, 3, sharey=True)
    for axes, label in zip(panels, LABELS, strict=True):
        axes.hist(raw.loc[raw["sentiment"] == label, "confidence"].dropna(), bins=15)
        axes.set_title(label)
    panels[0].set_ylabel("tweets")
    panels[1].set_xlabel("confidence")
    return figure


confidence_of_labels()

# %% [markdown]
# ## From raw rows to examples
#
# `prepare` makes a text even, in training and in prediction alike: `&amp;` becomes "&", a handle
# "@user", a link "http".

# %%
examples = raw.loc[raw[TEXT].str.contains("&amp;.*@.*http"), [TEXT]].head(3)
for before, after in zip(examples[TEXT], prepare(examples, {})[TEXT], strict=True):
    print(before, after, sep="\n-> ", end="\n\n")

# %% [markdown]
# With links and handles alike, many more tweets are copies of each other than there were before. They
# are dropped, and with them every text that people called by several names. Near copies, a tweet that
# is passed on with a word before it, stay together in one part.

# %%
dataset = load(config.form, config.confidence_weights, config.rows)
dataset.account.as_dict()

# %%
from common.data.checks import check_dataset

for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# ## The rival
#
# Which words a tweet has, the rare ones counting more, and a linear model on them: quick, strong, and
# honest about what a network adds.

# %%
from common.evaluation.text_baselines import tfidf_words

train, validation, test = map(dataset.examples, ("train", "validation", "test"))
rival = tfidf_words(train, validation, dataset.schema, seed=0)

# %% [markdown]
# ## A small network
#
# Every word has a vector. Filters slide over three, four and five words at a time, and what each found
# strongest goes into a linear layer. Words become whole numbers once, before the training, by a
# tokenizer that is fitted on the training tweets.

# %%
from common.training.train import prepare_rows

prepared = prepare_rows(dataset)
tokenizer = prepared.tokenizers[TEXT]
text = test.features[TEXT][1]
print(text)
print(tokenizer.encode(text).tokens)
print(tokenizer.encode(text).ids)

# %%
import tempfile

from common.plots.learning import learning_curves
from common.training.train import history_frame, train_seed

trained = train_seed(PROJECT, config, prepared, config.seed, Path(tempfile.mkdtemp()))
network = trained.networks[0]
learning_curves(history_frame([trained]), config.monitor)

# %%
from common.evaluation.evaluate import score_models

answers = {
    "network": {"validation": trained.validation, "test": trained.test},
    "tfidf_words": {"validation": rival(validation.features), "test": rival(test.features)},
}
scored, metrics, comparison = score_models(dataset.schema, "accuracy", validation, test, answers)
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{score['value']:.4f} ({score['low']:.3f} to {score['high']:.3f})"
            for metric, score in scores.items()
        }
        for name, scores in metrics.items()
    }
).T

# %%
from common.plots.classes import class_confusion

class_confusion(scored["network"].confusion(), LABELS)

# %% [markdown]
# Where the people were less sure, the network errs more often: what is hard for them is hard for it, and
# some of its mistakes are theirs.

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import slices

sliced = score_slices(dataset.schema, "accuracy", test, trained.test, rounds=100)
slices(sliced, "accuracy", metrics["network"]["accuracy"]["value"])

# %% [markdown]
# ## The words it goes by
#
# Of a tweet the network called right: how much the log-odds of the class fall when a word is left out.

# %%
from common.evaluation.attribution import gradient_times_input, occlusion
from common.text.tokenizer import token_places

surest = np.argmax(np.where(test.target == 2, trained.test[:, 2], 0))  # of the positive ones
text = test.features[TEXT][surest]
ids, places = token_places(tokenizer, text, config.length)
pd.DataFrame(
    {
        "gradient times input": gradient_times_input(network, ids, 2),
        "left out": occlusion(network, ids, 2, np.arange(len(ids)), unknown=1),
    },
    index=[text[start:end] for start, end in places],
).round(2)

# %% [markdown]
# And labels that look wrong: the tweet is as sure a case of another class as that class's own tweets
# are (confident learning). Judge for yourself.

# %%
from common.evaluation.confident_learning import doubtful

given = test.target.astype(int)
doubted, likelier = doubtful(given, trained.test)
own = trained.test[np.arange(len(given)), given]
worst = np.flatnonzero(doubted)[np.argsort(own[doubted])][:8]
pd.DataFrame(
    {
        "label": [LABELS[each] for each in given[worst]],
        "likelier": [LABELS[each] for each in likelier[worst]],
        "text": test.features[TEXT][worst].to_list(),
    }
)

# %% [markdown]
# ## A BERT, opened
#
# all-MiniLM-L6-v2 has read a good part of the web. A sentence enters as **three embeddings** that are
# added: what a piece is, to which text it belongs, and where it stands.

# %%
from common.models.bert import load_bert
from common.models.bert_weights import minilm_folder
from common.text.pretrained import load_tokenizer

bert = load_bert(minilm_folder())
pieces = load_tokenizer(minilm_folder())
SENTENCE = "my flight was not late, thank you!"
ids = token_places(pieces, SENTENCE, length=32)[0]
tokens = [pieces.id_to_token(number) for number in ids]
inputs = {"ids": ids[None], "segments": np.zeros((1, len(ids)), "int32")}
print(tokens)
for name in ("word_embedding", "segment_embedding", "position_embedding"):
    table = bert.get_layer(name).get_weights()[0]
    print(f"{name:18}  {table.shape[0]:6,} vectors of {table.shape[1]} numbers")

# %% [markdown]
# Their sum, made by hand from the tables, is what goes into the normalisation before the first block:

# %%
word, segment, position = (
    bert.get_layer(f"{name}_embedding").get_weights()[0] for name in ("word", "segment", "position")
)
added = word[ids] + segment[0] + position[: len(ids)]
before_first = keras.Model(bert.input, bert.get_layer("embedding_norm").input)
print("largest difference:", np.abs(before_first.predict_on_batch(inputs)[0] - added).max())

# %% [markdown]
# Vectors of positions near each other are alike, although nobody told it what "near" is:

# %%
directions = position[:64] / np.linalg.norm(position[:64], axis=1, keepdims=True)


@styled
def map_of(values, labels=(), title=""):
    figure = new_figure(4.6)
    axes = figure.subplots()
    axes.imshow(values, cmap="Blues", vmin=0)
    axes.set_title(title)
    axes.grid(visible=False)
    if len(labels):
        axes.set_xticks(range(len(labels)), labels, rotation=90)
        axes.set_yticks(range(len(labels)), labels)
    return figure


map_of(directions @ directions.T, title="how alike the vectors of positions are (cosine)")

# %% [markdown]
# ## What attends to what
#
# In each block every piece takes from all pieces, in shares that add up to one; twelve heads do so side
# by side. Each head looks for something else: of all 72, here is the one in which "not" is attended to
# most.

# %%
blocks = 6
shares = keras.Model(
    bert.input, [bert.get_layer(f"block_{block}_shares").output for block in range(1, blocks + 1)]
)
attention = np.concatenate(shares.predict_on_batch(inputs))  # (blocks, heads, from, to)
place = tokens.index("not")
block, head = np.unravel_index(attention[..., place].mean(axis=-1).argmax(), attention.shape[:2])
map_of(
    attention[block, head],
    tokens,
    f"block {block + 1}, head {head + 1}: each row takes from the columns",
)

# %% [markdown]
# ## Nearest neighbours
#
# The mean over a tweet's pieces is its vector, and the nearest tweets are those that say much the same:
# about the same thing, though, and not in the same mood. That is what fine-tuning has to teach it.

# %%
from common.models.sentences import encode_texts

count = 200 if QUICK else 2000
known = train.features[TEXT][:count]
vectors = encode_texts(known.to_list())
questions = ["my flight was not late, thank you!", "I would never sit in a car without a driver"]
alike = encode_texts(questions) @ vectors.T
for question, row in zip(questions, alike, strict=True):
    print(question)
    for place in np.argsort(-row)[:5]:
        print(f"  {row[place]:.2f}  {LABELS[int(train.target[place])]:8}  {known[place][:90]}")

# %% [markdown]
# ## What each step buys
#
# A linear model on these vectors, and all of MiniLM trained on the tweets, take longer than a notebook
# should:
#
#     python projects/tweet_sentiment/run.py --model bert --thawed 0 --head-epochs 30 \
#         --head-learning-rate 0.003 --dropout 0.1
#     python projects/tweet_sentiment/run.py --model bert --batch-size 32 --learning-rate 5e-5 \
#         --layer-decay 0.9 --epochs 3 --dropout 0.1
#
# `python -m benchmarks.text_models` puts them side by side with the other networks and writes the table
# on the [project's page](../projects/tweet_sentiment/README.md).
