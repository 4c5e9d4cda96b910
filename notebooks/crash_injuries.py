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
# # How badly was this person hurt?
#
# 100,968 people were in crashes on American roads in which somebody died. The police wrote down who sat
# where, who wore a belt, what the air bag did. Which of eight classes of injury does the file say of each?
# Eight classes, from more than forty thousand people down to nine.
#
# This notebook walks the same road as `projects/crash_injuries/run.py`, with the same functions, and looks
# around on the way: the columns that know the answer, people who cannot be told apart, what to do about
# rare classes, and which of the model's words to believe.

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

from projects.crash_injuries.load import COLUMNS, TARGET, load, read_raw
from projects.crash_injuries.run import Config

config = Config()
if QUICK:
    config = dataclasses.replace(config, rows=600, epochs=2, units=32, blocks=1, batch_size=64)
machine

# %% [markdown]
# ## The data, before we touch it

# %%
raw = read_raw()
print(f"{raw.shape[0]:,} rows, {raw.shape[1]} columns, {raw.isna().sum().sum()} empty cells")
raw.head(3).T

# %%
injury = raw[TARGET].str.replace("_", " ")
injury.value_counts().to_frame("people").assign(
    share=lambda table: table["people"] / len(raw)
).round(4)

# %% [markdown]
# The largest class is death, and that is the choice of the file: in each of these crashes somebody died.
# The shares say nothing about crashes at large. And the classes are no scale: five of them climb from no
# injury to death, the other three say that somebody does not know, or that a heart stopped before the car.
#
# No cell is empty, but many say "unknown" in one way or another. Does it matter that nobody knows?

# %%
unknown = raw[list(COLUMNS)].apply(
    lambda column: column.astype(str).str.contains("unknown|not.known|not.reported", case=False)
)
unknown["AGE"] = raw["AGE"] == 99
pd.DataFrame(
    {
        "unknown, people": unknown.sum(),
        "dead among them, %": [
            100 * (injury[unknown[name]] == "Fatal Injury").mean() for name in COLUMNS
        ],
        "dead among the others, %": [
            100 * (injury[~unknown[name]] == "Fatal Injury").mean() for name in COLUMNS
        ],
    }
).query("`unknown, people` > 0").round(1)

# %% [markdown]
# It does, in both directions. So "unknown" stays a category of its own; only an age of 99 becomes a missing
# number, for the encoder to mark.
#
# ## What leaks, and why
#
# The file has 29 columns beside the injury, published comparisons use them all, and the project takes 13.
# What is wrong with the other 16? Look at three of them.

# %%
tables = {}
for column in ("RACE", "TAKEN_TO_HOSPITAL", "ALCOHOL_TEST_TYPE"):
    table = pd.crosstab(raw[column], injury, normalize="index").mul(100).round(1)
    table.insert(0, "people", raw[column].value_counts())
    tables[column] = table.nlargest(4, "people").rename_axis("value")
pd.concat(tables)[["people", "Fatal Injury", "Incapaciting Injury", "No Injury"]]

# %% [markdown]
# Race is copied from death certificates: of the living the file says "Not a Fatality", which is the answer
# in plain words. Who died at the scene is not taken to a hospital, and who is unhurt neither. And the blood
# of the dead is tested far more often than that of the living. All of this is in the same row, and none of
# it is known when the police write their report, or it follows from the injury.
#
# How much better would we look? Boosting, on a part of the training rows, scored on as many validation rows:

# %%
from common.data.dataset import Schema
from common.evaluation.baselines import gradient_boosting
from common.evaluation.multiclass import MulticlassRows

dataset = load(config.rows)
few = [
    dataset.chosen(np.flatnonzero(dataset.part == part)[::step])
    for part, step in (("train", 8), ("validation", 2))
]
later = {
    "what the police see (ours)": [],
    "… and the hospital": ["TAKEN_TO_HOSPITAL"],
    "… and alcohol and drug tests": [name for name in raw if "TEST" in name or "METHOD" in name],
    "… and race and origin": ["RACE", "HISPANIC_ORIGIN"],
}
added, rows = [], {}
for name, columns in later.items():
    added += columns
    learn, look = (
        dataclasses.replace(
            part,
            features=part.features.join(
                raw.loc[part.ids["row"] - 1, added].astype(str).reset_index(drop=True)
            ),
        )
        for part in few
    )
    kinds = dataset.schema.features | dict.fromkeys(added, "category")
    schema = Schema(kinds, kinds, labels=dataset.schema.labels)
    probability = gradient_boosting(learn, look, schema, config.seed)(look.features)
    rows[name] = MulticlassRows(look.target, probability).metrics()
pd.DataFrame(rows).T[["log_loss", "accuracy"]].round(3)

# %% [markdown]
# Each step looks like progress, and each is a step away from the question. A score on all columns cannot be
# compared with ours: it answers "what does the finished file say?", which the file can tell us itself.
#
# ## People who cannot be told apart
#
# Thirteen columns are few words for a hundred thousand people.

# %%
described = load() if config.rows else dataset
together = pd.DataFrame({"description": described.groups, "injury": described.target})
counts = together.groupby(["description", "injury"]).size()
people = counts.groupby("description").sum()
classes = counts.groupby("description").size()
print(f"different descriptions:                    {len(people):>7,}")
print(f"people who share theirs:                   {people[people > 1].sum():>7,}")
print(f"people who share it with another class:    {people[classes > 1].sum():>7,}")
print(f"the most people with one description:      {people.max():>7,}")
best = counts.groupby("description").max()
shared = people > 1
print(
    "right, at most, among those who share one: "
    f"{100 * best[shared].sum() / people[shared].sum():>6.1f} %"
)

# %% [markdown]
# The last line is a ceiling, and a flattering one: it is reached by whoever knows the commonest injury of
# each description, small ones included, beforehand. No network will be right about everyone.
#
# Equal descriptions also make a trap: split at random, and test rows meet their doubles in training. `load`
# sends equal descriptions to one part together, and the intervals below draw them together.

# %%
print(dataset.account.as_dict())
dataset.features.iloc[0]

# %%
from common.plots.target import target_by_part

target_by_part(dataset)

# %%
from common.data.checks import check_dataset

for finding in check_dataset(dataset):
    print(f"{finding.level:5}  {finding.check}: {finding.message}")

# %% [markdown]
# The note on rare classes is worth remembering: where a class has a handful of rows in the test, its scores
# are made of luck.
#
# ## What should matter

# %%
from common.plots.style import new_figure, shortened, styled


@styled
def injuries_by(*columns):
    """The share of each class from no injury to death, for the six commonest values of a column."""
    known = described.target < 5
    colours = ["#dfe6ee", "#a9bdd3", "#6d8fb3", "#33608f", "#d9601a"]
    figure = new_figure(1.9 * len(columns) + 0.7)
    panels = figure.subplots(len(columns), 1)
    for axes, column in zip(panels, columns, strict=True):
        values = described.features[column][known]
        common = values.value_counts().index[:6]
        shares = pd.crosstab(values, described.target[known], normalize="index").loc[common] * 100
        left = np.zeros(len(common))
        labels = [shortened(value, 26) for value in common]
        for number, colour in enumerate(colours):
            label = shortened(described.schema.labels[number], 20)
            axes.barh(labels, shares[number], left=left, color=colour, label=label)
            left += shares[number].to_numpy()
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xlim(0, 100)
        axes.set_title(column.replace("_", " "))
    panels[-1].set_xlabel("share of people, %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


injuries_by("ejection", "restraint", "extrication")

# %% [markdown]
# Who is thrown out of the car seldom lives. But mind the direction of such a table: who did not wear a belt
# and was unhurt has reason to say otherwise, and of the dead nobody asks.
#
# ## Rivals
#
# A score means little alone. Three rivals see the same rows and columns: the shares of the classes, a
# logistic regression, and histogram gradient boosting that stops early on the validation rows. The solver
# of the logistic regression takes 300 steps at most; with so many classes it would like some more, and says
# so in a warning, which we leave out here.

# %%
import warnings

from sklearn.exceptions import ConvergenceWarning

from common.evaluation.baselines import fit_baselines

train, validation, test = (dataset.examples(part) for part in ("train", "validation", "test"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    rivals = fit_baselines(train, validation, dataset.schema, config.seed)
pd.DataFrame(
    {
        name: MulticlassRows(validation.target, predict(validation.features)).metrics()
        for name, predict in rivals.items()
    }
).T.rename_axis("on validation").round(4)

# %% [markdown]
# ## The network
#
# The encoder scales the age, marks where it is missing, and turns categories into whole numbers. It is
# fitted on training rows only, and saved inside the model.

# %%
from common.training.train import prepare_rows

prepared = prepare_rows(dataset)
parts = {part: prepared.part(part) for part in ("train", "validation", "test")}
{name: (array.shape, array.dtype) for name, array in parts["train"].inputs.items()}

# %% [markdown]
# The network is TabM: several networks in one, which share the large matrices and have scales and biases of
# their own. It takes every category one-hot, and the age as it is: on the validation rows that did better
# than learned vectors and an age cut into bins. Its last biases start at the logarithms of the class
# shares, so that the first loss is what guessing gives, and no epoch is spent on learning that nine people
# are few.

# %%
from projects.crash_injuries.model import build

keras.utils.set_random_seed(config.seed)
network = build(config, prepared.table, prepared.target)
print(
    f"{network.name} of {config.members}: {network.count_params():,} numbers to learn, from {len(train):,} people"
)

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

folder = Path(tempfile.mkdtemp())


def trained(network, config, name):
    """History of a training on the training part, which leaves the best weights in the network."""
    learn, validate = parts["train"], parts["validation"]
    state = folder / f"{name}.safetensors"
    history = fit(network, prepared.target, learn, validate, config, config.seed, state, verbose=0)
    return pd.DataFrame(history).assign(seed=config.seed, fold=1)


learning_curves(trained(network, config, "plain"), config.monitor)

# %% [markdown]
# ## What about the rare classes?
#
# A network that minimises its log loss seldom calls a rare class: it is nearly always a bad bet. If finding
# them matters more than being right on average, there are two usual answers. The first is to weigh the rows
# in training, so that all classes weigh the same (`class_weights balanced`). That is a second training:

# %%
keras.utils.set_random_seed(config.seed)
weighted = build(config, prepared.table, prepared.target)
balanced = dataclasses.replace(config, class_weights="balanced")
learning_curves(trained(weighted, balanced, "balanced"), config.monitor)

# %% [markdown]
# (The curve of the training weighs its rows, that of the validation does not: they are not to be compared.)
#
# The second answer trains nothing. Logit adjustment (Menon et al., "Long-tail learning via logit adjustment",
# 2021) divides each probability by the class's share to the power tau: 0 changes nothing, 1 pretends that
# all classes are equally frequent. Tau is chosen on the validation rows.

# %%
from common.evaluation.multiclass import TAUS, adjusted, best_tau


def answers_of(model):
    return {
        part: model.predict(parts[part].inputs, batch_size=8192, verbose=0)
        for part in ("validation", "test")
    }


probabilities = {"network": answers_of(network)} | {
    name: {"validation": predict(validation.features), "test": predict(test.features)}
    for name, predict in rivals.items()
}
shares = np.array(prepared.target.shares)
on_validation = probabilities["network"]["validation"]
tau = best_tau(validation.target, on_validation, shares)
print(f"chosen: tau {tau}")
pd.DataFrame(
    {
        value: MulticlassRows(validation.target, adjusted(on_validation, shares, value)).metrics()
        for value in TAUS
    }
).T.rename_axis("tau, on validation").round(4)

# %% [markdown]
# Watch the columns part: log loss and accuracy want a small tau, balanced accuracy a larger one. None is
# wrong; they answer different questions. `best_tau` asks the macro F1.
#
# ## The test set, opened once

# %%
from common.evaluation.evaluate import score_models


def with_intervals(metrics):
    """Scores of each model as text, with their 95 % intervals."""
    return pd.DataFrame(
        {
            name: {
                metric: f"{score['value']:.4f} ({score['low']:.3f} to {score['high']:.3f})"
                for metric, score in scores.items()
            }
            for name, scores in metrics.items()
        }
    ).T


scored, metrics, comparison = score_models(
    dataset.schema, "log_loss", validation, test, probabilities
)
print(comparison["verdict"])
with_intervals(metrics)

# %% [markdown]
# The verdict is about the log loss, the price of all eight probabilities, and about one training; the
# project's README has five. In the balanced accuracy and the macro F1 a class with a handful of people
# weighs an eighth: look how wide those intervals are.
#
# The two ways to find rare classes, on the same rows:

# %%
ways = {
    "network": probabilities["network"],
    "network, adjusted": {
        part: adjusted(answer, shares, tau) for part, answer in probabilities["network"].items()
    },
    "trained with class weights": answers_of(weighted),
}
called, metrics_of_ways, _ = score_models(dataset.schema, "f1_macro", validation, test, ways)
with_intervals(metrics_of_ways)

# %% [markdown]
# Whose recall is it that they raise?

# %%
by_class = {
    name: pd.DataFrame(rows.per_class(dataset.schema.labels)) for name, rows in called.items()
}
recalls = {name: table["recall"].round(3).tolist() for name, table in by_class.items()}
by_class["network"][["label", "rows"]].assign(**recalls).set_index("label")

# %% [markdown]
# Calls move from large classes to small ones, if not evenly, and accuracy and log loss pay for it. Before you
# admire a balanced accuracy, look at its rows: to find one person more of a class of two adds a sixteenth.
#
# Class weights go further here, the adjustment is the handier tool. It costs no second training, its strength
# is chosen afterwards, by whatever score matters, and can be taken back; the probabilities of the network
# stay what they are. Class weights bend the probabilities themselves.
#
# ## What is taken for what

# %%
from common.plots.classes import class_confusion, class_scores, confidence

class_confusion(scored["network"].confusion(), dataset.schema.labels)

# %%
class_scores(scored["network"].per_class(dataset.schema.labels))

# %% [markdown]
# "Unknown" is rare and yet easily found: of people whose injury nobody knows, nobody knows much else. The
# injuries between none and death are the hard ones. After the adjustment the recall of rare classes rises,
# and their precision falls:

# %%
class_scores(called["network, adjusted"].per_class(dataset.schema.labels))

# %% [markdown]
# Which of its calls may one believe? The probability of the likeliest class, against how often it is right:

# %%
confidence(scored)

# %%
confidence(called)

# %% [markdown]
# The second picture has the two ways beside the plain network. Calls for rare classes are bought with
# probabilities that no longer mean what they say: keep the plain ones, and adjust only where a call is due.
#
# ## Where does it go wrong?

# %%
from common.evaluation.slices import score_slices
from common.plots.explain import importance, slices

answers = probabilities["network"]["test"]
sliced = score_slices(dataset.schema, "log_loss", test, answers, rounds=20 if QUICK else 100)
slices(sliced, "log_loss", metrics["network"]["log_loss"]["value"])

# %% [markdown]
# A lower log loss does not make a group well understood: where nearly everybody died, or nearly nobody, there
# is less to guess. Here are the people about whom it was most sure and wrong.

# %%
labels = np.array(dataset.schema.labels)
of_truth = answers[np.arange(len(test)), test.target.astype(int)]
surely_wrong = np.argsort(of_truth - answers.max(axis=1))[:6]
columns = ["person_type", "age", "restraint", "ejection", "extrication"]
test.features.loc[surely_wrong, columns].assign(
    was=labels[test.target[surely_wrong].astype(int)],
    called=labels[answers[surely_wrong].argmax(axis=1)],
    probability=answers[surely_wrong].max(axis=1).round(3),
).T

# %% [markdown]
# ## What did it learn?
#
# Shuffle one column at a time and see how much the log loss grows. Columns that say the same share their
# importance: whether somebody was thrown out stands in two of them.

# %%
from common.bundle import Bundle
from common.evaluation.evaluate import score_for
from common.evaluation.importance import permutation_importance
from common.models.encoder import stitch

bundle = Bundle(stitch(prepared.encoder, network), dataset.schema, {}, dataset.tables)
score = score_for(dataset.schema, "log_loss")
importance(
    permutation_importance(bundle.answers, score, test.features, test.target, rows=4000), "log_loss"
)

# %% [markdown]
# ## Using it
#
# The bundle takes raw rows, in the file's own words: the encoder travels inside. A passenger nobody has seen,
# with a belt, without, and thrown out:

# %%
from projects.crash_injuries.load import prepare

passenger = {
    "AGE": 30, "SEX": "Female", "CASE_STATE": "Ohio",
    "PERSON_TYPE": "Passenger_of_a_Motor_Vehicle_in_Transport",
    "SEATING_POSITION": "Front_Seat_-_Right_Side", "RESTRAINT_SYSTEM-USE": "Lap_and_Shoulder_Belt",
    "AIR_BAG_AVAILABILITY/DEPLOYMENT": "Air_Bag_Not_Available_for_this_Seat",
    "EJECTION": "Not_Ejected", "EJECTION_PATH": "Not_Ejected/Not_Applicable",
    "EXTRICATION": "Not_Extricated",
    "NON_MOTORIST_LOCATION": "Not_Applicable_-_Vehicle_Occupant",
    "POLICE_REPORTED_ALCOHOL_INVOLVEMENT": "No_(Alcohol_Not_Involved)",
    "POLICE-REPORTED_DRUG_INVOLVEMENT": "No_Drugs",
}  # fmt: skip
unbelted = passenger | {"RESTRAINT_SYSTEM-USE": "None_Used/Not_Applicable"}
ejected = unbelted | {"EJECTION": "Totally_Ejected", "EJECTION_PATH": "Through_Side_Window"}
answer = bundle.answers(prepare(pd.DataFrame([passenger, unbelted, ejected]), dataset.tables))
pd.DataFrame(answer.T, labels, ["belted", "unbelted", "thrown out"]).round(3)

# %% [markdown]
# Do not read this as the worth of a belt. The model knows only crashes in which somebody died, and a belt that
# kept a crash from killing took it out of the file.
#
# ## What to try next
#
# - `python projects/crash_injuries/run.py --seeds 5`: how much of a difference is luck?
# - Leave out the three classes that are no injury, and use the order of the other five: does it help to know
#   that a miss by one is smaller than a miss by four?
# - Fatal or not, as two classes: how much easier is that question, and which rival wins it?
# - Split at random instead of by description: how much better do you look, and on which rows?
# - Let the state decide the split: train on forty states, test on the others. What breaks?
