"""A model under examination: its loss, gradients and short trainings, all undone afterwards.

Works on the model itself, since not every model can be cloned, with an optimizer of its own. What a
trial changes is put back from a snapshot, bit by bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf
from keras.layers import BatchNormalization

from common.errors import UserError
from common.training.doctor.calls import Calls, layers_of, recorded_calls
from common.training.doctor.losses import LossFacts, describe_loss

PROBE_ROWS = 256  # in the forward and backward pass whose every tensor is looked at


@dataclass
class Patient:
    """A compiled model with one output, and examples for it.

    x: array (rows, …), or a dict or list of such; y: (rows, …) as in `fit`. held_out: x and y of
    other rows, where there are some. Use as a context: what was changed is put back at its end.
    """

    model: keras.Model
    x: object
    y: np.ndarray
    held_out: tuple | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self.x, self.y = as_tensors(self.x, self.y)
        if self.held_out is not None:
            self.held_out = as_tensors(*self.held_out)
        self.loss_facts: LossFacts = describe_loss(self.model)
        compiled = self.model.optimizer
        variables = [
            *(self.model.variables + self.model.metrics_variables),
            *(compiled.variables if compiled else []),
        ]
        self.snapshot = [(variable, np.array(variable)) for variable in variables]
        self.optimizer_config = compiled and plain_optimizer(compiled)
        self.rate = peak_rate(compiled) if compiled else None
        self.trainers = {}
        self.gradients = tf.function(self.loss_and_gradients, reduce_retracing=True)

    def __enter__(self) -> "Patient":
        return self

    def __exit__(self, *error) -> None:
        self.restore()

    def restore(self) -> None:
        """Every variable of model, metrics and optimizer as it was."""
        for variable, value in self.snapshot:
            variable.assign(value)

    @property
    def rows(self) -> int:
        return len(self.y)

    def first(self, rows: int) -> tuple:
        """x and y of the first rows."""
        return take(self.x, slice(rows)), self.y[:rows]

    def some(self, rows: np.ndarray) -> tuple:
        """x and y of rows by number."""
        return take(self.x, rows), tf.gather(self.y, rows)

    @property
    def has_batch_norm(self) -> bool:
        return any(isinstance(layer, BatchNormalization) for layer in layers_of(self.model))

    def loss_of(self, x, y, prediction, training: bool):
        return self.model.compute_loss(x=x, y=y, y_pred=prediction, training=training)

    def loss(self, rows: int = 4096) -> float:
        """The loss of the first rows with the weights of the moment."""
        x, y = self.first(rows)
        return float(self.loss_of(x, y, self.answers(x), training=False))

    def answers(self, x):
        """As `predict`, but that a batch is normalised by itself: running means come later."""
        return self.model(x, training=self.has_batch_norm)

    @cached_property
    def calls(self) -> Calls:
        """What every layer took and gave, forward in training mode and backward, on some rows."""
        self.reseed()
        x, y = self.first(PROBE_ROWS)
        with tf.GradientTape(persistent=True) as tape, recorded_calls(self.model) as made:
            for tensor in keras.tree.flatten(x):
                tape.watch(tensor)
            prediction = self.model(x, training=True)
            loss = self.loss_of(x, y, prediction, training=True)
        weights = self.model.trainable_variables
        by_weight = tape.gradient(loss, [weight.value for weight in weights])
        by_output = tape.gradient(loss, [call.output for call in made])
        by_input = tape.gradient(loss, [call.inputs[0] for call in made])
        self.restore()
        for call, output, given in zip(made, by_output, by_input, strict=True):
            call.gradient, call.input_gradient = output, given
        return Calls(made, x, prediction, dict(zip(map(id, weights), by_weight, strict=True)))

    @cached_property
    def reached(self) -> list[keras.Variable]:
        """The trainable weights that get a gradient."""
        return [
            weight
            for weight in self.model.trainable_variables
            if self.calls.weight_gradients[id(weight)] is not None
        ]

    def reseed(self) -> None:
        """The same dropout masks from here on, whatever was drawn before."""
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for index, state in enumerate(states):
            numbers = np.random.SeedSequence([self.seed, index]).generate_state(2)
            state.assign(numbers.astype(state.dtype))

    def loss_and_gradients(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.loss_of(x, y, self.model(x, training=True), training=True)
        return loss, tape.gradient(loss, [weight.value for weight in self.reached])

    def train(
        self, batches: Iterable, rate: float, config: dict | None = None, enough: float = 0.0
    ) -> np.ndarray:
        """Start from the snapshot and take one step for each batch of row numbers.

        config: of an optimizer other than the compiled one. enough: the share of the first loss at
        which the median of the last five may end it early. Returns the loss before each step,
        (steps,); the trained weights stay until `restore`.
        """
        config = config or self.optimizer_config
        kind = config["class_name"]
        if kind not in self.trainers:
            optimizer = keras.optimizers.deserialize(config)
            optimizer.build(self.reached)
            state = [(variable, np.array(variable)) for variable in optimizer.variables]
            self.trainers[kind] = optimizer, state, tf.function(self.step_with(optimizer))
        optimizer, state, step = self.trainers[kind]
        self.restore()
        self.reseed()
        for variable, value in state:
            variable.assign(value)
        optimizer.learning_rate = rate
        losses = []
        for rows in batches:
            losses.append(float(step(*self.some(rows))))
            if not np.isfinite(losses[-1]) or np.median(losses[-5:]) < enough * losses[0]:
                break
        return np.array(losses)

    def step_with(self, optimizer: keras.Optimizer):
        def step(x, y):
            loss, gradients = self.gradients(x, y)
            optimizer.apply(gradients, self.reached)
            return loss

        return step


def take(x, rows):
    """Some rows, a slice or numbers, of every array in x."""
    if isinstance(rows, slice):
        return keras.tree.map_structure(lambda array: array[rows], x)
    return keras.tree.map_structure(lambda array: tf.gather(array, rows), x)


def check_examples(x, y) -> None:
    """UserError where x and y do not fit together, or are no numbers."""
    counts = {len(array) for array in keras.tree.flatten(x)}
    if counts != {len(y)}:
        told = ", ".join(f"{count:,}" for count in sorted(counts))
        raise UserError(
            f"x has {told} rows and y has {len(y):,}. Give as many labels as examples, in the same "
            "order."
        )
    if len(y) < 2:
        raise UserError(f"The doctor needs a batch of examples, 32 or more; got {len(y)}.")
    for array in keras.tree.flatten([x, y]):
        kind = np.asarray(array).dtype
        if kind.kind not in "fiub":
            raise UserError(
                f"The doctor examines numbers; got {kind}. Encode texts and categories first."
            )


def as_tensors(x, y) -> tuple:
    """x and y in the types that `fit` makes of them."""
    return keras.tree.map_structure(as_tensor, x), as_tensor(y)


def as_tensor(array) -> tf.Tensor:
    array = np.asarray(array)
    return tf.constant(array, "float32" if array.dtype.kind == "f" else array.dtype)


def plain_optimizer(optimizer: keras.Optimizer) -> dict:
    """The config of the optimizer, with a plain number as its learning rate."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    config = keras.optimizers.serialize(optimizer)
    config["config"]["learning_rate"] = peak_rate(optimizer)
    return config


def peak_rate(optimizer: keras.Optimizer) -> float:
    """The learning rate; of a schedule its highest value in the first million steps."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = optimizer._learning_rate
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return float(rate)
    steps = np.unique(np.geomspace(1, 1e6, 300).astype(int))
    return max(float(rate(step)) for step in [0, *steps])
