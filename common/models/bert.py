"""BERT from plain Keras layers, random or with weights trained by others, and BERT under a head.

Devlin, Chang, Lee, Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL 2019, https://arxiv.org/abs/1810.04805, section 3. A text goes through

    word_embedding      what the token is
    segment_embedding   which text it belongs to: 0 the first, 1 the second of a pair
    position_embedding  where it stands, from 0; the three are added
    embedding_norm      layer normalisation, then dropout

and then block after block (Vaswani et al., "Attention Is All You Need", 2017, section 3), each of

    block_1_query, _key, _value   three dense layers, the width divided among the heads
    block_1_shares                how much each token takes from each other one, head by head
    block_1_mix                   a dense layer on what all heads found
    block_1_attention_norm        normalisation of the sum with what came in
    block_1_widen, _narrow        two dense layers on each token alone, GELU between them
    block_1_norm                  normalisation of the sum with what came in

Every part is a layer of that name: `encoder.get_layer("block_1_shares").output` is what a picture
of attention shows, and `.get_weights()` what a layer has learned.
"""

import re
from pathlib import Path
from typing import Literal

import keras
from keras import layers, ops

from common.errors import UserError
from common.models.bert_weights import PADDING, BertConfig, read_config, read_weights
from common.models.heads import Target, with_head
from common.models.mlp import with_columns
from common.models.table import Table, Tokens, tokens_name

BERT = "bert"  # the name of the encoder, a layer in the networks that have one inside
IN_CONTEXT = "in_context"  # the name of the layer that gives the vectors of its tokens there
FEATURES = "features"  # the name of the layer that gives a vector (batch, features) a text
Source = str | Path | BertConfig


def build_bert(
    table: Table,
    target: Target,
    source: Source,
    pooling: Literal["mean", "cls"] = "mean",
    dropout: float = 0.1,
    frozen_blocks: int | None = None,
) -> keras.Model:
    """BERT and the head of the task on one column of texts; numbers and categories join the head.

    source: a folder of weights (see bert_weights.py), whose tokenizer made the ids; or the sizes of
    a BERT that starts at random. pooling: the vector of a text is the mean of its tokens', or that
    of its first token, [CLS]. frozen_blocks: see `freeze`; None lets everything learn. Learning
    rates that fall from block to block: `rate_factors`.

    Returns a model from `table.inputs()` to the answer of `with_head`; its layer "bert" is the
    encoder, "in_context" gives the vectors of tokens, "features" that of a text. UserError where
    the table has not one column of texts, or its texts do not fit this BERT.
    """
    if len(table.texts) != 1:
        raise UserError(f"build_bert takes one column of texts, not {len(table.texts)}.")
    encoder = bert_from(source)
    ((column, tokens),) = table.texts.items()
    check_tokens(column, tokens, tokens.length, encoder)
    inputs = table.inputs()
    ids = inputs[tokens_name(column)]
    hidden = encoder({"ids": ids, "segments": ops.zeros_like(ids)})
    hidden = layers.Identity(name=IN_CONTEXT)(hidden)
    hidden = layers.Identity(name=FEATURES)(pooled(hidden, ids, pooling))
    network = with_head(
        inputs, with_columns(layers.Dropout(dropout)(hidden), inputs, table), target, BERT
    )
    if frozen_blocks is not None:
        freeze(network, frozen_blocks)
    return network


def bert_from(source: Source) -> keras.Model:
    """The encoder with the weights of a folder, or of these sizes with random ones."""
    return bert_encoder(source) if isinstance(source, BertConfig) else load_bert(source)


def load_bert(folder: str | Path) -> keras.Model:
    """`bert_encoder` with the sizes and weights of a folder; see common/models/bert_weights.py.

    UserError for missing files, another kind of network, or weights that do not fit the sizes.
    """
    config = read_config(folder)
    weights = read_weights(folder, config)
    encoder = bert_encoder(config)
    for name, arrays in weights.items():
        encoder.get_layer(name).set_weights(arrays)
    return encoder


def bert_encoder(config: BertConfig) -> keras.Model:
    """A BERT with random weights; its parts are told at the head of this file.

    Takes {"ids": (batch, tokens), "segments": (batch, tokens)}, both int32; gives a vector for each
    token in its context, (batch, tokens, width). Tokens with id 0 are padding: none attends to
    them, and what stands at their places means nothing. More tokens than config.positions are an
    error of TensorFlow.
    """
    ids = keras.Input((None,), name="ids", dtype="int32")
    segments = keras.Input((None,), name="segments", dtype="int32")
    hidden = embedded(ids, segments, config)
    hide = ops.cast(ops.where(ops.equal(ids, PADDING), -1e4, 0.0), hidden.dtype)[:, None, None]
    for block in range(1, config.blocks + 1):
        hidden = transformer_block(hidden, hide, config, f"block_{block}")
    return keras.Model({"ids": ids, "segments": segments}, hidden, name=BERT)


def embedded(
    ids: keras.KerasTensor, segments: keras.KerasTensor, config: BertConfig
) -> keras.KerasTensor:
    """The sum of the three embeddings, normalised: (batch, tokens, width)."""

    def table(rows: int, name: str) -> layers.Embedding:
        return layers.Embedding(rows, config.width, small(), name=f"{name}_embedding")

    positions = ops.cumsum(ops.ones_like(ids[:1, :]), axis=1) - 1
    hidden = table(config.vocabulary_size, "word")(ids)
    hidden = hidden + table(config.segments, "segment")(segments)
    hidden = hidden + table(config.positions, "position")(positions)
    hidden = layers.LayerNormalization(epsilon=config.epsilon, name="embedding_norm")(hidden)
    return layers.Dropout(config.dropout)(hidden)


def transformer_block(
    hidden: keras.KerasTensor, hide: keras.KerasTensor, config: BertConfig, name: str
) -> keras.KerasTensor:
    """Attention mixes the tokens, then two dense layers work on each alone; as BERT, post-norm.

    hidden: (batch, tokens, width), as what is returned; hide: (batch, 1, 1, tokens), 0 for tokens
    and far below it for padding.
    """

    def added(change: keras.KerasTensor, which: str) -> keras.KerasTensor:
        norm = layers.LayerNormalization(epsilon=config.epsilon, name=f"{name}_{which}")
        return norm(hidden + layers.Dropout(config.dropout)(change))

    hidden = added(attention(hidden, hide, config, name), "attention_norm")
    wide = layers.Dense(config.inner, kernel_initializer=small(), name=f"{name}_widen")(hidden)
    wide = ops.relu(wide) if config.activation == "relu" else gelu(wide, config.activation)
    change = layers.Dense(config.width, kernel_initializer=small(), name=f"{name}_narrow")(wide)
    return added(change, "norm")


def attention(
    hidden: keras.KerasTensor, hide: keras.KerasTensor, config: BertConfig, name: str
) -> keras.KerasTensor:
    """Each token takes from all tokens, in shares = softmax(query . key / sqrt(size)) head by head.

    In the equations b is a text, t, q and k are tokens, w the width, h a head, d its size.
    """
    size = config.width // config.heads

    def by_heads(part: str) -> keras.KerasTensor:
        layer = layers.EinsumDense(
            "btw,whd->bthd",
            (None, config.heads, size),
            bias_axes="hd",
            kernel_initializer=small(),
            name=f"{name}_{part}",
        )
        return layer(hidden)

    query, key, value = by_heads("query"), by_heads("key"), by_heads("value")
    scores = ops.einsum("bqhd,bkhd->bhqk", query, key) / size**0.5 + hide
    shares = layers.Softmax(name=f"{name}_shares")(scores)
    shares = layers.Dropout(config.attention_dropout)(shares)
    found = ops.einsum("bhqk,bkhd->bqhd", shares, value)
    return layers.EinsumDense(
        "bthd,hdw->btw",
        (None, config.width),
        bias_axes="w",
        kernel_initializer=small(),
        name=f"{name}_mix",
    )(found)


def gelu(hidden: keras.KerasTensor, kind: str) -> keras.KerasTensor:
    """Each number times the share of the normal distribution below it, or nearly so.

    Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016, https://arxiv.org/abs/1606.08415.
    """
    if kind == "gelu":
        return hidden * (0.5 * (1.0 + ops.erf(hidden * 0.5**0.5)))
    return ops.gelu(hidden, approximate=True)


def small() -> keras.Initializer:
    """How BERT's training began: nearly normal with deviation 0.02."""
    return keras.initializers.TruncatedNormal(stddev=0.02)


def pooled(
    hidden: keras.KerasTensor, ids: keras.KerasTensor, pooling: Literal["mean", "cls"] = "mean"
) -> keras.KerasTensor:
    """One vector a text, (batch, width), from those of its tokens, (batch, tokens, width).

    The mean over the tokens whose id is not 0, and zeros for a text without any; or the first.
    """
    if pooling == "cls":
        return hidden[:, 0]
    there = ops.cast(ops.not_equal(ids, PADDING), hidden.dtype)[..., None]
    return ops.sum(hidden * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)


def check_tokens(column: str, tokens: Tokens, length: int, encoder: keras.Model) -> None:
    """UserError where ids may be beyond the encoder's vocabulary, or a row of `length` too long."""
    known = encoder.get_layer("word_embedding").input_dim
    places = encoder.get_layer("position_embedding").input_dim
    if tokens.vocabulary_size > known:
        raise UserError(
            f"The texts of {column} have ids up to {tokens.vocabulary_size - 1}, but this BERT "
            f"knows {known}. Encode them with the tokenizer in the folder of its weights."
        )
    if length > places:
        raise UserError(
            f"The texts of {column} make rows of up to {length} tokens, but this BERT has "
            f"{places} positions. Cut the texts at fewer tokens."
        )


def bert_inside(network: keras.Model) -> keras.Model:
    """The layer "bert" in a network, or in a network within it."""
    models = [network]
    for model in models:  # grows while it is walked
        models += [layer for layer in model.layers if isinstance(layer, keras.Model)]
        if model is not network and model.name == BERT:
            return model
    raise UserError(f"The network {network.name} has no BERT inside.")


def depth(layer: str) -> int:
    """The number of the block that a layer of the encoder is in, 0 for the embeddings."""
    block = re.match(r"block_(\d+)_", layer)
    return int(block[1]) if block else 0


def freeze(network: keras.Model, blocks: int) -> None:
    """Keep the embeddings and the first `blocks` blocks of the BERT inside; the rest learns.

    That saves their part of the backward pass, and the optimizer's work on the word embedding,
    which may be half of all weights. Counts from the next `compile` on.
    """
    encoder = bert_inside(network)
    for layer in encoder.layers:
        layer.trainable = depth(layer.name) > blocks


def rate_factors(network: keras.Model, decay: float) -> dict[str, float]:
    """Factors of the learning rate, for `LayerwiseAdamW`: the nearer to the input, the smaller.

    decay for the last block, decay^2 for the one before it and so on, and once more for the
    embeddings; what lies outside the BERT keeps the full rate. The first blocks hold what all texts
    have in common, which a small training set should change least.
    Howard, Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018, section
    3.2, https://arxiv.org/abs/1801.06146; Clark, Luong, Le, Manning, "ELECTRA", ICLR 2020, appendix
    B, https://arxiv.org/abs/2003.10555, with 0.8 for 12 blocks and 0.9 for 24.

    Returns the path of each weight of the BERT inside that learns, and its factor.
    """
    encoder = bert_inside(network)
    top = 1 + max(depth(layer.name) for layer in encoder.layers)
    return {
        weight.path: decay ** (top - depth(layer.name))
        for layer in encoder.layers
        for weight in layer.trainable_weights
    }
