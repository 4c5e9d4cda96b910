"""What a finished run says on the terminal."""

from pathlib import Path

from common.evaluation.cross_validation import fold_words
from common.evaluation.metrics import METRICS, shown, shown_spread
from common.files import read_json


def summary(folder: Path) -> str:
    """Scores beside the rivals, verdict, advice, and where the report is."""
    metrics = read_json(folder / "metrics.json")
    first, *others = metrics["comparison"]["difference"]
    titles = [METRICS[name].title for name in others]
    width = max([24, *(len(name) + 2 for name in metrics["baselines"])])
    lines = [f"{'test':{width}}{METRICS[first].title + ' (95 % interval)':34}" + columns(titles)]
    for name, scores in {"network": metrics["test"], **metrics["baselines"]}.items():
        told = "{} ({} to {})".format(
            *(shown(scores[first][at]) for at in ("value", "low", "high"))
        )
        values = [shown(scores[other]["value"]) for other in others]
        lines.append(f"{name:{width}}{told:34}" + columns(values))
    if "seeds" in metrics:
        spread, mean = metrics["seeds"][first], metrics["ensemble"]["test"][first]
        over_seeds = shown_spread(spread["mean"], spread["deviation"])
        lines.append(
            f"{len(spread['values'])} seeds: {METRICS[first].title} {over_seeds}; "
            f"the mean of their answers {shown(mean['value'])}"
        )
    lines += [metrics["comparison"]["verdict"], *metrics["comparison"]["alarms"]]
    if "cross_validation" in metrics:
        lines.append(fold_words(metrics["cross_validation"], first))
    if "ranking" in metrics:
        lines.append(metrics["ranking"]["verdict"])
    advice = metrics["advice"]
    lines += ["", advice["meaning"], *(["To try next:"] if advice["commands"] else [])]
    lines += [f"  {each['command']}\n      {each['why']}" for each in advice["commands"]]
    return "\n".join([*lines, "", f"Report: {folder / 'report.html'}"])


def columns(cells: list[str]) -> str:
    return "".join(f"{cell:22}" for cell in cells).rstrip()
