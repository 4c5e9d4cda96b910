"""Short trainings on trial: does it start at chance, learn a batch, and learn what is true?

Loss at initialisation and one batch after A. Karpathy, "A Recipe for Training Neural Networks"
(2019), step 2.
"""

from dataclasses import dataclass

import keras
import numpy as np

from common.data.finding import Finding
from common.training.doctor.patient import Patient

BATCH = 32
PROBE_STEPS = 40
LADDER = 7  # powers of ten that are tried, up or down, when the given rate gets nowhere
MOVES = 0.15  # share of the loss whose fall is more than dropout's noise
LEAP = 5.0  # times its first value: a loss that rises so far wants a smaller rate, or a warm-up
WILD = 100.0  # no warm-up helps
CREEP = 1e-4  # of their size, that a step moves the weights: about 1e-3 is usual
CONTROL_ROWS = 200  # fewer examples cannot tell luck from learning
CONTROL_STEPS = 120
SWAPS = 50
FAR = 4.0  # deviations that mean luck is out of question


def check_first_loss(patient: Patient) -> Finding:
    """The untrained loss should be near that of guessing the class shares, or the mean."""
    facts, y = patient.loss_facts, patient.y.numpy()
    chance = facts.guessing(y)
    loss = patient.loss()
    if chance is None:
        return Finding("first loss", "ok", f"Loss before training {loss:.3f}.")
    guess = "the mean" if facts.of_numbers else "the class shares"
    told = f"Loss before training {loss:.3f}, guessing {guess} {chance:.3f}."
    factor = 3 if facts.of_numbers else 1.5  # new answers may vary as much as the target does
    if not loss < factor * max(chance, facts.zeros(y, patient.model.output_shape[-1])) + 0.1:
        advice = " The network starts far from chance: check input scales and initialisation."
        return Finding("first loss", "note", told + advice)
    return Finding("first loss", "ok", told)


def check_one_batch(patient: Patient) -> Finding:
    """A network that cannot learn 32 rows by heart has a broken path from input to loss."""
    name = "one batch learned by heart"
    before = patient.loss(BATCH)
    if not patient.reached:
        return Finding(name, "alarm", "There is nothing to learn with: every layer is frozen.")
    rows = np.arange(min(BATCH, patient.rows))
    adam = keras.optimizers.serialize(keras.optimizers.Adam())
    for rate in (0.01, 0.001, 0.0001):  # the last for networks that know something already
        losses = patient.train([rows] * 100, rate, adam, enough=0.4)
        after = min(float(np.median(losses[-5:])), patient.loss(BATCH))
        if after < 0.5 * before:
            break
    patient.restore()
    told = f"One batch of {len(rows)} rows, {len(losses)} steps: loss {before:.3f} to {after:.3f}."
    if not after < 0.5 * before:
        advice = (
            " It should fall far below: check that inputs and targets are in the same order, "
            "that no layer is frozen, and that the inputs are not constant."
        )
        return Finding(name, "alarm", told + advice)
    return Finding(name, "ok", told)


def check_rate(patient: Patient) -> tuple[Finding, float]:
    """One batch again and again, at the given learning rate and at others; also a good one.

    Too high: the loss leaps up first, or hardly falls, while a lower rate takes it down smoothly.
    Too low: weights creep, and even ten times the rate hardly moves the loss, but more does.
    """
    name, rate = "learning rate far off", patient.rate
    probes = {power: probe(patient, rate * 10.0**power) for power in (-1, 0, 1)}
    given = probes[0]
    if not given.calm or given.fall < 0.5 * max(0.4, *(each.fall for each in probes.values())):
        way = -1 if not given.calm or probes[-1].fall > probes[1].fall else 1
        for power in range(2, LADDER + 1):
            probes[way * power] = probe(patient, rate * 10.0 ** (way * power))
            if probes[way * power].calm and probes[way * power].fall > 0.5:
                break
    calm = {power: each.fall for power, each in probes.items() if each.calm}
    most = max(calm.values(), default=0.0)
    best = min((power for power in calm if calm[power] > 0.6 * most), default=0)
    moved = update_ratio(patient, rate)
    shown = sorted({-1, 0, 1, best})
    told = (
        f"{PROBE_STEPS} steps on one batch take off "
        + ", ".join(f"{probes[power].told} at {rate * 10.0**power:.1g}" for power in shown)
        + f" of its loss; the first at the given rate of {rate:.3g} moves the weights by "
        f"{moved:.1g} of their size."
    )
    advice = f" Try: learning_rate={rate * 10.0**best:.1g}."
    other = probes[best]
    stuck = other.fall > MOVES and given.fall < 0.25 * other.fall
    wild = other.fall > MOVES and given.leap > WILD
    if best < 0 and (stuck or wild):
        return Finding(name, "alarm", f"Far too high. {told}{advice}"), rate * 10.0**best
    if best > 1 and stuck and probes[1].fall < 0.5 * other.fall and moved < CREEP:
        return Finding(name, "alarm", f"Far too low. {told}{advice}"), rate * 10.0**best
    return Finding(name, "ok", told), rate * 10.0**best


@dataclass(frozen=True)
class Probe:
    """fall: share of a batch's loss that some steps take off; leap: its highest by its first."""

    fall: float
    leap: float

    @property
    def calm(self) -> bool:
        return self.leap < LEAP

    @property
    def told(self) -> str:
        return f"{self.fall:.0%}" + (
            "" if self.calm else f" (after a leap to {self.leap:.2g} times)"
        )


def probe(patient: Patient, rate: float) -> Probe:
    rows = np.arange(min(BATCH, patient.rows))
    losses = patient.train([rows] * PROBE_STEPS, rate)
    patient.restore()
    if not np.isfinite(losses).all():
        return Probe(0.0, np.inf)
    fall = float(np.clip(1 - np.median(losses[-5:]) / losses[0], 0, 1))
    return Probe(fall, float(losses.max() / losses[0]))


def update_ratio(patient: Patient, rate: float) -> float:
    """How far one step moves the kernels, by their size: the median over kernels."""
    kernels = [weight for weight in patient.reached if weight.ndim >= 2]
    before = [np.array(kernel) for kernel in kernels]
    patient.train([np.arange(min(BATCH, patient.rows))], rate)
    ratios = [
        np.linalg.norm(np.array(kernel) - old) / np.linalg.norm(old)
        for kernel, old in zip(kernels, before, strict=True)
        if old.any()
    ]
    patient.restore()
    return float(np.median(ratios)) if ratios else 0.0


def check_labels(patient: Patient, rate: float) -> Finding | None:
    """Label shuffle control: is what was learned true of rows that were not learned from?

    After a short training, the loss of held-out rows is compared with that of the same answers and
    labels swapped among the rows. Labels that belong to other rows are as good swapped. None where
    there are too few rows to tell.
    """
    if patient.rows < CONTROL_ROWS:
        return None
    if patient.held_out is None:
        learn, rest = np.split(np.arange(patient.rows), [patient.rows * 7 // 10])
        x, y = patient.some(rest[:1024])
    else:
        learn = np.arange(patient.rows)
        x, y = patient.held_out
    order = mixed(learn, CONTROL_STEPS * BATCH, patient.seed)
    own, mean, deviation = swapped_losses(patient, order, rate, x, y)
    luck = (mean - own) / max(deviation, 1e-12)
    if luck < FAR:  # at too high a rate noisy labels may have killed the network
        own, mean, deviation = swapped_losses(patient, order, rate / 10, x, y)
        luck = max(luck, (mean - own) / max(deviation, 1e-12))
    told = (
        f"After {CONTROL_STEPS} steps the loss of {len(y):,} held-out rows is {own:.3f}; with "
        f"their labels swapped {mean:.3f} +- {deviation:.3f}, {luck:.1f} deviations off."
    )
    if luck < FAR:
        return Finding(
            "shuffled labels",
            "alarm",
            f"{told} The labels seem not to belong to the inputs. Try: look at some rows with "
            "their labels; was one of x and y sorted, shuffled or cut without the other?",
        )
    return Finding("shuffled labels", "ok", told)


def swapped_losses(patient: Patient, order: np.ndarray, rate: float, x, y) -> tuple:
    """Train on rows in `order`; the loss of x with its y, and mean and deviation with y swapped."""
    random = np.random.default_rng(patient.seed)
    patient.train(np.split(order, CONTROL_STEPS), rate)
    answers = patient.answers(x)
    own = float(patient.loss_of(x, y, answers, training=False))
    swapped = [
        float(patient.loss_of(x, shuffled(y, random), answers, training=False))
        for _ in range(SWAPS)
    ]
    patient.restore()
    return own, np.mean(swapped), np.std(swapped)


def mixed(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """So many row numbers: all rows in random order, again and again."""
    random = np.random.default_rng(seed)
    rounds = -(-count // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(rounds)])[:count]


def shuffled(y, random: np.random.Generator):
    return keras.ops.take(y, random.permutation(len(y)), axis=0)
