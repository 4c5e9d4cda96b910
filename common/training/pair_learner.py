"""What `fit` trains of a network with towers, where texts of a batch are rivals of each other."""

import keras
from keras import ops

from common.models.heads import LEARNED, Target
from common.models.pair_losses import choice_loss
from common.models.pairs import VECTORS
from common.models.table import TOKENS
from common.training.learner import Learner, Mix


class InBatchLearner(Learner):
    """Learns whether pairs match, and to choose the match of a first text among a whole batch.

    The loss in training is that of the pairs plus `choice_loss` over the second texts of the batch:
    64 pairs, half of them matches, hold two thousand comparisons. On validation rows it is that of
    the pairs alone.
    """

    @classmethod
    def of(cls, network: keras.Model, target: Target, mix: Mix | None = None) -> "InBatchLearner":
        """The learner of a network that `with_cosine_head` finished; `mix` is for pictures."""
        _, second = (name for name in network.input if name.endswith(TOKENS))
        outputs = {name: network.get_layer(name).output for name in (LEARNED, VECTORS)}
        learner = cls.on(network, outputs, target, mix)
        learner.second = second
        return learner

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """y_pred: "learned" (batch, 1), "vectors" (batch, 2, width); the others as in Learner."""
        of_pairs = super().compute_loss(x, y, y_pred[LEARNED], sample_weight, training)
        if not training:
            return of_pairs
        first, second = ops.unstack(y_pred[VECTORS], 2, axis=1)
        ids = x[self.second]
        same = ops.all(ops.equal(ids[:, None], ids[None]), axis=-1)
        return of_pairs + choice_loss(first, second, y, same)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred[LEARNED], sample_weight)
