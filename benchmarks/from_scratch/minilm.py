"""MiniLM in NumPy: the sentence vectors of Keras, from the same file of weights?

    python -m benchmarks.from_scratch.minilm    minutes; writes benchmarks/from_scratch_minilm.md

all-MiniLM-L6-v2 is a BERT of 6 blocks and 22.7 million parameters that gives a vector to a text.
Both sides read the same arrays, and the same ids of headlines of BBC News. Where the package
tokenizers is installed, our ids are compared with its ids on all paragraphs of the articles.
"""

import json
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

from benchmarks.from_scratch.keras_bert import KerasBert, KerasSentenceEncoder
from common.from_scratch.bert import SentenceEncoder, bert_of
from common.from_scratch.layer import Array
from common.from_scratch.wordpiece import WordPiece
from notebooks.from_scratch.sources import bbc_articles, minilm_file

PAGE = Path(__file__).parents[1] / "from_scratch_minilm.md"
LIMIT = 1e-5
BATCH = 32
ROUNDS = 3


def encoders() -> tuple[SentenceEncoder, KerasSentenceEncoder]:
    """Both with the weights of the file."""
    config = json.loads(minilm_file("config.json").read_text())
    bert = bert_of(load_file(minilm_file("model.safetensors")), config["num_attention_heads"])
    ours = SentenceEncoder(bert)
    sizes = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
    sizes += ("num_attention_heads", "intermediate_size")
    theirs = KerasSentenceEncoder(KerasBert(*(config[size] for size in sizes), "float32"))
    theirs(np.ones((1, 2), "int32"))  # builds it
    for mine, other in zip(ours.all_parameters(), theirs.trainable_weights, strict=True):
        other.assign(mine)
    return ours, theirs


def in_batches(encode: Callable[[Array], Array], batches: list[Array]) -> tuple[Array, float]:
    """All vectors, and the seconds they took."""
    start = time.perf_counter()
    vectors = [np.asarray(encode(ids)) for ids in batches]
    return np.concatenate(vectors), time.perf_counter() - start


def differing_ids(pieces: WordPiece, texts: list[str]) -> int:
    """How many texts the package tokenizers turns to other ids."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(minilm_file("tokenizer.json")))
    tokenizer.no_padding()
    pairs = zip(texts, tokenizer.encode_batch(texts), strict=True)
    return sum(list(pieces.encode([text])[0]) != theirs.ids for text, theirs in pairs)


def main() -> None:
    articles = bbc_articles().sample(frac=1, random_state=0)
    texts, headlines = list(articles["text"]), list(articles["headline"][:1000])
    pieces = WordPiece(minilm_file("vocab.txt").read_text("utf-8").splitlines(), steps=128)
    starts = range(0, len(headlines), BATCH)
    batches = [pieces.encode(headlines[start : start + BATCH]) for start in starts]
    ours, theirs = encoders()
    graph = tf.function(theirs, input_signature=[tf.TensorSpec((None, None), tf.int32)])
    encode = {"NumPy": ours.forward, "Keras": graph}
    graph(batches[0])  # traces it
    rounds = [{name: in_batches(encode[name], batches) for name in encode} for _ in range(ROUNDS)]
    seconds = {name: statistics.median(told[name][1] for told in rounds) for name in encode}
    mine, other = rounds[0]["NumPy"][0][:200], rounds[0]["Keras"][0][:200]
    difference = float(np.abs(mine - other).max())
    steps = statistics.mean(ids.shape[1] for ids in batches)
    lines = [
        "# MiniLM in NumPy beside Keras",
        "",
        "Written by `python -m benchmarks.from_scratch.minilm`, which tells what is done.",
        "",
        f"Largest difference of the vectors of 200 headlines: {difference:.1e}; allowed: "
        f"{LIMIT:.0e}. The largest number in them is {np.abs(other).max():.2f}.",
        "",
        f"| {len(headlines)} headlines, {BATCH} a batch, {steps:.0f} steps in the mean | seconds, "
        f"median of {ROUNDS} |",
        "| --- | --- |",
        *(f"| {name} | {value:.1f} |" for name, value in seconds.items()),
    ]
    if find_spec("tokenizers"):
        paragraphs = [line for text in texts for line in text.split("\n") if line.strip()]
        foreign = [line for line in paragraphs if not line.isascii()]
        lines += [
            "",
            f"Paragraphs with other ids than those of the package tokenizers: "
            f"{differing_ids(pieces, paragraphs)} of {len(paragraphs)}, "
            f"{differing_ids(pieces, foreign)} of {len(foreign)} that are not ASCII.",
        ]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    if difference > LIMIT:
        raise SystemExit("The difference is larger than allowed.")


if __name__ == "__main__":
    main()
