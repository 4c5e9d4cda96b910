"""What the learning curves of a run mean, and the commands to try next.

    history --> shape of each training's curves --> state of the run --> meaning and commands

The state is the commonest one of the trainings, where there are several seeds or folds. The limits
are ours, set so that the kit's projects at their own settings, and trainings spoilt on purpose,
come out as what they are (tests/test_advice.py).
"""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from common.project import Project, TrainingConfig, lower_is_better

JUMP = 0.02  # of the first training loss, that a later epoch adds: more is no noise
FALL = 0.02  # of the first training loss, that training takes away: with less, little was learned
LATE = 0.1  # of the gain in validation, that the second half of the epochs brings: not at its end
RISE = 0.2  # of the gain, or of the best value itself, that is lost again: overfitting
SLIGHT = 0.02  # of the best value: a loss below is none
EARLY = 2  # the last epoch that is very early for the best one
FEW_STEPS, LATE_FEW = 300, 0.01  # of the optimizer; after so few a smaller gain counts too
LOW_RATE, USUAL_RATE, HIGH_RATE = 3e-4, 1e-3, 1e-2  # of learning
TRIALS = 6  # of the search that is proposed


@dataclass(frozen=True)
class Shape:
    """The curves of one training: its state, epochs, best epoch, and three shares in percent.

    fall: of the first training loss, taken away; late: of the gain in validation, brought by the
    second half of the epochs; rise: of the best value, lost after it.
    """

    state: str
    epochs: int
    best: int
    fall: float
    late: float
    rise: float


def advise(
    history: pd.DataFrame, metrics: Mapping, config: TrainingConfig, project: Project
) -> dict:
    """{"state", "meaning", "commands": [{"command", "why"}, …]}: what to think of a run, and do.

    history: a row an epoch of each training; metrics: those of the run, with its comparison, rows
    and seconds.
    """
    if "stage" in history:  # the one that ended with the network as it is
        history = history[history["stage"] == history["stage"].iloc[-1]]
    steps_an_epoch = -(-metrics["rows"]["train"] // config.batch_size)
    shapes = [
        shape_of(epochs.sort_values("epoch"), config, steps_an_epoch)
        for _, epochs in history.groupby(["seed", "fold"])
    ]
    state = Counter(shape.state for shape in shapes).most_common(1)[0][0]
    typical = next(shape for shape in shapes if shape.state == state)
    if at_chance(metrics) and state not in ("diverged", "hardly learned"):
        state = "at chance"
    if state == "levelled off" and "is worse than" in metrics["comparison"]["verdict"]:
        state = "worse than a baseline"
    told = MEANINGS[state].format(
        shape=typical,
        monitor=config.monitor,
        steps=f"{steps_an_epoch * typical.epochs:,}",
        rival=metrics["comparison"]["best_baseline"].replace("_", " "),
    )
    commands = [
        {"command": command(project, config, changes), "why": why}
        for changes, why in alternatives(state, config, steps_an_epoch)
    ]
    if project.space and state not in ("diverged", "at chance"):
        minutes = max(1, round(TRIALS * metrics["seconds"].get("train", 0) / 60))
        search = f"tune --trials {TRIALS}"
        why = (
            f"{TRIALS} trainings, the first with the project's own settings, compared on the "
            f"validation rows: about {minutes} min. Then train with --config tuned"
        )
        commands.append({"command": command(project, config, {}, search), "why": why})
    return {"state": state, "meaning": told, "commands": commands[:3]}


def shape_of(epochs: pd.DataFrame, config: TrainingConfig, steps_an_epoch: int) -> Shape:
    """The shape of one training's curves, from its epochs in order."""
    loss = epochs["loss"].to_numpy()
    value = epochs[config.monitor].to_numpy()
    if not lower_is_better(config.monitor):
        value = 1 - value  # of a score: what is missing to the best
    best, trained = int(value.argmin()), len(value)
    gain, rise = value[0] - value[best], value[-1] - value[best]
    late = min(1.0, (value[(trained - 1) // 2] - value[best]) / gain) if gain > 0 else 0.0
    fall = 1 - loss.min() / loss[0]
    jump = max(np.diff(loss), default=0.0)
    ended = trained == config.epochs  # not by a lack of progress
    few = steps_an_epoch * trained < FEW_STEPS
    lost = (rise > RISE * gain and rise > SLIGHT * value[best]) or rise > RISE * value[best]
    if jump > JUMP * loss[0] and jump > (loss[0] - loss.min()) / 2:
        state = "diverged"
    elif fall < FALL and ended and (few or config.learning_rate < LOW_RATE):
        state = "hardly learned"
    elif lost and loss[-1] < loss[best]:
        state = "overfitting"
    elif ended and best >= 0.9 * trained - 1 and (late > LATE_FEW if few else late > LATE):
        state = "still improving"
    elif not ended and best < EARLY:
        state = "stopped very early"
    else:
        state = "levelled off"
    shares = (float(100 * share) for share in (fall, late, rise / value[best]))
    return Shape(state, trained, best + 1, *shares)


MEANINGS = {
    "diverged": (
        "The training loss jumped up while it should fall: the steps of the optimizer are too "
        "large for this network and data, and what it had learned was lost."
    ),
    "hardly learned": (
        "The network has hardly learned yet: {steps} steps of the optimizer took only "
        "{shape.fall:.1f} % from the training loss."
    ),
    "at chance": (
        "The training rows taught nothing that holds for others: on the test rows the network "
        "does not beat one answer for all. Its training loss fell by {shape.fall:.1f} %. Either "
        "the columns do not tell the target, or rows and targets do not belong together, or "
        "the settings are far off."
    ),
    "overfitting": (
        "Overfitting: after epoch {shape.best} of {shape.epochs} the network only learned its "
        "training rows by heart, and {monitor} got {shape.rise:.0f} % worse. The weights of "
        "epoch {shape.best} are kept, so nothing is spoilt; a network that is held back may get "
        "further."
    ),
    "still improving": (
        "Still improving when it ended: of {shape.epochs} epochs number {shape.best} was the "
        "best, and the second half brought {shape.late:.0f} % of the gain in {monitor}."
    ),
    "stopped very early": (
        "It stopped very early: of {shape.epochs} epochs number {shape.best} was the best. "
        "Smaller steps may find what these missed."
    ),
    "worse than a baseline": (
        "The curves are as they should be, levelled off at epoch {shape.best} of "
        "{shape.epochs}, but {rival} does better on the same rows. Few rows, or settings that "
        "do not suit them, are the usual reasons; if nothing below helps, use {rival}."
    ),
    "levelled off": (
        "The curves are as they should be: the network learned until epoch {shape.best} of "
        "{shape.epochs}, and then {monitor} levelled off. More of the same will bring little."
    ),
}


def at_chance(metrics: Mapping) -> bool:
    """Whether the test scores of the network do not differ from one answer for everyone."""
    network, baselines = metrics["test"], metrics["baselines"]
    if metrics["task"] == "binary":
        return network["roc_auc"]["low"] <= 0.5
    if metrics["task"] in ("multiclass", "multilabel"):
        return network["log_loss"]["high"] >= baselines["class_prior"]["log_loss"]["value"]
    return network["rmse"]["high"] >= baselines["mean"]["rmse"]["value"]


def alternatives(
    state: str, config: TrainingConfig, steps_an_epoch: int
) -> list[tuple[dict[str, object], str]]:
    """For each command to try: the settings that it changes, and why."""
    rate = config.learning_rate
    slower = ({"learning_rate": rounded(rate / 3)}, "smaller steps")
    usual = ({"learning_rate": USUAL_RATE}, "steps of the usual size")
    smaller = max(16, config.batch_size // 4)
    more_steps = (
        {"batch_size": smaller},
        f"{config.batch_size / smaller:.0f} times as many steps an epoch, now {steps_an_epoch:,}",
    )
    together = ({"seeds": 5, "ensemble": True}, "the mean answer of five networks")
    doctor = "the training doctor looks for faults in network and data"
    examine = [] if config.diagnose else [({"diagnose": True}, doctor)]
    return {
        "diverged": [({"learning_rate": rounded(rate / 10)}, "steps a tenth as large"), *examine],
        "hardly learned": [
            *([usual] if rate < LOW_RATE else []),
            *([more_steps] if smaller < config.batch_size else []),
            ({"epochs": 4 * config.epochs}, "four times as long"),
            *examine,
        ],
        "at chance": [*([usual] if rate > HIGH_RATE or rate < LOW_RATE else []), *examine],
        "overfitting": [*held_back(config), slower],
        "still improving": [
            ({"epochs": 2 * config.epochs}, "twice as long"),
            *([more_steps] if steps_an_epoch < 100 and smaller < config.batch_size else []),
        ],
        "stopped very early": [
            slower,
            ({"patience": 3 * config.patience}, "wait longer for a better epoch"),
        ],
        "worse than a baseline": [] if config.ensemble else [together],
        "levelled off": []
        if config.seeds > 1
        else [({"seeds": 5}, "how much of the score is luck")],
    }[state]


def held_back(config: TrainingConfig) -> list[tuple[dict[str, object], str]]:
    """Ways to keep a network from learning by heart, of those that the config has."""
    known = {field.name for field in fields(config)}
    ways = []
    if "dropout" in known and config.dropout < 0.5:
        dropout = rounded(min(0.5, config.dropout + 0.2))
        ways.append(({"dropout": dropout}, "more neurons silenced in training"))
    if "units" in known and config.units >= 32:
        ways.append(({"units": config.units // 2}, "a smaller network"))
    if config.weight_decay < 0.01:
        ways.append(({"weight_decay": 0.01}, "weights drawn to zero"))
    return ways[:2]


def rounded(value: float) -> float:
    """One significant digit, as one writes settings."""
    return float(f"{value:.1g}")


def command(project: Project, config: TrainingConfig, changes: dict, words: str = "") -> str:
    """The command line that repeats a run with some settings changed; words: its command, if any.

    A search is given no setting that it may change: it would keep it fixed.
    """
    config = replace(config, **changes)
    default = project.config()
    searched = project.space if words else {}
    parts = [*words.split()]
    for field in fields(config):
        value = getattr(config, field.name)
        if value == getattr(default, field.name) or field.name in searched:
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            parts.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            parts += [f"--{flag}", *(shlex.quote(str(each)) for each in values)]
    return " ".join([f"python projects/{project.name}/run.py", *parts])
