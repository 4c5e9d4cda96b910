"""Losses for networks that give each text a vector: texts that belong together shall lie close.

Plain functions on vectors of length 1, (batch, width), each row a text; they return one number, the
mean over the batch. For such vectors |a - b|^2 = 2 - 2 cosine(a, b), so each loss here can be read
in angles too. What they train is a tower (common/models/pairs.py), not the head above it.
"""

import keras
from keras import ops

Tensor = keras.KerasTensor
FAR_BELOW = -1e4  # what no score comes near


def contrastive_loss(first: Tensor, second: Tensor, together: Tensor, margin: float = 1.0):
    """Pairs with a label: matches are drawn together, others pushed apart as far as the margin.

    Mean of y D^2 + (1 - y) max(0, margin - D)^2, with D the Euclidean distance and y, `together`
    (batch,), 1 for a match and 0 for none; without the factor 1/2 of the paper.
    Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 2.
    """
    squared = squared_distance(first, second)
    together = ops.cast(together, squared.dtype)
    # The root of 0 has no gradient; so much is added that it does not show.
    short = ops.maximum(margin - ops.sqrt(squared + 1e-12), 0.0)
    return ops.mean(together * squared + (1 - together) * ops.square(short))


def triplet_loss(anchor: Tensor, match: Tensor, other: Tensor, margin: float = 0.2):
    """A match shall be closer to the anchor than another text, by the margin.

    Mean of max(0, |a - m|^2 - |a - o|^2 + margin), squared Euclidean distances.
    Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, section 3.1,
    https://arxiv.org/abs/1503.03832.
    """
    difference = squared_distance(anchor, match) - squared_distance(anchor, other)
    return ops.mean(ops.maximum(difference + margin, 0.0))


def in_batch_negatives_loss(first: Tensor, second: Tensor, temperature: float = 0.05):
    """Each first text shall find its own second among those of the whole batch.

    Mean over i of -log(exp(s_ii / t) / sum over j of exp(s_ij / t)), s_ij = first_i . second_j: the
    cross entropy of a choice. first: (batch, width); second: (batch or more, width), row i belongs
    to row i of `first`, and rows beyond the batch are chosen negatives that belong to none. No text
    should be in `second` twice: it would count as its own rival.
    Called multiple negatives ranking in Henderson et al., "Efficient Natural Language Response
    Suggestion for Smart Reply", 2017, https://arxiv.org/abs/1705.00652, and InfoNCE in
    van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018,
    equation 4, https://arxiv.org/abs/1807.03748.
    """
    logits = ops.matmul(first, ops.transpose(second)) / temperature
    own = ops.sum(first * second[: ops.shape(first)[0]], axis=1) / temperature
    return ops.mean(ops.logsumexp(logits, axis=1) - own)


def choice_loss(
    first: Tensor, second: Tensor, together: Tensor, same: Tensor, temperature: float = 0.05
):
    """`in_batch_negatives_loss` for a batch of pairs of which some match and some do not.

    Each first text of a match shall find its own second among all seconds of the batch, those of
    the pairs that do not match included. first, second: (batch, width); together: (batch,), 1 for a
    match and 0 for none; same: (batch, batch) bool, which seconds are the same text, and so no
    rivals of each other. 0 for a batch without a match. In float32, whatever the vectors are.
    """
    first, second = (ops.cast(vectors, "float32") for vectors in (first, second))
    likes = ops.matmul(first, ops.transpose(second)) / temperature
    own = ops.sum(first * second, axis=1) / temperature
    rivals = ops.where(same, FAR_BELOW, likes)
    losses = ops.logaddexp(ops.logsumexp(rivals, axis=1), own) - own
    together = ops.cast(together, losses.dtype)
    return ops.sum(losses * together) / ops.maximum(ops.sum(together), 1.0)


def squared_distance(first: Tensor, second: Tensor):
    """(batch,) from two (batch, width)."""
    return ops.sum(ops.square(first - second), axis=1)
