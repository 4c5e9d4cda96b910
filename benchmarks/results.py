"""Train every project with five seeds and write the tables of the READMEs from the stored results.

    python -m benchmarks.results [NAME …]   train, store projects/<name>/results.json, write tables
    python -m benchmarks.results --write    write the tables from what is stored
    python -m benchmarks.results --check    do the READMEs say what is stored?

A table stands between the marks <!-- results --> and <!-- /results -->; no figure is typed by hand.
Projects with a benchmark of their own are not trained here: benchmarks/overview.py.
"""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.overview import BENCHMARKS, benchmark_table, overview_table, project_folders
from benchmarks.rivals.best import best_words
from common.evaluation.cross_validation import fold_words
from common.evaluation.metrics import METRICS, shown, shown_spread
from common.files import read_json, write_json, write_text
from common.runs import ROOT

SEEDS = 5
RUNS = ROOT / "runs" / "results"
KEPT = (
    "question", "task", "metric", "unit", "test", "baselines", "comparison", "cross_validation",
    "ranking", "seeds", "ensemble", "seconds", "rows", "intervals", "classes", "adjusted",
    "fairness",
)  # fmt: skip
COLUMNS = {
    "binary": (
        *("roc_auc", "average_precision", "log_loss", "brier_score"),
        *("mean_reciprocal_rank", "recall_at_1", "recall_at_10"),  # where there is a search
    ),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("rmse", "mae", "r2", "mean_absolute_percentage_error", "rmse_log"),
}


def train(folder: Path) -> None:
    """Train one project with five seeds and keep its figures; many classes with weights too.

    The run stays in runs/results, where benchmarks/rivals finds what it answered.
    """
    shutil.rmtree(RUNS / folder.name, ignore_errors=True)
    run = run_project(folder, "seeds", "--seeds", str(SEEDS))
    metrics = read_json(run / "metrics.json")
    record = {
        "command": f"python projects/{folder.name}/run.py --seeds {SEEDS}",
        "date": date.today().isoformat(),
        "environment": read_json(run / "environment.json"),
        "config": read_json(run / "config.json"),
        **{name: metrics[name] for name in KEPT if name in metrics},
    }
    if metrics["task"] == "multiclass":
        told = read_json(
            run_project(folder, "weighted", "--class-weights", "balanced") / "metrics.json"
        )
        record["balanced"] = {name: told[name] for name in ("test", "classes")}
    write_json(folder / "results.json", record)
    if (folder / "report.png").exists():
        picture(run / "report.html", folder / "report.png")


def run_project(folder: Path, name: str, *flags: str) -> Path:
    """Train in a process of its own; returns the run's folder."""
    command = [sys.executable, str(folder / "run.py"), *flags, "--run", name]
    subprocess.run(command, env=os.environ | {"APPLIED_KERAS_RUNS": str(RUNS)}, check=True)
    return RUNS / folder.name / name


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


def columns(results: dict) -> list[str]:
    """The metrics of a project's table, the one that models are compared by first."""
    possible = [name for name in COLUMNS[results["task"]] if name in results["test"]]
    return list(dict.fromkeys([results["metric"], *possible]))


def project_table(results: dict) -> str:
    """The table of a project's README: every model, the seeds, the verdict, the time."""
    names = columns(results)
    lines = [
        "| on the test rows | " + " | ".join(METRICS[name].title for name in names) + " |",
        "| --- |" + " --- |" * len(names),
    ]
    for model, scores in {"network (seed 0)": results["test"], **results["baselines"]}.items():
        cells = [with_interval(scores[name]) for name in names]
        lines.append(f"| {model.replace('_', ' ')} | " + " | ".join(cells) + " |")
    spread = {name: results["seeds"].get(name) for name in names}
    count = len(results["seeds"][names[0]]["values"])
    cells = [shown_spread(s["mean"], s["deviation"]) if s else "" for s in spread.values()]
    lines.append(f"| network, {count} seeds, mean ± deviation | " + " | ".join(cells) + " |")
    together = results["ensemble"]["test"]
    cells = [with_interval(together[name]) if name in together else "" for name in names]
    lines.append(f"| mean of {count} networks' answers | " + " | ".join(cells) + " |")
    rows, machine = results["rows"], results["environment"]
    unit = f" Errors are in {results['unit']}." if results["unit"] else ""
    ranked = f"{results['ranking']['verdict']} " if "ranking" in results else ""
    lines += [
        "",
        f"{results['comparison']['verdict']} {ranked}"
        f"In brackets: 95 % intervals, resampled by group.{unit} {rows['train']:,} training, "
        f"{rows['validation']:,} validation, {rows['test']:,} test rows. "
        f"`{results['command']}`, {results['date']}, {machine['device']}, Keras "
        f"{machine['keras']}: {results['seconds']['train'] / count:.0f} s of training a seed, "
        f"{sum(results['seconds'].values()):.0f} s in all.",
    ]
    for part in (cross_validation_words, interval_words, class_table, fairness_table):
        lines += part(results)
    return "\n".join(lines)


def cross_validation_words(results: dict) -> list[str]:
    """For projects with folds: the scores of the rows that were held out of one each."""
    if "cross_validation" not in results:
        return []
    return ["", fold_words(results["cross_validation"], results["metric"], "network (seed 0)")]


def interval_words(results: dict) -> list[str]:
    """For numbers: what the prediction intervals promise, and what they hold."""
    if "intervals" not in results:
        return []
    told = results["intervals"]
    fifths = ", ".join(f"{fifth['share']['value']:.1%}" for fifth in told["fifths"])
    return [
        "",
        f"Prediction intervals (split conformal, level {told['level']:.0%}) hold "
        f"{told['share']['value']:.1%} of the test rows ({told['share']['low']:.1%} to "
        f"{told['share']['high']:.1%}); by fifth of the prediction, from the smallest: {fifths}.",
    ]


def class_table(results: dict) -> list[str]:
    """For many classes: each one, called in three ways."""
    if "balanced" not in results:
        return []
    ways = {
        "likeliest class": results["classes"],
        f"logit adjustment, tau {results['adjusted']['tau']:g}": results["adjusted"]["classes"],
        "trained with class weights": results["balanced"]["classes"],
    }
    overall = [
        results["test"] | {},
        {name: {"value": results["adjusted"][name]} for name in FAVOURED},
        results["balanced"]["test"],
    ]
    lines = ["", "| class | test rows | " + " | ".join(f"F1, {way}" for way in ways) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(ways))
    for place, row in enumerate(results["classes"]):
        cells = [shown(classes[place]["f1"]) for classes in ways.values()]
        lines.append(f"| {row['label']} | {row['rows']:,} | " + " | ".join(cells) + " |")
    for name in FAVOURED:
        cells = [shown(scores[name]["value"]) for scores in overall]
        lines.append(f"| **{METRICS[name].title}** | | " + " | ".join(cells) + " |")
    return lines


FAVOURED = ("f1_macro", "balanced_accuracy", "accuracy")


def fairness_table(results: dict) -> list[str]:
    """For groups of people: the largest differences between them."""
    if "fairness" not in results:
        return []
    lines = ["", "| groups by | demographic parity difference | equalised odds difference |"]
    lines.append("| --- | --- | --- |")
    for column, told in results["fairness"].items():
        gaps = (told["demographic_parity_difference"], told["equalised_odds_difference"])
        cells = [with_interval(gap) if gap else "too few rows" for gap in gaps]
        lines.append(f"| {column} | " + " | ".join(cells) + " |")
    return lines


def with_interval(score: dict[str, float]) -> str:
    return f"{shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"


def pages() -> dict[Path, str]:
    """Every README with its table as it should be."""
    front = with_table((ROOT / "README.md").read_text(), overview_table())
    found = {ROOT / "README.md": with_table(front, benchmark_table(), "benchmarks")}
    for folder in project_folders(having="results.json"):
        table = project_table(read_json(folder / "results.json"))
        rivals = best_words(folder.name)
        table += f"\n\n{rivals}" if rivals else ""
        found[folder / "README.md"] = with_table((folder / "README.md").read_text(), table)
    return found


def with_table(page: str, table: str, mark: str = "results") -> str:
    """The page with the table between its marks, such as <!-- results --> and <!-- /results -->."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, rest = page.split(start)
    return f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}"


def main() -> int:
    if "--check" in sys.argv[1:]:
        stale = [path for path, page in pages().items() if path.read_text() != page]
        for path in stale:
            print(
                f"{path.relative_to(ROOT)} differs from what is stored. "
                "Run: python -m benchmarks.results --write"
            )
        return 1 if stale else 0
    elsewhere = [name for name in sys.argv[1:] if name in BENCHMARKS]
    for name in elsewhere:
        print(f"{name} has its own: python -m benchmarks.{BENCHMARKS[name].record}")
    if elsewhere:
        return 2
    if "--write" not in sys.argv[1:]:
        for folder in project_folders(having="run.py"):
            wanted = not sys.argv[1:] or folder.name in sys.argv[1:]
            if wanted and folder.name not in BENCHMARKS:
                train(folder)
    for path, page in pages().items():
        write_text(path, page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
