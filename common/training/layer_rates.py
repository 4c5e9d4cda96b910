"""AdamW with a learning rate of its own for each weight: a share of the common one.

Scaling a layer's gradient would not do: Adam divides every gradient by its usual size.

Without such rates its weights are those of Keras's AdamW to the last bit, and a network of many
weights starts sooner: a step asks the schedule for the rate once, not again to decay each weight.
"""

from collections.abc import Mapping

import keras


@keras.saving.register_keras_serializable("applied_keras")
class LayerwiseAdamW(keras.optimizers.Adam):
    """AdamW whose learning rate is multiplied by a factor for some weights, decay included.

    factors: path of a trainable weight, as `weight.path` tells it, to its factor; 1 for all others.
    Paths should be unique among the weights that learn. weight_decay: decoupled, as in AdamW
    (Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
    https://arxiv.org/abs/1711.05101): each step takes rate * factor * weight_decay of a weight.

    adam: other settings of Keras's Adam.

    ValueError when it meets the weights, where a path of `factors` is none of theirs.
    """

    def __init__(
        self,
        factors: Mapping[str, float],
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        weight_decay: float,
        **adam,
    ):
        super().__init__(learning_rate, **({"name": "layerwise_adamw"} | adam))
        self.factors = dict(factors)
        self.decay = weight_decay
        self.rates: list[float] = []

    def build(self, variables) -> None:
        unknown = set(self.factors) - {variable.path for variable in variables}
        if unknown:
            raise ValueError(f"no weight that learns is called {', '.join(sorted(unknown))}")
        self.rates = [self.factors.get(variable.path, 1.0) for variable in variables]
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate) -> None:
        """One step of one weight; `variable` is TensorFlow's, which does not know its path."""
        rate = learning_rate * self.rates[self._get_variable_index(variable)]
        self.assign_sub(variable, variable * self.decay * rate)
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict:
        return super().get_config() | {"factors": self.factors, "weight_decay": self.decay}
