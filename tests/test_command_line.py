"""The commands as a user gives them: real processes, their files, messages and exit status."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from common.runs import ROOT
from projects.flight_delays.load import load, read_raw
from projects.flight_delays.run import Config

TINY = ["--model", "mlp", "--units", "16", "--blocks", "1", "--number-embedding", "none"]
SMALL = ["--rows", "2000", "--epochs", "2", "--batch-size", "256", *TINY]


def command(*arguments):
    return [sys.executable, str(ROOT / "projects/flight_delays/run.py"), *map(str, arguments)]


def run(*arguments, **options):
    return subprocess.run(command(*arguments), capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One small complete run, with two seeds."""
    folder = tmp_path_factory.mktemp("trained")
    os.environ["APPLIED_KERAS_RUNS"] = str(folder)
    done = run(*SMALL, "--seeds", 2, "--run", "first", env=os.environ)
    assert done.returncode == 0, done.stderr
    yield folder / "flight_delays", done
    del os.environ["APPLIED_KERAS_RUNS"]


@pytest.fixture
def flights_file(tmp_path):
    """The first 200 test rows of the small run, as they are in the package."""
    path = tmp_path / "flights.csv"
    dataset = load(rows=2000)
    rows = dataset.ids.index[dataset.part == "test"][:200]
    read_raw()["flights"].loc[rows].to_csv(path, index=False, na_rep="NA")
    return path


def spent_by_children() -> float:
    """Seconds of CPU, which other work on the machine does not lengthen as it does those waited."""
    times = os.times()
    return times.children_user + times.children_system


def test_help_answers_at_once_and_loads_nothing_heavy():
    seconds = []
    for _ in range(3):
        start = spent_by_children()
        shown = run("--help")
        seconds.append(spent_by_children() - start)
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in ("train", "evaluate", "predict", "report"))
    assert min(seconds) < 0.5
    fields = run("train", "--help").stdout
    assert "share of neurons silenced in each training step" in fields


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epoch", "3"], "--epochs"),
        (["--epochs", "three"], "three"),
        (["--model", "forest"], "tabm-mini"),
        (["--epochs", "0"], "epochs is 0; expected a whole number from 1"),
        (["--dropout", "1.5"], "dropout is 1.5"),
        (["--units", "0"], "units is 0; expected a whole number from 1"),
        (["--run", "../elsewhere"], "not a folder name"),
        (["predict", "--input", "x.csv"], "--output"),
    ],
)
def test_mistakes_exit_with_2_and_name_the_way_out(arguments, words, runs_folder):
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not runs_folder.exists() or not any(runs_folder.iterdir())


@pytest.mark.parametrize("name", ["evaluate", "report", "predict"])
def test_without_a_run_the_message_tells_how_to_train(name, runs_folder, tmp_path):
    files = ["--input", "x.csv", "--output", "y.csv"] if name == "predict" else []
    done = run(name, *files)
    assert done.returncode == 2
    assert "Train first: python projects/flight_delays/run.py" in done.stderr


def test_complete_run_has_every_file(trained):
    folder, done = trained
    assert "Traceback" not in done.stderr
    found = {path.name for path in (folder / "first").iterdir()}
    assert found >= {
        "config.json", "environment.json", "checks.json", "history.csv", "metrics.json",
        "predictions.npz", "report.html", "bundle", "plots",
    }  # fmt: skip
    assert not found & {"INCOMPLETE", "checkpoints"}
    assert not [name for name in found if name.startswith(".") and name != ".lock"]
    assert (folder / "latest").resolve() == (folder / "first").resolve()
    assert f"Report: {folder / 'first' / 'report.html'}" in done.stdout


def test_metrics_file_keeps_its_promise(trained):
    metrics = json.loads((trained[0] / "latest" / "metrics.json").read_text())
    for scores in (metrics["test"], *metrics["baselines"].values()):
        for name in ("roc_auc", "average_precision", "log_loss", "accuracy", "f1"):
            assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"]
    assert set(metrics["baselines"]) == {
        "class_prior", "logistic_regression", "hist_gradient_boosting",
    }  # fmt: skip
    assert metrics["test"]["roc_auc"]["value"] > 0.55
    assert metrics["seconds"]["load"] > 0
    assert metrics["seconds"]["train"] > 0
    rows = metrics["rows"]
    assert rows["in"] == rows["used"] + sum(rows["dropped"].values())
    assert rows["used"] == rows["train"] + rows["validation"] + rows["test"] == 6000
    assert set(metrics["seeds"]["roc_auc"]["values"]) == {"0", "1"}
    assert metrics["seeds"]["roc_auc"]["values"]["0"] == metrics["test"]["roc_auc"]["value"]
    config = json.loads((trained[0] / "latest" / "config.json").read_text())
    assert config["rows"] == 2000


def test_without_settings_of_a_network_tabm_is_trained(tmp_path):
    environment = os.environ | {"APPLIED_KERAS_RUNS": str(tmp_path)}
    done = run("--rows", 600, "--epochs", 1, "--batch-size", 256, "--run", "tabm", env=environment)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "flight_delays" / "tabm"
    config = json.loads((folder / "config.json").read_text())
    assert (config["model"], config["members"], config["units"]) == ("tabm", 8, 128)
    model = keras.saving.load_model(folder / "bundle" / "model.keras", compile=False)
    heads = [weight.shape for weight in model.weights if weight.path.endswith("learned/kernel")]
    assert heads == [(8, 128, 1)]
    answers = np.load(folder / "predictions.npz")["0/test"]
    assert answers.shape == (600,)
    assert 0 < answers.min() < answers.max() < 1


def test_evaluate_again_gives_the_same_scores(trained):
    before = json.loads((trained[0] / "latest" / "metrics.json").read_text())
    done = run("evaluate")
    assert done.returncode == 0, done.stderr
    after = json.loads((trained[0] / "latest" / "metrics.json").read_text())
    assert after["test"] == before["test"]
    assert after["baselines"]["logistic_regression"] == before["baselines"]["logistic_regression"]


def test_report_is_written_anew(trained):
    page = trained[0] / "first" / "report.html"
    page.unlink()
    assert run("report", "--run", "first").returncode == 0
    assert "</html>" in page.read_text()


def test_run_name_that_exists_is_refused(trained):
    done = run(*SMALL, "--run", "first")
    assert done.returncode == 2
    assert "exists already" in done.stderr


def test_predict_scores_raw_rows_as_the_test_set_was_scored(trained, flights_file, tmp_path):
    done = run("predict", "--input", flights_file, "--output", tmp_path / "scored.csv")
    assert done.returncode == 0, done.stderr
    source, scored = (
        pd.read_csv(flights_file, dtype=str),
        pd.read_csv(tmp_path / "scored.csv", dtype=str),
    )
    pd.testing.assert_frame_equal(scored[source.columns], source)
    assert list(scored.columns[-2:]) == ["probability", "label"]
    bundle = json.loads((trained[0] / "latest/bundle/bundle.json").read_text())
    late = scored["probability"].astype(float) >= bundle["decision"]["threshold"]
    assert (scored["label"] == np.where(late, "late", "on time")).all()
    assert "200 rows scored" in done.stdout
    assert "Ignored columns: dep_time, dep_delay" in done.stdout

    predictions = np.load(trained[0] / "latest/predictions.npz")["0/test"][:200]
    np.testing.assert_allclose(scored["probability"].astype(float), predictions, atol=2e-6)


def test_sigkill_in_the_middle_of_an_epoch_then_resume_gives_the_same_bits(tmp_path):
    """Deterministic mode: weights after kill and resume equal those of an uninterrupted run."""
    settings = ["--rows", 4000, "--epochs", 4, "--batch-size", 8, "--deterministic", *TINY]
    environment = os.environ | {"APPLIED_KERAS_RUNS": str(tmp_path)}
    folder = tmp_path / "flight_delays"
    whole = run(*settings, "--run", "whole", env=environment)
    assert whole.returncode == 0, whole.stderr

    checkpoint = folder / "killed" / "checkpoints" / "seed-0.safetensors"
    process = subprocess.Popen(
        command(*settings, "--run", "killed"),
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not checkpoint.exists():  # the first epoch is done
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)  # an epoch of 500 steps takes longer: the second one is under way
    epochs_before = len(epochs_in(checkpoint))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(epochs_in(checkpoint)) == epochs_before < 4
    assert (folder / "killed" / "INCOMPLETE").exists()
    assert (folder / "latest").resolve().name == "whole"

    resumed = run("--resume", env=environment)
    assert resumed.returncode == 0, resumed.stderr
    assert f"Epoch {epochs_before + 1}/4" in resumed.stdout
    assert "Epoch 1/4" not in resumed.stdout
    assert not (folder / "killed" / "INCOMPLETE").exists()
    assert (folder / "latest").resolve().name == "killed"
    ours, theirs = (
        keras.saving.load_model(folder / name / "bundle" / "model.keras").get_weights()
        for name in ("whole", "killed")
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    histories = [(folder / name / "history.csv").read_text() for name in ("whole", "killed")]
    assert histories[0] == histories[1]
    predictions = [np.load(folder / name / "predictions.npz") for name in ("whole", "killed")]
    np.testing.assert_array_equal(predictions[0]["0/test"], predictions[1]["0/test"])


def epochs_in(checkpoint: Path) -> list:
    with safe_open(checkpoint, framework="numpy") as file:
        return json.loads(file.metadata()["state"])["history"]


def test_ctrl_c_exits_with_130_and_can_be_resumed(tmp_path):
    environment = os.environ | {"APPLIED_KERAS_RUNS": str(tmp_path)}
    process = subprocess.Popen(
        command("--rows", 8000, "--epochs", 3, "--batch-size", 8, *TINY, "--run", "stopped"),
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # Where a shell runs the tests in the background, it has Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 1/"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert "Traceback" not in errors
    (tmp_path / "flight_delays" / "configs").mkdir()
    (tmp_path / "flight_delays" / "configs" / "rows.json").write_text('{"rows": 8000}')
    default = Config().epochs
    for flag, value, asked in (
        ("--epochs", 9, 9), ("--epochs", default, default), ("--config", "rows", default)
    ):  # fmt: skip
        other = run("--resume", "--run", "stopped", flag, value, env=environment)
        assert other.returncode == 2
        assert f"was started with epochs 3, not {asked}" in other.stderr


def test_full_disk_is_one_clear_error_and_leaves_nothing(trained, flights_file, tmp_path):
    def small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    output = tmp_path / "out" / "scored.csv"
    output.parent.mkdir()
    done = run("predict", "--input", flights_file, "--output", output, preexec_fn=small_files_only)
    assert done.returncode == 2
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(output.parent.iterdir()) == []
