"""How the network is put together: its loss, what mixes rows, what lies idle between the layers."""

import keras
import numpy as np

from common.data.finding import Finding
from common.training.doctor.calls import Call, layers_of, recorded_calls
from common.training.doctor.patient import Patient, take

OUT_OF_REACH = 0.05  # share of targets that the output can never give


def check_labels_fit(patient: Patient) -> Finding | None:
    """Shapes and values of the labels that the loss would trip over; None where they fit."""
    facts, y = patient.loss_facts, patient.y.numpy()
    units = patient.model(take(patient.x, slice(2)), training=False).shape[-1]
    told = None
    if facts.name == "categorical_crossentropy" and (y.ndim < 2 or y.shape[-1] != units):
        told = f"labels of shape {y.shape} for {units} outputs. Try: loss='sparse_{facts.name}'."
    elif facts.name == "sparse_categorical_crossentropy":
        if y.ndim > 1 and y.shape[-1] == units > 1:
            told = f"one-hot labels {y.shape}. Try: loss='categorical_crossentropy'."
        elif y.min() < 0 or y.max() >= units:
            told = (
                f"class numbers from {y.min():g} to {y.max():g} for {units} outputs, which take 0 "
                f"to {units - 1}. Try: np.unique(y, return_inverse=True)[1], and as many outputs."
            )
    elif facts.name == "binary_crossentropy" and (y.min() < 0 or y.max() > 1):
        told = f"labels from {y.min():g} to {y.max():g}, not 0 and 1. Try: y = (y > 0)."
    if told is None:
        return None
    return Finding(
        "loss does not fit the output", "alarm", f"The loss {facts.name} is given {told}"
    )


def check_loss(patient: Patient) -> Finding:
    """Outputs that are what the loss takes them for: probabilities, logits, or numbers in reach."""
    name = "loss does not fit the output"
    facts, last = patient.loss_facts, patient.calls.last
    output = np.asarray(patient.calls.prediction, "float32")
    activation = last.activation if last else None
    low, high, units = float(output.min()), float(output.max()), output.shape[-1]
    sums = output.sum(axis=-1)
    far = float(np.abs(sums - 1).max())
    ends = f"outputs from {low:.3g} to {high:.3g}"
    bends = f" after {activation}" if activation else ""
    told, level = None, "alarm"
    logits = f"keras.losses.{camel_case(facts.name)}(from_logits=True)"
    if facts.of_classes and facts.from_logits:
        binary = units == 1 or facts.name == "binary_crossentropy"
        if activation in ("softmax", "sigmoid") or (not binary and low >= 0 and far < 1e-3):
            told = (
                f"from_logits=True, but {ends}{bends} are probabilities already, bent once more "
                "by the loss. Try: from_logits=False, or a last layer without activation."
            )
    elif facts.of_classes:
        if units == 1 and activation == "softmax":
            told = "softmax over a single output is always 1. Try: activation='sigmoid'."
        elif low < -1e-6 or high > 1 + 1e-6:
            bend = "sigmoid" if facts.name == "binary_crossentropy" else "softmax"
            told = f"{ends}{bends}, not probabilities. Try: activation='{bend}', or {logits}."
        elif facts.name != "binary_crossentropy" and far > 1e-3:
            axis = unit_axis(output)
            if axis is not None:
                name = "softmax over the wrong axis"
                told = (
                    f"probabilities that sum to 1 along axis {axis}, while those of a label sum to "
                    f"{sums.min():.3g} to {sums.max():.3g}. Try: keras.layers.Softmax(axis=-1)."
                )
            else:
                told = (
                    f"outputs{bends} whose sum over the classes is {sums.min():.3g} to "
                    f"{sums.max():.3g}, not 1. Try: activation='softmax'; for classes that may "
                    "hold together, loss='binary_crossentropy'."
                )
        elif facts.name == "binary_crossentropy" and activation == "softmax":
            told, level = "softmax. Try: loss='categorical_crossentropy'.", "note"
    elif facts.of_numbers:
        told, level = number_misfit(patient, activation)
    if told:
        return Finding(name, level, f"The loss {facts.name} is given {told}")
    given = f", for which it is told to expect logits{bends}" if facts.from_logits else bends
    return Finding(name, "ok", f"The loss {facts.name} is given {ends}{given}.")


def number_misfit(patient: Patient, activation: str | None) -> tuple[str | None, str]:
    """What keeps a loss of numbers from its targets, if anything, and how bad it is."""
    y = patient.y.numpy().astype(float)
    reach = {"sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf)}
    low, high = reach.get(activation, (-np.inf, np.inf))
    beyond = float(((y < low) | (y > high)).mean())
    if beyond > OUT_OF_REACH:
        return (
            f"{activation}, which gives {low} to {high}, but {beyond:.0%} of the targets "
            f"({y.min():.3g} to {y.max():.3g}) lie beyond. Try: no activation on the last layer."
        ), "alarm"
    if activation == "softmax":
        return (
            "softmax. Where it is sure and wrong, the gradient of a squared error vanishes. "
            "Try: loss='categorical_crossentropy'."
        ), "alarm"
    return None, "ok"


def unit_axis(output: np.ndarray) -> int | None:
    """The axis other than the last along which probabilities sum to 1."""
    for axis in range(output.ndim - 1):
        if np.abs(output.sum(axis=axis) - 1).max() < 1e-3:
            return axis
    return None


def check_mixing(patient: Patient) -> Finding:
    """Does the answer for a row depend on the other rows of its batch?

    Half of the rows are exchanged for others; outputs of the kept half have to stay. In inference
    mode, where batch normalisation mixes nothing.
    """
    half = min(16, patient.rows // 2)
    kept, others = np.arange(half), np.arange(half, 2 * half)
    wholes = []
    for companions in (others, others[::-1] if patient.rows < 3 * half else others + half):
        x = take(patient.x, np.concatenate([kept, companions]))
        with recorded_calls(patient.model) as calls:
            prediction = patient.model(x, training=False)
        wholes.append((calls, np.asarray(prediction, "float32")))
    (first, before), (second, after) = wholes
    moved = movement(before, after, half)
    if moved < 1e-4:
        return Finding(
            "rows of a batch mixed",
            "ok",
            f"Other rows beside them move the answers of {half} rows by {moved:.1g} of their size.",
        )
    where = next(
        (
            one
            for one, other in zip(first, second, strict=True)
            if len(one.values) == 2 * half and movement(one.values, other.values, half) > 1e-4
        ),
        None,
    )
    told = (
        f"Other rows beside them move the answers of {half} rows by {moved:.0%} of their size"
        + (f", first in layer {where.name}" if where else "")
        + ". The answer for a row must not depend on its neighbours. "
    )
    if where and unit_axis(where.values) == 0:
        told += (
            "There the values of all rows sum to 1 for each class. "
            "Try: keras.layers.Softmax(axis=-1)."
        )
        return Finding("softmax over the wrong axis", "alarm", told)
    told += (
        "Try: look there for a softmax, mean or sum over axis 0, and for a reshape that does not "
        "keep the rows apart (keras.layers.Permute instead)."
    )
    return Finding("rows of a batch mixed", "alarm", told)


def movement(before: np.ndarray, after: np.ndarray, half: int) -> float:
    """The largest change in the first half of the rows, by the largest value."""
    size = np.abs(before[:half]).max(initial=1e-12)
    return float(np.abs(after[:half] - before[:half]).max(initial=0.0) / size)


def check_activations(patient: Patient) -> Finding:
    """Two affine layers with nothing bent between them are one, but for more weights."""
    calls = patient.calls
    pairs = []
    for call in calls:
        if is_affine(call) and call.activation == "linear":
            _, following = calls.followers(call)
            if following is not None and is_affine(following) and collapses(call, following):
                pairs.append(f"{call.name} and {following.name}")
    if not pairs:
        return Finding(
            "missing activation", "ok", "Something bends the line between every two layers."
        )
    return Finding(
        "missing activation",
        "alarm",
        f"Nothing bends the line between {', '.join(pairs)}: two linear layers compute what one "
        "can. Try: activation='relu' in the first of them.",
    )


def is_affine(call: Call) -> bool:
    return isinstance(
        call.operation, keras.layers.Dense | keras.layers.Conv1D | keras.layers.Conv2D
    )


def collapses(first: Call, second: Call) -> bool:
    """Whether the layer between is no bottleneck: as wide as what comes before or after it."""
    given, between = first.kernel.shape[-2:]
    return between >= min(given, second.kernel.shape[-1])


def check_frozen(patient: Patient) -> Finding:
    """Frozen layers are fine where they hold something learned, not where they are still random."""
    leaves = [layer for layer in layers_of(patient.model) if not layers_of(layer)]
    frozen = [layer for layer in leaves if not layer.trainable and layer.weights]
    random = frozen if all(looks_untrained(layer) for layer in frozen) else []
    kernels = [layer for layer in random if hasattr(layer, "kernel")]
    total = patient.model.count_params()
    unreached = [
        weight.path
        for weight in patient.model.trainable_variables
        if patient.calls.weight_gradients[id(weight)] is None
    ]
    if kernels:
        held = sum(int(np.prod(w.shape)) for layer in random for w in layer.weights)
        names = ", ".join(layer.name for layer in kernels[:4])
        return Finding(
            "frozen layers",
            "alarm",
            f"{len(kernels)} layers ({names}) are frozen as they were drawn at random, biases "
            f"still 0: {held:,} of {total:,} weights never learn. "
            "Try: model.trainable = True and compile again, or load what the layers should know.",
        )
    if unreached:
        return Finding(
            "frozen layers",
            "alarm",
            f"No gradient reaches {len(unreached)} of {len(patient.model.trainable_variables)} "
            f"weights ({', '.join(unreached[:3])}). Try: look after them for stop_gradient, "
            "argmax, round, or a step made in NumPy.",
        )
    if not patient.model.trainable_variables:
        return Finding(
            "frozen layers", "alarm", "No weight is trainable. Try: model.trainable = True."
        )
    learning = sum(int(np.prod(w.shape)) for w in patient.model.trainable_variables)
    told = f"{learning:,} of {total:,} weights learn, and a gradient reaches all of those."
    return Finding("frozen layers", "ok", told)


def looks_untrained(layer: keras.Layer) -> bool:
    """Biases at zero and a kernel as wide as its initialiser draws it."""
    for weight in layer.weights:
        values = np.asarray(weight, "float32")
        if weight.name in ("bias", "moving_mean", "beta") and values.any():
            return False
        if weight.name == "kernel" and hasattr(layer, "kernel_initializer"):
            drawn = np.asarray(layer.kernel_initializer(values.shape), "float32")
            if abs(values.std() / (drawn.std() + 1e-12) - 1) > 0.05 + 3 / np.sqrt(values.size):
                return False
    return True


def camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
