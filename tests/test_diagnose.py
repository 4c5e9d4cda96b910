"""The training doctor in a run: on request, and when the loss becomes NaN."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from common.evaluation.advice import advise
from common.files import read_json, write_json
from common.pipeline import train
from common.runs import new_run
from common.summary import summary
from common.training.part import Part
from common.training.train import prepare_rows, train_seed
from projects.flight_delays.run import PROJECT, Config

SMALL = Config(epochs=1, model="mlp", units=16, blocks=1, number_embedding="none")


def test_a_run_has_its_network_examined_on_request(flights, runs_folder):
    run = new_run(PROJECT.name, "examined")
    train(PROJECT, dataclasses.replace(SMALL, diagnose=True), flights, run, verbose=0)
    checks = {check["check"]: check for check in read_json(run.folder / "checks.json")}
    assert {"first loss", "dead ReLUs", "learning rate far off", "shuffled labels"} <= set(checks)
    assert {check["level"] for check in checks.values()} == {"ok"}


def test_an_error_of_nan_names_the_cause(flights, tmp_path):
    prepared = prepare_rows(flights)
    inputs = {name: array.copy() for name, array in prepared.rows.inputs.items()}
    inputs["numbers"][np.flatnonzero(flights.part == "train")[:5], 0] = np.inf
    broken = dataclasses.replace(prepared, rows=Part(inputs, prepared.rows.target))
    with pytest.raises(UserError, match=r"epoch 1\..*NaN in the data: NaN or infinite: numbers: 5"):
        train_seed(PROJECT, SMALL, broken, 0, tmp_path)


@pytest.mark.parametrize("diagnosed", [False, True])
def test_a_network_at_chance_is_sent_to_the_doctor(tmp_path, diagnosed):
    score = {"roc_auc": {"value": 0.5, "low": 0.48, "high": 0.52}}
    comparison = {"difference": score, "verdict": "No better.", "alarms": ["Learned nothing."]}
    metrics = {"test": score, "baselines": {}, "comparison": comparison, "task": "binary"}
    metrics |= {"rows": {"train": 10**6}, "seconds": {"train": 9.0}}
    comparison["best_baseline"] = "class_prior"
    config = dataclasses.replace(SMALL, epochs=3, diagnose=diagnosed)
    history = pd.DataFrame({"seed": 0, "fold": 1, "epoch": [1, 2], "loss": 0.6, "val_loss": 0.6})
    metrics["advice"] = advise(history, metrics, config, PROJECT)
    write_json(tmp_path / "metrics.json", metrics)
    assert metrics["advice"]["state"] == "at chance"
    assert ("--diagnose" in summary(tmp_path)) != diagnosed
