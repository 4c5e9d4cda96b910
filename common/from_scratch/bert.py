"""BERT: three embeddings, a pile of Transformer blocks; and weights trained by others, read in.

Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
(2019), section 3. Sentence vectors as means over the steps: Reimers and Gurevych, "Sentence-BERT"
(2019), section 3.
"""

from collections.abc import Mapping

import numpy as np

from common.from_scratch.embedding import Embedding
from common.from_scratch.layer import Array, Layer
from common.from_scratch.normalization import LayerNormalization
from common.from_scratch.pooling import GlobalAveragePooling1D
from common.from_scratch.transformer import PositionEmbedding, TransformerBlock

PADDING = 0  # the id of what fills up a row
EPSILON = 1e-12


class Bert(Layer):
    """ids (rows, steps) to one vector for every step in its context, (rows, steps, width).

    The input is the sum of three embeddings, normalised: of the piece (by its id), of its position,
    and of its segment, which is 0 in a first text and 1 in a second. Then come post-norm blocks.
    Steps with the id PADDING are masked.
    """

    def __init__(
        self,
        vocabulary: int,
        steps: int,
        width: int,
        blocks: int,
        heads: int,
        inner: int,
        random: np.random.Generator,
    ) -> None:
        super().__init__()
        self.parts = {
            "pieces": Embedding(vocabulary, width, random),
            "segments": Embedding(2, width, random),
            "positions": PositionEmbedding(steps, width),
            "norm": LayerNormalization(width, EPSILON),
        }
        self.blocks = [
            TransformerBlock(width, heads, inner, random, epsilon=EPSILON) for _ in range(blocks)
        ]
        self.parts |= {f"block_{number}": block for number, block in enumerate(self.blocks)}

    def forward(self, ids: Array, training: bool = False, segments: Array | None = None) -> Array:
        pieces, second, positions, norm = list(self.parts.values())[:4]
        segments = np.zeros_like(ids) if segments is None else segments
        x = positions.forward(pieces.forward(ids) + second.forward(segments))
        x = norm.forward(x)
        for block in self.blocks:
            x = block.forward(x, training, mask=ids != PADDING)
        return x

    def backward(self, gradient: Array) -> Array:
        for block in reversed(self.blocks):
            gradient = block.backward(gradient)
        pieces, second, positions, norm = list(self.parts.values())[:4]
        gradient = positions.backward(norm.backward(gradient))
        second.backward(gradient)
        return pieces.backward(gradient)


class SentenceEncoder(Layer):
    """A text's vector: the mean of BERT's vectors of its steps; ids (rows, steps) to (rows, width).

    Texts are compared by the cosine of the angle between their vectors.
    """

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.parts = {"bert": bert, "mean": GlobalAveragePooling1D()}

    def forward(self, ids: Array, training: bool = False) -> Array:
        steps = self.parts["bert"].forward(ids, training)
        return self.parts["mean"].forward(steps, training, mask=ids != PADDING)

    def backward(self, gradient: Array) -> Array:
        return self.parts["bert"].backward(self.parts["mean"].backward(gradient))


def bert_of(weights: Mapping[str, Array], heads: int) -> Bert:
    """A `Bert` with weights named and laid out as Hugging Face's BertModel stores them.

    All sizes but `heads` follow from the shapes. PyTorch's dense layers keep a kernel as (outputs,
    inputs), so kernels are transposed; ours of attention have an axis of their own for the heads.
    """
    vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
    steps = len(weights["embeddings.position_embeddings.weight"])
    inner = len(weights["encoder.layer.0.intermediate.dense.bias"])
    blocks = sum(name.endswith("intermediate.dense.bias") for name in weights)
    bert = Bert(vocabulary, steps, width, blocks, heads, inner, np.random.default_rng(0))

    def dense(name: str) -> list[Array]:
        return [weights[f"{name}.weight"].T, weights[f"{name}.bias"]]

    def norm(name: str) -> list[Array]:
        return [weights[f"{name}.LayerNorm.weight"], weights[f"{name}.LayerNorm.bias"]]

    tables = ("word", "token_type", "position")
    values = [weights[f"embeddings.{table}_embeddings.weight"] for table in tables]
    values += norm("embeddings")
    for layer in (f"encoder.layer.{number}" for number in range(blocks)):
        for name in ("query", "key", "value"):
            kernel, bias = dense(f"{layer}.attention.self.{name}")
            values += [kernel.reshape(width, heads, -1), bias.reshape(heads, -1)]
        kernel, bias = dense(f"{layer}.attention.output.dense")
        values += [kernel.reshape(heads, -1, width), bias]
        values += norm(f"{layer}.attention.output")
        values += dense(f"{layer}.intermediate.dense") + dense(f"{layer}.output.dense")
        values += norm(f"{layer}.output")
    bert.set_parameters(values)
    return bert
