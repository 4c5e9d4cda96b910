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
# # Entering a competition: house prices
#
# Kaggle gives 1,460 houses in Ames, Iowa, with the prices they were sold for, and 1,459 houses without.
# Whoever predicts the second lot well stands high on the leaderboard. It is a small table with many
# columns, holes that are not holes, and two houses that spoil everything.
#
# This notebook walks the same road as `projects/house_prices/run.py`, with the same functions, and looks
# around on the way: what an empty cell means, why we count in logarithms, which columns of our own are
# worth their place, and what the file looks like that one hands in.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))  # the folder above notebooks/, where common lives

from common.backend import start_backend

machine = start_backend()
QUICK = "APPLIED_KERAS_QUICK" in os.environ  # set by the tests: few rows, few epochs

import dataclasses

import keras
import numpy as np
import pandas as pd

from projects.house_prices.load import load, read_raw
from projects.house_prices.run import PROJECT, Config

# The script trains for up to 60 epochs, from one seed; here 40, from two.
config = dataclasses.replace(Config(), epochs=40, seeds=2)
if QUICK:
    config = dataclasses.replace(config, rows=200, epochs=3, folds=2, members=2, seeds=1)
machine

# %% [markdown]
# ## The data, before we touch it

# %%
raw = read_raw()
for name, table in raw.items():
    print(f"{name:5} {table.shape[0]:>6,} rows, {table.shape[1]} columns")
some = ["Neighborhood", "OverallQual", "YearBuilt", "GrLivArea", "TotalBsmtSF", "BsmtQual"]
raw["train"][["Id", *some, "FireplaceQu", "GarageType", "SalePrice"]].head(5)

# %% [markdown]
# ## First, hide the exam
#
# Kaggle keeps the prices of its test file, so we set aside a test of our own: a fifth of the houses with
# prices, opened once, in the end. Each part has the same share of cheap and dear houses. Whatever we look
# at from here on, pictures included, are the other houses: who chooses features with the test in view has
# trained on it. The account says what became of every row.

# %%
dataset = load(config.rows)
known = raw["train"].loc[dataset.ids.index[dataset.part != "test"]]
dataset.account.as_dict()

# %%
from common.plots.target import target_by_part

target_by_part(dataset)

# %% [markdown]
# ## An empty cell is not always a hole
#
# Five columns are empty for more than half of the houses, and a rule of thumb says to drop such columns.
# But look at the size that stands beside the hole: every house without a word on the quality of its
# fireplaces has none.

# %%
beside = {"FireplaceQu": "Fireplaces", "BsmtExposure": "TotalBsmtSF", "GarageFinish": "GarageArea"}
beside |= {"MasVnrType": "MasVnrArea", "PoolQC": "PoolArea"}
everyone = pd.concat([raw["train"], raw["test"]])
pd.DataFrame(
    {
        column: {
            "empty": everyone[column].isna().sum(),
            "size is 0": (everyone[column].isna() & (everyone[size] == 0)).sum(),
            "size is more than 0": (everyone[column].isna() & (everyone[size] > 0)).sum(),
            "size is empty too": (everyone[column].isna() & everyone[size].isna()).sum(),
        }
        for column, size in beside.items()
    }
).T

# %% [markdown]
# So an empty cell beside a size of 0 says "none", which is a fact about the house and the lowest rank of
# a scale that goes on with poor, fair, typical, good and excellent. Beside a size of more than 0, or beside
# another empty cell, it says that nobody wrote it down. `prepare` keeps the two apart, and does so for a
# row of `predict` too, where "NA", "None" and nothing at all look the same.

# %%
from projects.house_prices.load import ORDERS, prepare

houses = prepare(everyone, {})
houses["FireplaceQu"].value_counts()[list(ORDERS["FireplaceQu"])]

# %% [markdown]
# Do the scales run the right way? The median price should climb with each rank.

# %%
ranked = prepare(known, {})
pd.DataFrame(
    {
        column: known["SalePrice"].groupby(ranked[column]).median()
        for column in ("KitchenQual", "ExterQual", "BsmtQual", "FireplaceQu", "GarageQual")
    }
).reindex(["none", "Po", "Fa", "TA", "Gd", "Ex"])

# %% [markdown]
# It does, but for poor garages, which are rare.
#
# ## Prices are compared by their ratio
#
# To be off by 10,000 dollars is much for a cottage and little for a villa. Kaggle scores the error of the
# logarithm, so an error of 10 % counts the same everywhere. We learn the logarithm too. Sizes become
# logarithms for the same reason: twice the area is then the same step, wherever it starts.

# %%
from matplotlib.ticker import NullFormatter

from common.plots.style import INK, PARTS, SERIES, new_figure, styled

known = known.assign(total_area=known["GrLivArea"] + known["TotalBsmtSF"])
huge = known.query("GrLivArea > 4000 and SaleCondition == 'Partial'")


@styled
def price_against_area():
    figure = new_figure(3.6)
    axes = figure.subplots()
    axes.scatter(
        known["total_area"],
        known["SalePrice"],
        s=7,
        alpha=0.45,
        color=SERIES[0]["color"],
        linewidths=0,
    )
    for house in huge.itertuples():
        place = (house.total_area, house.SalePrice)
        axes.plot(*place, color=SERIES[3]["color"], marker="s", markersize=7)
        axes.annotate(
            f"house {house.Id}",
            place,
            xytext=(5, 8 if house.Id == 524 else -18),
            textcoords="offset points",
            ha="right",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([500, 1000, 2000, 4000, 8000], ["500", "1,000", "2,000", "4,000", "8,000"])
    axes.set_yticks([50_000, 100_000, 200_000, 400_000], ["50", "100", "200", "400"])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("living area and basement, square feet")
    axes.set_ylabel("price, 1,000 dollars")
    return figure


price_against_area()

# %% [markdown]
# On both axes one step means "twice as much", and the cloud is nearly a line. Two houses lie far under it:
# the largest ones, of the highest grade, sold unfinished. It is usual to drop them. But look at the
# houses that we are asked about:

# %%
raw["test"].query("GrLivArea > 4000")[["Id", *some, "SaleCondition"]]

# %% [markdown]
# There is a third one, and its price counts. We come back to it.
#
# What else makes a price? The place, and the grade that the assessor gave.


# %%
@styled
def price_by(column, height):
    """The middle half of the prices of each value, with the median; values by their median."""
    grouped = known.groupby(column)["SalePrice"]
    spread = grouped.quantile([0.25, 0.5, 0.75]).unstack().div(1000)
    spread = spread.loc[
        spread[0.5].sort_values().index if column == "Neighborhood" else spread.index
    ]
    figure = new_figure(height)
    axes = figure.subplots()
    places = np.arange(len(spread))
    axes.hlines(places, spread[0.25], spread[0.75], color=PARTS["train"]["color"], linewidth=5)
    axes.plot(spread[0.5], places, linestyle="none", marker="o", markersize=4.5, color=INK)
    labels = [f"{value} ({count})" for value, count in grouped.size()[spread.index].items()]
    axes.set_yticks(places, labels)
    axes.set_xlim(0, None)
    axes.set_ylim(-0.8, len(spread) - 0.2)
    axes.set_xlabel("price, 1,000 dollars: median and middle half")
    axes.set_title(f"{column} (houses)")
    return figure


price_by("Neighborhood", 5.6)

# %%
price_by("OverallQual", 3.0)

# %% [markdown]
# ## From raw rows to features

# %%
dataset.features.iloc[0]

# %% [markdown]
# Before any training, `check_dataset` asks the questions that are embarrassing afterwards.

# %%
from common.data.checks import check_dataset

for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# ## Are our own columns worth their place?
#
# It is easy to make features and to believe in them. Here they stand trial: a ridge regression and
# gradient boosting, cross-validated over the train and validation rows, once with our features and once with
# what could have been instead. The test rows stay out. (Boosting stops early on the rows it is scored on,
# which flatters all its entries alike.)

# %%
from common.data.dataset import Examples, Schema
from common.data.folds import folds_of
from common.evaluation.baselines import gradient_boosting, ridge_regression


def rows_of(features, rows):
    """The examples of these rows, with other features than the dataset's own."""
    return Examples(
        features.iloc[rows],
        dataset.target[rows],
        dataset.ids.iloc[rows],
        dataset.groups[rows],
        dataset.slices.iloc[rows],
    )


def cross_validate(features, left_out=()):
    """RMSE of the logarithm, (folds, 2): of ridge regression and boosting on these columns."""
    is_number = features.dtypes.map(pd.api.types.is_numeric_dtype)
    kinds = {name: "number" if is_number[name] else "category" for name in features}
    orders = {name: order for name, order in dataset.schema.orders.items() if name in features}
    schema = Schema(kinds, kinds, orders=orders, unit="dollars", log_scale=True)
    errors = []
    for learn, validate in folds_of(dataset, max(config.folds, 2), seed=0):
        learn = learn[~dataset.ids["Id"].iloc[learn].isin(left_out)]
        train, validation = rows_of(features, learn), rows_of(features, validate)
        models = [
            fit(train, validation, schema, 0) for fit in (ridge_regression, gradient_boosting)
        ]
        ratios = [model(validation.features) / validation.target for model in models]
        errors.append([np.sqrt(np.mean(np.log(ratio) ** 2)) for ratio in ratios])
    return np.array(errors)


ours = dataset.features
plain = raw["train"].loc[dataset.ids.index].drop(columns=["Id", "SalePrice"])
texts = plain.select_dtypes(exclude="number").columns
plain = plain.assign(**{name: plain[name].fillna("") for name in texts})
logarithms = [name for name in ours if name.startswith("log_")]
sums = ["log_total_area", "bathrooms", "log_porch_area"]
summed = ["FullBath", "HalfBath", "BsmtFullBath", "BsmtHalfBath"]
trials = {
    "our features": cross_validate(ours),
    "Kaggle's 79 columns as they are": cross_validate(plain),
    "ours, sizes as they are": cross_validate(ours.assign(**np.expm1(ours[logarithms]))),
    "ours, without the sums": cross_validate(ours.drop(columns=sums).join(plain[summed])),
    "ours, huge ones not learned from": cross_validate(ours, left_out=(524, 1299)),
}


def beside_ours(errors, column):
    """The mean error, and the mean difference to our features, fold by fold, with its error."""
    differences = (errors - trials["our features"])[:, column]
    spread = differences.std(ddof=1) / len(differences) ** 0.5
    return f"{errors[:, column].mean():.4f}  ({differences.mean():+.4f} ± {spread:.4f})"


pd.DataFrame(
    {
        name: {"ridge regression": beside_ours(errors, 0), "boosting": beside_ours(errors, 1)}
        for name, errors in trials.items()
    }
).T

# %% [markdown]
# In brackets: the difference to our features, fold by fold. The logarithms of the sizes help the linear
# model most; trees do not care, since they only ask what is larger. The sums help both a little. To leave
# out the two huge houses brings nothing that exceeds its error, so they stay.
#
# ## What a network sees
#
# The encoder scales numbers, marks missing ones, turns categories into whole numbers, and gives those with
# an order their rank besides. It never sees a test row and is saved inside the model. The target is
# learned as a standardised logarithm, and the network answers in dollars.

# %%
from common.training.train import prepare_rows

schema = dataset.schema
prepared = prepare_rows(dataset, config.folds)
print({name: array.shape for name, array in prepared.part("train").inputs.items()})
print(f"geometric mean of the prices: {np.exp(prepared.target.mean):,.0f} dollars")

# %%
from projects.house_prices.model import build

keras.utils.set_random_seed(config.seed)
network = build(config, prepared.table, prepared.target)
print(f"{network.name}: {network.count_params():,} numbers to learn, {config.members} members")

# %% [markdown]
# Far more numbers to learn than houses: this can only end well with a strong hand on the brake, which is
# here dropout, weight decay, stopping early, and averaging. First two quick questions: does it start where
# guessing the mean is, and can it learn 32 houses by heart?

# %%
from common.training.sanity import check_network, shuffled_sample

sample = shuffled_sample(prepared.part("train"), 4096, seed=0)
for finding in check_network(
    lambda: build(config, prepared.table, prepared.target), sample, prepared.target
):
    print(finding.level, finding.message)

# %% [markdown]
# ## Every house helps to learn, every house helps to choose
#
# To stop early one needs houses that are not learned from, and a fifth of so few is much to give away. So
# the train and validation houses are cut into folds: each network learns from all folds but one and is
# stopped on that one. Together the networks have learned from every house, and each house has one
# prediction of a network that did not know it. Another seed cuts other folds: a **repeated**
# cross-validation.

# %%
import tempfile

from common.plots.learning import learning_curves
from common.training.train import history_frame, train_seed, validation_rows

checkpoints = Path(tempfile.mkdtemp())
seeds = range(config.seed, config.seed + config.seeds)
trained = [train_seed(PROJECT, config, prepared, seed, checkpoints) for seed in seeds]
learning_curves(history_frame(trained[:1]), config.monitor)

# %% [markdown]
# A line for each fold of the first seed. The folds differ: with so few houses it matters who is
# validated on.
#
# The rivals get the same treatment: a ridge regression and gradient boosting for each fold, the mean of
# the folds as their answer. So far we look only at the houses that were held out, not at the test.

# %%
from common.evaluation.baselines import baseline_answers
from common.evaluation.evaluate import rows_of as scored_rows

validation = dataset.chosen(validation_rows(dataset, config.folds))
answers = baseline_answers(dataset, config.folds, config.seed)
answers["network"] = {
    part: np.mean([getattr(seed, part)[:, 0] for seed in trained], axis=0)
    for part in ("validation", "test")
}
held_out = {
    f"network, seed {seed}": result.validation[:, 0]
    for seed, result in zip(seeds, trained, strict=True)
} | {name: parts["validation"] for name, parts in answers.items()}
rivals = [held_out[name] for name in ("ridge_regression", "hist_gradient_boosting")]
held_out["network and both rivals"] = np.exp(
    np.mean(np.log([held_out["network"], *rivals]), axis=0)
)
pd.DataFrame(
    {
        name: scored_rows(schema, validation.target, price).metrics()
        for name, price in held_out.items()
    }
).T[["rmse_log", "mae", "rmse"]].sort_values("rmse_log").rename_axis("on houses held out").round(
    {"rmse_log": 4, "mae": 0, "rmse": 0}
)

# %% [markdown]
# "Network and both rivals" is a geometric mean of three models, which is how competitions are often won:
# it helps where models are about equally good and err differently. (Networks and boosting are flattered a
# little here, since each was stopped where it did best on these very houses. The test will tell.)
#
# ## The test, opened once

# %%
from common.evaluation.evaluate import score_models

test = dataset.examples("test")
scored, metrics, comparison = score_models(schema, "rmse_log", validation, test, answers)
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{scores[metric]['value']:,.{digits}f} ({scores[metric]['low']:,.{digits}f} to "
            f"{scores[metric]['high']:,.{digits}f})"
            for metric, digits in (("rmse_log", 4), ("mae", 0), ("rmse", 0))
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# The intervals are wide: a few hundred houses decide, and the places of a leaderboard lie closer together
# than that.
#
# What did the averaging bring? Here are all networks alone on the test houses, and their mean.

# %%
from common.evaluation.evaluate import ensemble_gain
from common.training.train import answers_of

networks = [network for seed in trained for network in seed.networks]
alone = {
    number: answers_of(network, prepared.part("test"))[:, 0]
    for number, network in enumerate(networks)
}
single = [scored_rows(schema, test.target, price).metrics()["rmse_log"] for price in alone.values()]
gained = ensemble_gain(schema, "rmse_log", test, alone)
gain = gained["gain"]["rmse_log"]
print(f"{len(networks)} single networks: {np.mean(single):.4f} on average,", end=" ")
print(f"{min(single):.4f} the best, {max(single):.4f} the worst")
print(f"the mean of their answers: {gained['test']['rmse_log']['value']:.4f}")
print(f"difference {gain['value']:+.4f}, 95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}")

# %%
from common.plots.regression import interval_coverage, predicted_against_actual, residuals

predicted_against_actual(scored["network"], schema.unit)

# %%
residuals(scored["network"], schema.unit)

# %% [markdown]
# How sure is a price? The errors on the houses held out say how wide an interval must be.

# %%
from common.evaluation.conformal import coverage
from common.evaluation.details import decide

decision = decide(schema, validation, answers["network"]["validation"])
inside = coverage(
    test.target,
    answers["network"]["test"],
    decision["margin"],
    decision["level"],
    test.group_numbers,
    schema.log_scale,
)
interval_coverage(inside, schema.unit)

# %% [markdown]
# ## Where does it go wrong?
#
# The test has too few houses to be cut into groups. Those held out are four times as many.

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import importance, slices

price = answers["network"]["validation"]
sliced = score_slices(schema, "rmse_log", validation, price, 50 if QUICK else 200)
overall = scored_rows(schema, validation.target, price).metrics()["rmse_log"]
figure = slices(sliced, "rmse_log", overall)
title = figure.texts[0]  # the function speaks of test rows
title.set_text(title.get_text().replace("all test rows", "all held out"))
figure

# %% [markdown]
# And the largest errors on the test houses, as a ratio of prices:

# %%
ratio = test.target / answers["network"]["test"]
worst = np.argsort(-np.abs(np.log(ratio)))[:6]
details = raw["train"].set_index("Id").loc[test.ids["Id"].iloc[worst]]
details[[*some, "SaleCondition", "SalePrice"]].assign(
    predicted=answers["network"]["test"][worst].round(), ratio=ratio[worst].round(2)
)

# %% [markdown]
# Look at `SaleCondition`: what is not "Normal" was sold in a foreclosure, within a family, or unfinished.
# Kaggle's file tells it, and so it is among our features; but how much below its worth a family sells
# a house, no column says.
#
# ## One model from all networks

# %%
from common.bundle import Bundle
from common.evaluation.evaluate import score_for
from common.evaluation.importance import permutation_importance
from common.models.encoder import stitch
from common.models.heads import average

bundle = Bundle(stitch(prepared.encoder, average(networks)), schema, decision, dataset.tables)
predict = bundle.answers
few = 60 if QUICK else 292
importance(
    permutation_importance(
        predict, score_for(schema, "rmse_log"), test.features, test.target, few, 1 if QUICK else 3
    ),
    "rmse_log",
)

# %% [markdown]
# ## The file that one hands in
#
# Kaggle's houses go through the same `prepare`. `submission` makes the two columns that Kaggle wants and
# refuses what it would refuse: a house that is there twice, a price that is not positive.

# %%
from projects.house_prices.submission import submission

handed_in = submission(raw["test"], predict(prepare(raw["test"], {})))
handed_in.head()

# %%
assert handed_in["Id"].tolist() == list(range(1461, 2920))
handed_in.set_index("Id").loc[[2550]]

# %% [markdown]
# And there is house 2550, the third of the huge unfinished ones. Would you believe this price?
#
# On the command line the same is one step:
#
#     python projects/house_prices/run.py predict --input test.csv --output submission.csv
#
# ## What to try next
#
# - One house in 1,459: how much would the leaderboard's score change if the price of 2550 were wrong by a
#   factor of three? Compute it before you tune anything for its sake.
# - `--folds 10`, `--seeds 5`: what do more networks bring, and when does it stop?
# - A feature of your own: add it in `prepare`, put it on trial above, keep it if it wins on every fold.
# - Predict the price per square foot instead. What must then happen to the error?
# - The years 2006 to 2010 hold a housing crisis. Split by `YrSold` instead of at random: what breaks?
