"""One real small run of each task, from the command line to the report, computed again by hand."""

import io
import json
import math
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from common.command_line import main
from common.runs import runs_folder
from projects.census_income import load as census
from projects.census_income.run import PROJECT as CENSUS
from projects.crash_injuries import load as crashes
from projects.crash_injuries.run import PROJECT as CRASHES
from projects.diamond_prices import load as diamonds
from projects.diamond_prices.run import PROJECT as DIAMONDS
from projects.flight_delays.run import PROJECT as FLIGHTS
from projects.house_prices import load as houses
from projects.house_prices.run import PROJECT as HOUSES

ROWS = 1500
SMALL = ["--rows", ROWS, "--epochs", 2, "--batch-size", 256, "--precision", "float32",
         "--model", "mlp", "--units", 16, "--blocks", 1, "--number-embedding", "none"]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    """Where the runs of this module go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("tasks")))
        yield


def command(project, *arguments):
    """A command in this process; returns what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(project, [str(argument) for argument in arguments]) == 0
    return printed.getvalue()


def trained(project, *settings):
    """The folder of a small complete run."""
    command(project, *SMALL, *settings, "--run", "small")
    return runs_folder(project.name) / "small"


def read(folder):
    return json.loads((folder / "metrics.json").read_text())


def stored(folder, name="0/test"):
    with np.load(folder / "predictions.npz") as answers:
        return answers[name]


def predicted(project, rows, folder):
    """What `predict` writes for raw rows."""
    rows.to_csv(folder / "raw.csv", index=False)
    command(project, "predict", "--input", folder / "raw.csv", "--output", folder / "scored.csv")
    return pd.read_csv(folder / "scored.csv", na_filter=False)


def assert_values(scores, expected):
    assert scores.keys() == expected.keys()
    for name, value in expected.items():
        assert scores[name]["value"] == pytest.approx(value, rel=1e-5), name
        assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"]


@pytest.fixture(scope="module")
def crash_run(runs):
    return trained(CRASHES, "--seeds", 2, "--ensemble")


@pytest.fixture(scope="module")
def diamond_run(runs):
    return trained(DIAMONDS)


@pytest.fixture(scope="module")
def house_run(runs):
    return trained(HOUSES, "--folds", 3)


@pytest.fixture(scope="module")
def census_run(runs):
    return trained(CENSUS)


def test_scores_of_eight_classes_are_those_of_scikit_learn(crash_run):
    dataset = crashes.load(ROWS)
    target = dataset.examples("test").target.astype(int)
    answers = np.mean([stored(crash_run, f"{seed}/test") for seed in (0, 1)], axis=0)
    assert answers.shape == (ROWS, 8)
    metrics, called, classes = read(crash_run), answers.argmax(axis=1), list(range(8))
    present = sorted(set(target))
    assert_values(
        metrics["test"],
        {
            "log_loss": log_loss(target, answers),
            "accuracy": sklearn_metrics.accuracy_score(target, called),
            "balanced_accuracy": sklearn_metrics.recall_score(
                target, called, labels=present, average="macro", zero_division=0
            ),
            "f1_macro": sklearn_metrics.f1_score(
                target, called, labels=classes, average="macro", zero_division=0
            ),
        },
    )
    expected = sklearn_metrics.confusion_matrix(target, called, labels=classes)
    assert metrics["confusion"] == expected.tolist()
    parts = sklearn_metrics.precision_recall_fscore_support(
        target, called, labels=classes, zero_division=0
    )
    for name, values in zip(("precision", "recall", "f1", "rows"), parts, strict=True):
        assert [row[name] for row in metrics["classes"]] == pytest.approx(values.tolist())
    assert [row["label"] for row in metrics["classes"]] == list(crashes.LABELS)

    shares = np.bincount(dataset.examples("train").target.astype(int), minlength=8) / ROWS
    prior = log_loss(target, np.tile(shares, (ROWS, 1)))
    assert metrics["baselines"]["class_prior"]["log_loss"]["value"] == pytest.approx(prior)
    assert metrics["test"]["log_loss"]["value"] < prior


def log_loss(target, answers):
    """scikit-learn's, of float32 answers whose sums are 1 only to seven digits."""
    answers = answers.astype("float64")
    answers /= answers.sum(axis=1, keepdims=True)
    return sklearn_metrics.log_loss(target, answers, labels=list(range(answers.shape[1])))


def test_seeds_of_an_ensemble_are_scored_one_by_one(crash_run):
    target = crashes.load(ROWS).examples("test").target
    metrics = read(crash_run)
    values = metrics["seeds"]["log_loss"]["values"]
    for seed in ("0", "1"):
        assert values[seed] == pytest.approx(log_loss(target, stored(crash_run, f"{seed}/test")))
    together = metrics["ensemble"]["test"]["log_loss"]["value"]
    assert together == metrics["test"]["log_loss"]["value"]
    gain = together - np.mean(list(values.values()))
    assert metrics["ensemble"]["gain"]["log_loss"]["value"] == pytest.approx(gain)
    assert gain < 0  # the log loss is convex: averaging can only lower it


def test_predict_gives_a_label_and_the_ensembles_probability_of_every_class(crash_run, tmp_path):
    rows = crashes.read_raw().iloc[crashes.load(ROWS).examples("test").ids["row"] - 1]
    scored = predicted(CRASHES, rows, tmp_path)
    probabilities = [f"probability_{label}" for label in crashes.LABELS]
    assert list(scored) == [*rows, "label", *probabilities]
    found = scored[probabilities].to_numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=5e-6)  # six digits are written of each
    by_seed = [stored(crash_run, f"{seed}/test") for seed in (0, 1)]
    assert np.abs(by_seed[0] - by_seed[1]).max() > 1e-3
    np.testing.assert_allclose(found, np.mean(by_seed, axis=0), atol=2e-6)
    likeliest = np.array(crashes.LABELS)[np.mean(by_seed, axis=0).argmax(axis=1)]
    assert scored["label"].tolist() == likeliest.tolist()


def regression_scores(target, answers):
    return {
        "rmse": sklearn_metrics.root_mean_squared_error(target, answers),
        "mae": sklearn_metrics.mean_absolute_error(target, answers),
        "r2": sklearn_metrics.r2_score(target, answers),
        "mean_absolute_percentage_error": sklearn_metrics.mean_absolute_percentage_error(
            target, answers
        ),
        "rmse_log": sklearn_metrics.root_mean_squared_error(np.log(target), np.log(answers)),
    }


def test_scores_of_numbers_are_those_of_scikit_learn(diamond_run):
    dataset = diamonds.load(ROWS)
    target, metrics = dataset.examples("test").target.astype("float64"), read(diamond_run)
    answers = stored(diamond_run).astype("float64")
    assert_values(metrics["test"], regression_scores(target, answers))
    mean = np.exp(np.log(dataset.examples("train").target.astype("float64")).mean())
    expected = regression_scores(target, np.full(ROWS, mean))
    assert_values(metrics["baselines"]["mean"], expected)
    assert metrics["unit"] == "dollars"


def test_predict_gives_intervals_that_hold_as_many_prices_as_the_metrics_say(diamond_run, tmp_path):
    dataset = diamonds.load(ROWS)
    rows = diamonds.read_raw().iloc[dataset.examples("test").ids["row"] - 1]
    scored = predicted(DIAMONDS, rows, tmp_path)
    assert list(scored) == [*rows, "prediction", "low", "high"]
    np.testing.assert_allclose(scored["prediction"], stored(diamond_run), rtol=1e-5)
    assert (scored["low"] < scored["prediction"]).all()
    assert (scored["prediction"] < scored["high"]).all()
    share = scored["price"].between(scored["low"], scored["high"]).mean()
    told = read(diamond_run)["intervals"]
    assert told["share"]["value"] == pytest.approx(share, abs=1e-9)
    assert told["level"] == 0.9
    assert 0.85 < share < 0.95

    target = dataset.examples("validation").target
    errors = np.sort(np.abs(np.log(target / stored(diamond_run, "0/validation"))))
    margin = errors[math.ceil(0.9 * (ROWS + 1)) - 1]  # split conformal prediction
    assert told["margin"] == pytest.approx(margin, rel=1e-5)
    np.testing.assert_allclose(scored["high"] / scored["prediction"], np.exp(margin), rtol=1e-5)


def test_every_house_is_validated_by_the_fold_that_did_not_learn_from_it(house_run):
    dataset = houses.load()
    test = dataset.examples("test").target.astype("float64")
    metrics = read(house_run)
    assert_values(metrics["test"], regression_scores(test, stored(house_run).astype("float64")))
    history = pd.read_csv(house_run / "history.csv")
    assert history.groupby("fold").size().to_dict() == {1: 2, 2: 2, 3: 2}
    validated = stored(house_run, "0/validation")
    target = dataset.target[dataset.part != "test"]
    assert len(validated) == len(target) == 1168
    last = history[history["epoch"] == 2].set_index("fold")["val_rmse"]
    spread = np.log(target, dtype="float64").std()  # the folds learn the standardised logarithm
    rmse_log = sklearn_metrics.root_mean_squared_error(np.log(target), np.log(validated))
    assert rmse_log / spread == pytest.approx(np.sqrt((last**2).mean()), rel=0.01)
    told = metrics["cross_validation"]
    assert told["rows"] == 1168
    assert told["scores"]["network"]["value"] == pytest.approx(rmse_log, rel=1e-5)
    assert told["scores"].keys() == {"network", *metrics["baselines"]}
    assert "Cross-validated over the 1,168 other rows" in (house_run / "report.html").read_text()


def test_predict_writes_the_file_that_kaggle_takes(house_run, tmp_path):
    dataset, raw = houses.load(), houses.read_raw()
    ids = dataset.examples("test").ids["Id"]
    rows = pd.concat([raw["train"].set_index("Id", drop=False).loc[ids], raw["test"]])
    scored = predicted(HOUSES, rows, tmp_path)
    assert list(scored) == ["Id", "SalePrice"]
    assert scored["Id"].tolist() == rows["Id"].tolist()
    assert len(scored) == 292 + 1459
    np.testing.assert_allclose(scored["SalePrice"][:292], stored(house_run), rtol=1e-5)
    assert (scored["SalePrice"] > 0).all()


def test_rates_of_groups_of_people_are_those_of_the_calls(census_run):
    test = census.load(ROWS).examples("test")
    bundle = json.loads((census_run / "bundle" / "bundle.json").read_text())
    called = stored(census_run) >= bundle["decision"]["threshold"]
    fairness = read(census_run)["fairness"]
    assert list(fairness) == ["sex", "race", "age band"]
    for column, told in fairness.items():
        groups = test.slices[column]
        selected = pd.Series(called).groupby(groups).mean()
        rows = groups.value_counts()
        assert {row["value"]: row["rows"] for row in told["groups"]} == rows.to_dict()
        for row in told["groups"]:
            if rows[row["value"]] >= 30:
                expected = selected[row["value"]]
                assert row["selection_rate"]["value"] == pytest.approx(expected)
        gap = np.ptp(selected[rows[selected.index] >= 30])
        assert told["demographic_parity_difference"]["value"] == pytest.approx(gap)
    rates = {}
    for sex in ("Female", "Male"):
        of_sex = (test.slices["sex"] == sex).to_numpy()
        found = sklearn_metrics.recall_score(test.target[of_sex], called[of_sex])
        wrong = sklearn_metrics.recall_score(1 - test.target[of_sex], called[of_sex])
        rates[sex] = (found, wrong)
    odds = np.abs(np.subtract(rates["Female"], rates["Male"])).max()
    assert fairness["sex"]["equalised_odds_difference"]["value"] == pytest.approx(odds)


@pytest.mark.parametrize(
    ("project", "arguments", "words"),
    [
        (FLIGHTS, ["--folds", "3"], "folds would train on rows later than those they validate on"),
        (DIAMONDS, ["--class-weights", "balanced"], "class_weights is for classes. Leave it out"),
        (DIAMONDS, ["--monitor", "val_roc_auc"], "Choose val_loss or val_rmse"),
        (CRASHES, ["--monitor", "val_rmse"], "Choose val_loss or val_accuracy"),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else None,
)
def test_settings_that_do_not_fit_the_task_are_refused_once_the_data_is_known(
    project, arguments, words, capsys
):
    assert main(project, [*map(str, SMALL), *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "[load]" in said.out
    assert "[sanity]" not in said.out
    assert "[train]" not in said.out


PICTURES = {
    "crash_run": ("scores_of_classes", "confusion_of_classes", "confidence"),
    "diamond_run": ("predicted_and_actual", "residuals", "interval_coverage"),
    "house_run": ("predicted_and_actual", "residuals", "interval_coverage"),
    "census_run": ("ranking_curves", "calibration", "confusion_matrix", "fairness"),
}
WORDS = {
    "crash_run": (*crashes.LABELS, "The mean of the 2 networks' answers", "seed 1"),
    "diamond_run": ("Errors are in dollars", "A prediction is off by a factor of at most"),
    "house_run": ("Errors are in dollars", "seed 0, fold 3"),
    "census_run": ("Does it treat groups of people alike?", "race", "age band", "equalised odds"),
}


@pytest.mark.parametrize("run", PICTURES)
def test_report_opens_at_every_width_without_complaint(run, browser, request):
    folder: Path = request.getfixturevalue(run)
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    for width in (1200, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    text = " ".join(page.inner_text("main").split())
    assert [words for words in WORDS[run] if words not in text] == []
    drawn = {path.stem for path in (folder / "plots").glob("*.png")}
    assert drawn >= set(PICTURES[run])
    widths = page.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
    assert len(widths) == len(drawn)
    assert min(widths) > 0
    page.close()
    assert requests == [(folder / "report.html").as_uri()]
    assert complaints == []
