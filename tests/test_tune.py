"""The search: its gain, pruning, kills, stored configs, closed test rows, bad input, workers."""

import dataclasses
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from keras import layers

from common.command_line import given_fields, main
from common.errors import UserError
from common.models.heads import with_head
from common.project import TrainingConfig, expect
from common.runs import ROOT
from common.tabular import TabularConfig
from common.training.train import history_frame, prepare_rows, train_seed
from common.tune.configs import read_config
from common.tune.objective import prepare_trainings, trial_value
from common.tune.space import Choice, Real, Whole, parameters, searched_space, with_parameters
from common.tune.start import start_search
from common.tune.study import open_search
from common.tune.table import importances, summary
from common.tune.tabular import TABULAR_SPACE
from projects.flight_delays.load import load
from projects.flight_delays.run import PROJECT
from projects.flight_delays.run import Config as FlightsConfig

SMALL = ["--rows", "600", "--epochs", "2", "--batch-size", "256", "--model", "mlp", "--units", "8",
         "--blocks", "1", "--number-embedding", "none", "--embedding-dimension", "2"]  # fmt: skip


@dataclass(frozen=True)
class Config(TrainingConfig):
    """Settings of a network small enough to be built in no time, and of a bad learning rate."""

    rows: int = 600
    epochs: int = 5
    batch_size: int = 600  # one step an epoch: what costs time here is Keras's tracing of steps
    learning_rate: float = 1e-6
    hidden_units: tuple[int, ...] = (8,)
    scale: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, "scale", self.scale % 2 == 1 or self.hidden_units == (8,), "odd")


def build(config, table, target):
    """A network on the numbers alone."""
    inputs = table.inputs()
    hidden = inputs["numbers"] * config.scale
    for units in config.hidden_units:
        hidden = layers.Dense(units, "relu")(hidden)
    return with_head(inputs, hidden, target, "small")


SMALL_SPACE = {
    "learning_rate": Real(1e-6, 1e-1, logarithmic=True),
    "hidden_units": Choice(((8,), (16,), (8, 8))),
}


@cache
def flights_of(rows):
    """Real flights, of whose columns a few are kept: each of them costs time in every search."""
    flights = load(rows)
    names = ["departure_minute", "distance", "temp", "departures_in_hour"]
    schema = dataclasses.replace(flights.schema, features=dict.fromkeys(names, "number"))
    return dataclasses.replace(flights, schema=schema, features=flights.features[names])


SMALL_PROJECT = dataclasses.replace(
    PROJECT,
    config=Config,
    load=lambda config: flights_of(config.rows),
    build=build,
    space=SMALL_SPACE,
)


def search(project=SMALL_PROJECT, trials=9, **fields):
    """Search; returns what was printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        config = project.config(**fields)
        start_search(project, config, set(), "tuned", trials, seconds=None, workers=1)
    return printed.getvalue()


def trials_of(runs):
    return pd.read_csv(runs / "studies/tuned/trials.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A finished search: the runs folder of the project, and what was printed."""
    folder = tmp_path_factory.mktemp("searched")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(folder))
        return folder / "flight_delays", search(monitor="val_roc_auc")


def test_search_is_better_than_a_bad_default_and_keeps_every_trial(searched):
    runs, printed = searched
    trials = trials_of(runs)
    assert list(trials["trial"]) == list(range(1, 10))
    assert list(trials["default"]) == [True] + [False] * 8
    assert trials["learning_rate"][0] == 1e-6
    complete = trials[trials["outcome"] == "complete"]
    best = complete.loc[complete["val_roc_auc"].idxmax()]
    assert best["val_roc_auc"] > trials["val_roc_auc"][0] + 0.05
    told = f"Best: trial {best['trial']}, val_roc_auc {best['val_roc_auc']:.5g}; the default"
    assert told in printed
    assert "run.py --config tuned" in printed
    stored = json.loads((runs / "configs/tuned.json").read_text())
    assert stored.keys() == {field.name for field in dataclasses.fields(Config)}
    assert stored["learning_rate"] == best["learning_rate"]
    assert " ".join(map(str, stored["hidden_units"])) == best["hidden_units"]
    assert (runs / "studies/tuned/search.png").read_bytes().startswith(b"\x89PNG")


def test_pruned_are_those_worse_than_the_median_of_completed_trials(searched):
    """The rule recomputed from Optuna's journal, in the order in which the trials ran."""
    journal = (searched[0] / "studies/tuned/journal.log").read_text().splitlines()
    told = {}
    for entry in map(json.loads, journal):
        if "intermediate_value" in entry:
            told.setdefault(entry["trial_id"], []).append(entry["intermediate_value"])
    outcomes, complete, pruned = list(trials_of(searched[0])["outcome"]), [], 0
    for trial, outcome in enumerate(outcomes):
        bad = [
            len(complete) >= 5 and step >= 1
            and max(told[trial][: step + 1]) < np.median([values[step] for values in complete])
            for step in range(len(told[trial]))
        ]  # fmt: skip
        assert bad == [False] * (len(bad) - 1) + [outcome == "pruned"]
        pruned += outcome == "pruned"
        complete += [told[trial]] if outcome == "complete" else []
    assert 0 < pruned < 4


def test_value_of_a_trial_is_what_training_its_config_reaches(searched, monkeypatch, tmp_path):
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(searched[0].parent))
    config = read_config(SMALL_PROJECT, "tuned")
    trained = train_seed(
        SMALL_PROJECT, config, prepare_rows(SMALL_PROJECT.load(config)), 0, tmp_path
    )
    trials = trials_of(searched[0])
    best = trials.loc[trials["outcome"] == "complete", "val_roc_auc"].max()
    assert history_frame([trained])["val_roc_auc"].max() == pytest.approx(best, rel=1e-3)


def without_time(config):
    return dataclasses.replace(flights_of(config.rows), time=None)


def test_value_is_the_mean_over_seeds_and_folds_in_the_monitors_direction(tmp_path):
    project = dataclasses.replace(SMALL_PROJECT, load=without_time)
    config = Config(folds=2, seeds=2, epochs=2, learning_rate=0.1, monitor="val_roc_auc")
    trainings, _ = prepare_trainings(project, config)
    assert [split[:2] for split in trainings.splits] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    second_seed = dataclasses.replace(trainings, splits=trainings.splits[2:])  # to save time
    told = []
    value = trial_value(
        project, config, second_seed, lambda step, value: told.append((step, value))
    )
    assert [step for step, _ in told] == list(range(4))
    trained = train_seed(project, config, prepare_rows(project.load(config), folds=2), 1, tmp_path)
    history = history_frame([trained])
    assert [value for _, value in told] == pytest.approx(history["val_roc_auc"], abs=2e-3)
    best = history.groupby("fold")["val_roc_auc"].max()
    assert abs(best[1] - best[2]) > 0.005
    assert value == pytest.approx(best.mean(), abs=2e-3)


def test_test_rows_are_neither_learned_from_nor_looked_at():
    """Nonsense in the test rows changes nothing of all that trials are given."""

    def poisoned(config):
        dataset = flights_of(config.rows)
        test = dataset.part == "test"
        features = dataset.features.copy()
        features.loc[test, dataset.schema.numbers] = 7.0
        return dataclasses.replace(
            dataset,
            features=features,
            target=np.where(test, 1 - dataset.target, dataset.target),
        )

    config = Config()
    project = dataclasses.replace(SMALL_PROJECT, load=poisoned)
    clean, first = prepare_trainings(SMALL_PROJECT, config)
    nonsense, second = prepare_trainings(project, config)
    assert first != second
    assert nonsense.target == clean.target
    assert len(clean.rows.target) == 1200  # of 1,800 rows, 600 of each part
    np.testing.assert_array_equal(nonsense.rows.target, clean.rows.target)
    np.testing.assert_array_equal(nonsense.table.numbers, clean.table.numbers)
    for name, array in clean.rows.inputs.items():
        np.testing.assert_array_equal(nonsense.rows.inputs[name], array)
    for ours, theirs in zip(nonsense.splits, clean.splits, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    (_, _, learn, validate), dataset = clean.splits[0], flights_of(config.rows)
    for rows, part in ((learn, "train"), (validate, "validation")):
        np.testing.assert_array_equal(clean.rows.target[rows], dataset.examples(part).target)


def command(*arguments):
    return [sys.executable, str(ROOT / "projects/flight_delays/run.py"), *map(str, arguments)]


@pytest.fixture(scope="module")
def flights_search(tmp_path_factory):
    """The real project, searched in one go: what kills and workers are compared with."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        patch.setenv("APPLIED_KERAS_RUNS", str(folder))
        assert main(PROJECT, ["tune", *SMALL, "--trials", "2"]) == 0
    return folder / "flight_delays"


def assert_same_trials(found, expected):
    """The same configs with the same values, up to the order of sums in several threads."""
    fields = ["default", "outcome", "epochs", "dropout", "learning_rate", "weight_decay"]
    pd.testing.assert_frame_equal(found[fields], expected[fields])
    np.testing.assert_allclose(found["val_loss"], expected["val_loss"], rtol=1e-3)


def test_after_kill_9_the_same_command_goes_on(flights_search, runs_folder):
    process = subprocess.Popen(
        command("tune", *SMALL, "--trials", 2), stdout=subprocess.PIPE, text=True, env=os.environ
    )
    for line in process.stdout:
        if line.startswith("trial 1 of 2"):
            break
    time.sleep(0.3)  # the second trial is under way
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = trials_of(runs_folder)
    assert list(before["trial"]) == [1]
    assert read_config(PROJECT, "tuned").learning_rate in list(before["learning_rate"])
    journal = runs_folder / "studies/tuned/journal.log"
    with open(journal, "a") as file:
        file.write('{"op_code":5,"work')  # a kill in the middle of a write
    journal.with_name("journal.log.lock").symlink_to(journal)  # and of Optuna's lock

    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(PROJECT, ["tune", *SMALL, "--trials", "2"]) == 0
    assert "1 of 2 trials are finished" in printed.getvalue()
    assert "trial 1 of 2" not in printed.getvalue()
    after = trials_of(runs_folder)
    pd.testing.assert_frame_equal(after[:1], before)
    assert_same_trials(after, trials_of(flights_search))


def test_ctrl_c_exits_with_130_and_the_search_goes_on_until_its_time_is_up(runs_folder, capsys):
    built = []

    def interrupted(config, table, target):
        built.append(config)
        if len(built) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return build(config, table, target)

    project = dataclasses.replace(SMALL_PROJECT, build=interrupted)
    # Where a shell runs the tests in the background, it has Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    assert main(project, ["tune", "--trials", "2", "--epochs", "1"]) == 130
    signal.signal(signal.SIGINT, before)
    said = capsys.readouterr()
    assert "a search keeps its finished trials and goes on with the same command" in said.err
    assert "run.py --config tuned" in said.out
    assert list(trials_of(runs_folder)["default"]) == [True]
    assert main(project, ["tune", "--trials", "5", "--epochs", "1", "--seconds", "0.01"]) == 0
    assert len(built) == 3
    assert built[2] == built[1]  # what was interrupted is begun again
    assert list(trials_of(runs_folder)["trial"]) == [1, 2]
    assert list(trials_of(runs_folder)["default"]) == [True, False]


def test_stored_config_trains_by_name_and_flags_override_it(flights_search, monkeypatch, capsys):
    """What the loader is given; the training after it is that of every other run."""
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(flights_search.parent))
    stored = json.loads((flights_search / "configs/tuned.json").read_text())
    given = []

    def load_nothing(config):
        given.append(dataclasses.asdict(config))
        raise UserError("This is enough.")

    project = dataclasses.replace(PROJECT, load=load_nothing)
    assert main(project, ["--config", "tuned", "--epochs", "1", "--run", "by-name"]) == 2
    assert given == [stored | {"epochs": 1}]
    assert stored["epochs"] == 2
    assert stored["learning_rate"] in list(trials_of(flights_search)["learning_rate"])
    assert json.loads((flights_search / "by-name/config.json").read_text()) == given[0]
    assert main(PROJECT, ["report", "--run", "configs"]) == 2  # beside the runs, but none itself
    assert "Complete runs: none" in capsys.readouterr().err


def test_failed_trials_are_kept_with_their_reason_and_do_not_end_the_search(runs_folder):
    """Even scales are refused for two of the three networks, which no field says by itself."""
    project = dataclasses.replace(SMALL_PROJECT, space=SMALL_SPACE | {"scale": Choice((1, 2))})
    printed = search(project, trials=4, epochs=1)
    trials = trials_of(runs_folder)
    failed = trials[trials["outcome"] == "failed"]
    assert len(trials) == 4
    assert (failed["error"] == "scale is 2; expected odd.").all()
    refused = (trials["scale"] == 2) & (trials["hidden_units"].astype(str) != "8")
    assert refused.sum() == len(failed) > 0
    assert f"{len(failed)} failed" in printed


def test_search_where_everything_fails_ends_soon_and_says_why(runs_folder):
    def never(config, table, target):
        raise UserError("No such network.")

    with pytest.raises(UserError, match=r"Every trial failed, the last one so: No such network\."):
        search(dataclasses.replace(SMALL_PROJECT, build=never))
    assert len(trials_of(runs_folder)) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tune", "--trials", "0"], "trials is 0; expected a whole number from 1"),
        (["tune", "--workers", "0"], "workers is 0"),
        (["tune", "--seconds", "-1"], "seconds is -1; expected a number above 0"),
        (["tune", "--study", "../elsewhere"], "'../elsewhere' is not a file name"),
        (["tune", "--learning-rate", "0.01", "--hidden-units", "4"], "nothing is left to search"),
        (["tune", "--config", "wild"], "learning_rate is 5.0; expected to lie in Real("),
        (["--config", "unknown"], "Known: kept, misspelt, number, text, wild, wrong"),
        (["--config", "misspelt"], "no field 'epoch'; the nearest is 'epochs'"),
        (["--config", "text"], "epochs is 'three'; expected int"),
        (["--config", "wrong"], "learning_rate is -1; expected between 0 and 10"),
        (["--config", "number"], "Expected field names with their values"),
        (["--config=../elsewhere"], "is not a file name"),
        (["--config", "kept", "--run", "studies"], "'studies' is not a folder name"),
    ],
)
def test_bad_input_is_refused_before_anything_is_loaded(arguments, words, runs_folder, capsys):
    kept = {
        "kept": {"epochs": 2, "hidden_units": [4]},
        "misspelt": {"epoch": 2},
        "text": {"epochs": "three"},
        "wrong": {"learning_rate": -1},
        "wild": {"learning_rate": 5.0},
        "number": 3,
    }
    (runs_folder / "configs").mkdir(parents=True)
    for name, value in kept.items():
        (runs_folder / "configs" / f"{name}.json").write_text(json.dumps(value))
    assert main(SMALL_PROJECT, arguments) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in runs_folder.iterdir()] == ["configs"]


def test_importance_names_the_field_that_matters(tmp_path):
    """Values that follow from the learning rate alone; the network has no say in them."""
    config = Config()
    study = open_search(tmp_path, config, SMALL_SPACE)
    for trials in range(24):
        trial = study.ask()
        study.complete(trial, abs(np.log10(trial.params["learning_rate"]) + 2))
        assert bool(importances(study)) == (trials >= 19)
    assert importances(study)["learning_rate"] > 0.8
    assert "(PED-ANOVA): learning_rate" in summary(study, SMALL_PROJECT, "tuned")


def test_study_of_other_settings_or_data_is_refused(searched, monkeypatch):
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(searched[0].parent))
    with pytest.raises(UserError, match="was begun with epochs 5, not 2: its trials would not"):
        search(epochs=2, monitor="val_roc_auc")
    wider = SMALL_SPACE | {"learning_rate": Real(1e-6, 1.0, logarithmic=True)}
    with pytest.raises(UserError, match="was begun with another search space"):
        search(dataclasses.replace(SMALL_PROJECT, space=wider), monitor="val_roc_auc")
    other = dataclasses.replace(SMALL_PROJECT, load=lambda config: flights_of(700))
    with pytest.raises(UserError, match="was begun with other data"):
        search(other, monitor="val_roc_auc")


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({}, "flight_delays has no search space. Hand one"),
        ({"depth": Whole(1, 3)}, "has no field 'depth'"),
        ({"rows": Whole(0, 100)}, "would not compare"),
        ({"batch_size": Real(32, 64)}, "batch_size is 32.0; expected int"),
        ({"dropout": Real(0.0, 1.5)}, "dropout is 1.5; expected from 0 to below 1"),
        ({"dropout": Real(0.5, 0.6)}, "dropout is 0.3; expected to lie in"),
        ({"units": Choice((8, 16))}, "units is 128; expected to lie in"),
    ],
)
def test_space_that_does_not_fit_its_config_is_refused(space, words):
    project = dataclasses.replace(PROJECT, space=space)
    with pytest.raises(UserError, match=words):
        searched_space(project, FlightsConfig(), set())


@pytest.mark.parametrize(
    "make", [lambda: Real(2, 1), lambda: Real(0, 1, logarithmic=True), lambda: Choice((1, 1))]
)
def test_dimension_without_room_is_refused(make):
    with pytest.raises(UserError, match="needs"):
        make()


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("projects/*/run.py")), ids=lambda path: path.parent.name
)
def test_space_of_each_project_fits_its_config(path):
    project = importlib.import_module(f"projects.{path.parent.name}.run").PROJECT
    assert searched_space(project, project.config(), set()) == project.space


def test_space_for_tables_fits_the_settings_that_they_share():
    project = dataclasses.replace(PROJECT, config=TabularConfig, space=TABULAR_SPACE)
    assert searched_space(project, TabularConfig(), set()) == TABULAR_SPACE


def test_space_without_given_fields_reads_its_parameters_back():
    config = FlightsConfig()
    space = searched_space(PROJECT, config, given_fields(PROJECT, ["tune", "--dropout=0.1"]))
    assert space.keys() == PROJECT.space.keys() - {"dropout"}
    assert with_parameters(config, space, parameters(config, space)) == config
    chosen = {**parameters(config, space), "units": "512", "learning_rate": 0.01}
    assert with_parameters(config, space, chosen) == FlightsConfig(units=512, learning_rate=0.01)


def test_options_of_a_choice_go_by_their_label_and_come_back():
    assert parameters(Config(), SMALL_SPACE) == {"learning_rate": 1e-6, "hidden_units": "8"}
    changed = with_parameters(Config(), SMALL_SPACE, {"learning_rate": 0.1, "hidden_units": "8 8"})
    assert changed == Config(learning_rate=0.1, hidden_units=(8, 8))


def test_without_ray_workers_are_refused_with_the_way_to_install_it(
    runs_folder, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "ray", None)  # what `import ray` then raises is ImportError
    assert main(PROJECT, ["tune", "--workers", "2"]) == 2
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err


def test_two_workers_give_the_same_trials_though_one_of_them_is_killed(flights_search, runs_folder):
    process = subprocess.Popen(
        command("tune", *SMALL, "--trials", 2, "--workers", 2),
        stdout=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    workers = set()
    while len(workers) < 2:
        assert process.poll() is None
        workers = {pid for pid in descendants(process.pid) if b"ImplicitFunc" in words_of(pid)}
        time.sleep(0.1)
    os.kill(min(workers), signal.SIGKILL)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "died; the trial begins again" in printed
    assert_same_trials(trials_of(runs_folder), trials_of(flights_search))
    best = read_config(PROJECT, "tuned")
    trials = trials_of(runs_folder)
    assert best.learning_rate == trials["learning_rate"][trials["val_loss"].idxmin()]


def descendants(pid: int) -> list[int]:
    """The processes below a process."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, ahead = [], [pid]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def words_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
