"""The trials of a search as a table, in words, and what its fields mattered."""

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from common.project import Project, lower_is_better
from common.tune.study import DEFAULT, ERROR, Search

BEST_SHOWN = 8
ENOUGH_FOR_IMPORTANCE = 20  # completed trials; fewer say nothing steady
OUTCOMES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def trials_frame(search: Search) -> pd.DataFrame:
    """One row a finished trial: trial, from 1, the monitored value, outcome, epochs, …, error.

    default: whether it had the settings that the search started from. The value of a pruned trial
    is its best one until then. Each searched field is a column; options of a `Choice` by label.
    """
    rows = [
        {
            "trial": search.number_of(trial),
            search.config.monitor: value_of(trial, search.config.monitor),
            "outcome": OUTCOMES[trial.state],
            "default": DEFAULT in trial.user_attrs,
            "epochs": len(trial.intermediate_values),
            "seconds": round(trial.duration.total_seconds(), 1),
            **trial.params,
            "error": trial.user_attrs.get(ERROR, ""),
        }
        for trial in search.finished()
    ]
    return pd.DataFrame(rows)


def value_of(trial: FrozenTrial, monitor: str) -> float:
    """What a completed trial reached, or the best that another one told; NaN if it told none."""
    if trial.state == TrialState.COMPLETE:
        return trial.value
    told = [value for value in trial.intermediate_values.values() if np.isfinite(value)]
    return (min if lower_is_better(monitor) else max)(told, default=float("nan"))


def trial_line(search: Search, trial: FrozenTrial, of: int) -> str:
    """A finished trial in one line for the terminal; `of`: how many the search is to have."""
    monitor = search.config.monitor
    chosen = ", ".join(f"{name} {short(value)}" for name, value in trial.params.items())
    if trial.state == TrialState.FAIL:
        outcome = f"failed: {trial.user_attrs[ERROR]}"
    else:
        outcome = f"{monitor} {short(value_of(trial, monitor))}"
        if trial.state == TrialState.PRUNED:
            outcome += f", pruned after {len(trial.intermediate_values)} epochs"
        best = search.best()
        if best:
            outcome += f", best {short(best.value)} of trial {search.number_of(best)}"
    seconds = trial.duration.total_seconds()
    return f"trial {search.number_of(trial)} of {of}, {seconds:.0f} s: {outcome} | {chosen}"


def short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def summary(search: Search, project: Project, name: str) -> str:
    """The best trials as a table, what the search gained, and the command to train with it."""
    monitor, frame = search.config.monitor, trials_frame(search)
    outcomes = frame["outcome"].value_counts()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    complete = frame[frame["outcome"] == "complete"]
    ranked = complete.sort_values(monitor, ascending=lower_is_better(monitor), kind="stable")
    shown = ranked[(np.arange(len(ranked)) < BEST_SHOWN) | ranked["default"]]
    columns = ["trial", monitor, "epochs", "seconds", *search.space]
    cells = shown[columns].map(short).assign(note=np.where(shown["default"], "default", ""))
    lines = [f"Trials: {counts}. The best:", cells.to_string(index=False)]
    weights = importances(search)
    if weights:
        told = ", ".join(f"{field} {weight:.0%}" for field, weight in weights.items())
        lines.append(f"What sets the best quarter of the trials apart (PED-ANOVA): {told}")
    best, default = ranked.iloc[0], complete[complete["default"]]
    gain = f"Best: trial {best['trial']}, {monitor} {best[monitor]:.5g}"
    if best["default"]:
        gain = f"No trial was better than the default settings, {monitor} {best[monitor]:.5g}"
    elif len(default):
        gain += f"; the default settings gave {default[monitor].iloc[0]:.5g}"
    lines += [
        f"{gain}.",
        "The best of many trials on the same validation rows is flattered; the test rows, not "
        "looked at so far, will tell after training.",
    ]
    if search.config.rows:
        lines.append(f"Its config holds rows {search.config.rows}; add --rows 0 to train on all.")
    command = f"python projects/{project.name}/run.py --config {name}"
    return "\n".join([*lines, f"Train with it: {command}"])


def importances(search: Search) -> dict[str, float]:
    """Share of each field in what sets the best trials apart, the largest first; {} where too few.

    Watanabe, Bansal and Hutter, "PED-ANOVA", IJCAI 2023, as in Optuna.
    """
    complete = [trial for trial in search.finished() if trial.state == TrialState.COMPLETE]
    if len(complete) < ENOUGH_FOR_IMPORTANCE or len(search.space) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
    return optuna.importance.get_param_importances(search.study, evaluator=evaluator)
