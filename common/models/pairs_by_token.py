"""Do two texts belong together? Networks that compare each token of one with each of the other.

They need both texts at once, so each pair costs a run of the network; their strength is that a rare
name in both texts is seen even when all else differs. Tables, order and padding: as in
common/models/pairs.py; `dimension` and `vectors` as in `token_embedding` there. In the equations b
is a pair, q and k are tokens of the first and the second text, d the width of a token's vector, e a
kernel.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from common.models.heads import Target
from common.models.pairs import token_embedding, two_texts, with_pair_head
from common.models.table import Table

FAR_BELOW = -1e4  # what no score or unit of these networks comes near
SHARPNESS = 15.0  # of scores; chosen on validation pairs of headline_matching


def build_match_pyramid(
    table: Table,
    target: Target,
    dimension: int = 64,
    filters: Sequence[int] = (8, 16),
    cells: tuple[int, int] = (4, 8),
    units: int = 64,
    dropout: float = 0.2,
    vectors: np.ndarray | None = None,
) -> keras.Model:
    """MatchPyramid: how alike each two tokens are is a picture, and convolutions look at it.

    Its two channels are whether the tokens are equal, and the cosine of their embeddings. For each
    number of filters follows a 3 x 3 convolution with ReLU; then the texts are cut into parts of
    equal length, as many as `cells` says, and of each part of the picture each filter's maximum is
    kept.
    Pang, Lan, Guo, Xu, Wan, Cheng, "Text Matching as Image Recognition", AAAI 2016,
    https://arxiv.org/abs/1602.06359, with dynamic pooling as there, after the last convolution.
    Returns a model as `with_pair_head` does.
    """
    inputs, first, second, tokens = two_texts(table)
    embedding = token_embedding(tokens, dimension, vectors)
    equal = ops.cast(ops.equal(first[:, :, None], second[:, None, :]), "float32")
    alike = cosines(embedding(first), embedding(second))
    there = (mask(first)[:, :, None] * mask(second)[:, None, :])[..., None]
    picture = ops.stack([equal, alike], axis=-1) * there
    for count in filters:
        # Zeros where nothing is: as a convolution sees what lies outside of the picture.
        convolution = layers.Conv2D(count, 3, padding="same", activation="relu")
        picture = convolution(picture) * there
    picture = largest_of_parts(picture, first, cells[0], axis=1)
    picture = largest_of_parts(picture, second, cells[1], axis=2)
    hidden = layers.Dense(units, activation="relu")(layers.Flatten()(picture))
    return with_pair_head(inputs, hidden, table, target, "match_pyramid", dropout)


def largest_of_parts(
    picture: keras.KerasTensor, ids: keras.KerasTensor, parts: int, axis: int
) -> keras.KerasTensor:
    """A text along `axis` of the picture cut into parts of equal length, of each the maximum.

    picture: (batch, first, second, filters), not negative, 0 at padding; ids: of the text along the
    axis. The result has `parts` places on that axis; where a text has fewer tokens than that, some
    parts have none and give 0.
    """
    there = ops.cast(ops.not_equal(ids, 0), "int32")
    place = ops.cumsum(there, axis=1) - 1
    part = place * parts // ops.maximum(ops.sum(there, axis=1, keepdims=True), 1)
    part = part[:, :, None, None] if axis == 1 else part[:, None, :, None]
    found = [
        ops.max(picture * ops.cast(ops.equal(part, number), picture.dtype), axis=axis)
        for number in range(parts)
    ]
    return ops.stack(found, axis=axis)


def build_knrm(
    table: Table,
    target: Target,
    dimension: int = 128,
    kernels: int = 11,
    vectors: np.ndarray | None = None,
) -> keras.Model:
    """K-NRM: how many tokens of the second text are how alike to each token of the first.

    Kernel e counts, softly, those whose cosine is near mu_e: K_e(q) = sum over k of
    exp(-(cosine(q, k) - mu_e)^2 / (2 sigma_e^2)); the features are the means over q of log K_e.
    One kernel sits at 1 with deviation 0.001, for equal tokens; the others are spread evenly from
    -1 to 1 with deviation 1 / (kernels - 1). Embeddings and the linear head learn together.
    Xiong, Dai, Callan, Liu, Power, "End-to-End Neural Ad-hoc Ranking with Kernel Pooling", SIGIR
    2017, section 3, https://arxiv.org/abs/1706.06613; as in the authors' code a count is at least
    1e-10. They add up where the mean is taken here, which ranks what may belong to one first text
    alike; the features, here divided by 10, are then of a size that an optimizer expects. The head
    starts with weights of 0: with weights drawn by lot that of equal tokens may be negative, and
    the embeddings learn the training pairs by heart before it has turned.
    Returns a model as `with_pair_head` does. In float32 whatever the precision: with 16 bits the
    cosine of a vector and itself is not near enough to 1 for the first kernel.
    """
    inputs, first, second, tokens = two_texts(table)
    embedding = token_embedding(tokens, dimension, vectors)
    alike = cosines(embedding(first), embedding(second))[..., None]
    centres, deviations = kernel_places(kernels)
    near = ops.exp(-ops.square(alike - centres) / (2 * deviations**2))
    counts = ops.sum(near * mask(second)[:, None, :, None], axis=2)
    logs = ops.log(ops.maximum(counts, 1e-10)) * mask(first)[..., None]
    lengths = ops.maximum(ops.sum(mask(first), axis=1, keepdims=True), 1.0)
    features = ops.sum(logs, axis=1) / lengths / 10
    return with_pair_head(inputs, features, table, target, "knrm", start=0.0)


def kernel_places(kernels: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres and deviations, (kernels,) float32 each; of 11 kernels 1, 0.9, 0.7, …, -0.9."""
    width = 2 / (kernels - 1)
    centres = np.append(1.0, 1 - width * (np.arange(kernels - 1) + 0.5))
    deviations = np.append(0.001, np.full(kernels - 1, width / 2))
    return centres.astype("float32"), deviations.astype("float32")


def build_decomposable_attention(
    table: Table,
    target: Target,
    dimension: int = 128,
    units: int = 128,
    dropout: float = 0.2,
    vectors: np.ndarray | None = None,
) -> keras.Model:
    """Decomposable attention: align each token with the other text, compare, and sum up.

    Attend: scores of F(a_q) and F(b_k), by whose shares each token gets a mean of the other text's.
    Compare: G on each token beside that mean. Aggregate: the means over both texts, then H. F, G
    and H are two dense layers with ReLU each. Word order does not count.
    Parikh, Täckström, Das, Uszkoreit, "A Decomposable Attention Model for Natural Language
    Inference", EMNLP 2016, section 3, https://arxiv.org/abs/1606.01933. Made for sentences of ten
    words and half a million pairs; for longer texts and few pairs the means stand where the paper
    adds up, and the scores are those of `aligned`: with sums and products it stayed at chance on
    headlines and articles, on its training pairs, too.
    Returns a model as `with_pair_head` does.
    """
    inputs, first, second, tokens = two_texts(table)
    embedding = token_embedding(tokens, dimension, vectors)
    project = layers.Dense(units, use_bias=False, name="project")
    a, b = project(embedding(first)), project(embedding(second))
    attend, compare = two_layers(units, dropout, "attend"), two_layers(units, dropout, "compare")
    for_a, for_b = aligned(attend(a), attend(b), a, b, first, second)
    seen = [
        mean_and_largest(compare(ops.concatenate([one, other], axis=-1)), ids)[0]
        for one, other, ids in ((a, for_a, first), (b, for_b, second))
    ]
    hidden = two_layers(units, dropout, "aggregate")(ops.concatenate(seen, axis=-1))
    return with_pair_head(inputs, hidden, table, target, "decomposable_attention")


def build_esim(
    table: Table,
    target: Target,
    dimension: int = 128,
    units: int = 64,
    dropout: float = 0.3,
    vectors: np.ndarray | None = None,
) -> keras.Model:
    """ESIM: an LSTM reads each text, tokens are aligned and compared, a second LSTM sums up.

    Both LSTMs read in both directions, `units` each. A token's vector a and the mean a' of what it
    is aligned with (see `aligned`) are compared as [a, a', a - a', a * a']. The means and maxima of
    the second LSTM over both texts go through a dense layer with tanh.
    Chen, Zhu, Ling, Wei, Jiang, Inkpen, "Enhanced LSTM for Natural Language Inference", ACL 2017,
    section 3, https://arxiv.org/abs/1609.06038. The slowest of these networks: an LSTM takes its
    steps one after the other.
    Returns a model as `with_pair_head` does.
    """
    inputs, first, second, tokens = two_texts(table)
    embedding, drop = token_embedding(tokens, dimension, vectors), layers.Dropout(dropout)
    read = layers.Bidirectional(layers.LSTM(units, return_sequences=True), name="read")
    a, b = (read(drop(embedding(ids)), mask=ops.not_equal(ids, 0)) for ids in (first, second))
    for_a, for_b = aligned(a, b, a, b, first, second)
    project = layers.Dense(units, activation="relu", name="project")
    compose = layers.Bidirectional(layers.LSTM(units, return_sequences=True), name="compose")
    seen = []
    for one, other, ids in ((a, for_a, first), (b, for_b, second)):
        compared = ops.concatenate([one, other, one - other, one * other], axis=-1)
        states = compose(drop(project(compared)), mask=ops.not_equal(ids, 0))
        seen += mean_and_largest(states, ids)
    hidden = layers.Dense(units, activation="tanh")(drop(ops.concatenate(seen, axis=-1)))
    return with_pair_head(inputs, hidden, table, target, "esim", dropout)


def aligned(
    asking: keras.KerasTensor,
    asked: keras.KerasTensor,
    a: keras.KerasTensor,
    b: keras.KerasTensor,
    first: keras.KerasTensor,
    second: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """For each token of a text the mean of the other text's vectors, weighted by their scores.

    asking (batch, n, d), asked (batch, m, d): what is compared; a (batch, n, width), b (batch, m,
    width): the vectors; first, second: the ids. Returns (batch, n, width), (batch, m, width).
    A score is SHARPNESS times the cosine, where the papers take the product: before training those
    of short vectors hardly differ, so that each token gets the mean of a whole article, which says
    nothing, and no gradient tells the scores apart.
    """
    scores = SHARPNESS * cosines(asking, asked)
    of_b = ops.softmax(scores + (mask(second)[:, None, :] - 1) * -FAR_BELOW, axis=2)
    of_a = ops.softmax(scores + (mask(first)[:, :, None] - 1) * -FAR_BELOW, axis=1)
    return ops.einsum("bqk,bkd->bqd", of_b, b), ops.einsum("bqk,bqd->bkd", of_a, a)


def mean_and_largest(states: keras.KerasTensor, ids: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Of each unit (batch, tokens, units) mean and maximum over the text, (batch, units) each."""
    there = mask(ids)[..., None]
    mean = ops.sum(states * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)
    return [mean, ops.max(states + (there - 1) * -FAR_BELOW, axis=1)]


def cosines(first: keras.KerasTensor, second: keras.KerasTensor) -> keras.KerasTensor:
    """Of each vector (batch, n, d) with each (batch, m, d): (batch, n, m)."""
    unit = layers.UnitNormalization(dtype="float32")
    return ops.einsum("bqd,bkd->bqk", unit(first), unit(second))


def mask(ids: keras.KerasTensor) -> keras.KerasTensor:
    """1 for a token, 0 for padding: (batch, tokens) float32."""
    return ops.cast(ops.not_equal(ids, 0), "float32")


def two_layers(units: int, dropout: float, name: str) -> keras.Sequential:
    """Two dense layers with ReLU, dropout before each."""
    steps = []
    for _ in range(2):
        steps += [layers.Dropout(dropout), layers.Dense(units, activation="relu")]
    return keras.Sequential(steps, name=name)
