"""The tutorials of the README and the template, word for word, in a copy of the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from common.files import read_json
from common.new.write import with_statements
from common.runs import ROOT
from data.examples import example_file

PARTS = ("common", "data", "projects", "README.md")


def section(path: Path, title: str) -> list[str]:
    """The lines of a section that are indented: what a reader types."""
    text = path.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def copy_of_checkout(folder: Path) -> Path:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy(source, folder / part)
    return folder


def test_every_command_of_the_tutorial_works(tmp_path):
    checkout = copy_of_checkout(tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["APPLIED_KERAS_RUNS"] = str(checkout / "runs")
    typed = section(ROOT / "README.md", "A problem of your own")
    assert len(typed) == 9
    said = {}
    for command in typed:
        words = command.split()
        assert words[0] == "python"
        if "run.py" in command and "predict" not in words:
            words += ["--epochs", "2"]  # the one thing the reader does not type: time is short
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=checkout, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        said[command] = done.stdout
    plan = said[typed[2]]
    assert "Split by time, dteday" in plan
    assert "--leave-out casual registered" in plan
    metrics = read_json(checkout / "runs" / "bikes" / "latest" / "metrics.json")
    assert metrics["rows"]["in"] == metrics["rows"]["used"] == 730
    assert len(pd.read_csv(checkout / "scored.csv")) == 730
    assert not (checkout / "projects" / "bikes" / "results.json").exists()


def test_the_template_is_copied_and_three_lines_changed(tmp_path):
    checkout = copy_of_checkout(tmp_path)
    page = ROOT / "projects" / "template_tabular" / "README.md"
    for command in section(page, "Make it yours")[1:]:  # the first one is common.new
        subprocess.run(command, shell=True, check=True, cwd=checkout)
    load = checkout / "projects" / "mine" / "load.py"
    changed = with_statements(
        load.read_text(encoding="utf-8"),
        {
            "data_file": f"def data_file():\n    return Path({str(example_file('insurance'))!r})",
            "TARGET": 'TARGET = ["charges"]',
            "COLUMNS": 'COLUMNS = {"age": "number", "smoker": "category", "charges": "number"}',
            "SLICES": "SLICES = ()",
        },
    )
    load.write_text(changed, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "projects/mine/run.py", "--epochs", "1", "--folds", "1"],
        cwd=checkout, env=os.environ | {"APPLIED_KERAS_RUNS": str(checkout / "runs")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    metrics = read_json(checkout / "runs" / "mine" / "latest" / "metrics.json")
    assert (metrics["metric"], metrics["rows"]["used"]) == ("rmse", 1338)
