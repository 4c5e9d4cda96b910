"""Layers for pictures and sequences beside Keras's."""

import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.from_scratch.keras_bert import (
    AddPositions,
    KerasBert,
    KerasBlock,
    KerasSentenceEncoder,
    WithMask,
)
from benchmarks.from_scratch.pairs import Pair, normal
from common.from_scratch.attention import MultiHeadAttention
from common.from_scratch.bert import Bert, SentenceEncoder
from common.from_scratch.convolution import Conv2D
from common.from_scratch.gru import GRU
from common.from_scratch.layer import Array, Layer
from common.from_scratch.lstm import LSTM
from common.from_scratch.pooling import (
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from common.from_scratch.simple_rnn import SimpleRNN
from common.from_scratch.transformer import PositionEmbedding, TransformerBlock

# A head has 4 numbers: Keras rounds 1 / sqrt(key_dim) to float32 in float64 too, and 1/2 is exact.
ROWS, STEPS, WIDTH, HEADS = 3, 4, 8, 2
# Padded behind, padded before and in the midst, not at all.
MASK = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]], bool)
PADDED_BEHIND = np.arange(STEPS) < np.array([[2], [3], [4]])


class Masked(Layer):
    """A layer of ours called with the same mask whatever comes in."""

    def __init__(self, layer: Layer, mask: Array) -> None:
        super().__init__()
        self.parts, self.mask = {"layer": layer}, mask

    def forward(self, x: Array, training: bool = False) -> Array:
        return self.parts["layer"].forward(x, training, mask=self.mask)

    def backward(self, gradient: Array) -> Array:
        return self.parts["layer"].backward(gradient)


def masked(pair: Pair, mask: Array, argument: str = "mask") -> Pair:
    """The pair with steps masked; `argument` is what the Keras layer calls the mask."""
    return Pair(
        f"{pair.name}, masked",
        lambda random: Masked(pair.ours(random), mask),
        lambda dtype: WithMask(pair.theirs(dtype), argument, tf.constant(mask)),
        pair.x,
    )


def pictures() -> list[Pair]:
    pairs = []
    for padding in ("valid", "same"):
        for strides in (1, 2):
            pairs.append(
                Pair(
                    f"Conv2D, {padding}, strides {strides}",
                    lambda random, padding=padding, strides=strides: Conv2D(
                        3, 5, 3, random, strides, padding
                    ),
                    lambda dtype, padding=padding, strides=strides: layers.Conv2D(
                        5, 3, strides, padding, dtype=dtype
                    ),
                    normal(2, 7, 8, 3),
                )
            )
    for ours, theirs in (
        (MaxPooling2D, layers.MaxPooling2D),
        (AveragePooling2D, layers.AveragePooling2D),
    ):
        pairs.append(
            Pair(
                ours.__name__,
                lambda _, ours=ours: ours(2),
                lambda dtype, theirs=theirs: theirs(2, dtype=dtype),
                normal(2, 7, 8, 3),
            )
        )
    return [
        *pairs,
        Pair(
            "GlobalAveragePooling2D",
            lambda _: GlobalAveragePooling2D(),
            lambda dtype: layers.GlobalAveragePooling2D(dtype=dtype),
            normal(2, 7, 8, 3),
        ),
    ]


def recurrences() -> list[Pair]:
    pairs = []
    for ours, theirs in ((SimpleRNN, layers.SimpleRNN), (LSTM, layers.LSTM), (GRU, layers.GRU)):
        for every in (False, True):
            pair = Pair(
                f"{ours.__name__}, {'every step' if every else 'last step'}",
                lambda random, ours=ours, every=every: ours(WIDTH, 5, random, every),
                lambda dtype, theirs=theirs, every=every: theirs(
                    5, return_sequences=every, dtype=dtype
                ),
                normal(ROWS, STEPS, WIDTH),
            )
            pairs += [pair, masked(pair, MASK)]
    return pairs


def attentions() -> list[Pair]:
    pairs = []
    for causal in (False, True):
        kind = "causal" if causal else "both ways"
        pair = Pair(
            f"MultiHeadAttention, {kind}",
            lambda random, causal=causal: MultiHeadAttention(WIDTH, HEADS, 4, random, causal),
            lambda dtype, causal=causal: KerasSelfAttention(causal, dtype),
            normal(ROWS, STEPS, WIDTH),
        )
        pairs += [pair, masked(pair, PADDED_BEHIND, "there")]
    for norm_first in (False, True):
        kind = "pre-norm" if norm_first else "post-norm"
        pair = Pair(
            f"TransformerBlock, {kind}",
            lambda random, norm_first=norm_first: TransformerBlock(
                WIDTH, HEADS, 7, random, norm_first=norm_first
            ),
            lambda dtype, norm_first=norm_first: KerasBlock(
                WIDTH, HEADS, 7, dtype, norm_first=norm_first
            ),
            normal(ROWS, STEPS, WIDTH),
        )
        pairs += [pair, masked(pair, PADDED_BEHIND, "there")]
    mean = Pair(
        "GlobalAveragePooling1D",
        lambda _: GlobalAveragePooling1D(),
        lambda dtype: layers.GlobalAveragePooling1D(dtype=dtype),
        normal(ROWS, STEPS, WIDTH),
    )
    positions = Pair(
        "PositionEmbedding",
        lambda _: PositionEmbedding(STEPS + 1, WIDTH),
        lambda dtype: AddPositions(STEPS + 1, WIDTH, dtype),
        normal(ROWS, STEPS, WIDTH),
    )
    return [*pairs, mean, masked(mean, MASK), positions]


class KerasSelfAttention(layers.Layer):
    """Keras's MultiHeadAttention, of x on itself."""

    def __init__(self, causal: bool, dtype: str) -> None:
        super().__init__(dtype=dtype)
        self.causal = causal
        self.attention = layers.MultiHeadAttention(HEADS, 4, dtype=dtype)

    def call(self, x: tf.Tensor, there: tf.Tensor | None = None) -> tf.Tensor:
        allowed = None if there is None else there[:, None]
        return self.attention(x, x, attention_mask=allowed, use_causal_mask=self.causal)


def texts() -> list[Pair]:
    sizes = (11, STEPS + 1, WIDTH, 1, HEADS, 10)  # vocabulary, steps, width, blocks, heads, inner
    return [
        Pair(
            "Bert",
            lambda random: Bert(*sizes, random),
            lambda dtype: KerasBert(*sizes, dtype),
            padded_ids,
        ),
        Pair(
            "SentenceEncoder",
            lambda random: SentenceEncoder(Bert(*sizes, random)),
            lambda dtype: KerasSentenceEncoder(KerasBert(*sizes, dtype)),
            padded_ids,
        ),
    ]


def padded_ids(random: np.random.Generator) -> Array:
    return (random.integers(1, 11, (ROWS, STEPS)) * PADDED_BEHIND).astype("int32")


PAIRS = [*pictures(), *recurrences(), *attentions(), *texts()]
