"""Networks for texts, learned from scratch: bag of n-grams, convolutions, recurrent, Transformer.

Each reads one column of texts as ids of tokens (common/text/tokenizer.py), 0 after the last one.
Padding counts for nothing: a text gets the same answer however wide its batch is, so that batches
of texts of like length save time and change nothing else. The layer "features" gives one vector a
text, to search by. "token_embedding" (in the Transformer "word_embedding", within its layer "bert")
has a vector for each id and can be given others before training, such as GloVe's: `set_weights`.
"""

from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers, ops

from common.errors import UserError
from common.models.bert import FEATURES, build_bert, pooled
from common.models.bert_weights import BertConfig
from common.models.heads import Target, with_head
from common.models.mlp import with_columns
from common.models.table import Table, Tokens, tokens_name

TOKEN_EMBEDDING = "token_embedding"
FACTOR = 1_009  # of the hash of n-grams, a prime
MOST_BUCKETS = 2**20  # with more, the hash would leave the range of int32


def build_bag_of_ngrams(
    table: Table,
    target: Target,
    dimension: int = 64,
    ngrams: int = 2,
    buckets: int = 2**16,
    dropout: float = 0.3,
) -> keras.Model:
    """fastText: the mean of the vectors of a text's tokens and n-grams, then a linear head.

    ngrams: runs of up to so many tokens have vectors; with 1 the order of tokens does not count.
    Runs are hashed into `buckets`; those that fall into the same one share its vector.
    Joulin, Grave, Bojanowski, Mikolov, "Bag of Tricks for Efficient Text Classification", EACL
    2017, section 2, https://arxiv.org/abs/1607.01759; dropout is added here.
    Returns a model as `with_text_head` does; UserError for less than 1 or more than 2^20 buckets.
    """
    if not 1 <= buckets <= MOST_BUCKETS:
        raise UserError(f"buckets is {buckets:,}; choose a number from 1 to {MOST_BUCKETS:,}.")
    inputs, ids, tokens = text_of(table)
    vectors = token_embedding(tokens, dimension)(ids)
    if ngrams > 1:
        runs = hashed_ngrams(ids, ngrams, buckets)
        embedding = layers.Embedding(buckets + 1, dimension, name="ngram_embedding")
        vectors = ops.concatenate([vectors, embedding(runs)], axis=1)
        ids = ops.concatenate([ids, runs], axis=1)
    return with_text_head(inputs, pooled(vectors, ids), table, target, "bag_of_ngrams", dropout)


def hashed_ngrams(ids: keras.KerasTensor, ngrams: int, buckets: int) -> keras.KerasTensor:
    """A number from 1 to `buckets` for each run of two to `ngrams` tokens, 0 where it has padding.

    ids: (batch, tokens) int32. Returns (batch, runs) int32, first all pairs, then all runs of three
    and so on. A run's number follows from that of the run without its last token, times FACTOR.
    """
    hashed, runs = ids % buckets, []
    for more in range(1, ngrams):
        last = ids[:, more:]
        hashed = (hashed[:, :-1] * FACTOR + last) % buckets
        runs.append(ops.where(last > 0, hashed + 1, 0))
    return ops.concatenate(runs, axis=1)


def build_text_cnn(
    table: Table,
    target: Target,
    dimension: int = 64,
    widths: Sequence[int] = (3, 4, 5),
    filters: int = 100,
    dropout: float = 0.5,
) -> keras.Model:
    """Convolutions over windows of tokens; of each filter the largest answer in the text.

    widths: of the windows, `filters` each, with ReLU. A window is centred on a token of the text;
    what lies outside the text is zeros.
    Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, section 2,
    https://arxiv.org/abs/1408.5882: CNN-rand, without its limit on the norm of weights.
    Returns a model as `with_text_head` does.
    """
    inputs, ids, tokens = text_of(table)
    vectors = token_embedding(tokens, dimension)(ids)
    there = ops.cast(ids > 0, vectors.dtype)[..., None]
    vectors = vectors * there
    largest = []
    for width in widths:
        found = layers.Conv1D(filters, width, padding="same", activation="relu")(vectors)
        largest.append(ops.max(found * there, axis=1))
    hidden = ops.concatenate(largest, axis=1)
    return with_text_head(inputs, hidden, table, target, "text_cnn", dropout)


def build_text_rnn(
    table: Table,
    target: Target,
    cell: Literal["lstm", "gru"] = "lstm",
    dimension: int = 64,
    units: int = 64,
    pooling: Literal["max", "last"] = "max",
    dropout: float = 0.3,
) -> keras.Model:
    """A recurrent layer that reads the text forwards, and one that reads it backwards.

    pooling: of each unit the largest value in the text (Conneau et al., "Supervised Learning of
    Universal Sentence Representations", EMNLP 2017, section 3.2.2), or that after the last token
    read. Schuster, Paliwal, "Bidirectional Recurrent Neural Networks", 1997; cells of Hochreiter
    and Schmidhuber, 1997, and Cho et al., 2014.
    Returns a model as `with_text_head` does.
    """
    inputs, ids, tokens = text_of(table)
    vectors = token_embedding(tokens, dimension)(ids)
    kind = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    places = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    last = ops.sum(ops.cast(ids > 0, "int32"), axis=1, keepdims=True) - 1
    backwards = ops.where(places > last, places, last - places)[..., None]
    mirrored = ops.take_along_axis(vectors, backwards, axis=1)
    counts = ops.equal(places, last) if pooling == "last" else ids > 0
    # Without masks, which would cost a third more time: padding is behind the text in both
    # directions, so that no state of the text depends on it, and pooling leaves its states out.
    hidden = []
    for direction, read in (("forwards", vectors), ("backwards", mirrored)):
        states = kind(units, return_sequences=True, name=direction)(read)
        states = ops.where(counts[..., None], states, -1.0)  # no state is lower
        hidden.append(ops.max(states, axis=1))
    hidden = ops.concatenate(hidden, axis=1)
    return with_text_head(inputs, hidden, table, target, f"text_{cell}", dropout)


def build_text_transformer(
    table: Table,
    target: Target,
    blocks: int = 2,
    dimension: int = 64,
    heads: int = 4,
    dropout: float = 0.1,
) -> keras.Model:
    """A small BERT that starts at random: attention among all tokens, then the mean over them.

    Positions are learned, normalisation comes after each sum, and the dense layers of a block are
    four times as wide inside; its parts are told in common/models/bert.py. The cost grows with the
    square of the length.
    Returns a model as `build_bert` does; UserError where `dimension` is no multiple of `heads`.
    """
    _, _, tokens = text_of(table)
    sizes = BertConfig(
        tokens.vocabulary_size,
        positions=tokens.length,
        width=dimension,
        blocks=blocks,
        heads=heads,
        inner=4 * dimension,
        dropout=dropout,
        attention_dropout=0.0,  # a random number a pair of tokens takes a fifth of the time
    )
    return build_bert(table, target, sizes, dropout=dropout)


def text_of(table: Table) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor, Tokens]:
    """The inputs of a table with one column of texts, among them its ids, and what they are."""
    if len(table.texts) != 1:
        raise UserError(
            f"The rows have {len(table.texts)} columns of texts ({', '.join(table.texts)}); this "
            "network reads one. Leave out the others, or join them into one."
        )
    ((column, tokens),) = table.texts.items()
    inputs = table.inputs()
    return inputs, inputs[tokens_name(column)], tokens


def token_embedding(tokens: Tokens, dimension: int) -> layers.Embedding:
    return layers.Embedding(tokens.vocabulary_size, dimension, name=TOKEN_EMBEDDING)


def with_text_head(
    inputs: dict[str, keras.KerasTensor],
    hidden: keras.KerasTensor,
    table: Table,
    target: Target,
    name: str,
    dropout: float,
) -> keras.Model:
    """Finish a network: the vector of the text (batch, d), dropout, and the head of the task.

    inputs: of `table`, whose numbers and categories, if any, join the text's vector at the head.
    Returns a model from `inputs` to the answer of `with_head`.
    """
    hidden = layers.Identity(name=FEATURES)(hidden)
    hidden = with_columns(layers.Dropout(dropout)(hidden), inputs, table)
    return with_head(inputs, hidden, target, name)
