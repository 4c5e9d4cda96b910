"""Train every project with five seeds and write the tables of the READMEs from the stored results.

    python -m benchmarks.results            train, store projects/<name>/results.json, write tables
    python -m benchmarks.results --write    write the tables from what is stored
    python -m benchmarks.results --check    do the READMEs say what is stored?

A table stands between the marks <!-- results --> and <!-- /results -->; no figure is typed by hand.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from common.files import read_json, write_json, write_text
from common.runs import ROOT

SEEDS = 5
START, END = "<!-- results -->", "<!-- /results -->"
KEPT = ("question", "test", "baselines", "comparison", "seeds", "seconds", "rows")
COLUMNS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier_score": "Brier score",
}


def project_folders(having: str) -> list[Path]:
    """Folders of the projects that have this file, by name."""
    return sorted(path.parent for path in (ROOT / "projects").glob(f"*/{having}"))


def train(folder: Path) -> None:
    """Train one project with five seeds in a process of its own and keep its figures."""
    command = [sys.executable, str(folder / "run.py"), "--seeds", str(SEEDS), "--run", "results"]
    with tempfile.TemporaryDirectory() as runs:
        environment = os.environ | {"APPLIED_KERAS_RUNS": runs}
        subprocess.run(command, env=environment, check=True)
        run = Path(runs) / folder.name / "results"
        metrics = read_json(run / "metrics.json")
        record = {
            "command": f"python projects/{folder.name}/run.py --seeds {SEEDS}",
            "date": date.today().isoformat(),
            "environment": read_json(run / "environment.json"),
            "config": read_json(run / "config.json"),
            **{name: metrics[name] for name in KEPT},
        }
        write_json(folder / "results.json", record)
        picture(run / "report.html", folder / "report.png")


def picture(page: Path, image: Path) -> None:
    """Store how the top of a report looks in a browser, 1100 x 1000 pixels."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        view = chromium.new_page(viewport={"width": 1100, "height": 1000})
        view.goto(page.as_uri())
        view.screenshot(path=image)
        chromium.close()


def project_table(results: dict) -> str:
    """The table of a project's README: every model, the seeds, the verdict, the time."""
    lines = [
        "| on the test rows | " + " | ".join(COLUMNS.values()) + " |",
        "| --- |" + " --- |" * len(COLUMNS),
    ]
    for name, scores in {"network (seed 0)": results["test"], **results["baselines"]}.items():
        cells = [with_interval(scores[metric]) for metric in COLUMNS]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    spread = results["seeds"]
    cells = [f"{spread[m]['mean']:.4f} ± {spread[m]['deviation']:.4f}" for m in COLUMNS]
    count = len(spread["roc_auc"]["values"])
    lines.append(f"| network, {count} seeds, mean ± deviation | " + " | ".join(cells) + " |")
    rows, machine = results["rows"], results["environment"]
    return "\n".join(
        [
            *lines,
            "",
            f"{results['comparison']['verdict']} "
            f"In brackets: 95 % intervals, resampled by group. {rows['train']:,} training, "
            f"{rows['validation']:,} validation, {rows['test']:,} test rows. "
            f"`{results['command']}`, {results['date']}, {machine['device']}, Keras "
            f"{machine['keras']}: {results['seconds']['train'] / count:.0f} s of training a seed, "
            f"{sum(results['seconds'].values()):.0f} s in all.",
        ]
    )


def with_interval(score: dict[str, float]) -> str:
    return f"{score['value']:.4f} ({score['low']:.3f} to {score['high']:.3f})"


def overview_table() -> str:
    """The table of the front page: one line a project."""
    lines = [
        "| project | question | network, ROC AUC of 5 seeds | best baseline | training a seed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for folder in project_folders(having="results.json"):
        results = read_json(folder / "results.json")
        spread, best = results["seeds"]["roc_auc"], results["comparison"]["best_baseline"]
        lines.append(
            f"| [{folder.name}](projects/{folder.name}/README.md) | {results['question']} "
            f"| {spread['mean']:.4f} ± {spread['deviation']:.4f} "
            f"| {results['baselines'][best]['roc_auc']['value']:.4f} {best.replace('_', ' ')} "
            f"| {results['seconds']['train'] / len(spread['values']):.0f} s |"
        )
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Every README with its table as it should be."""
    tables = {ROOT / "README.md": overview_table()}
    for folder in project_folders(having="results.json"):
        tables[folder / "README.md"] = project_table(read_json(folder / "results.json"))
    return {path: with_table(path.read_text(), table) for path, table in tables.items()}


def with_table(page: str, table: str) -> str:
    before, rest = page.split(START)
    return f"{before}{START}\n{table}\n{END}{rest.split(END)[1]}"


def main() -> int:
    if "--check" in sys.argv[1:]:
        stale = [path for path, page in pages().items() if path.read_text() != page]
        for path in stale:
            print(f"{path.relative_to(ROOT)} differs from results.json. Run: make results")
        return 1 if stale else 0
    if "--write" not in sys.argv[1:]:
        for folder in project_folders(having="run.py"):
            train(folder)
    for path, page in pages().items():
        write_text(path, page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
