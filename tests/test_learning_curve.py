"""The command learning-curve on real tables: its scores, going on, what it refuses."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from common.command_line import main
from common.learning_curve import with_training_rows
from common.runs import runs_folder
from common.training.train import prepare_rows, train_seed
from projects.flight_delays.run import PROJECT, Config

SMALL = ["--rows", "800", "--epochs", "3", "--batch-size", "200", "--model", "mlp", "--units", "8",
         "--blocks", "1", "--number-embedding", "none", "--learning-rate", "0.02"]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


def curve(*flags: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(PROJECT, ["learning-curve", *SMALL, *flags])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def drawn() -> tuple[Path, str]:
    status, out, err = curve("--shares", "0.25", "1", "--seeds", "2")
    assert status == 0, err
    (folder,) = (runs_folder("flight_delays") / "learning_curves").glob("[!.]*")
    return folder, out


def test_each_share_is_trained_with_each_seed_and_told(drawn):
    folder, out = drawn
    scores = pd.read_csv(folder / "scores.csv")
    assert scores[["rows", "seed"]].to_numpy().tolist() == [[200, 0], [200, 1], [800, 0], [800, 1]]
    assert (folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    told = (folder / "learning_curve.txt").read_text().strip()
    assert told in out
    assert "from 200 to 800 training rows" in told
    mean = scores.loc[scores["rows"] == 800, "score"].mean()
    assert f"800  {mean:.4f}" in out


def test_all_rows_score_as_the_training_of_the_project_does(drawn, tmp_path):
    """The same seed on all rows is the usual training; its score is scikit-learn's."""
    config = Config(
        rows=800, epochs=3, batch_size=200, model="mlp", units=8, blocks=1,
        number_embedding="none", learning_rate=0.02,
    )  # fmt: skip
    dataset = PROJECT.load(config)
    trained = train_seed(PROJECT, config, prepare_rows(dataset), 0, tmp_path)
    area = roc_auc_score(dataset.examples("validation").target, trained.validation[:, 0])
    scores = pd.read_csv(drawn[0] / "scores.csv").set_index(["rows", "seed"])["score"]
    assert scores[800, 0] == pytest.approx(area, abs=1e-3)
    assert abs(scores[200, 0] - area) > 1e-2


def test_finished_trainings_are_kept(drawn):
    """More seeds and shares go on; other settings begin anew, elsewhere."""
    folder, _ = drawn
    before = pd.read_csv(folder / "scores.csv")
    status, out, _ = curve("--shares", "0.25", "1", "--seeds", "3")
    assert status == 0
    assert out.count("training rows\n") == 2
    after = pd.read_csv(folder / "scores.csv")
    pd.testing.assert_frame_equal(after[after["seed"] < 2].reset_index(drop=True), before)
    assert "95 % interval" in out


def test_fewer_rows_to_learn_from_and_the_same_ones_to_validate_on():
    dataset = PROJECT.load(Config(rows=800))
    prepared = prepare_rows(dataset)
    chosen = np.flatnonzero(dataset.part == "train")[::4]
    smaller = with_training_rows(prepared, chosen)
    np.testing.assert_array_equal(np.flatnonzero(smaller.dataset.part == "train"), chosen)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(smaller.dataset.part == part, dataset.part == part)
    assert smaller.dataset.account.rows_used == dataset.account.rows_used - 600
    late = dataset.target[chosen].mean()
    assert smaller.target.shares == pytest.approx((1 - late, late))
    assert prepared.target.shares != pytest.approx((1 - late, late), abs=1e-3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--shares", "1"], "two numbers or more"),
        (["--shares", "0", "1"], "above 0"),
        (["--shares", "0.5", "1.5"], "up to 1"),
        (["--folds", "3"], "no folds"),
        (["--shares", "0.001", "1"], "The train part needs rows of two classes"),
    ],
)
def test_what_makes_no_curve_is_refused(flags, message):
    status, _, err = curve(*flags)
    assert status == 2
    assert message in err
