"""Activations forward and gradients backward: where a signal dies, sticks or explodes."""

import keras
import numpy as np

from common.data.finding import Finding
from common.training.doctor.patient import Patient

DEAD = 0.5  # share of a layer's units that are zero for every row
SATURATED = 0.5  # share of a layer's values where sigmoid or tanh are flat
FLAT = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}  # beyond, the slope is a 25th of the best
VANISHED = 1e-4  # gradient by the first layer's output, as a share of that by the last hidden one's
EXPLODED = 1e3
PER_STEP = 1.1  # growth of a recurrent gradient from one step of time to the one before
IN_ALL = 20.0


def check_dead(patient: Patient) -> Finding:
    """A ReLU that gives 0 for every row lets no gradient through and never comes back."""
    shares = {}
    for call in patient.calls:
        if call.activation == "relu":
            values = call.values.reshape(-1, call.values.shape[-1])
            shares[call.name] = float((values == 0).all(axis=0).mean()), values.shape[1]
    if not shares:
        return Finding("dead ReLUs", "ok", "No layer has ReLU as its activation.")
    rows = len(patient.calls.prediction)
    layer, (share, units) = max(shares.items(), key=lambda item: item[1][0])
    told = f"In layer {layer} {share:.0%} of {units} units give 0 for all {rows} rows"
    dead = [name for name, (each, _) in shares.items() if each > DEAD]
    if not dead:
        return Finding("dead ReLUs", "ok", f"{told}, more than in any other.")
    others = f" (and more than half in {', '.join(dead[1:])})" if len(dead) > 1 else ""
    return Finding(
        "dead ReLUs",
        "alarm",
        f"{told}{others}: no gradient passes there. Try: kernel_initializer='he_normal', biases "
        "that start at 0, scaled inputs and a lower learning rate; or activation='leaky_relu'.",
    )


def check_saturated(patient: Patient) -> Finding:
    """Where sigmoid and tanh are flat, hardly any gradient passes."""
    shares = {}
    for call in patient.calls:
        if call.activation in FLAT and call is not patient.calls.last:
            low, high = FLAT[call.activation]
            shares[call.name] = float(((call.values < low) | (call.values > high)).mean())
        if call.activation == "rnn" and call.operation.activation is keras.activations.tanh:
            low, high = FLAT["tanh"]
            shares[call.name] = float(((call.values < low) | (call.values > high)).mean())
    if not shares:
        return Finding("saturated units", "ok", "No hidden layer has sigmoid or tanh.")
    layer, share = max(shares.items(), key=lambda item: item[1])
    told = f"In layer {layer} {share:.0%} of the values lie where its activation is flat"
    if share < SATURATED:
        return Finding("saturated units", "ok", f"{told}, more than in any other.")
    return Finding(
        "saturated units",
        "alarm",
        f"{told}: hardly any gradient passes. Try: scaled inputs, "
        "kernel_initializer='glorot_uniform', or activation='relu' in hidden layers.",
    )


def check_gradients(patient: Patient) -> Finding:
    """Gradients by the outputs of hidden layers should be alike in size through the depth."""
    sizes = [
        (call.name, norm(call.gradient))
        for call in patient.calls
        if call.kernel is not None and call.gradient is not None and call.kernel.ndim >= 2
    ]
    sizes = [(name, size) for name, size in sizes if size > 0]
    if len(sizes) < 2:
        return Finding("gradients through the depth", "ok", "Too few layers to compare.")
    (first, size), (last, reference) = sizes[0], sizes[-1]
    ratio = size / reference
    told = f"The gradient by the output of layer {first} is {ratio:.2g} times that of {last}"
    if ratio < VANISHED:
        return Finding(
            "vanishing gradients",
            "alarm",
            f"{told}: the first layers hardly learn. Try: activation='relu' with "
            "kernel_initializer='he_normal', batch normalisation, or residual connections.",
        )
    if ratio > EXPLODED or not np.isfinite(ratio):
        return Finding(
            "exploding gradients",
            "alarm",
            f"{told}. Try: kernel_initializer='he_normal' or 'glorot_uniform', normalisation "
            "layers, and clipnorm=1.0 in the optimizer.",
        )
    return Finding("gradients through the depth", "ok", f"{told}.")


def check_recurrent(patient: Patient) -> Finding | None:
    """The gradient by the input of each time step, which must not grow from step to step back.

    None where there is no recurrent layer. Bidirectional layers are left out: their two directions
    hide each other.
    """
    worst = None
    for call in patient.calls:
        if isinstance(call.operation, keras.layers.RNN) and call.input_gradient is not None:
            sizes = np.sqrt((np.asarray(call.input_gradient, float) ** 2).sum(axis=(0, 2)))
            sizes = sizes if getattr(call.operation, "go_backwards", False) else sizes[::-1]
            growth = growth_of(sizes)
            if worst is None or growth > worst[0]:
                worst = growth, call, sizes
    if worst is None:
        return None
    growth, call, sizes = worst
    steps = len(sizes)
    told = (
        f"Layer {call.name}: from the last of {steps} time steps back to the first the gradient "
        f"by the input changes from {sizes[0]:.3g} to {sizes[-1]:.3g}, {growth:.3g} times a step"
    )
    if not np.isfinite(growth) or (growth > PER_STEP and growth ** (steps - 1) > IN_ALL):
        return Finding(
            "exploding recurrent gradients",
            "alarm",
            f"{told}. Try: recurrent_initializer='orthogonal', clipnorm=1.0 in the optimizer, "
            "shorter sequences, or LSTM and GRU instead of SimpleRNN.",
        )
    return Finding("recurrent gradients", "ok", f"{told}.")


def growth_of(sizes: np.ndarray) -> float:
    """Mean growth from one size to the next, from the line through their logarithms."""
    if not np.isfinite(sizes).all():
        return np.inf
    places = np.flatnonzero(sizes)
    if len(places) < 2:
        return 0.0
    return float(np.exp(np.polyfit(places, np.log(sizes[places]), 1)[0]))


def norm(tensor) -> float:
    tensor = keras.ops.convert_to_tensor(tensor)
    return float(np.sqrt((np.asarray(tensor, float) ** 2).sum()))
