"""The report as its reader meets it: in a real browser, from the run folder of a real model."""

import shutil
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.data.dataset import Examples, Schema
from common.errors import UserError
from common.evaluation.evaluate import ensemble_gain, score_models, seed_spread
from common.evaluation.metrics import METRICS, shown
from common.evaluation.slices import score_slices
from common.files import read_json, write_json
from common.plots.explain import importance, slices
from common.plots.learning import learning_curves
from common.plots.scores import calibration, confusion_matrix, ranking_curves
from common.plots.style import save
from common.report.page import write_report

QUESTION = "Is this tumour benign?"
SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = "<img src=x onerror='window.hacked = 1'>"
COMMAND = "python projects/tumours/run.py"
RUN = "2026-01-31_12-00-00"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A complete run: breast cancer, with a strong and a weak logistic regression."""
    folder = tmp_path_factory.mktemp("runs") / "tumours" / RUN
    (folder / "plots").mkdir(parents=True)
    features, target = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)
    part = np.arange(len(target)) % 3
    slice_column = pd.DataFrame({SCRIPT: np.where(features[:, 0] > 2, IMAGE, "others")})
    validation, test = (
        Examples(
            pd.DataFrame(features[part == p]),
            target[part == p].astype("float32"),
            pd.DataFrame(),
            np.arange((part == p).sum()),
            slice_column[part == p].reset_index(drop=True),
        )
        for p in (1, 2)
    )

    def probabilities(columns, strength=1.0):
        model = LogisticRegression(C=strength).fit(features[part == 0, :columns], target[part == 0])
        return {
            "validation": model.predict_proba(features[part == 1, :columns])[:, 1],
            "test": model.predict_proba(features[part == 2, :columns])[:, 1],
        }

    prior = target[part == 0].mean()
    network = probabilities(30)
    schema = Schema({}, {}, labels=("malignant", IMAGE))
    scored, metrics, comparison = score_models(
        schema,
        "roc_auc",
        validation,
        test,
        {
            "network": network,
            "class_prior": {name: np.full(len(rows), prior) for name, rows in network.items()},
            "logistic_regression": probabilities(2),
        },
    )
    seeds = {seed: probabilities(30, 1.0 + seed)["test"] for seed in (0, 1)}
    entries = [{"column": SCRIPT, "mean": 0.1, "deviation": 0.01}]
    by_slice = score_slices(schema, "roc_auc", test, network["test"], 20)
    write_json(
        folder / "metrics.json",
        {
            "project": "tumours",
            "run": RUN,
            "question": QUESTION,
            "task": "binary",
            "metric": "roc_auc",
            "unit": "",
            "labels": ["malignant", IMAGE],
            "threshold": scored["network"].threshold,
            "test": metrics.pop("network"),
            "baselines": metrics,
            "comparison": comparison,
            "confusion": scored["network"].confusion(),
            "slices": by_slice,
            "importance": entries,
            "seeds": seed_spread(schema, test, seeds),
            "ensemble": ensemble_gain(schema, "roc_auc", test, seeds),
            "advice": {
                "meaning": "Overfitting: it learned its rows by heart.",
                "commands": [{"command": f"{COMMAND} --dropout 0.3", "why": "more dropout"}],
            },
            "seconds": {"load": 0.12, "train": 3456.7},
            "rows": {
                "in": 1569,
                "used": 569,
                "train": 190,
                "validation": 190,
                "test": 189,
                "dropped": {f"no {SCRIPT}": 1000},
            },
        },
    )
    write_json(
        folder / "config.json",
        {
            "monitor": "val_loss",
            "learning_rate": 3e-4,
            "epochs": 9,
            "folds": 1,
            "ensemble": False,
        },
    )
    write_json(folder / "environment.json", {"python": "3.11.7", "data fingerprint": "f" * 64})
    write_json(
        folder / "checks.json",
        [
            {"check": "account", "level": "ok", "message": "All rows are used."},
            {"check": "leak", "level": "alarm", "message": f"Column {SCRIPT} knows the answer."},
        ],
    )
    history = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1],
            "fold": [1, 1, 1, 1],
            "epoch": [1, 2, 1, 2],
            "loss": [0.5, 0.4, 0.5, 0.4],
            "roc_auc": [0.8, 0.9, 0.8, 0.9],
            "val_loss": [0.4321, 0.6, 0.5, 0.4],
            "val_roc_auc": [0.8, 0.9, 0.8, 0.9],
        }
    )
    history.to_csv(folder / "history.csv", index=False)
    figures = {
        "learning_curves": learning_curves(history),
        "ranking_curves": ranking_curves(scored),
        "calibration": calibration(scored),
        "confusion_matrix": confusion_matrix(
            scored["network"].confusion(), ("malignant", IMAGE), 0.5
        ),
        "importance": importance(entries, "roc_auc"),
        "slices": slices(by_slice, "roc_auc", 0.9),
    }
    for name, figure in figures.items():
        save(figure, folder / "plots" / f"{name}.png")
    return folder


@pytest.fixture
def own_folder(run_folder, tmp_path):
    """A copy of the run that a test may change."""
    return shutil.copytree(
        run_folder, tmp_path / "tumours" / RUN, ignore=shutil.ignore_patterns("report.html")
    )


@pytest.fixture(scope="module")
def opened(browser, run_folder):
    """The report in a window as wide as a desktop's, with all requests and complaints recorded."""
    return open_page(browser, write_report(run_folder, QUESTION), 1200)


def open_page(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    record = SimpleNamespace(page=page, address=path.as_uri(), requests=[], complaints=[])
    page.on("request", lambda request: record.requests.append(request.url))
    page.on("console", lambda message: record.complaints.append(message.text))
    page.on("pageerror", lambda error: record.complaints.append(str(error)))
    page.goto(record.address)
    return record


def test_the_page_loads_nothing_but_itself_and_complains_of_nothing(opened):
    assert opened.requests == [opened.address]
    assert opened.complaints == []


def test_what_the_curves_mean_stands_beside_them_with_a_command_to_try(opened):
    advice = opened.page.locator("figure:has(img[alt^='Loss and score']) + .advice")
    assert "Overfitting: it learned its rows by heart." in advice.inner_text()
    assert advice.locator("dt").inner_text() == "More dropout:"
    assert advice.locator("code").inner_text() == f"{COMMAND} --dropout 0.3"


@pytest.mark.parametrize("element", ["img", "script", "iframe"])
def test_the_page_may_not_load_anything_either(browser, run_folder, element):
    opened = open_page(browser, write_report(run_folder, QUESTION), 800)
    blocked = opened.page.evaluate(
        """element => new Promise(resolve => {
            document.addEventListener(
                "securitypolicyviolation", event => resolve(event.blockedURI));
            const loading = document.createElement(element);
            loading.src = "http://localhost:9/elsewhere";
            document.body.appendChild(loading);
            setTimeout(() => resolve("not blocked"), 3000);
        })""",
        element,
    )
    assert blocked.startswith("http://localhost:9")


def test_every_picture_of_the_run_is_shown_with_words_for_those_who_cannot_see_it(
    opened, run_folder
):
    pictures = opened.page.eval_on_selector_all(
        "figure",
        """figures => figures.map(figure => ({
            width: figure.querySelector("img").naturalWidth,
            alternative: figure.querySelector("img").alt,
            caption: figure.querySelector("figcaption").innerText}))""",
    )
    assert len(pictures) == len(list((run_folder / "plots").glob("*.png"))) == 6
    for picture in pictures:
        assert picture["width"] == 1008
        assert len(picture["alternative"]) > 20
        assert len(picture["caption"]) > 50


def test_a_picture_that_was_not_drawn_is_left_out(browser, own_folder):
    (own_folder / "plots" / "calibration.png").unlink()
    opened = open_page(browser, write_report(own_folder, QUESTION), 800)
    assert opened.page.locator("figure").count() == 5
    assert opened.complaints == []


def test_the_page_opens_with_question_verdict_and_alarms(opened, run_folder):
    lines = [line for line in opened.page.inner_text("main").splitlines() if line]
    assert lines[:4] == [
        QUESTION,
        read_json(run_folder / "metrics.json")["comparison"]["verdict"],
        "Alarm: read this before you use the model",
        f"Column {SCRIPT} knows the answer.",
    ]


def test_without_alarm_there_is_no_alarm_box(browser, own_folder):
    write_json(own_folder / "checks.json", [{"check": "a", "level": "ok", "message": "Fine."}])
    opened = open_page(browser, write_report(own_folder, QUESTION), 800)
    assert "Alarm" not in opened.page.inner_text("main")


def test_names_from_the_data_are_shown_as_text_and_stay_inert(opened):
    page = opened.page
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 0
    assert page.locator("img").count() == 6
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    text = page.inner_text("main")
    assert f"dropped: no {SCRIPT}" in text
    assert f"“{IMAGE}”" in text


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_never_scrolls_sideways(browser, run_folder, width):
    page = open_page(browser, write_report(run_folder, QUESTION), width).page
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.locator(".box").all()
    assert boxes
    assert all(box.bounding_box()["width"] <= width for box in boxes)


def test_the_best_value_of_each_metric_is_marked_by_a_word(opened, run_folder):
    metrics = read_json(run_folder / "metrics.json")
    models = {"network": metrics["test"]} | metrics["baselines"]
    rows = opened.page.locator("table.scores tbody tr").all()
    assert len(rows) == len(metrics["test"]) == 9
    for row, metric in zip(rows, metrics["test"], strict=True):
        values = [shown(scores[metric]["value"]) for scores in models.values()]
        best = min(values) if METRICS[metric].lower_is_better else max(values)
        cells = row.locator("td").all_inner_texts()
        assert [cell.startswith("best") for cell in cells] == [value == best for value in values]
        assert all(value in cell for value, cell in zip(values, cells, strict=True))
        interval = metrics["test"][metric]
        assert f"{shown(interval['low'])}–{shown(interval['high'])}" in cells[0]
        assert ("lower is better" in row.inner_text()) == (METRICS[metric].lower_is_better)


def test_seeds_are_told_where_there_are_several(browser, opened, own_folder):
    metrics = read_json(own_folder / "metrics.json")
    spread = metrics.pop("seeds")["roc_auc"]
    row = opened.page.locator("section, .box", has_text="seed 1").locator("tbody tr").first
    assert row.inner_text().split("\t")[:4] == [
        "ROC AUC",
        shown(spread["mean"]),
        shown(spread["deviation"]),
        shown(spread["values"]["0"]),
    ]
    write_json(own_folder / "metrics.json", metrics)
    alone = open_page(browser, write_report(own_folder, QUESTION), 800)
    assert "other seeds" not in alone.page.inner_text("main")


def test_without_slices_the_page_says_nothing_of_them(browser, own_folder):
    metrics = read_json(own_folder / "metrics.json")
    write_json(own_folder / "metrics.json", metrics | {"slices": []})
    opened = open_page(browser, write_report(own_folder, QUESTION), 800)
    assert "group" not in opened.page.inner_text("main")
    assert opened.page.locator("figure").count() == 5


def test_training_names_the_best_epoch_of_each_seed(opened):
    rows = opened.page.locator(".box", has_text="best epoch, kept").locator("tbody tr")
    assert [text.split("\t") for text in rows.all_inner_texts()] == [
        ["seed 0", "2", "1", "0.4321"],
        ["seed 1", "2", "2", "0.4000"],
    ]


def test_checks_begin_with_the_alarms(opened):
    levels = opened.page.locator("td.level").all_inner_texts()
    assert levels == ["alarm", "ok"]


def test_the_commands_to_go_on_name_project_and_run(opened):
    commands = "\n".join(opened.page.locator("pre").all_inner_texts()).splitlines()
    start = "python projects/tumours/run.py"
    assert f"{start} predict --run {RUN} --input FILE.csv --output predictions.csv" in commands
    assert f"{start} evaluate --run {RUN}" in commands
    assert all(command.startswith(start) for command in commands)


def test_the_page_can_be_read_by_a_screen_reader(opened):
    page = opened.page
    assert page.get_attribute("html", "lang") == "en"
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4", "headings => headings.map(heading => +heading.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("th").count() == page.locator("th[scope]").count() > 30
    ratios = page.evaluate(CONTRASTS)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5  # WCAG 2.1, level AA


CONTRASTS = """() => {
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const luminance = color => {
        const [r, g, b] = numbers(color).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (numbers(color)[3] !== 0) return color;
        }
        return "rgb(255, 255, 255)";
    };
    const written = [...document.querySelectorAll("main *")].filter(element =>
        [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
    return written.map(element => {
        const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))];
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("metrics.json", f"python projects/tumours/run.py evaluate --run {RUN}"),
        ("config.json", "python projects/tumours/run.py"),
        ("environment.json", "python projects/tumours/run.py"),
        ("checks.json", "python projects/tumours/run.py"),
        ("history.csv", "python projects/tumours/run.py"),
    ],
)
def test_a_missing_or_damaged_file_is_named_with_the_command_that_makes_it(
    own_folder, name, advice
):
    (own_folder / name).write_text("")
    with pytest.raises(UserError) as damaged:
        write_report(own_folder, QUESTION)
    (own_folder / name).unlink()
    with pytest.raises(UserError) as missing:
        write_report(own_folder, QUESTION)
    for error in (damaged, missing):
        assert name in str(error.value)
        assert str(error.value).endswith(advice)
    assert "damaged" in str(damaged.value)
    assert not (own_folder / "report.html").exists()
