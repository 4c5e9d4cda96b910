"""Networks for texts: against NumPy, against Keras with masks, and on orders of tokens drawn."""

import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from common.errors import UserError
from common.models.heads import Target, describe_target
from common.models.table import Table, Tokens
from common.models.text import (
    FEATURES,
    TOKEN_EMBEDDING,
    build_bag_of_ngrams,
    build_text_cnn,
    build_text_rnn,
    build_text_transformer,
)
from common.training.learner import Learner

BUILDERS = {
    "bag of tokens": partial(build_bag_of_ngrams, dimension=8, ngrams=1),
    "bag of trigrams": partial(build_bag_of_ngrams, dimension=8, ngrams=3, buckets=500),
    "cnn": partial(build_text_cnn, dimension=8, filters=6),
    "lstm": partial(build_text_rnn, dimension=8, units=5),
    "gru, last": partial(build_text_rnn, cell="gru", dimension=8, units=5, pooling="last"),
    "transformer": partial(build_text_transformer, blocks=1, dimension=8, heads=2),
}
WIDTHS = {"bag of tokens": 8, "bag of trigrams": 8, "cnn": 18, "lstm": 10, "gru, last": 10}
TARGETS = {
    "binary": Target("binary", (0.75, 0.25)),
    "multiclass": Target("multiclass", (0.5, 0.3, 0.2)),
    "regression": Target("regression", mean=3.0, deviation=2.0),
}
VOCABULARY, LENGTH = 40, 12
TABLE = Table(texts={"a review": Tokens(VOCABULARY, LENGTH)})
INPUT = "a.20.review_tokens"


def texts(*lengths: int) -> np.ndarray:
    """A row of random tokens for each length, padded to the longest."""
    generator = np.random.default_rng(0)
    ids = generator.integers(1, VOCABULARY, (len(lengths), max(lengths))).astype("int32")
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], ids, 0).astype("int32")


IDS = texts(1, 2, 3, 5, 9)


def answer(network: keras.Model, ids: np.ndarray, **more) -> np.ndarray:
    return np.asarray(network({INPUT: ids, **more}, training=False))


def features(network: keras.Model, ids: np.ndarray) -> np.ndarray:
    return answer(keras.Model(network.input, network.get_layer(FEATURES).output), ids)


def stir(network: keras.Model) -> None:
    """Give every weight a value of its own."""
    generator = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(generator.normal(1.0 * (weight.name == "gamma"), 0.4, weight.shape))


def weights(network: keras.Model, layer: str) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in network.get_layer(layer).weights]


@pytest.mark.parametrize(("name", "task"), [*zip(BUILDERS, [*TARGETS] * 2, strict=True)])
def test_padding_counts_for_nothing(name, task):
    network = BUILDERS[name](TABLE, TARGETS[task])
    stir(network)
    found = answer(network, IDS)
    assert found.shape == (5, 3 if task == "multiclass" else 1)
    assert np.ptp(found, axis=0).min() > 1e-3
    if task == "multiclass":
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    wider = np.pad(IDS, ((0, 0), (0, LENGTH - IDS.shape[1])))
    np.testing.assert_allclose(answer(network, wider), found, atol=1e-5)
    np.testing.assert_allclose(answer(network, IDS[:3, :3]), found[:3], atol=1e-5)
    np.testing.assert_allclose(answer(network, IDS[:1, :2]), found[:1], atol=1e-5)
    assert features(network, IDS).shape == (5, WIDTHS.get(name, 8))


def test_bag_of_ngrams_is_a_mean_of_vectors():
    network = BUILDERS["bag of trigrams"](TABLE, TARGETS["binary"])
    stir(network)
    (tokens,), (ngrams,) = weights(network, TOKEN_EMBEDDING), weights(network, "ngram_embedding")
    for row, found in zip(IDS, features(network, IDS), strict=True):
        text = [int(number) for number in row if number]
        vectors = [tokens[number] for number in text]
        for length in (2, 3):
            for start in range(len(text) - length + 1):
                number = 0
                for token in text[start : start + length]:
                    number = (number * 1009 + token) % 500
                vectors.append(ngrams[number + 1])
        assert len(vectors) == sum(max(len(text) - more, 0) for more in range(3))
        np.testing.assert_allclose(found, np.mean(vectors, axis=0), atol=1e-6)


def test_convolutions_are_those_of_numpy():
    network = BUILDERS["cnn"](TABLE, TARGETS["binary"])
    stir(network)
    (tokens,) = weights(network, TOKEN_EMBEDDING)
    kernels = [layer.get_weights() for layer in network.layers if isinstance(layer, layers.Conv1D)]
    for row, found in zip(IDS, features(network, IDS), strict=True):
        text, expected = tokens[row[row > 0]], []
        for kernel, bias in kernels:
            before = (len(kernel) - 1) // 2
            around = np.pad(text, ((before, len(kernel) - 1 - before), (0, 0)))
            windows = [around[start : start + len(kernel)] for start in range(len(text))]
            answers = np.einsum("nwd,wdf->nf", windows, kernel) + bias
            expected += np.maximum(answers, 0).max(axis=0).tolist()
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("pooling", ["max", "last"])
def test_recurrent_is_that_of_keras_with_masks(cell, pooling):
    """As Keras's own Bidirectional, which skips padding by masks, computes it."""
    network = build_text_rnn(TABLE, TARGETS["binary"], cell, 8, 5, pooling)
    stir(network)
    kind = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    both = layers.Bidirectional(kind(5, return_sequences=pooling == "max"))
    vectors = weights(network, TOKEN_EMBEDDING)[0][IDS]
    both.build(vectors.shape)
    both.set_weights([*weights(network, "forwards"), *weights(network, "backwards")])
    found = np.asarray(both(vectors, mask=IDS > 0))
    if pooling == "max":
        found = np.where(IDS[..., None] > 0, found, -np.inf).max(axis=1)
    np.testing.assert_allclose(features(network, IDS), found, atol=1e-5)


def drawn_orders(rows: int, anywhere: bool) -> tuple[np.ndarray, np.ndarray]:
    """Texts of 6 to 12 tokens that hold 1 2 (class 0) or 2 1 (class 1), anywhere or at first."""
    generator = np.random.default_rng(0)
    kinds = np.arange(rows) % 2
    ids = generator.integers(3, VOCABULARY, (rows, 12)).astype("int32")
    for row, kind in zip(ids, kinds, strict=True):
        length = generator.integers(6, 13)
        place = generator.integers(0, length - 1) if anywhere else 0
        row[place : place + 2] = (2, 1) if kind else (1, 2)
        row[length:] = 0
    return ids, kinds


LEARNED = {
    "bag of tokens": partial(build_bag_of_ngrams, ngrams=1, dropout=0),
    "bag of pairs": partial(build_bag_of_ngrams, dropout=0),
    "cnn": partial(build_text_cnn, dimension=16, filters=16, dropout=0),
    "lstm": partial(build_text_rnn, dimension=16, units=16, dropout=0),
    "transformer": partial(build_text_transformer, blocks=1, dimension=32, dropout=0),
}


@pytest.mark.parametrize("name", LEARNED)
def test_order_is_learned_by_all_but_the_bag_of_tokens(name):
    keras.utils.set_random_seed(0)
    # What stands where is easy to learn by attention, what stands beside what takes far longer.
    ids, kinds = drawn_orders(200, anywhere=name != "transformer")
    if name == "bag of tokens":  # it may learn whether a token is there
        ids[(kinds == 1)[:, None] & (ids == 2)] = 3
    target = describe_target(kinds, "binary", 2)
    learner = Learner.of(LEARNED[name](TABLE, target), target)
    rate, steps = (3e-3, 80) if name == "transformer" else (0.03, 40)
    learner.compile(keras.optimizers.Adam(rate))
    losses = [learner.train_on_batch({INPUT: ids}, kinds.astype("float32")) for _ in range(steps)]
    assert losses[0] == pytest.approx(np.log(2), abs=0.25)
    assert losses[-1] < 0.1 * losses[0]


def test_a_bag_of_tokens_knows_no_order():
    network = BUILDERS["bag of tokens"](TABLE, TARGETS["binary"])
    stir(network)
    one, other = np.array([[5, 1, 2, 7]], "int32"), np.array([[5, 2, 1, 7]], "int32")
    np.testing.assert_allclose(features(network, one), features(network, other), atol=1e-6)


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_columns_beside_the_text_count(name):
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, texts=TABLE.texts)
    network = BUILDERS[name](table, TARGETS["binary"])
    stir(network)
    assert set(network.input) == {INPUT, "numbers", "categories"}
    numbers, categories = np.zeros((5, 2), "float32"), np.zeros((5, 1), "int32")
    before = answer(network, IDS, numbers=numbers, categories=categories)
    changed = [
        answer(network, IDS[::-1], numbers=numbers, categories=categories),
        answer(network, IDS, numbers=numbers + 1, categories=categories),
        answer(network, IDS, numbers=numbers, categories=categories + 1),
    ]
    assert all(np.abs(other - before).max() > 1e-4 for other in changed)


def test_saved_networks_load_without_this_package(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    names = ["bag of trigrams", "cnn", "lstm", "transformer"]
    for number, name in enumerate(names):
        network = BUILDERS[name](TABLE, TARGETS["binary"])
        stir(network)
        network.save(tmp_path / f"{number}.keras")
        np.save(tmp_path / f"{number}.npy", answer(network, IDS))
    code = f"""if True:
        import sys
        import keras
        import numpy as np
        for number in range({len(names)}):
            network = keras.saving.load_model(f"{{number}}.keras", safe_mode=True)
            found = np.asarray(network({{"{INPUT}": np.load("ids.npy")}}, training=False))
            np.testing.assert_allclose(found, np.load(f"{{number}}.npy"), rtol=1e-4)
        assert "common" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["bag of trigrams", "cnn", "lstm"])
def test_sixteen_bits_give_nearly_the_same(name):
    answers = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        try:
            network = BUILDERS[name](TABLE, TARGETS["multiclass"])
        finally:
            keras.config.set_dtype_policy("float32")
        answers.append(answer(network, IDS))
    assert answers[1].dtype == np.float32
    assert np.abs(answers[0] - answers[1]).max() < 0.02


def test_vectors_from_elsewhere_start_the_embedding():
    network = BUILDERS["bag of tokens"](TABLE, TARGETS["binary"])
    vectors = np.random.default_rng(1).normal(size=(VOCABULARY, 8)).astype("float32")
    network.get_layer(TOKEN_EMBEDDING).set_weights([vectors])
    np.testing.assert_allclose(features(network, IDS[:1])[0], vectors[IDS[0, 0]], atol=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
def test_one_column_of_texts_is_read(name):
    two = Table(texts={"title": Tokens(9, 9), "body": Tokens(9, 9)})
    for table, message in ((two, r"2 columns of texts \(title, body\)"), (Table(), "0 columns")):
        with pytest.raises(UserError, match=message):
            BUILDERS[name](table, TARGETS["binary"])


def test_buckets_within_reach():
    for buckets in (0, 2**20 + 1):
        with pytest.raises(UserError, match=f"buckets is {buckets:,}"):
            build_bag_of_ngrams(TABLE, TARGETS["binary"], buckets=buckets)
    table = Table(texts={"text": Tokens(2**20, 5)})
    network = build_bag_of_ngrams(table, TARGETS["binary"], dimension=1, buckets=2**20)
    large = np.full((1, 5), 2**20 - 1, "int32")
    assert np.isfinite(np.asarray(network({"text_tokens": large}))).all()
