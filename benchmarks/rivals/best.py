"""How the kit stands beside a project's best rivals, in words for its page and the front page."""

import math

from common.evaluation.metrics import METRICS, shown, shown_difference
from common.files import read_json
from common.runs import ROOT

RESULTS = ROOT / "benchmarks" / "rivals"
FAMILIES = {
    "boosted trees": ("lightgbm", "xgboost", "catboost"),
    "networks in PyTorch": ("tabm", "tabm_mini_ple", "realmlp", "realmlp_as_shipped"),
}


def kit_results(project: str) -> dict:
    """The kit's stored figures of a project; empty where there are none."""
    path = ROOT / "projects" / project / "results.json"
    return read_json(path) if path.exists() else {}


def stored_rivals(project: str) -> dict[str, dict]:
    """The stored records by name, none where there are none.

    Without `kit_ahead` where that is of another training of the kit than its stored figures: then
    it is not the distance between the two scores.
    """
    path = RESULTS / f"{project}.json"
    models = read_json(path)["models"] if path.exists() else {}
    results = kit_results(project)
    for record in models.values():
        if "kit_ahead" in record and not (results and of_these_seeds(record, results)):
            del record["kit_ahead"]
    return models


def of_these_seeds(record: dict, results: dict) -> bool:
    """Does the distance from the rival lead to the stored mean score of the kit's seeds?"""
    metric = results["metric"]
    score = record["test"][metric]
    ahead = METRICS[metric].gain(results["seeds"][metric]["mean"] - score)
    return math.isclose(record["kit_ahead"][metric]["value"], ahead, abs_tol=1e-6 * abs(score))


def best_rival(project: str, family: str) -> tuple[str, dict] | None:
    """Name and record of the family's best in the project's own metric; None if none is stored."""
    models, metric = stored_rivals(project), kit_results(project)["metric"]
    measured = [name for name in FAMILIES[family] if name in models]
    if not measured:
        return None
    best = max(measured, key=lambda name: METRICS[metric].gain(models[name]["test"][metric]))
    return best.replace("_", " "), models[best]


def standing(record: dict, metric: str) -> str:
    """Whether the kit is ahead of the rival, level or behind, by the interval; "" if not known."""
    if "kit_ahead" not in record:
        return ""
    gain = record["kit_ahead"][metric]
    return "ahead" if gain["low"] > 0 else "behind" if gain["high"] < 0 else "level"


def distance(record: dict, metric: str) -> str:
    """How far the kit is ahead of a rival, with the interval and the seeds; "" if not measured."""
    if "kit_ahead" not in record:
        return ""
    gain, seeds = record["kit_ahead"][metric], record["kit_ahead"]["seeds"]
    score = record["test"][metric]
    value, low, high = (shown_difference(gain[end], score) for end in ("value", "low", "high"))
    return f"{value} ({low} to {high}; {seeds} seed{'s' * (seeds > 1)})"


def behind_elsewhere(record: dict, metric: str) -> str:
    """The other metrics in which the kit is behind a rival for sure, in words; "" for none."""
    others = [name for name in record.get("kit_ahead", {}) if name not in ("seeds", metric)]
    told = [METRICS[name].title for name in others if standing(record, name) == "behind"]
    return f"the kit is behind in: {', '.join(told)}" if told else ""


def reservations(record: dict, training_rows: int) -> str:
    """What a reader of a record's scores has to know of how it was fitted; "" for nothing."""
    rows, epochs = record["rows"]["train"], record.get("epochs")
    told = [
        f"**trained on {rows:,} of the rows only**" if rows < training_rows else "",
        f"**at most {epochs} epochs**" if epochs else "",
        record.get("remark", ""),
    ]
    return "; ".join(filter(None, told))


def best_cell(project: str) -> str:
    """The best boosted trees for a table: score, name, how the kit stands; "" for none."""
    found, metric = best_rival(project, "boosted trees"), kit_results(project)["metric"]
    if found is None:
        return ""
    name, record = found
    word = standing(record, metric)
    return f"{shown(record['test'][metric])} {name}" + f" (kit {word})" * bool(word)


def best_words(project: str) -> str:
    """The best of each family of rivals, and how the kit does beside it; "" if none is stored."""
    metric, told = kit_results(project)["metric"], []
    for family in FAMILIES:
        found = best_rival(project, family)
        if found:
            name, record = found
            word = standing(record, metric)
            training_rows = read_json(RESULTS / f"{project}.json")["training_rows"]
            asides = [
                f"the kit is {word}: {distance(record, metric)}" if word else "",
                behind_elsewhere(record, metric),
                reservations(record, training_rows),
            ]
            aside = "; ".join(filter(None, asides))
            aside = f" ({aside})" if aside else ""
            told.append(f"of {family} the best is {name}, {shown(record['test'][metric])}{aside}")
    return (
        f"Other libraries with their default settings, by {METRICS[metric].title}: "
        f"{'; '.join(told)}. [All of them](../../benchmarks/rivals.md)."
        if told
        else ""
    )
