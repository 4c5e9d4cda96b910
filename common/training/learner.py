"""What `fit` trains: a network up to its layer "learned", where the loss sees it.

A network of members (TabM) learns each member by itself and answers with their mean. So the loss in
training is the mean of the members' losses (Gorishniy et al., "TabM", ICLR 2025, section 3), and
everything on validation rows is that of the mean.
"""

from collections.abc import Callable

import keras
from keras import ops

from common.models.heads import LEARNED, Target
from common.models.table import IMAGE

Mix = Callable  # (images, targets, generator) to both, mixed: common/models/augmentation.py

LOSSES = {
    "binary": keras.losses.BinaryCrossentropy,
    "multiclass": keras.losses.SparseCategoricalCrossentropy,
    "multilabel": keras.losses.BinaryCrossentropy,
    "regression": keras.losses.MeanSquaredError,
}
SCORES = {
    "binary": "roc_auc",
    "multiclass": "accuracy",
    "multilabel": "roc_auc",  # of all rows and labels together
    "regression": "rmse",
}


class Learner(keras.Model):
    """The part of `network` before its answer; both share their weights.

    Learns targets on the scale of `Target.to_learned`, (batch,), or (batch, labels) where several
    may hold; of two classes they may be probabilities of class 1. With `mix`, the pictures and
    targets of a batch are joined before each step; targets of more classes are then probabilities,
    (batch, classes).
    """

    @classmethod
    def of(cls, network: keras.Model, target: Target, mix: Mix | None = None) -> "Learner":
        return cls.on(network, network.get_layer(LEARNED).output, target, mix)

    @classmethod
    def on(cls, network: keras.Model, outputs, target: Target, mix: Mix | None) -> "Learner":
        """A learner that sees these outputs of layers of the network."""
        learner = cls(network.input, outputs, name=network.name)
        learner.task, learner.mix = target.task, mix
        learner.loss_function = LOSSES[target.task]()
        learner.generator = keras.random.SeedGenerator(0) if mix else None
        return learner

    def train_step(self, data):
        if self.mix:
            inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
            if self.task == "multiclass":
                target = ops.one_hot(ops.cast(target, "int32"), self.output.shape[-1])
            image, target = self.mix(inputs[IMAGE], target, self.generator)
            data = keras.utils.pack_x_y_sample_weight(inputs | {IMAGE: image}, target, weight)
        return super().train_step(data)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a batch; of members, the mean of theirs in training, else of their mean.

        y: (batch,), of labels (batch, labels), or mixed (batch, classes); y_pred: (batch, units) or
        (batch, members, units); sample_weight: (batch,).
        """
        if self.of_mixed_classes(y):
            answers = keras.losses.categorical_crossentropy(y, self.answer(y_pred))
            return ops.mean(answers if sample_weight is None else answers * sample_weight)
        if len(y_pred.shape) == 3 and training:
            members, units = y_pred.shape[1:]
            y = ops.repeat(y, members, axis=0)
            y_pred = ops.reshape(y_pred, (-1, units))
            sample_weight = None if sample_weight is None else ops.repeat(sample_weight, members)
        return self.loss_function(by_unit(y), self.answer(y_pred), sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if self.of_mixed_classes(y):
            y = ops.argmax(y, axis=-1)
        elif self.task in ("binary", "multilabel"):
            y = ops.round(y)  # the score counts a probability as the likelier class
        return super().compute_metrics(x, by_unit(y), self.answer(y_pred), sample_weight)

    def of_mixed_classes(self, y) -> bool:
        return self.task == "multiclass" and len(y.shape) == 2

    @staticmethod
    def answer(learned):
        """Members (batch, members, units) averaged to (batch, units); other rows as they are."""
        return ops.mean(learned, axis=1) if len(learned.shape) == 3 else learned


def by_unit(y):
    """A target (batch,) as (batch, 1); one of labels as it is."""
    return y if len(y.shape) == 2 else y[:, None]


def score_metric(target: Target) -> keras.metrics.Metric:
    """The score shown beside the loss; for a number its error on the scale that is learned."""
    return {
        "binary": keras.metrics.AUC,
        "multiclass": keras.metrics.SparseCategoricalAccuracy,
        "multilabel": keras.metrics.AUC,
        "regression": keras.metrics.RootMeanSquaredError,
    }[target.task](name=SCORES[target.task])
