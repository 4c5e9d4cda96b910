"""The training doctor: names what keeps a network from learning, from measured evidence.

    from common.training_doctor import diagnose
    for finding in diagnose(model, x, y):
        print(finding.level, finding.check, finding.message)

Examined in the order of cause and effect: an input that is out of scale kills ReLUs, and dead ReLUs
learn no batch by heart. What follows from an alarm is not alarmed again.

| examined | faults found |
| --- | --- |
| values, scale and content of the inputs | NaN, unscaled or constant inputs, unscaled target |
| the loss against outputs and labels | a loss that does not fit, labels out of range |
| answers while half of the batch changes | softmax over the wrong axis, mixed rows |
| what stands between two layers | missing activation |
| weights, and the gradients by them | frozen layers |
| activations of every layer | dead ReLUs, saturated units |
| gradients of every layer, also through time | vanishing and exploding gradients |
| short trainings, all of them undone | learning rate far off, shuffled labels |
| columns one by one | target leak |
"""

import warnings
from collections.abc import Iterator

import keras
import numpy as np

from common.data.finding import Finding
from common.errors import UserError
from common.training.doctor.inputs import (
    check_content,
    check_finite,
    check_leak,
    check_scale,
    check_target_scale,
)
from common.training.doctor.patient import Patient, check_examples
from common.training.doctor.signals import (
    check_dead,
    check_gradients,
    check_recurrent,
    check_saturated,
)
from common.training.doctor.structure import (
    check_activations,
    check_frozen,
    check_labels_fit,
    check_loss,
    check_mixing,
)
from common.training.doctor.trials import (
    check_first_loss,
    check_labels,
    check_one_batch,
    check_rate,
)

ROWS = 2048  # of the examples that are looked at, at most
LEVELS = ("alarm", "note", "ok")


def diagnose(
    model: keras.Model,
    x,
    y: np.ndarray,
    validation: tuple | None = None,
    loss: keras.losses.Loss | str | None = None,
    optimizer: keras.Optimizer | str = "adam",
    seed: int = 0,
) -> list[Finding]:
    """Examine a network before, or after, its training; alarms first, in order of cause.

    model: built, with one output, compiled, or any functional model where `loss` is named. x: array
    (rows, …), or a dict or list of such, as for `fit`; y: (rows, …). A batch of 32 rows will do for
    most; labels and leaks need 200. validation: x and y of rows that are not among them. Weights,
    state and optimizer of the model are afterwards bit for bit what they were.
    Raises UserError for a model that cannot be examined, or x and y that do not fit together.
    """
    if not model.built:
        raise UserError(
            "The model has no weights yet. Begin it with keras.Input(shape), or call it once on a "
            "batch."
        )
    check_examples(x, y)
    if validation is not None:
        check_examples(*validation)
    if loss is not None:
        sequential = isinstance(model, keras.Sequential)
        model = keras.Model(model.inputs if sequential else model.input, model.outputs[0])
        model.compile(optimizer, loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's own guesses at what is named here
        found = list(examine(model, x, np.asarray(y), validation, seed))
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def examine(model, x, y, validation, seed: int) -> Iterator[Finding]:
    """All findings in order of cause; trials are left out where an alarm explains their failure."""
    finite, whole = check_finite(x, y)
    yield finite
    broken = [weight.path for weight in model.weights if not np.isfinite(weight).all()]
    if broken:
        yield Finding(
            "NaN in the weights",
            "alarm",
            f"{len(broken)} of {len(model.weights)} weights ({', '.join(broken[:3])}) hold NaN or "
            "infinite values: the training has broken down. Try: build the network anew and "
            "examine it before its training.",
        )
        return
    if whole.sum() < 2:
        return
    chosen = np.flatnonzero(whole)
    if len(chosen) > ROWS:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:ROWS])
    rows = keras.tree.map_structure(lambda array: np.asarray(array)[chosen], x)
    with Patient(model, rows, y[chosen], validation, seed) as patient:
        misfit = check_labels_fit(patient)
        if misfit:
            yield misfit
            return
        found = [
            check(patient)
            for check in (
                check_scale,
                check_target_scale,
                check_content,
                check_mixing,
                check_loss,
                check_activations,
                check_frozen,
                check_dead,
                check_saturated,
                check_recurrent,
                check_gradients,
                check_first_loss,
            )
        ]
        found = [finding for finding in found if finding]
        yield from found
        if not any(finding.level == "alarm" for finding in found):
            yield from try_out(patient)
        yield from check_leak(patient)


def try_out(patient: Patient) -> Iterator[Finding]:
    """The short trainings, each only where the one before it went well."""
    batch = check_one_batch(patient)
    yield batch
    if batch.level == "alarm":
        return
    rate, best = check_rate(patient)
    yield rate
    labels = check_labels(patient, best)
    if labels:
        yield labels
