"""What every layer and operation of a model takes and gives, recorded while it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np

# Layers that move, scale or drop numbers, but bend no line.
STRAIGHT = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "BatchNormalization"),
    *("Flatten", "Reshape", "Permute", "Transpose", "ExpandDims", "Squeeze", "RepeatVector"),
    *("AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("Rescaling", "ZeroPadding1D", "ZeroPadding2D", "UpSampling2D"),
)


@dataclass
class Call:
    """One call of a layer or operation: tensors in, tensor out, and the loss's gradient by both."""

    operation: keras.Operation
    inputs: list
    output: object
    gradient: object = None
    input_gradient: object = None

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def kind(self) -> str:
        return type(self.operation).__name__

    @property
    def activation(self) -> str | None:
        """The name of what bends the output: relu, softmax …; linear, or None if not known."""
        if self.kind == "Activation" or hasattr(self.operation, "kernel"):
            function = getattr(self.operation, "activation", None)
            return getattr(function, "__name__", None) if function else "linear"
        names = {"ReLU": "relu", "Relu": "relu", "Relu6": "relu", "Softmax": "softmax",
                 "Sigmoid": "sigmoid", "Tanh": "tanh", "SimpleRNN": "rnn"}  # fmt: skip
        return names.get(self.kind)

    @property
    def kernel(self):
        return getattr(self.operation, "kernel", None)

    @property
    def values(self) -> np.ndarray:
        return np.asarray(self.output, "float32")


@dataclass
class Calls:
    """The calls of one pass in order, the model's input and output, gradients by weight id."""

    made: list[Call]
    x: object
    prediction: object
    weight_gradients: dict[int, object]

    def __iter__(self) -> Iterator[Call]:
        return iter(self.made)

    @property
    def last(self) -> Call | None:
        """The call that gave the model's output."""
        return next((call for call in self.made if call.output is self.prediction), None)

    def takers(self, tensor) -> list[Call]:
        """The calls that take the tensor."""
        return [call for call in self.made if any(given is tensor for given in call.inputs)]

    def followers(self, call: Call) -> tuple[list[Call], Call | None]:
        """The straight calls after one, as long as each is the only taker, and what then comes."""
        passed = []
        while len(takers := self.takers(call.output)) == 1:
            (call,) = takers
            if call.kind not in STRAIGHT:
                return passed, call
            passed.append(call)
        return passed, None

    def on_input(self) -> list[Call]:
        """The calls with a kernel that see the model's input, or that merely scaled or cut."""
        given = [np.asarray(tensor) for tensor in keras.tree.flatten(self.x)]
        raw, found = set(), []

        def is_raw(tensor) -> bool:
            if id(tensor) in raw:
                return True
            if any(call.output is tensor for call in self.made):
                return False
            shapes = [array for array in given if array.shape == tensor.shape]
            return any(np.array_equal(array, np.asarray(tensor)) for array in shapes)

        for call in self.made:
            if not all(is_raw(tensor) for tensor in call.inputs):
                continue
            if call.kernel is not None or isinstance(call.operation, keras.layers.RNN):
                found.append(call)
            elif not getattr(call.operation, "trainable_weights", []):
                raw.add(id(call.output))
        return found


@contextmanager
def recorded_calls(model: keras.Model) -> Iterator[list[Call]]:
    """Collect the calls that the model makes inside, but for those within recurrent layers."""
    made = []

    def recorder(operation, work):
        def call(*arguments, **settings):
            output = work(*arguments, **settings)
            tensors = [
                tensor
                for tensor in keras.tree.flatten([arguments, settings])
                if keras.ops.is_tensor(tensor)
            ]
            if keras.ops.is_tensor(output) and tensors and output is not tensors[0]:
                made.append(Call(operation, tensors, output))
            return output

        return call

    watched = operations_of(model)
    for operation in watched:
        operation.call = recorder(operation, operation.call)
    try:
        yield made
    finally:
        for operation in watched:
            del operation.call


def operations_of(model: keras.Model) -> list[keras.Operation]:
    """Layers and operations that do the work: nothing that only holds others, no cells."""
    layers = [model, *layers_of(model)]
    inside = {
        id(part)
        for layer in layers
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for part in layers_of(layer)
    }
    found = {}
    for layer in layers:
        if holds_none(layer) and id(layer) not in inside:
            found[id(layer)] = layer
        for operation in getattr(layer, "operations", []):
            if not isinstance(operation, keras.Layer):
                found[id(operation)] = operation
    return [each for each in found.values() if not isinstance(each, keras.layers.InputLayer)]


def layers_of(layer: keras.Layer) -> list[keras.Layer]:
    """All layers inside, at any depth."""
    return list(layer._flatten_layers(include_self=False))


def holds_none(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
        return True
    return not layers_of(layer) and not isinstance(layer, keras.Model)
