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
# # 7. Attention, up to BERT
#
# A recurrent network reads a sentence word by word, and all it knows at the end has gone through one vector.
# Attention asks for less: every word looks at all words at once and takes what it needs. This one idea, with a
# few dense layers around it, is the Transformer, and BERT is a pile of Transformers.
#
# We begin with a look-up in a table of digits, find attention in it, train a Transformer on handwriting, and
# end with a language model that others have trained, running on nothing but NumPy.

# %%
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from common.from_scratch.activations import softmax
from common.from_scratch.attention import MultiHeadAttention, attend
from common.from_scratch.bert import EPSILON, Bert, SentenceEncoder, bert_of
from common.from_scratch.dense import Dense
from common.from_scratch.gradient_check import check_layer
from common.from_scratch.losses import sparse_categorical_crossentropy
from common.from_scratch.metrics import sparse_categorical_accuracy
from common.from_scratch.optimizers import Adam
from common.from_scratch.pooling import GlobalAveragePooling1D
from common.from_scratch.sequential import Sequential
from common.from_scratch.transformer import PositionEmbedding, TransformerBlock, sinusoids
from common.from_scratch.wordpiece import WordPiece, words
from common.plots.style import SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check
from notebooks.from_scratch.sources import bbc_articles, minilm_file

# %% [markdown]
# ## A look-up that is not sure
#
# A dictionary of Python knows its keys exactly or not at all. What if the query is only *like* some keys? Then
# compare it with all of them, turn the likenesses into shares that sum up to 1, and return the mean of the
# values, weighted by the shares.
#
# Here the keys are the images of known digits, the values are which digits they are, and the query is an
# unknown image. Likeness is the dot product of images of length 1, and softmax turns it into shares.

# %%
digits = load_digits()
count = 600 if QUICK else len(digits.images)
x_train, x_test, y_train, y_test = train_test_split(
    (digits.images[:count] / 16).astype("float32"),
    digits.target[:count],
    test_size=0.25,
    random_state=0,
    stratify=digits.target[:count],
)


def of_length_1(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


keys, queries = (of_length_1(x.reshape(len(x), -1)) for x in (x_train, x_test))
values = np.eye(10, dtype="float32")[y_train]
for sharpness in (0, 1, 10, 100, 1000):
    shares = softmax(sharpness * queries @ keys.T)  # (queries, keys), each row of sum 1
    answers = shares @ values  # (queries, 10)
    right = np.mean(answers.argmax(axis=1) == y_test)
    print(
        f"sharpness {sharpness:4}: {100 * right:5.1f} % right, "
        f"largest share of a key {shares.max(axis=1).mean():.3f} in the mean"
    )

# %% [markdown]
# Nothing was learned, and most digits are right. With sharpness 0 all keys have the same share, so that every
# query gets the same answer. With a large one nearly all goes to the nearest key, as in a dictionary. Between
# them the answer is a mean of what is similar, and, unlike a dictionary, it has a derivative.
#
# Here is the query whose answer is the least decided:

# %%
shares = softmax(100 * queries @ keys.T)
row = np.argmin((shares @ values).max(axis=1))


@styled
def look_up():
    figure = new_figure(1.5)
    panels = figure.subplots(1, 7)
    panels[0].imshow(x_test[row], cmap="gray_r")
    panels[0].set_title("query", color=SERIES[3]["color"])
    for axes, key in zip(panels[1:], np.argsort(-shares[row]), strict=False):
        axes.imshow(x_train[key], cmap="gray_r", alpha=0.85)
        axes.set_title(f"{y_train[key]}: {100 * shares[row, key]:.0f} %", fontweight="normal")
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
    figure.suptitle("The keys with the largest shares of the attention")
    return figure


for digit in np.argsort(-(shares[row] @ values))[:3]:
    print(f"answer: {digit} with {100 * (shares[row] @ values)[digit]:.0f} %")
print(f"its label: {y_test[row]}")
look_up()

# %% [markdown]
# This is attention: query, keys, values, softmax, a mean. What networks add is that queries, keys and values
# are computed from the data by weights, and so can be learned.
#
# ## Why the square root
#
# The sharpness above was ours to choose. In a network, a query and a key are vectors of d numbers, at the start
# about of mean 0 and variance 1, and a score is the sum of d products. The variance of such a sum is d. So the
# longer the vectors, the larger the scores, the sharper the softmax. Attention divides the scores by √d. With
# and without, among 32 keys:

# %%
random = np.random.default_rng(0)
lengths = np.array([4, 16, 64, 256, 1024])
measured = {"q k": [], "q k / √d": []}
for d in lengths:
    q, k = random.normal(size=(200, d)), random.normal(size=(32, d))
    for name, scale in (("q k", 1), ("q k / √d", d**-0.5)):
        y = softmax(scale * q @ k.T)
        largest = y.max(axis=1)
        slope = (y * (1 - y)).sum(axis=1)  # how shares move with their scores: dy/dscore
        measured[name].append((largest.mean(), np.median(slope)))


@styled
def saturation():
    figure = new_figure(2.7)
    left, right = figure.subplots(1, 2)
    for (name, numbers), style in zip(measured.items(), (SERIES[3], SERIES[0]), strict=True):
        largest, slope = np.transpose(numbers)
        left.plot(lengths, largest, **style, label=name)
        right.plot(lengths, slope, **style)
    left.set_title("One key takes it all...")
    left.set_ylabel("largest share, mean")
    left.set_ylim(0, 1)
    left.legend()
    right.set_title("...and nothing moves it")
    right.set_ylabel("slope of the shares, median")
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log", base=4)
        axes.set_xticks(lengths, lengths)
        axes.set_xlabel("d, numbers in a key")
    return figure


saturation()

# %% [markdown]
# The slope is what gradients are multiplied by on their way to the queries and keys. Without the square root,
# long vectors would look at one key by chance and could hardly learn to look elsewhere.
#
# ## Self-attention, written out
#
# An image of 8 lines with 8 pixels each, read as a sequence of 8 steps. Each line asks all lines. Query, key
# and value of a line are three linear functions of the same pixels, so that it can ask for something other than
# it offers. One look takes one mean; so there are several *heads*, each with its own three functions, and what
# they found is put together by a fourth.
#
# Below it is by hand, head by head, with the weights of the layer in `common/from_scratch/attention.py`.

# %%
width, heads, key_dim = 8, 2, 4
layer = MultiHeadAttention(width, heads, key_dim, np.random.default_rng(0))
kernels, biases = layer.all_parameters()[::2], layer.all_parameters()[1::2]
image = x_test[0]  # (8 steps, 8 numbers each)

y = biases[3]
for head in range(heads):
    q, k, v = (image @ kernels[part][:, head] + biases[part][head] for part in range(3))
    scores = q @ k.T / np.sqrt(key_dim)  # (8, 8): each line with each line
    shares = softmax(scores)
    found = shares @ v  # (8, 4)
    y = y + found @ kernels[3][head]  # back to (8, 8)
    difference = np.abs(attend(q, k, v)[0] - found).max()
    print(
        f"head {head}: q, k, v {q.shape}, shares {shares.shape}; attend() differs by {difference:.0e}"
    )

difference = np.abs(layer.forward(image[None])[0] - y).max()
print(f"all heads together: {y.shape}; the layer differs by {difference:.0e}")
error = check_layer(layer.astype("float64"), x_test[:2].astype("float64"))
print(
    f"the layer's backward pass beside slopes measured by small steps: relative error {error:.0e}"
)

# %% [markdown]
# The derivation of the backward pass is in the docstring of `attend_backward`: two matrix products, the softmax
# of notebook 2, two matrix products.
#
# ## Masks: where nobody may look
#
# Two reasons not to look at a step. It may not be there: texts in a batch have different lengths and are filled
# up. Or it may lie in the future: a model that has to foretell the next word must not see it. In both cases its
# score is set to the lowest number there is, and its share becomes 0.

# %%
causal = MultiHeadAttention(width, heads, key_dim, np.random.default_rng(0), causal=True)
filled = np.arange(8) < 5  # as if the image had 5 lines only
maps = {}
for name, attention, mask in (
    ("all lines", layer.astype("float32"), None),
    ("5 to 7 not there", layer, filled[None]),
    ("no later line", causal, None),
):
    attention.forward(image[None], mask=mask)
    maps[name] = attention.shares[0, 0]


@styled
def masks():
    figure = new_figure(2.2)
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (name, shares) in zip(panels, maps.items(), strict=True):
        drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=0.5)
        axes.set_title(name)
        axes.set_xlabel("looked at")
        axes.set_xticks(range(0, 8, 2))
        axes.grid(visible=False)
    panels[0].set_ylabel("line that looks")
    figure.colorbar(drawn, ax=panels, label="share", extend="max", fraction=0.02, shrink=0.75)
    return figure


changed = image.copy()
changed[5] = 1 - changed[5]
moved = np.abs(causal.forward(changed[None]) - causal.forward(image[None]))[0].max(axis=1)
print("causal; line 5 is changed; outputs of the lines move by", moved.round(3))
masks()

# %% [markdown]
# ## What attention cannot see
#
# Which line is the first? Nothing in the formula says so. A mean does not know in which order its terms came.
# Mix the lines of an image, and the outputs come mixed in the same way, otherwise unchanged:

# %%
order = np.random.default_rng(3).permutation(8)
y, y_mixed = layer.forward(image[None])[0], layer.forward(image[order][None])[0]
print("order", order)
print(f"outputs, put back in order: differ by {np.abs(y[order] - y_mixed).max():.0e}")
print(
    f"their mean over the lines:  differs by {np.abs(y.mean(axis=0) - y_mixed.mean(axis=0)).max():.0e}"
)

# %% [markdown]
# For a sentence this means that "the dog bit the man" and "the man bit the dog" are one and the same. The cure
# is crude: add to every step a vector that says where it stands. The first Transformer computed these vectors
# from sines and cosines of many wave lengths; BERT learns them.

# %%
table = sinusoids(64, 32)


@styled
def positions():
    figure = new_figure(2.7)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    left.imshow(table.T, cmap="RdBu", aspect="auto", vmin=-1, vmax=1)
    left.set_title("A pattern for each position")
    left.set_xlabel("position")
    left.set_ylabel("place in the vector")
    left.grid(visible=False)
    for place, style in zip((10, 40), (SERIES[0], SERIES[3]), strict=True):
        right.plot(table @ table[place], **(style | {"marker": ""}), label=f"position {place}")
    right.set_title("Neighbours are alike")
    right.set_xlabel("position")
    right.set_ylabel("dot product")
    right.set_ylim(top=20)
    right.legend(loc="upper center")
    return figure


positions()

# %% [markdown]
# The dot product of two positions depends on their distance only: both curves have one shape. A head can learn
# to look "two steps back".
#
# ## A Transformer learns to read digits
#
# A block has two halves. Attention mixes the steps; two dense layers then work on each step by itself. Around
# each half there is a skip connection, the input added to the output, and a layer normalisation. Blocks can be
# piled up because what goes in and what comes out have the same shape.
#
# We train one block on the digits, line by line, with the positions and without, and test with the lines in
# order and mixed.

# %%
mix = np.random.default_rng(5)
x_mixed = np.stack([image[mix.permutation(8)] for image in x_test])
epochs = 3 if QUICK else 25
histories, scores = {}, {}
for name, place in (("with positions", [PositionEmbedding(8, 32)]), ("without", [])):
    random = np.random.default_rng(0)
    network = Sequential(
        [
            Dense(8, 32, random),  # from 8 pixels to a vector of 32 numbers, line by line
            *place,
            TransformerBlock(32, 4, 64, random),
            GlobalAveragePooling1D(),  # the mean over the lines
            Dense(32, 10, random),
        ]
    )
    network.compile(Adam(3e-3), sparse_categorical_crossentropy, sparse_categorical_accuracy)
    histories[name] = network.fit(
        x_train, y_train, epochs, 32, (x_test, y_test), np.random.default_rng(1)
    )
    scores[name] = {
        lines: 100 * network.evaluate(x, y_test)["sparse_categorical_accuracy"]
        for lines, x in (("lines in order", x_test), ("lines mixed", x_mixed))
    }
print(f"{sum(p.size for p in network.all_parameters()):,} weights; % of the test digits right:")
pd.DataFrame(scores).T.round(1)


# %%
@styled
def learning():
    figure = new_figure(2.6)
    axes = figure.subplots()
    for (name, history), style in zip(histories.items(), (SERIES[0], SERIES[3]), strict=True):
        accuracy = 100 * np.array(history["val_sparse_categorical_accuracy"])
        axes.plot(range(1, epochs + 1), accuracy, **style, markersize=3, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("test digits right, %")
    axes.set_title("The order of the lines is worth something, not everything")
    axes.legend()
    return figure


learning()

# %% [markdown]
# Two things to see. Without positions the score on mixed lines is *exactly* the one on lines in order: it has
# nothing to lose. And that network is not bad at all. Which lines there are says much about a digit, as which
# words there are says much about a text. That is why bags of words work.
#
# (The look-up of the beginning, which learned nothing, gets more digits right than both. Where all pictures sit at
# the same place, comparing with every known one is hard to beat.)
#
# ## From a text to BERT's input
#
# BERT (Devlin et al., 2019) is what we have by now, larger, and trained on text. Words come first. A vocabulary
# of all words would never be complete, so BERT has one of *pieces*: common words are one piece, rare ones are
# put together from several. `WordPiece` takes the longest piece a word begins with, then the longest that goes
# on.
#
# The weights are those of MiniLM (`all-MiniLM-L6-v2`; Wang et al., 2020, and Reimers and Gurevych, 2019), a
# small BERT for comparing sentences. A published package holds them. The texts are headlines of the BBC from
# 2004 and 2005 (Greene and Cunningham, 2006).

# %%
articles = bbc_articles().drop_duplicates("headline").sample(60 if QUICK else 1000, random_state=0)
headlines, topics = list(articles["headline"]), articles["topic"].to_numpy()

POURED = "She poured water from the bottle into the cup until it was full."
BITTEN = ("The dog bit the man.", "The man bit the dog.", "A cat sleeps.")
MEANINGS = {  # two sentences with the one meaning, two with the other
    "bank": (
        "The river burst its bank after days of rain.",
        "Fishermen sat on the muddy bank of the stream.",
        "The bank raised its interest rate again.",
        "He opened a savings account at the bank.",
    ),
    "match": (
        "The referee stopped the match after a fight.",
        "Arsenal won the match by three goals.",
        "He lit the candle with a match.",
        "She struck a match to light the stove.",
    ),
    "apple": (
        "Apple unveiled a cheaper version of its music player.",
        "Shares in Apple rose after strong sales.",
        "She baked a pie with a green apple.",
        "An apple a day keeps the doctor away.",
    ),
}
WISHES = (
    "Hard times for an airline",
    "An athlete is hurt",
    "An award for a film",
    "Your computer may be infected",
    "Voting for a new government",
)

if QUICK:
    print("Quick mode: a tiny BERT with random weights, which shows that the cells run, no more.")
    texts = [*headlines, POURED, *BITTEN, *sum(MEANINGS.values(), ()), *WISHES]
    known = {word for text in texts for word in words(text)}
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(known)]
    bert = Bert(len(vocabulary), 64, 24, 2, 3, 48, np.random.default_rng(0))
else:
    vocabulary = minilm_file("vocab.txt").read_text("utf-8").splitlines()
    bert = bert_of(load_file(minilm_file("model.safetensors")), heads=12)
tokens = WordPiece(vocabulary, steps=64)

print(f"{len(vocabulary):,} pieces, {sum(p.size for p in bert.all_parameters()):,} weights")
print("the three headlines of the most pieces:")
for text in sorted(headlines, key=lambda text: len(tokens.encode([text])[0]))[-3:]:
    print(f"{text!r}:", *(vocabulary[number] for number in tokens.encode([text])[0]))

# %% [markdown]
# `[CLS]` and `[SEP]` are set around every text; `##` marks a piece that continues a word.
#
# ## Three embeddings, and the blocks
#
# What goes into the first block is the sum of three vectors: of the piece, of its position, and of its segment
# (0 for a first text, 1 for a second one, where two are to be compared; here always 0). The sum is normalised,
# then come the blocks, one after the other. Written out, and beside `Bert.forward`:


# %%
def states(text):
    """The pieces of a text, and their vectors before the blocks and after each: (blocks + 1, steps, width)."""
    ids = tokens.encode([text])
    pieces, segments, positions, gamma, beta = bert.all_parameters()[:5]
    x = pieces[ids] + segments[0] + positions[: ids.shape[1]]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + np.float32(EPSILON))
    seen = [gamma * x + beta]
    for block in bert.blocks:
        seen.append(block.forward(seen[-1]))
    return [vocabulary[number] for number in ids[0]], np.concatenate(seen)


pieces, seen = states(POURED)
start = time.perf_counter()
answer = bert.forward(tokens.encode([POURED]))[0]
seconds = time.perf_counter() - start
print(f"{len(pieces)} pieces:", *pieces)
print(f"vectors before the blocks and after each of them: {seen.shape}")
print(f"Bert.forward differs by {np.abs(seen[-1] - answer).max():.0e}, and takes {seconds:.3f} s")

# %% [markdown]
# `python -m benchmarks.from_scratch.minilm` compares the same NumPy model with one built from Keras's layers,
# on a thousand of these headlines.
#
# ## What do the heads look at?
#
# Nobody told any head what to look for. We ask them: on a hundred headlines, which share of its attention does
# a step give to the step before it, to the one after it, and to `[CLS]`? For each of the three, here is the
# head that does it most.

# %%
kinds = {"the step before": [], "the step after": [], "[CLS]": []}
for text in headlines[:100]:
    bert.forward(tokens.encode([text]))
    shares = np.stack([block.parts["attention"].shares[0] for block in bert.blocks])
    inner = shares[:, :, 1:-1]  # the queries of [CLS] and [SEP] left out
    for kind, first in (("the step before", 0), ("the step after", 2)):
        kinds[kind].append(np.trace(inner[..., first:], axis1=2, axis2=3) / inner.shape[2])
    kinds["[CLS]"].append(inner[..., 0].mean(axis=2))
chosen = {}
for kind, numbers in kinds.items():
    numbers = np.mean(numbers, axis=0)  # (blocks, heads)
    block, head = np.unravel_index(numbers.argmax(), numbers.shape)
    chosen[kind] = int(block), int(head)
    print(
        f"{kind:16} block {block + 1}, head {head + 1:2}: share {numbers.max():.2f}; "
        f"mean of all heads {numbers.mean():.2f}"
    )
bert.forward(tokens.encode([POURED]))


@styled
def head_maps():
    figure = new_figure(2.75)
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (kind, (block, head)) in zip(panels, chosen.items(), strict=True):
        shares = bert.blocks[block].parts["attention"].shares[0, head]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(f"{kind}\n(block {block + 1}, head {head + 1})", fontsize=9)
        axes.set_xticks(range(len(pieces)), pieces, rotation=90, fontsize=7)
        axes.set_yticks(range(len(pieces)), pieces, fontsize=7)
        axes.grid(visible=False)
    figure.suptitle("Rows look at columns")
    return figure


head_maps()

# %% [markdown]
# Training has found heads that step backward and forward like the taps of a convolution. And more of the attention
# rests on `[CLS]` than on all other pieces together, as the last number says. It is in every text and tells nothing
# of its own: where a head has nothing to say about a step, its shares must still sum up to 1, and there they do no
# harm (Clark et al., "What does BERT look at?", 2019, find the same of `[SEP]` in BERT). Few heads have so plain a
# meaning as these three. And a share says what was looked at, not what the answer depended on.
#
# The head that looks one step back can only do so by the positions. Without them the whole network is blind to
# order:

# %%
encoder = SentenceEncoder(bert)


def encode(texts):
    """Vectors of length 1, (texts, width): the means of BERT's vectors of the pieces."""
    return of_length_1(encoder.forward(tokens.encode(texts)))


table = bert.parts["positions"].parameters["embeddings"]
learned = table.copy()
for name, there in (
    ("with its positions", learned),
    ("with their mean for all", learned.mean(axis=0)),
):
    table[...] = there
    vectors = encode(BITTEN)
    print(f"{name}, cosine of {BITTEN[0]!r} with")
    for text, cosine in zip(BITTEN[1:], vectors[1:] @ vectors[0], strict=True):
        print(f"    {text!r}: {cosine:.6f}")
table[...] = learned

# %% [markdown]
# Man and dog have become the same sentence, as the digits were with their lines mixed. Even with positions, who
# bit whom moves MiniLM's vector but a little: it was trained to say what a text is about.
#
# ## A word in its company
#
# The first embedding of "bank" is the same in every text, but for its position. The blocks mix in what stands
# around. Does the vector tell which bank is meant? Cosines between the vectors of one word in two sentences,
# after each block: for pairs with the same meaning, and for pairs with different ones.

# %%
curves = {}
for word, texts in MEANINGS.items():
    vectors = []
    for text in texts:
        text_pieces, seen = states(text)
        vectors.append(of_length_1(seen[:, text_pieces.index(word)]))
    cosines = np.einsum("abc,dbc->bad", vectors, vectors)  # (blocks + 1, texts, texts)
    same = (cosines[:, 0, 1] + cosines[:, 2, 3]) / 2
    curves[word] = {"same meaning": same, "different": cosines[:, :2, 2:].mean(axis=(1, 2))}
    print(f"{word}: after the last block {same[-1]:.2f} and {curves[word]['different'][-1]:.2f}")


@styled
def companies():
    figure = new_figure(2.5)
    panels = figure.subplots(1, len(curves), sharey=True)
    for axes, (word, lines) in zip(panels, curves.items(), strict=True):
        for (name, cosines), style in zip(lines.items(), (SERIES[2], SERIES[3]), strict=True):
            axes.plot(cosines, **style, markersize=4, label=name)
        axes.set_title(f'"{word}"')
        axes.set_xlabel("blocks passed")
        axes.set_xticks(range(0, len(cosines), 2))
    panels[0].set_ylabel("cosine of two vectors")
    panels[0].set_ylim(bottom=0.5)
    panels[0].legend(loc="lower left", fontsize=8.5)
    return figure


companies()

# %% [markdown]
# Three words are no proof, but it is what "contextual" means: a vector for this word here, and no longer for
# the word as such.
#
# ## Headlines that mean the same
#
# The mean of the vectors of all pieces stands for the text. Now a search needs no common words. The three
# headlines nearest to each of five wishes:

# %%
start = time.perf_counter()
vectors = np.concatenate([encode(headlines[i : i + 20]) for i in range(0, len(headlines), 20)])
print(f"{len(headlines):,} headlines: {time.perf_counter() - start:.0f} s in NumPy")
found = []
for wish in WISHES:
    cosines = vectors @ encode([wish])[0]
    for place in np.argsort(-cosines)[:3]:
        common = set(words(wish)) & set(words(headlines[place]))
        found.append(
            {
                "wish": wish,
                "headline": headlines[place],
                "cosine": round(float(cosines[place]), 2),
                "words in common": " ".join(sorted(common)) or "-",
            }
        )
pd.DataFrame(found).set_index(["wish", "headline"])

# %% [markdown]
# Is that worth more than counting words? Every article belongs to one of five topics. For each headline, take
# the nearest other one: is it of the same topic? The rival is TF-IDF, cosines between counted words.

# %%
counted = TfidfVectorizer(sublinear_tf=True).fit_transform(headlines)
for name, cosines in (
    ("MiniLM", vectors @ vectors.T),
    ("TF-IDF", (counted @ counted.T).toarray()),
):
    np.fill_diagonal(cosines, -1)
    share = np.mean(topics[cosines.argmax(axis=1)] == topics)
    error = np.sqrt(share * (1 - share) / len(topics))
    print(
        f"{name}: {100 * share:.1f} ± {100 * error:.1f} % of the nearest headlines are of the topic"
    )
print(
    f"by chance: {100 * np.sum((np.unique(topics, return_counts=True)[1] / len(topics)) ** 2):.1f} %"
)

# %% [markdown]
# A headline has few words, and two that tell the same story rarely share them. What MiniLM knows about words it
# has learned from other texts, and brings along.
#
# What we left out is how such weights come about. BERT learns to guess pieces that were hidden from it, GPT to
# foretell the next one under a causal mask; both need much text and many machines, and no other mathematics.
#
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** Attention compares every step with every step, which for long texts is too much. Models for long texts
# look back a few steps only. Write the mask: step i may look at itself and at the `reach` steps before it.


# %%
def looks_back(steps, reach):
    """Returns (steps, steps), True where the step of the row may look at the step of the column."""
    raise NotImplementedError


# %%
check(looks_back)

# %% [markdown]
# **2.** After several blocks a step has seen the others by many ways. Attention rollout (Abnar and Zuidema,
# 2020) adds them up: each block hands on half of a step's own vector (the skip connection) and half of what
# attention found, so it mixes the steps by (A + 1) / 2, 1 the identity matrix. Which matrix mixes them in all
# blocks together?


# %%
def rollout(maps):
    """maps: A of each block, (steps, steps), the first block first; rows look at columns.

    Returns (steps, steps): how much of each input (columns) is in each output (rows).
    """
    raise NotImplementedError


# %%
check(rollout)

# %% [markdown]
# **3.** Graphics cards compute attention without ever holding all scores: a part of the keys at a time, and the
# parts put together (FlashAttention; Dao et al., 2022). From a part there is its answer y, the weighted
# mean of its own values, and the logarithm of its sum of e^score. Put two parts together. The logarithms may be large: do
# not let e^x overflow.


# %%
def merged(first, second):
    """first, second: pairs (y, log_sum) of shapes (rows, value_dim) and (rows,).

    Returns such a pair for the keys of both, as if they had been one.
    """
    raise NotImplementedError


# %%
check(merged)
