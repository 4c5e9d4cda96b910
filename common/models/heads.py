"""The last layers of every network: from hidden units to a probability, or a number in its unit.

A network learns in one scale and answers in another. Its layer "learned" is what the loss compares
with the target: probabilities, or for a number its standardised value (or logarithm). The output of
the model is the answer: members averaged, the number back in its unit. Both are in one plain Keras
model, so nobody has to remember a mean and a deviation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from common.data.dataset import Task

LEARNED = "learned"  # the name of the layer whose output the loss sees
ACTIVATIONS = {"binary": "sigmoid", "multiclass": "softmax", "multilabel": "sigmoid"}


@dataclass(frozen=True)
class Target:
    """What a network predicts, and what it has to know of the training target.

    shares: of each class, or label, among the training rows, (classes,); empty for regression.
    mean, deviation: of the training target, or of its logarithm where log_scale; regression only.
    """

    task: Task
    shares: tuple[float, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    log_scale: bool = False

    @property
    def units(self) -> int:
        """Numbers a network gives for a row: one a label, or one for two classes or a number."""
        return len(self.shares) if self.task in ("multiclass", "multilabel") else 1

    def to_learned(self, values: np.ndarray) -> np.ndarray:
        """Target values on the scale that the loss sees, float32 of the same shape.

        Classes and labels stay; numbers become standardised, after the logarithm if any.
        """
        if self.task != "regression":
            return np.asarray(values, "float32")
        values = np.log(values) if self.log_scale else values
        return ((np.asarray(values, "float64") - self.mean) / self.deviation).astype("float32")


def describe_target(
    values: np.ndarray, task: Task, classes: int = 0, log_scale: bool = False
) -> Target:
    """What networks have to know of `values`, the target of the training rows as in the dataset.

    classes: their number, for the classification tasks.
    """
    if task == "regression":
        scaled = np.log(values, dtype="float64") if log_scale else np.asarray(values, "float64")
        return Target(task, (), float(scaled.mean()), float(scaled.std()) or 1.0, log_scale)
    if task == "multilabel":
        return Target(task, tuple(np.mean(values, axis=0, dtype=float).tolist()))
    counts = np.bincount(np.asarray(values, int), minlength=classes)
    return Target(task, tuple((counts / counts.sum()).tolist()))


def prior_bias(target: Target) -> np.ndarray:
    """Bias (units,) from which an untrained network predicts the class shares, or the mean.

    The first loss is then what chance gives, instead of an epoch spent on learning the shares. A
    class without training rows counts as one in a million.
    """
    if target.task == "regression":
        return np.zeros(1, "float32")
    shares = np.clip(np.array(target.shares, "float64"), 1e-6, 1 - 1e-6)
    if target.task == "binary":
        return np.log(shares[1:] / shares[:1]).astype("float32")
    if target.task == "multilabel":
        return np.log(shares / (1 - shares)).astype("float32")
    return np.log(shares).astype("float32")


def with_head(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    target: Target,
    name: str,
    kernel_initializer: keras.Initializer | str = "glorot_uniform",
) -> keras.Model:
    """Finish a network: hidden units (batch, d), or (batch, members, d), to its answer.

    Returns a model from `inputs` to (batch, units): the probability of class 1, the probability of
    every class or label, or the number in its unit. Its layer "learned" gives (batch, units), or
    (batch, members, units) with a kernel and bias of each member's own, on the scale of the loss;
    members are averaged there. Always float32, since probabilities near 0 and 1 vanish in 16 bits.
    """
    settings = {
        "activation": ACTIVATIONS.get(target.task),
        "kernel_initializer": kernel_initializer,
        "bias_initializer": keras.initializers.Constant(prior_bias(target)),
        "dtype": "float32",
        "name": LEARNED,
    }
    if len(hidden.shape) == 3:
        members = hidden.shape[1]
        learned = layers.EinsumDense(
            "bkd,kdu->bku", (members, target.units), bias_axes="ku", **settings
        )(hidden)
        answer = ops.mean(learned, axis=1)
    else:
        answer = learned = layers.Dense(target.units, **settings)(hidden)
    if target.task == "regression":
        answer = layers.Rescaling(target.deviation, target.mean, dtype="float32")(answer)
        answer = ops.exp(answer) if target.log_scale else answer
    return keras.Model(inputs, answer, name=name)


def average(networks: Sequence[keras.Model]) -> keras.Model:
    """One model with the mean of the networks' answers; they take the same inputs."""
    inputs = {
        name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in networks[0].input.items()
    }
    answers = []
    for number, network in enumerate(networks):
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        copy.name = f"{network.name}_{number}"
        answers.append(copy(inputs))
    return keras.Model(inputs, layers.Average()(answers), name=f"mean_of_{len(networks)}")
