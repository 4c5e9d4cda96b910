"""Texts as vectors: like texts get like vectors, and their product is the cosine of the angle.

    vectors = encode_texts(["A cat sat on the mat.", "The cat is asleep.", "Stocks fell sharply."])
    vectors @ vectors.T   # how alike each text is to each other one, from -1 to 1

Reimers, Gurevych, "Sentence-BERT", EMNLP 2019, https://arxiv.org/abs/1908.10084, section 3: a BERT,
the mean over its tokens, brought to length 1.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from tokenizers import Tokenizer

from common.models.bert import load_bert, pooled
from common.models.bert_weights import minilm_folder
from common.text.pretrained import load_tokenizer
from common.text.tokenizer import flat_ids

LONGEST = 256  # tokens of a text, the others being cut, as MiniLM's authors do
BATCH_TOKENS = 2048  # in a batch, padding included: enough to keep two cores busy


def encode_texts(
    texts: Sequence[str], folder: str | Path | None = None, length: int = LONGEST
) -> np.ndarray:
    """The vector of each text, (texts, width) float32, of length 1.

    folder: of a BERT as in common/models/bert_weights.py; without one all-MiniLM-L6-v2, whose
    vectors have 384 numbers. length: the most tokens of a text, [CLS] and [SEP] included. Texts of
    like length go through the network together, so that hardly anything is padding; the network
    stays in memory for the next call. UserError where the folder is not usable.
    """
    tokenizer, network = sentence_encoder(Path(folder) if folder else minilm_folder())
    return vectors_of(texts, tokenizer, network, length)


def vectors_of(
    texts: Sequence[str], tokenizer: Tokenizer, network: keras.Model, length: int
) -> np.ndarray:
    """What `network` makes of each text, (texts, width) float32; batches have like lengths.

    network: from ids (batch, tokens), those of `tokenizer`, to vectors (batch, width). length: the
    most tokens of a text.
    """
    ids, counts = flat_ids(tokenizer, texts, length)
    starts = np.cumsum(counts) - counts
    vectors = np.zeros((len(counts), network.output.shape[-1]), "float32")
    for batch in batches_by_length(counts):
        places = np.arange(counts[batch].max())
        there = places < counts[batch, None]
        table = np.zeros(there.shape, "int32")
        table[there] = ids[(starts[batch, None] + places)[there]]
        vectors[batch] = network.predict_on_batch(table)
    return vectors


@functools.lru_cache(maxsize=2)
def sentence_encoder(folder: Path) -> tuple[Tokenizer, keras.Model]:
    """The tokenizer, and a model from ids (batch, tokens) to vectors (batch, width) of length 1."""
    encoder = load_bert(folder)
    ids = keras.Input((None,), name="ids", dtype="int32")
    hidden = encoder({"ids": ids, "segments": ops.zeros_like(ids)})
    vectors = layers.UnitNormalization(dtype="float32")(pooled(hidden, ids))
    return load_tokenizer(folder), keras.Model(ids, vectors, name="sentence_encoder")


def batches_by_length(counts: np.ndarray) -> list[np.ndarray]:
    """Row numbers in batches, the shortest rows first; each has at most BATCH_TOKENS as padded.

    counts: tokens of each row. A longer row makes a batch of its own.
    """
    order = np.argsort(counts, kind="stable")
    batches, first = [], 0
    for last, count in enumerate(counts[order]):
        if last > first and (last + 1 - first) * count > BATCH_TOKENS:
            batches.append(order[first:last])
            first = last
    return [*batches, order[first:]] if len(order) else []
