"""The Transformer's block, and how it is told the order of the steps.

Vaswani et al., "Attention Is All You Need" (2017), sections 3.1, 3.3 and 3.5.
"""

import numpy as np

from common.from_scratch.activations import GELU
from common.from_scratch.attention import MultiHeadAttention
from common.from_scratch.dense import Dense
from common.from_scratch.layer import Array, Layer
from common.from_scratch.normalization import LayerNormalization
from common.from_scratch.sequential import Sequential


class TransformerBlock(Layer):
    """Attention mixes the steps, then two dense layers work on each step alone.

    x: (rows, steps, width) to y of the same shape. With A the attention, F(h) = GELU(h W1 + b1) W2
    + b2 and N1, N2 two layer normalisations:

        post-norm, as in the paper and BERT:  h = N1(x + A(x)),  y = N2(h + F(h))
        pre-norm (norm_first), as in GPT:      h = x + A(N1(x)),  y = h + F(N2(h))

    By the sum rule the gradient goes past A and F undiminished as well as through them; pre-norm
    leaves that path free of normalisations, so deep networks train without a warm-up (Xiong et al.,
    "On Layer Normalization in the Transformer Architecture", 2020).

    Order of parameters: attention, N1, W1 and b1, W2 and b2, N2. mask: (rows, steps), True where a
    step is there.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        random: np.random.Generator,
        causal: bool = False,
        norm_first: bool = False,
        epsilon: float = 1e-3,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width ({width}) has to be a multiple of heads ({heads})")
        self.norm_first = norm_first
        self.parts = {
            "attention": MultiHeadAttention(width, heads, width // heads, random, causal),
            "attention_norm": LayerNormalization(width, epsilon),
            "feed_forward": Sequential(
                [Dense(width, inner, random), GELU(), Dense(inner, width, random)]
            ),
            "feed_forward_norm": LayerNormalization(width, epsilon),
        }

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        attention, norm_1, feed_forward, norm_2 = self.parts.values()
        if self.norm_first:
            h = x + attention.forward(norm_1.forward(x), mask=mask)
            return h + feed_forward.forward(norm_2.forward(h))
        h = norm_1.forward(x + attention.forward(x, mask=mask))
        return norm_2.forward(h + feed_forward.forward(h))

    def backward(self, gradient: Array) -> Array:
        attention, norm_1, feed_forward, norm_2 = self.parts.values()
        if self.norm_first:
            by_h = gradient + norm_2.backward(feed_forward.backward(gradient))
            return by_h + norm_1.backward(attention.backward(by_h))
        by_sum = norm_2.backward(gradient)
        by_sum = norm_1.backward(by_sum + feed_forward.backward(by_sum))
        return by_sum + attention.backward(by_sum)


class PositionEmbedding(Layer):
    """Adds to every step a vector of its position, since attention itself knows no order.

    x: (rows, steps, width) to the same shape; parameter embeddings (most steps, width), learned as
    in BERT, and started from `sinusoids`.
    """

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.parameters = {"embeddings": sinusoids(steps, width)}

    def forward(self, x: Array, training: bool = False) -> Array:
        embeddings, steps = self.parameters["embeddings"], x.shape[1]
        if steps > len(embeddings):
            raise ValueError(f"at most {len(embeddings)} steps are expected, got {steps}")
        return x + embeddings[:steps]

    def backward(self, gradient: Array) -> Array:
        by_embeddings = np.zeros_like(self.parameters["embeddings"])
        by_embeddings[: gradient.shape[1]] = gradient.sum(axis=0)
        self.gradients = {"embeddings": by_embeddings}
        return gradient


def sinusoids(steps: int, width: int) -> Array:
    """Sines and cosines of the position, (steps, width), float32.

    Columns 2 i and 2 i + 1 are sin and cos of position / 10000^(2 i / width), as in section 3.5. A
    move by k steps rotates each such pair, at every position by the same angle.
    """
    columns = np.arange(width)
    angle = np.arange(steps)[:, None] / 10000 ** (columns // 2 * 2 / width)
    return np.where(columns % 2, np.cos(angle), np.sin(angle)).astype("float32")
