"""The tables of the front page: one line a project, from what is stored.

Most projects are trained by `make results` with five seeds. Where that would take a day, or where
one test set is too small to go by, a benchmark of the project's own compares several models, and
the front page tells its figures.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import mean

from benchmarks.rivals.best import best_cell
from common.evaluation.metrics import METRICS, shown, shown_spread
from common.files import read_json
from common.runs import ROOT


@dataclass(frozen=True)
class Compared:
    """What of a project's own benchmark the front page tells.

    record: name of the benchmark and of its file in benchmarks/, without its ending; metric: what
    the models are compared by; network: the kit's; rivals: the others, of which the best is told;
    splits: how the record names the splits of the comparison, none where there is one test set.
    """

    record: str
    metric: str
    network: str
    rivals: tuple[str, ...]
    splits: tuple[str, ...] = ()

    @property
    def measured(self) -> str:
        count = len(self.splits)
        return f"{count} splits" if count else "one split, one seed"

    def score(self, models: dict[str, dict], name: str) -> float:
        if self.splits:
            return mean(models[name][split][self.metric] for split in self.splits)
        return models[name]["scores"][self.metric]["value"]


THREE = ("0", "1", "2")
BENCHMARKS = {
    "clothing": Compared(
        "clothing_builders",
        "accuracy",
        "MobileNetV2, fine-tuned",
        (
            "frozen_MobileNetV2_logistic_regression",
            "hog_svm",
            "hog_logistic_regression",
            "colours_logistic_regression",
        ),
    ),
    "headline_matching": Compared(
        "headline_ranking",
        "mean_reciprocal_rank",
        "MiniLM bi-encoder, in-batch negatives",
        ("BM25", "TF-IDF cosine", "MiniLM as it is"),
        (*THREE, "3"),
    ),
    "land_cover": Compared(
        "land_cover_splits",
        "accuracy",
        "spectral network",
        ("svm", "svm_on_mean_of_patch", "logistic_regression", "hist_gradient_boosting"),
        ("area 0", "area 1", "area 2"),
    ),
    "solar_cell_defects": Compared(
        "solar_splits",
        "accuracy",
        "MobileNetV2 fine-tuned, soft labels",
        ("frozen MobileNetV2 and logistic regression", "HOG and SVM"),
        THREE,
    ),
    "tweet_sentiment": Compared(
        "text_models",
        "accuracy",
        "MiniLM, fine-tuned",
        ("TF-IDF of characters, logistic regression", "TF-IDF of words, logistic regression"),
    ),
}


def project_folders(having: str) -> list[Path]:
    """Folders of the projects that have this file, by name."""
    return sorted(path.parent for path in (ROOT / "projects").glob(f"*/{having}"))


def compared_by(metric: str) -> str:
    better = "less" if METRICS[metric].lower_is_better else "more"
    return f"{METRICS[metric].title}: {better} is better"


def overview_table() -> str:
    """The projects that `make results` trains."""
    lines = [
        "| project | question | compared by | network, 5 seeds | best baseline "
        "| best default of other boosted trees | training a seed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for folder in project_folders(having="results.json"):
        results = read_json(folder / "results.json")
        metric, best = results["metric"], results["comparison"]["best_baseline"]
        spread = results["seeds"][metric]
        lines.append(
            f"| [{folder.name}](projects/{folder.name}/README.md) | {results['question']} "
            f"| {compared_by(metric)} "
            f"| {shown_spread(spread['mean'], spread['deviation'])} "
            f"| {shown(results['baselines'][best][metric]['value'])} {best.replace('_', ' ')} "
            f"| {best_cell(folder.name)} "
            f"| {results['seconds']['train'] / len(spread['values']):.0f} s |"
        )
    return "\n".join(lines)


def benchmark_table() -> str:
    """The projects that have a benchmark of their own."""
    lines = [
        "| project | question | compared by | network | best rival | measured on |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, told in BENCHMARKS.items():
        models = read_json(ROOT / "benchmarks" / f"{told.record}.json")
        scores = {model: told.score(models, model) for model in (told.network, *told.rivals)}
        best = max(told.rivals, key=lambda rival: METRICS[told.metric].gain(scores[rival]))
        network, rival = (
            f"{shown(scores[model])} {model.replace('_', ' ')}" for model in (told.network, best)
        )
        lines.append(
            f"| [{name}](projects/{name}/README.md) "
            f"| {import_module(f'projects.{name}.run').PROJECT.question} "
            f"| {compared_by(told.metric)} | {network} | {rival} "
            f"| [{told.measured}](benchmarks/{told.record}.md) |"
        )
    return "\n".join(lines)
