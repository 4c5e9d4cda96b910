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
# # Which article does this headline belong to?
#
# Articles of BBC News, each with its headline. Take the headlines off, shuffle, and find the article of
# each again. That is **text matching**: do these two texts belong together, and of many texts, which
# one belongs to this? A search engine asks it of a query and a page, a help desk of a question and those it
# has answered before, an editor of a story and its copies.
#
# This notebook walks the same road as `projects/headline_matching/run.py`, with the same functions: the
# data, three searches that need no training, where they fail, and two networks of the family that BERT
# replaced, one of them with the picture that it looks at.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import tempfile
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", "IProgress not found")  # the search has no bar to show

from projects.headline_matching.load import ARTICLE, HEADLINE, LABELS, load, prepare, read_raw
from projects.headline_matching.run import PROJECT, Config

config = Config(model="dssm", learning_rate=2e-3, epochs=5, monitor="val_roc_auc")
if QUICK:
    config = replace(config, rows=120, epochs=1)
machine

# %% [markdown]
# ## The data, before we touch it
#
# Each file has the headline in its first line, then the article. The headline is cut off there; if an article
# had it a second time, finding it would be a matter of looking for the same letters. So we look:

# %%
raw = read_raw()


def letters(text):
    return "".join(filter(str.isalnum, text.lower()))


repeated = sum(
    letters(headline) in letters(article)
    for headline, article in zip(raw[HEADLINE], raw[ARTICLE], strict=True)
)
print(f"{len(raw):,} articles, {repeated} of them with their headline in the text")
words = raw[[HEADLINE, ARTICLE]].apply(lambda texts: texts.str.split().str.len()).median()
print(f"half of the headlines have at most {words[HEADLINE]:.0f} words,", end=" ")
print(f"half of the articles at most {words[ARTICLE]:.0f}")
raw.groupby("topic").sample(1, random_state=0)[["topic", HEADLINE, ARTICLE]]

# %% [markdown]
# Copies are dropped before the split, near ones too: a second article that fits as well would be called wrong.
# Each article gives two pairs, its headline with itself and with another article; the account is of pairs.

# %%
dataset = load(config.form, config.wrong, config.split, config.rows)
dataset.account.as_dict()

# %%
from common.data.checks import check_dataset

for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# The other article is of the same topic. A pair from the training part:

# %%
for number in range(2):
    row = dataset.features[dataset.part == "train"].iloc[number]
    called = LABELS[int(dataset.target[dataset.part == "train"][number])]
    print(f"{called:6} {row[HEADLINE]}\n       {row[ARTICLE][:90]} …\n")

# %% [markdown]
# ## Three searches that need no training
#
# Pairs are for learning. The test is a search: for each test headline all test articles are ranked, the
# topics mixed. Where the right one comes first the reciprocal rank is 1, where it comes second a half, and
# so on; the mean over all headlines is the score.
#
# - **TF-IDF:** how often a word is there (on a logarithmic scale), times how rare it is elsewhere; the
#   cosine of the two lists of numbers.
# - **BM25:** much the same, but the tenth time that a word comes counts for hardly more than the ninth, and
#   long articles have no advantage.
# - **MiniLM as it is:** a small BERT that its authors trained to give texts of like meaning like vectors. It
#   needs no word in common.

# %%
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.ranking import RankedRows
from common.text.search import bm25, minilm_cosine, tfidf_cosine

ranking = dataset.ranking
queries, candidates = list(ranking.queries), list(ranking.candidates)
print(f"{len(queries)} headlines, {len(candidates)} articles")


def scored(found):
    """Mean reciprocal rank and so on of each search, with 95 % intervals over headlines."""
    ranked = {
        name: RankedRows(scores, ranking.own, np.arange(len(queries)))
        for name, scores in found.items()
    }
    draws = bootstrap(ranked, rounds=1000)
    told = {
        name: {
            metric: interval(value, draws[name][metric]) for metric, value in rows.metrics().items()
        }
        for name, rows in ranked.items()
    }
    return pd.DataFrame(told).T.map(
        lambda score: f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"
    )


searches = {"TF-IDF": tfidf_cosine, "BM25": bm25, "MiniLM as it is": minilm_cosine}
found = {name: index(candidates)(queries) for name, index in searches.items()}
scored(found)

# %% [markdown]
# Why wrong articles of the same topic? Because those of another topic are easier to tell, and a network that
# learns from them may learn topics and stop there. How alike MiniLM finds a headline and an article:

# %%
from sklearn.metrics import roc_auc_score

from common.plots.style import new_figure, styled

topic = dataset.slices["topic"][dataset.part == "test"].to_numpy()[::2]  # two pairs a headline
own = np.arange(len(candidates)) == ranking.own[:, None]
same = (topic == topic[ranking.own][:, None]) & ~own
cosines = {
    "its own": found["MiniLM as it is"][own],
    "of its topic": found["MiniLM as it is"][same],
    "of another topic": found["MiniLM as it is"][~own & ~same],
}


@styled
def cosines_by_kind():
    figure = new_figure(3.2)
    axes = figure.subplots()
    lines = ("-", "--", ":")
    for (name, values), line in zip(cosines.items(), lines, strict=True):
        axes.hist(
            values,
            bins=np.linspace(-0.2, 1, 41),
            density=True,
            histtype="step",
            linestyle=line,
            linewidth=1.8,
            label=name,
        )
    axes.set_xlabel("cosine of headline and article")
    axes.set_ylabel("density")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


right, *others = cosines.values()
for name, values in zip(list(cosines)[1:], others, strict=True):
    area = roc_auc_score(np.arange(len(right) + len(values)) < len(right), np.r_[right, values])
    print(f"articles {name} are told from its own with ROC AUC {area:.4f}")
cosines_by_kind()

# %% [markdown]
# ## Where they fail
#
# The headlines whose article comes latest, by the best of the three searches: its ranks, how it begins, and
# how the article begins that BM25 found instead.

# %%
from common.evaluation.ranking import ranks_of

ranks = pd.DataFrame({name: ranks_of(scores, ranking.own) for name, scores in found.items()})
hard = ranks.min(axis=1).sort_values(ascending=False, kind="stable").index[:6]
pd.DataFrame(
    {
        "headline": [queries[place] for place in hard],
        **{name: ranks[name][hard].astype(int).to_list() for name in ranks},
        "its article": [candidates[ranking.own[place]][:70] for place in hard],
        "BM25 found": [candidates[found["BM25"][place].argmax()][:70] for place in hard],
    }
)

# %% [markdown]
# Two kinds of headlines are hard: those that make curious and do not say what the article is about, and
# those on a matter of which many articles write, such as the dollar. Do the searches fail at the same ones?

# %%
pd.crosstab(
    np.where(ranks["BM25"] == 1, "BM25 first", "BM25 later"),
    np.where(ranks["MiniLM as it is"] == 1, "MiniLM first", "MiniLM later"),
)

# %% [markdown]
# Where two judges err in different places, their sum may err less. Each list of scores is brought to mean 0
# and deviation 1 first.

# %%


def standardised(scores):
    return (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)


found["BM25 + MiniLM"] = standardised(found["BM25"]) + standardised(found["MiniLM as it is"])
scored(found)

# %% [markdown]
# ## The family of networks
#
# | `--model` | its idea | looks at both texts at once |
# | --- | --- | --- |
# | `dssm` | Each text becomes a vector, the mean of its words' vectors sent through dense layers, and the cosine of two vectors decides. | no |
# | `match-pyramid` | How alike each word of one text is to each word of the other is a picture, and convolutions look for patterns in it. | yes |
# | `k-nrm` | For each word of the first text, kernels count softly how many words of the second are how alike to it. | yes |
# | `decomposable-attention` | Each word is aligned with those of the other text that it resembles and compared with them, and the mean of all comparisons decides. | yes |
# | `esim` | The same after an LSTM has read both texts, so that a word knows its neighbours, and with a second LSTM to sum up. | yes |
# | `bi-encoder` | DSSM's idea with a BERT that makes the vectors. | no |
# | `cross-encoder` | Both texts go through a BERT as one row, in which every word attends to every word of both. | yes |
#
# Who reads each text by itself makes the vectors of all articles once and searches with one product of
# matrices. Who looks at both at once has to run for every pair, so it only ranks anew the 50 articles
# that BM25 finds best.
#
# ## DSSM, a network with vectors
#
# Both texts become ids by one tokenizer, fitted on the training texts. How much of what is asked at test has it
# never seen?

# %%
from common.text.tokenizer import UNKNOWN
from common.training.train import history_frame, prepare_rows, train_seed

prepared = prepare_rows(dataset)
tokenizer = prepared.tokenizers[HEADLINE]
tokens = [tokenizer.encode(headline).tokens for headline in queries]
strange = [UNKNOWN in each for each in tokens]
print(f"{tokenizer.get_vocab_size():,} tokens are known")
print(f"{np.mean(strange):.0%} of the test headlines have a word that is not, such as")
tokens[strange.index(True)]

# %% [markdown]
# The loss has two parts. Each pair by itself: do they match? And each headline of a match has to find its
# article among all those of the batch. The share of pairs that are ranked right (ROC AUC) on the
# validation pairs says which epoch's weights are kept. Compare it with that on the training pairs: what
# was learned, and what was learned by heart?

# %%
from common.bundle import Bundle
from common.evaluation.network_search import network_index


def train(config):
    """A network trained as `config` says: what its training gave, and the bundle to use it."""
    with tempfile.TemporaryDirectory() as folder:
        trained = train_seed(PROJECT, config, prepared, config.seed, Path(folder))
    (network,) = trained.networks
    bundle = Bundle(network, dataset.schema, {}, {}, tokenizers=prepared.tokenizers)
    print(f"{network.count_params():,} numbers learned")
    return trained, bundle


dssm, dssm_bundle = train(config)
found["DSSM"] = network_index(dssm_bundle, candidates)(queries)
history_frame([dssm])[["epoch", "loss", "val_loss", "roc_auc", "val_roc_auc"]].round(4)

# %% [markdown]
# ## MatchPyramid, a network with a picture
#
# It lays the words of the headline beside those of the article: are they equal, and how alike are their vectors?
# The loss is that of the pairs alone.

# %%
from common.plots.learning import learning_curves

pyramid, pyramid_bundle = train(
    replace(config, model="match-pyramid", loss="pairs", learning_rate=1e-3)
)
found["MatchPyramid"] = network_index(pyramid_bundle, candidates)(queries)
learning_curves(history_frame([pyramid]), config.monitor)

# %% [markdown]
# Of the test headlines with known words alone, here is the one of whose article it was surest: beside that
# article, and beside the wrong one. The colour is the cosine of two words' vectors, and a dot says that the
# words are equal.

# %%
from common.text.tokenizer import token_places

SHOWN = 28  # tokens of an article
vectors = pyramid_bundle.model.get_layer("token_embedding").get_weights()[0]
vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
test = dataset.examples("test")
matches, readable = test.target == 1, ~np.repeat(strange, 2)
surest = int(np.argmax(np.where(matches & readable, pyramid.test[:, 0], 0)))


@styled
def matching_pictures(rows):
    figure = new_figure(5.8)
    panels = figure.subplots(len(rows), 1)
    for axes, row in zip(panels, rows, strict=True):
        headline, article = test.features.iloc[row]
        first = token_places(tokenizer, headline, config.length)[0]
        second = token_places(tokenizer, article, config.length)[0][:SHOWN]
        image = axes.imshow(
            vectors[first] @ vectors[second].T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto"
        )
        down, across = np.nonzero(first[:, None] == second)
        axes.plot(across, down, "o", color="white", markersize=4)
        axes.set_xticks(
            range(len(second)), map(tokenizer.id_to_token, second), rotation=90, fontsize=8
        )
        axes.set_yticks(range(len(first)), map(tokenizer.id_to_token, first), fontsize=9)
        axes.grid(visible=False)
        axes.set_title(f"{LABELS[int(test.target[row])]}: probability {pyramid.test[row, 0]:.3f}")
    figure.colorbar(image, ax=panels, label="cosine", shrink=0.5)
    return figure


matching_pictures([surest, surest + 1])

# %% [markdown]
# And the wrong article that it was surest of, below the right one. To the network all unknown words are one and
# the same, and so each is equal to every other. Is that what misled it?

# %%
misled = int(np.argmax(np.where(matches, 0, pyramid.test[:, 0])))
matching_pictures([misled - 1, misled])

# %% [markdown]
# ## All of them, on the same headlines

# %%
scored(found)

# %%
from common.evaluation.ranking import score_rankings

rivals = {name: found[name] for name in searches}
print(score_rankings(ranking, {"network": found["MatchPyramid"], **rivals})[1]["verdict"])

# %% [markdown]
# A network that starts from nothing has to learn from the training pairs what every word means, and a name that
# they lack it cannot learn. BM25 need not know a name to see that it stands in both texts, and counts how rare it
# is. MatchPyramid sees equal words, too, but which of them matter it has to learn from few examples.
#
# This is what pretraining changes. Training MiniLM on these pairs takes longer than a notebook should:
#
#     python projects/headline_matching/run.py
#
# `python -m benchmarks.headline_ranking` measures the whole family, each on the same splits. What it has on record,
# as means over the splits that were measured:

# %%
from common.evaluation.ranking import MEASURES
from common.files import read_json
from common.runs import ROOT

record = read_json(ROOT / "benchmarks" / "headline_ranking.json")
pd.DataFrame(
    {
        name: {
            "splits": len(splits),
            **pd.DataFrame(splits).T[[*MEASURES, "accuracy", "train_seconds"]].mean(),
        }
        for name, splits in record.items()
        if splits
    }
).T.sort_values(MEASURES[0], ascending=False).astype({"splits": int}).round(3)

# %% [markdown]
# One split with a few hundred headlines is a small test: the intervals above tell how small. The
# [project's page](../projects/headline_matching/README.md) has the same table with what each network costs.
#
# ## Using it
#
# `predict` takes a table of pairs as they are, and every row gets an answer. What it means is another question:
# an empty text counts as one unknown word, and that is equal to all others.

# %%
pairs = pd.DataFrame(
    {
        HEADLINE: [queries[0], queries[0], "", queries[0], "😀"],
        ARTICLE: [
            candidates[ranking.own[0]],
            candidates[ranking.own[1]],
            candidates[0],
            "",
            "word " * 20_000,
        ],
    }
)
pairs.assign(probability=pyramid_bundle.answers(prepare(pairs, {})).round(3))

# %% [markdown]
# ## What to try next
#
# - `--wrong similar`: wrong articles that BM25 takes for right ones. Does a network learn more from them?
# - `--model dssm --loss pairs`: without the choice among the batch. What is it worth?
# - `--unit word_pieces`: no word is unknown. Does that help with names?
# - `--model k-nrm --loss pairs --unit bert --learning-rate 0.01`: word pieces with the vectors of MiniLM, which
#   stay as they are. What is it worth to know words beforehand?
# - `--length 32`: news begin with what matters. How much of an article is needed?
# - `--split 1`: another split into training and test. How far do the scores move?
