"""Do two texts belong together? Networks that make a vector of each text, and BERT both ways.

Each takes a table with exactly two columns of texts, encoded by one tokenizer: the first is the
question, headline or query, the second what may belong to it. Padding, id 0, counts for nothing.

- DSSM and BERT as bi-encoder read each text by itself. Their layer "tower" is a model from ids to a
  vector of length 1, and the cosine of two vectors decides: the vectors of a thousand articles are
  made once and searched with one product of matrices. It can also be trained by itself, with the
  losses in common/models/pair_losses.py.
- Sentence vectors are those of a BERT as it is; only how much each of their numbers counts is
  learned, in seconds once the vectors are there.
- BERT as cross-encoder reads both texts at once: better as a rule, and its cost is paid again for
  each pair.

Networks that compare token with token are in common/models/pairs_by_token.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from common.errors import UserError
from common.models.bert import (
    FEATURES,
    Source,
    bert_from,
    check_tokens,
    freeze,
    pooled,
)
from common.models.heads import Target, with_head
from common.models.mlp import with_columns
from common.models.table import Table, Tokens, tokens_name

TOWER = "tower"  # the name of the layer that gives a text's vector (batch, width), of length 1
VECTORS = "vectors"  # of the layer that gives those of both texts, (batch, 2, width)
COSINE_MIDDLE = 0.4  # from which cosine on the untrained head calls a match, where half of them are
COSINE_SCALE = 10.0  # the first weight of a cosine in the head: its logits span a useful range
VECTORS_DROPOUT = 0.3  # of what the head of sentence vectors sees


def build_dssm(
    table: Table,
    target: Target,
    dimension: int = 128,
    hidden_units: Sequence[int] = (128, 128),
    dropout: float = 0.2,
    vectors: np.ndarray | None = None,
) -> keras.Model:
    """DSSM, a siamese network: the mean of a text's token embeddings, dense layers, the cosine.

    Both texts go through the same layers, so their order does not matter. Dense layers with tanh.
    Huang, He, Gao, Deng, Acero, Heck, "Learning Deep Structured Semantic Models for Web Search
    using Clickthrough Data", CIKM 2013, section 3; tokens stand where they hash letter trigrams,
    and one set of layers where they have one for queries and one for documents. dimension, vectors:
    as in `token_embedding`.
    Returns a model as `with_cosine_head` does.
    """
    inputs, first, second, tokens = two_texts(table)
    ids = keras.Input((None,), name="ids", dtype="int32")
    hidden = pooled(token_embedding(tokens, dimension, vectors)(ids), ids)
    for units in hidden_units:
        hidden = layers.Dropout(dropout)(layers.Dense(units, activation="tanh")(hidden))
    tower = keras.Model(ids, layers.UnitNormalization()(hidden), name=TOWER)
    return with_cosine_head(inputs, tower(first), tower(second), table, target, "dssm")


def token_embedding(
    tokens: Tokens, dimension: int, vectors: np.ndarray | None = None
) -> layers.Embedding:
    """Vectors of tokens, of length about 1, in float32, so that equal ones have a cosine of 1.

    vectors: (vocabulary, d) that somebody has learned, and which stay as they are, in place of own
    ones of `dimension`. From a few thousand pairs nobody learns what each word means.
    """
    width = dimension if vectors is None else vectors.shape[1]
    start = keras.initializers.RandomNormal(stddev=width**-0.5)
    layer = layers.Embedding(
        tokens.vocabulary_size, width, start, dtype="float32", name="token_embedding"
    )
    if vectors is not None:
        layer.build()
        layer.set_weights([vectors])
        layer.trainable = False
    return layer


def build_bert_bi_encoder(
    table: Table,
    target: Target,
    source: Source,
    pooling: Literal["mean", "cls"] = "mean",
    frozen_blocks: int | None = None,
) -> keras.Model:
    """BERT reads each text by itself; the cosine of their two vectors decides.

    Reimers, Gurevych, "Sentence-BERT", EMNLP 2019, section 3, https://arxiv.org/abs/1908.10084.
    source, pooling, frozen_blocks: as in `build_bert`.
    Returns a model as `with_cosine_head` does; UserError where the texts do not fit this BERT.
    """
    inputs, first, second, _ = two_texts(table)
    encoder = bert_from(source)
    for column, tokens in table.texts.items():
        check_tokens(column, tokens, tokens.length, encoder)
    ids = keras.Input((None,), name="ids", dtype="int32")
    hidden = pooled(encoder({"ids": ids, "segments": ops.zeros_like(ids)}), ids, pooling)
    tower = keras.Model(ids, layers.UnitNormalization()(hidden), name=TOWER)
    network = with_cosine_head(
        inputs, tower(first), tower(second), table, target, "bert_bi_encoder"
    )
    if frozen_blocks is not None:
        freeze(network, frozen_blocks)
    return network


def build_sentence_vectors(table: Table, target: Target, source: Source) -> keras.Model:
    """A BERT as it is makes a vector of length 1 of each text; a linear head weighs how they agree.

    With vectors u and v of width d the head sees sqrt(d) (u * v - COSINE_MIDDLE / d) and
    sqrt(d) |u - v|, number by number: the pairs of features of Conneau et al., "Supervised Learning
    of Universal Sentence Representations", EMNLP 2017, section 3.1, https://arxiv.org/abs/1705.02364,
    that do not mind which text is the first. It starts as the cosine, as in `with_cosine_head`.
    source: as in `build_bert`. The BERT is frozen, so that features can be computed once and the
    head trained on them: see `head_alone` in common/training/transfer.py.
    Returns a model as `with_pair_head` does; UserError where the texts do not fit this BERT.
    """
    inputs, first, second, _ = two_texts(table)
    encoder = bert_from(source)
    for column, tokens in table.texts.items():
        check_tokens(column, tokens, tokens.length, encoder)
    encoder.trainable = False
    ids = keras.Input((None,), name="ids", dtype="int32")
    hidden = pooled(encoder({"ids": ids, "segments": ops.zeros_like(ids)}), ids)
    vector = keras.Model(ids, layers.UnitNormalization()(hidden), name="sentence_vector")
    u, v = vector(first), vector(second)
    width = u.shape[-1]
    products = u * v - COSINE_MIDDLE / width
    hidden = ops.concatenate([products, ops.abs(u - v)], axis=-1) * width**0.5
    hidden = layers.Identity(name=FEATURES)(hidden)
    return on_vectors(inputs, hidden, table, target, "sentence_vectors")


def vectors_head(table: Table, target: Target, features: int) -> keras.Model:
    """What stands on the features of sentence vectors, (batch, features), as a network of its own.

    Its weights are those that learn in the whole network, in the same order.
    """
    inputs = replace(table, texts={}).inputs()
    inputs[FEATURES] = keras.Input((features,), name=FEATURES)
    return on_vectors(inputs, inputs[FEATURES], table, target, "head")


def on_vectors(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
) -> keras.Model:
    width = hidden.shape[-1] // 2
    start = np.repeat([COSINE_SCALE / width**0.5, 0.0], width)
    return on_features(inputs, hidden, table, target, name, VECTORS_DROPOUT, start)


def build_bert_cross_encoder(
    table: Table,
    target: Target,
    source: Source,
    pooling: Literal["mean", "cls"] = "mean",
    dropout: float = 0.1,
    frozen_blocks: int | None = None,
) -> keras.Model:
    """BERT reads both texts as one row, [CLS] first [SEP] second [SEP], and a head decides.

    The second text is segment 1; it loses its [CLS], so that the row is as BERT learned from pairs.
    Devlin et al., "BERT", 2019, section 3.2. source, pooling, dropout, frozen_blocks: as in
    `build_bert`; the mean is over the tokens of both texts.
    Returns a model as `with_pair_head` does; UserError where the two texts do not fit this BERT.
    """
    inputs, first, second, tokens = two_texts(table)
    encoder = bert_from(source)
    length = sum(each.length for each in table.texts.values()) - 1
    check_tokens(" and ".join(table.texts), tokens, length, encoder)
    ids, segments = one_row(first, second)
    hidden = pooled(encoder({"ids": ids, "segments": segments}), ids, pooling)
    network = with_pair_head(inputs, hidden, table, target, "bert_cross_encoder", dropout)
    if frozen_blocks is not None:
        freeze(network, frozen_blocks)
    return network


def one_row(
    first: keras.KerasTensor, second: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Ids and segments (batch, n + m - 1) of first (batch, n), then second (batch, m).

    The first id of `second` is left out, and padding goes to the end, where BERT expects it.
    """
    second = second[:, 1:]
    ids = ops.concatenate([first, second], axis=1)
    segments = ops.concatenate([ops.zeros_like(first), ops.ones_like(second)], axis=1)
    there = ops.not_equal(ids, 0)
    # Stable whatever the sort: no two of these keys are equal.
    place = ops.cumsum(ops.ones_like(ids), axis=1)
    order = ops.argsort(ops.where(there, place - 2**30, place), axis=1)
    segments = segments * ops.cast(there, "int32")
    return ops.take_along_axis(ids, order, axis=1), ops.take_along_axis(segments, order, axis=1)


def two_texts(
    table: Table,
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor, keras.KerasTensor, Tokens]:
    """The inputs of a table, the ids of its two texts among them, and what is known of both ids.

    UserError where there are not two columns of texts, or their ids are of different vocabularies.
    """
    if len(table.texts) != 2:
        named = ", ".join(table.texts) or "none"
        raise UserError(f"Two columns of texts are compared; the table has {named}.")
    one, other = table.texts.values()
    if one.vocabulary_size != other.vocabulary_size:
        raise UserError(
            f"The texts of {' and '.join(table.texts)} have vocabularies of {one.vocabulary_size} "
            f"and {other.vocabulary_size} tokens. Encode both with the same tokenizer."
        )
    inputs = table.inputs()
    first, second = (inputs[tokens_name(column)] for column in table.texts)
    return inputs, first, second, one


def with_cosine_head(
    inputs: dict[str, keras.KerasTensor],
    first: keras.KerasTensor,
    second: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
) -> keras.Model:
    """Finish a network: the cosine of two vectors of length 1 (batch, width) is all the head sees.

    With numbers and categories of the row beside it, if any; they start with weight 0. The cosine's
    first weight is COSINE_SCALE, so that a higher one means a better match from the first step on,
    and COSINE_MIDDLE is taken off, since learning rates that suit a BERT hardly move a bias.
    Returns a model from `inputs` to the answer of `with_head`; its layer "features" is the cosine,
    and "vectors" gives both vectors.
    """
    vectors = layers.Identity(name=VECTORS)(ops.stack([first, second], axis=1))
    cosine = ops.sum(vectors[:, 0] * vectors[:, 1], axis=-1, keepdims=True)
    cosine = layers.Identity(name=FEATURES)(cosine)
    hidden = with_columns(cosine - COSINE_MIDDLE, inputs, table)
    start = np.zeros((hidden.shape[-1], target.units), "float32")
    start[0] = COSINE_SCALE
    return with_head(inputs, hidden, target, name, keras.initializers.Constant(start))


def with_pair_head(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    dropout: float = 0.0,
    start: float | None = None,
) -> keras.Model:
    """Finish a network: what it knows of the pair (batch, d), dropout, and the head of the task.

    Numbers and categories of the row, if any, join at the head. start: as in `on_features`.
    Returns a model from `inputs` to the answer of `with_head`; its layer "features" gives `hidden`.
    """
    hidden = layers.Identity(name=FEATURES)(hidden)
    return on_features(inputs, hidden, table, target, name, dropout, start)


def on_features(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    dropout: float,
    start: float | np.ndarray | None,
) -> keras.Model:
    """As `with_pair_head`, without a layer "features".

    start: the first weights of `hidden` in the head, one number or (d,), those of the columns being
    0; drawn by lot where it is None.
    """
    width = hidden.shape[-1]
    hidden = with_columns(layers.Dropout(dropout)(hidden), inputs, table)
    if start is None:
        return with_head(inputs, hidden, target, name)
    weights = np.zeros((hidden.shape[-1], target.units), "float32")
    weights[:width] = np.broadcast_to(start, width)[:, None]
    return with_head(inputs, hidden, target, name, keras.initializers.Constant(weights))
