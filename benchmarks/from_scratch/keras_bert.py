"""The Transformer block and BERT from Keras's own layers, with weights in the order of ours."""

import keras
import tensorflow as tf
from keras import layers, ops

from common.models.bert import bert_encoder, pooled
from common.models.bert_weights import BertConfig


class KerasBlock(layers.Layer):
    """Keras's counterpart of `TransformerBlock`, with the same arguments.

    there: (rows, steps), True where a step is. It is not called mask, since Keras would hand a mask
    on to the layers within, whose attention then changes what padded steps themselves see.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        dtype: str,
        causal: bool = False,
        norm_first: bool = False,
        epsilon: float = 1e-3,
    ) -> None:
        super().__init__(dtype=dtype)
        self.causal, self.norm_first = causal, norm_first
        self.attention = layers.MultiHeadAttention(heads, width // heads, dtype=dtype)
        self.norm_1 = layers.LayerNormalization(epsilon=epsilon, dtype=dtype)
        self.widen = layers.Dense(inner, "gelu" if dtype == "float32" else gelu, dtype=dtype)
        self.narrow = layers.Dense(width, dtype=dtype)
        self.norm_2 = layers.LayerNormalization(epsilon=epsilon, dtype=dtype)

    def attend(self, x: tf.Tensor, there: tf.Tensor | None) -> tf.Tensor:
        allowed = None if there is None else there[:, None]
        return self.attention(x, x, attention_mask=allowed, use_causal_mask=self.causal)

    def call(self, x: tf.Tensor, there: tf.Tensor | None = None) -> tf.Tensor:
        if self.norm_first:
            h = x + self.attend(self.norm_1(x), there)
            return h + self.narrow(self.widen(self.norm_2(h)))
        h = self.norm_1(x + self.attend(x, there))
        return self.norm_2(h + self.narrow(self.widen(h)))


class AddPositions(layers.Layer):
    """Keras's counterpart of `PositionEmbedding`, from its Embedding."""

    def __init__(self, steps: int, width: int, dtype: str) -> None:
        super().__init__(dtype=dtype)
        self.table = layers.Embedding(steps, width, dtype=dtype)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.table(tf.range(tf.shape(x)[1]))


class KerasBert(layers.Layer):
    """Keras's counterpart of `Bert`: the kit's own encoder (common/models/bert.py), segment 0 only.

    Its weights come in the order of ours; no dropout.
    """

    def __init__(
        self,
        vocabulary: int,
        steps: int,
        width: int,
        blocks: int,
        heads: int,
        inner: int,
        dtype: str,
    ) -> None:
        super().__init__(dtype=dtype)
        sizes = (vocabulary, steps, width, blocks, heads, inner)
        usual = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            self.encoder = bert_encoder(BertConfig(*sizes, dropout=0, attention_dropout=0))
        finally:
            keras.config.set_dtype_policy(usual)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return self.encoder({"ids": ids, "segments": tf.zeros_like(ids)})


class KerasSentenceEncoder(layers.Layer):
    """Keras's counterpart of `SentenceEncoder`."""

    def __init__(self, bert: KerasBert) -> None:
        super().__init__(dtype=bert.dtype)
        self.bert = bert

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return pooled(self.bert(ids), ids)


class WithMask(layers.Layer):
    """A Keras layer called with the same mask, as the argument of that name, whatever comes in."""

    def __init__(self, layer: keras.layers.Layer, argument: str, mask: tf.Tensor) -> None:
        super().__init__(dtype=layer.dtype)
        self.layer, self.named = layer, {argument: mask}

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.layer(x, **self.named)


def gelu(x: tf.Tensor) -> tf.Tensor:
    """Keras's GELU without its rounding of sqrt(2) to float32, which shows in float64."""
    return x * (1 + ops.erf(x / 2**0.5)) / 2
