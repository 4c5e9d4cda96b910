"""Scores by cross-validation: of rows that were held out of one fold's training each."""

import numpy as np

from common.data.dataset import Examples, Schema
from common.evaluation.evaluate import Answers, score_models, seed_spread, thresholds_of
from common.evaluation.metrics import METRICS, shown, shown_spread


def score_folds(
    schema: Schema,
    metric: str,
    held_out: Examples,
    answers: dict[str, Answers],
    by_seed: dict[int, np.ndarray],
) -> dict:
    """What `metric` is for every model on the rows of all folds, fit for JSON.

    held_out: the rows of `validation_rows`; answers: {model: {"validation": …}} of those rows, each
    by the model of the fold that did not learn from it; by_seed: {seed: the network's answers}.
    Other seeds cut other folds, so that several make a repeated cross-validation. What these rows
    have chosen is flattered: when a training stops, thresholds, perhaps settings and columns.

    Returns "rows", "scores" {model: {value, low, high}}, "difference" of the network to the best
    baseline, "verdict", and with several seeds "seeds" as in `seed_spread`.
    """
    again = {name: {**parts, "test": parts["validation"]} for name, parts in answers.items()}
    _, scores, comparison = score_models(schema, metric, held_out, held_out, again)
    told = {
        "rows": len(held_out),
        "scores": {name: of_model[metric] for name, of_model in scores.items()},
        "difference": comparison["difference"][metric],
        "verdict": comparison["verdict"],
    }
    if len(by_seed) > 1:
        cuts = thresholds_of(schema, held_out, by_seed)
        told["seeds"] = seed_spread(schema, held_out, by_seed, cuts)[metric]
    return told


def fold_words(told: dict, metric: str, network: str = "network") -> str:
    """What `score_folds` found, in sentences; network: what it is called there."""
    cells = [
        f"{network if name == 'network' else name.replace('_', ' ')} {shown(score['value'])} "
        f"({shown(score['low'])} to {shown(score['high'])})"
        for name, score in told["scores"].items()
    ]
    repeated = ""
    if "seeds" in told:
        count, seeds = len(told["seeds"]["values"]), told["seeds"]
        spread = shown_spread(seeds["mean"], seeds["deviation"])
        repeated = f" Repeated with {count} seeds, single networks have {spread}."
    return (
        f"Cross-validated over the {told['rows']:,} other rows, {METRICS[metric].title}: "
        f"{', '.join(cells)}.{repeated} {told['verdict']} What these rows have chosen, "
        "as when a training stops, is flattered."
    )
