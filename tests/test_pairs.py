"""Networks for pairs of texts: against NumPy and loops, whatever the padding; their losses."""

import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from common.errors import UserError
from common.models.bert import FEATURES, bert_encoder, load_bert
from common.models.bert_weights import BertConfig, minilm_folder, word_vectors
from common.models.heads import Target, describe_target
from common.models.pair_losses import contrastive_loss, in_batch_negatives_loss, triplet_loss
from common.models.pairs import (
    COSINE_MIDDLE,
    COSINE_SCALE,
    TOWER,
    build_bert_bi_encoder,
    build_bert_cross_encoder,
    build_dssm,
    build_sentence_vectors,
    one_row,
)
from common.models.pairs_by_token import (
    SHARPNESS,
    aligned,
    build_decomposable_attention,
    build_esim,
    build_knrm,
    build_match_pyramid,
    kernel_places,
    largest_of_parts,
    mean_and_largest,
)
from common.models.table import Table, Tokens
from common.pairs import PairConfig
from common.training.learner import Learner
from common.training.part import Part
from common.training.transfer import head_alone

BERT = BertConfig(vocabulary_size=30, positions=24, width=16, blocks=1, heads=2, inner=24)
BUILDERS = {
    "dssm": partial(build_dssm, dimension=8, hidden_units=(8,)),
    "match_pyramid": partial(build_match_pyramid, dimension=8, filters=(3, 4), cells=(2, 3)),
    "knrm": partial(build_knrm, dimension=8),
    "decomposable_attention": partial(build_decomposable_attention, dimension=8, units=8),
    "esim": partial(build_esim, dimension=8, units=4),
    "sentence_vectors": partial(build_sentence_vectors, source=BERT),
    "bert_bi_encoder": partial(build_bert_bi_encoder, source=BERT),
    "bert_cross_encoder": partial(build_bert_cross_encoder, source=BERT),
}
TEXTS = {"headline": Tokens(30, 8), "article": Tokens(30, 12)}
TABLE = Table(texts=TEXTS)
BINARY = Target("binary", (0.75, 0.25))


def ids_of(*rows: list[int]) -> np.ndarray:
    table = np.zeros((len(rows), max(map(len, rows))), "int32")
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table


FIRST = ids_of([2, 5, 6, 3], [2, 7, 3], [2, 11, 12, 13, 14, 3])
SECOND = ids_of([2, 5, 6, 7, 8, 9, 3], [2, 20, 21, 3], [2, 14, 3])


def stirred(name: str, table: Table = TABLE, target: Target = BINARY, **settings) -> keras.Model:
    """A network in which every weight has a value of its own."""
    keras.utils.set_random_seed(0)
    network = BUILDERS[name](table, target, **settings)
    generator = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign_add(generator.normal(0, 0.2, weight.shape).astype("float32"))
    return network


def answer(network: keras.Model, first=FIRST, second=SECOND, **more) -> np.ndarray:
    inputs = {"headline_tokens": first, "article_tokens": second, **more}
    return np.asarray(network(inputs, training=False))


def features(network: keras.Model) -> np.ndarray:
    return answer(keras.Model(network.input, network.get_layer(FEATURES).output))


@pytest.mark.parametrize("name", BUILDERS)
def test_padding_does_not_count_and_both_texts_do(name):
    network = stirred(name)
    found = answer(network)
    assert found.shape == (3, 1)
    assert ((found > 0) & (found < 1)).all()
    assert np.ptp(found) > 1e-4
    wide = [np.pad(ids, ((0, 0), (0, more))) for ids, more in ((FIRST, 2), (SECOND, 5))]
    np.testing.assert_allclose(answer(network, *wide), found, atol=2e-6)
    changed = np.where(FIRST == 5, 25, FIRST), np.where(SECOND == 21, 25, SECOND)
    moved = np.abs(answer(network, *changed) - found)[:, 0]
    assert moved[0] > 1e-6  # by the first text
    assert moved[1] > 1e-6  # by the second
    np.testing.assert_allclose(moved[2], 0, atol=2e-6)


@pytest.mark.parametrize("name", ["dssm", "knrm", "sentence_vectors"])  # of each kind of head
def test_columns_of_the_row_count(name):
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, texts=TEXTS)
    network = stirred(name, table, Target("multiclass", (0.5, 0.3, 0.2)))
    numbers, categories = np.zeros((3, 2), "float32"), np.zeros((3, 1), "int32")
    found = answer(network, numbers=numbers, categories=categories)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    for changed in ((numbers + 1, categories), (numbers, categories + 1)):
        other = answer(network, numbers=changed[0], categories=changed[1])
        assert np.abs(other - found).max() > 1e-3


@pytest.mark.parametrize("name", ["dssm", "bert_bi_encoder"])
def test_towers_give_vectors_whose_cosine_decides(name):
    network = BUILDERS[name](TABLE, BINARY)
    tower = network.get_layer(TOWER)
    first, second = np.asarray(tower(FIRST)), np.asarray(tower(SECOND))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    logits = COSINE_SCALE * ((first * second).sum(axis=1) - COSINE_MIDDLE) + np.log(0.25 / 0.75)
    np.testing.assert_allclose(answer(network)[:, 0], 1 / (1 + np.exp(-logits)), atol=1e-6)
    np.testing.assert_allclose(answer(network, SECOND, FIRST), answer(network), atol=1e-6)
    same = answer(network, FIRST, FIRST)
    expected = 1 / (1 + 3 * np.exp(-COSINE_SCALE * (1 - COSINE_MIDDLE)))
    np.testing.assert_allclose(same, expected, atol=1e-6)


def test_sentence_vectors_start_as_their_cosine_and_learn_in_the_head_alone():
    network = BUILDERS["sentence_vectors"](TABLE, BINARY)
    vector = network.get_layer("sentence_vector")
    first, second = np.asarray(vector(FIRST)), np.asarray(vector(SECOND))
    cosine = (first * second).sum(axis=1)
    logits = COSINE_SCALE * (cosine - COSINE_MIDDLE) + np.log(0.25 / 0.75)
    np.testing.assert_allclose(answer(network)[:, 0], 1 / (1 + np.exp(-logits)), atol=1e-5)
    width = first.shape[1]
    expected = np.hstack([first * second - COSINE_MIDDLE / width, np.abs(first - second)])
    np.testing.assert_allclose(features(network), expected * np.sqrt(width), atol=1e-5)
    config = PairConfig(model="sentence-vectors", loss="pairs")
    (stage,) = head_alone(config, network, TABLE, BINARY)
    part = Part({"headline_tokens": FIRST, "article_tokens": SECOND}, np.zeros(3, "float32"))
    of_head = stage.network(stage.taken(part).inputs, training=False)
    np.testing.assert_allclose(np.asarray(of_head), answer(network), atol=1e-5)
    stage.network.trainable_weights[0].assign_add(np.ones((2 * width, 1)))
    learned = np.asarray(stage.network(stage.taken(part).inputs, training=False))
    stage.finish()
    assert np.abs(learned - answer(network)).max() < 1e-5 < np.abs(learned - of_head).max()


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_knrm_is_its_formula():
    network = stirred("knrm")
    table = unit(np.asarray(network.get_layer("token_embedding").embeddings, "float64"))
    expected = np.zeros((3, 11))
    for pair, (first, second) in enumerate(zip(FIRST, SECOND, strict=True)):
        for query in first[first > 0]:
            for kernel in range(11):
                centre, deviation = (1, 0.001) if kernel == 0 else (1.1 - 0.2 * kernel, 0.1)
                count = sum(
                    np.exp(-((table[query] @ table[word] - centre) ** 2) / (2 * deviation**2))
                    for word in second[second > 0]
                )
                expected[pair, kernel] += np.log(max(count, 1e-10)) / 10
        expected[pair] /= (first > 0).sum()
    np.testing.assert_allclose(features(network), expected, atol=1e-4)
    assert expected[0, 0] > expected[1, 0] + 0.2  # more tokens in common
    np.testing.assert_allclose(kernel_places(3)[0], [1, 0.5, -0.5])


def test_decomposable_attention_is_its_formula():
    network = stirred("decomposable_attention")

    def dense(part, x):
        for layer in network.get_layer(part).layers:
            if layer.weights:
                kernel, bias = (np.asarray(each, "float64") for each in layer.get_weights())
                x = np.maximum(x @ kernel + bias, 0)
        return x

    def softmax(scores):
        shares = np.exp(scores)
        return shares / shares.sum(axis=-1, keepdims=True)

    table = network.get_layer("token_embedding").get_weights()[0].astype("float64")
    table = table @ network.get_layer("project").get_weights()[0]
    expected = []
    for first, second in zip(FIRST, SECOND, strict=True):
        a, b = table[first[first > 0]], table[second[second > 0]]
        scores = SHARPNESS * cosine_similarity(dense("attend", a), dense("attend", b))
        for_a, for_b = softmax(scores) @ b, softmax(scores.T) @ a
        seen_a = dense("compare", np.hstack([a, for_a])).mean(axis=0)
        seen_b = dense("compare", np.hstack([b, for_b])).mean(axis=0)
        expected.append(dense("aggregate", np.hstack([seen_a, seen_b])))
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(features(network), expected, rtol=1e-4, atol=1e-5)


def test_alignment_and_pooling_leave_padding_out():
    generator = np.random.default_rng(0)
    shapes = ((*ids.shape, 5) for ids in (FIRST, SECOND))
    a, b = (generator.normal(size=shape).astype("float32") for shape in shapes)
    for_a, for_b = (np.asarray(each) for each in aligned(a, b, a, b, FIRST, SECOND))
    mean, largest = (np.asarray(each) for each in mean_and_largest(b, SECOND))
    for pair in range(3):
        n, m = (FIRST[pair] > 0).sum(), (SECOND[pair] > 0).sum()
        shares = np.exp(SHARPNESS * cosine_similarity(a[pair, :n], b[pair, :m]))
        mean_of_b = shares @ b[pair, :m] / shares.sum(axis=1)[:, None]
        mean_of_a = shares.T @ a[pair, :n] / shares.sum(axis=0)[:, None]
        np.testing.assert_allclose(for_a[pair, :n], mean_of_b, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(for_b[pair, :m], mean_of_a, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(mean[pair], b[pair, :m].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(largest[pair], b[pair, :m].max(axis=0), atol=1e-6)


def test_dynamic_pooling_cuts_each_text_into_equal_parts():
    generator = np.random.default_rng(0)
    ids = ids_of(list(range(1, 8)), [1, 2], [1, 2, 3, 4])
    picture = generator.uniform(size=(3, 7, 5, 2)) * (ids != 0)[:, :, None, None]
    found = np.asarray(largest_of_parts(picture.astype("float32"), ids, 3, axis=1))
    assert found.shape == (3, 3, 5, 2)
    for row, parts in enumerate(([[0, 1, 2], [3, 4], [5, 6]], [[0], [1], []], [[0, 1], [2], [3]])):
        for part, places in enumerate(parts):
            expected = picture[row, places].max(axis=0) if places else np.zeros((5, 2))
            np.testing.assert_allclose(found[row, part], expected, rtol=1e-6)
    other = np.asarray(largest_of_parts(picture.swapaxes(1, 2).astype("float32"), ids, 3, axis=2))
    np.testing.assert_array_equal(other, found.swapaxes(1, 2))


def test_a_cross_encoder_reads_the_pair_as_one_row():
    ids, segments = (np.asarray(each) for each in one_row(FIRST, SECOND))
    expected = [
        [*first[first > 0], *second[second > 0][1:]]
        for first, second in zip(FIRST.tolist(), SECOND.tolist(), strict=False)
        for first, second in [(np.array(first), np.array(second))]
    ]
    np.testing.assert_array_equal(ids, np.pad(ids_of(*expected), ((0, 0), (0, 2))))
    lengths = (FIRST > 0).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(segments, (ids > 0) & (np.arange(ids.shape[1]) >= lengths))

    network = stirred("bert_cross_encoder")
    encoder = bert_encoder(BERT)
    encoder.set_weights(network.get_layer("bert").get_weights())
    packed = ids_of(*expected)
    hidden = np.asarray(encoder({"ids": packed, "segments": segments[:, : packed.shape[1]]}))
    there = (packed > 0)[..., None]
    mean = (hidden * there).sum(axis=1) / there.sum(axis=1)
    np.testing.assert_allclose(features(network), mean, atol=1e-5)
    assert np.abs(answer(network, SECOND, FIRST) - answer(network)).max() > 1e-5


@pytest.mark.parametrize(
    "build",
    [
        partial(build_dssm, dimension=32, hidden_units=(), dropout=0),
        partial(build_match_pyramid, dimension=8, filters=(4,), cells=(2, 2), dropout=0),
        partial(build_knrm, dimension=32),
    ],
)
def test_a_token_in_both_texts_is_found(build):
    """Learned from 4,096 pairs and asked of 1,024 others."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    first = generator.integers(1, 30, (5120, 3)).astype("int32")
    second = generator.integers(1, 30, (5120, 4)).astype("int32")
    both = (first[:, :, None] == second[:, None]).any(axis=(1, 2))
    assert 0.3 < both.mean() < 0.5
    target = describe_target(both, "binary", 2)
    network = build(TABLE, target)
    learner = Learner.of(network, target)
    learner.compile(keras.optimizers.Adam(0.03))
    inputs = {"headline_tokens": first[:4096], "article_tokens": second[:4096]}
    learner.fit(inputs, both[:4096].astype("float32"), batch_size=128, epochs=6, verbose=0)
    found = answer(network, first[4096:], second[4096:])[:, 0] > 0.5
    assert (found == both[4096:]).mean() > 0.9


def test_saved_networks_load_without_this_package(tmp_path):
    for name in BUILDERS:
        network = stirred(name)
        network.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", answer(network))
    np.savez(tmp_path / "inputs.npz", headline_tokens=FIRST, article_tokens=SECOND)
    code = f"""if True:
        import sys
        import keras
        import numpy as np
        inputs = dict(np.load("inputs.npz"))
        for name in {list(BUILDERS)}:
            network = keras.saving.load_model(f"{{name}}.keras", safe_mode=True)
            found = np.asarray(network(inputs, training=False))
            np.testing.assert_allclose(found, np.load(f"{{name}}.npy"), rtol=1e-5)
        assert "common" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["bert_bi_encoder", "bert_cross_encoder"])
def test_blocks_of_a_bert_can_be_frozen(name):
    network = BUILDERS[name](TABLE, BINARY, frozen_blocks=0)
    learning = {weight.path for weight in network.trainable_weights}
    assert "block_1_query/kernel" in learning
    assert "word_embedding/embeddings" not in learning


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("knrm", {"headline": Tokens(30, 8)}, "Two columns of texts are compared; .* headline"),
        ("knrm", {}, "has none"),
        ("dssm", {"a": Tokens(30, 8), "b": Tokens(31, 8)}, "vocabularies of 30 and 31 tokens"),
        ("bert_bi_encoder", {"a": Tokens(31, 8), "b": Tokens(31, 8)}, "ids up to 30"),
        ("bert_bi_encoder", {"a": Tokens(30, 8), "b": Tokens(30, 25)}, "texts of b make .* 25"),
        ("bert_cross_encoder", {"a": Tokens(30, 10), "b": Tokens(30, 16)}, "a and b make .* 25"),
    ],
)
def test_tables_that_do_not_fit(name, texts, message):
    with pytest.raises(UserError, match=message):
        BUILDERS[name](Table(texts=texts), BINARY)


@pytest.fixture(scope="module")
def vectors():
    generator = np.random.default_rng(0)
    return [unit(generator.normal(size=(rows, 6))).astype("float32") for rows in (4, 4, 7)]


def test_contrastive_loss(vectors):
    first, second, _ = vectors
    together = np.array([1, 0, 0, 1])
    total = 0
    for a, b, same in zip(first, second, together, strict=True):
        distance = np.linalg.norm(a - b)
        total += distance**2 if same else max(0, 1.5 - distance) ** 2
    assert float(contrastive_loss(first, second, together, 1.5)) == pytest.approx(
        total / 4, rel=1e-5
    )
    assert float(contrastive_loss(first, first, np.ones(4))) == 0
    assert float(contrastive_loss(first, first, np.zeros(4), 0.5)) == pytest.approx(0.25, rel=1e-4)
    assert float(contrastive_loss(first, -first, np.zeros(4))) == 0


def test_triplet_loss(vectors):
    anchor, match, others = vectors
    total = 0
    for a, m, o in zip(anchor, match, others[:4], strict=True):
        total += max(0, ((a - m) ** 2).sum() - ((a - o) ** 2).sum() + 0.3)
    assert float(triplet_loss(anchor, match, others[:4], 0.3)) == pytest.approx(total / 4, rel=1e-5)
    assert float(triplet_loss(anchor, anchor, -anchor)) == 0
    assert float(triplet_loss(anchor, match, match, 0.3)) == pytest.approx(0.3, rel=1e-5)


@pytest.mark.parametrize("candidates", [4, 7])
def test_in_batch_negatives_loss(vectors, candidates):
    first, second = vectors[0], vectors[2][:candidates]
    total = 0
    for row in range(4):
        likes = np.exp(first[row] @ second.T / 0.1)
        total -= np.log(likes[row] / likes.sum())
    assert float(in_batch_negatives_loss(first, second, 0.1)) == pytest.approx(total / 4, rel=1e-4)
    same = np.repeat(first[:1], candidates, axis=0)
    assert float(in_batch_negatives_loss(first, same)) == pytest.approx(
        np.log(candidates), rel=1e-5
    )
    corners = np.eye(candidates, dtype="float32")
    assert float(in_batch_negatives_loss(corners[:4], corners)) < 1e-6


@pytest.mark.parametrize(
    "name", ["dssm", "match_pyramid", "knrm", "decomposable_attention", "esim"]
)
def test_vectors_learned_elsewhere_are_used_and_stay(name):
    vectors = np.random.default_rng(1).normal(size=(30, 6)).astype("float32")
    network = BUILDERS[name](TABLE, BINARY, vectors=vectors)
    keras.utils.set_random_seed(0)
    learner = Learner.of(network, BINARY)
    learner.compile(keras.optimizers.Adam(0.1))
    before = answer(network)
    inputs = {"headline_tokens": FIRST, "article_tokens": SECOND}
    learner.fit(inputs, np.array([1.0, 0.0, 1.0], "float32"), epochs=2, verbose=0)
    assert np.abs(answer(network) - before).max() > 1e-3
    kept = [
        weight for weight in network.weights if weight.path.endswith("token_embedding/embeddings")
    ]
    np.testing.assert_array_equal(kept[0], vectors)
    others = np.random.default_rng(2).normal(size=(30, 6)).astype("float32")
    other = BUILDERS[name](TABLE, BINARY, vectors=others)
    for weight, source in zip(other.trainable_weights, network.trainable_weights, strict=True):
        weight.assign(source)
    assert np.abs(answer(other) - answer(network)).max() > 1e-5


def test_word_vectors_of_minilm_are_those_of_its_encoder():
    folder = minilm_folder()
    vectors = word_vectors(folder)
    (own,) = load_bert(folder).get_layer("word_embedding").get_weights()
    scale = own[7] / vectors[7]
    np.testing.assert_allclose(scale, scale[0], rtol=1e-4)
    np.testing.assert_allclose(vectors * scale[0], own, rtol=1e-4)
    assert np.linalg.norm(vectors, axis=1).mean() == pytest.approx(1, abs=1e-4)
