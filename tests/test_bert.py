"""BERT in Keras: against NumPy on real sentences, from files of several forms, under a head."""

import json

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import ndtr

from common.errors import UserError
from common.from_scratch.bert import bert_of
from common.from_scratch.wordpiece import WordPiece
from common.models import sentences
from common.models.bert import (
    BERT,
    FEATURES,
    bert_encoder,
    build_bert,
    freeze,
    gelu,
    load_bert,
    rate_factors,
)
from common.models.bert_weights import NAMES, BertConfig, minilm_folder, read_config
from common.models.heads import Target
from common.models.table import Table, Tokens
from common.training.learner import Learner
from notebooks.from_scratch.sources import bbc_articles

SMALL = BertConfig(vocabulary_size=40, positions=12, width=16, blocks=2, heads=2, inner=24)
TEXTS = {"review": Tokens(vocabulary_size=40, length=12)}
BINARY = Target("binary", (0.75, 0.25))
ACCENTS = [
    "Über den Dächern von Zürich fällt Schnee.",
    "Le café à côté de la forêt est fermé, paraît-il.",
    "A naïve résumé, Ångström's coöperation and the façade",
    "北京 means northern capital.",
    "¿Dónde está el niño?",
    "",
]


@pytest.fixture(scope="module")
def minilm():
    return load_bert(minilm_folder())


@pytest.fixture(scope="module")
def texts():
    """Headlines, an article, and texts with accents: in an order that is not that of length."""
    articles = bbc_articles()
    return [*articles["headline"][:5], articles["text"][0], *ACCENTS, *articles["headline"][5:8]]


@pytest.fixture(scope="module")
def ids(texts):
    vocabulary = (minilm_folder() / "vocab.txt").read_text("utf-8").split("\n")
    return WordPiece(vocabulary, steps=20).encode(texts)


def ids_of(*rows: list[int]) -> np.ndarray:
    table = np.zeros((len(rows), max(map(len, rows))), "int32")
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table


def stir(network: keras.Model) -> None:
    """Give every weight a value of its own, far from where it begins."""
    generator = np.random.default_rng(0)
    for weight in network.weights:
        if weight.dtype == "float32":
            change = generator.normal(0, 0.3, weight.shape)
            weight.assign(weight + change.astype("float32"))


def answer(network: keras.Model, ids: np.ndarray, **more) -> np.ndarray:
    return np.asarray(network({"review_tokens": ids, **more}, training=False))


def test_minilm_is_that_of_numpy_in_both_segments(minilm, ids):
    """The same file of weights, read and computed in NumPy alone; every other row is a pair."""
    ours = bert_of(load_file(minilm_folder() / "model.safetensors"), heads=12)
    segments = np.zeros_like(ids)
    segments[::2, 5:] = 1
    found = np.asarray(minilm({"ids": ids, "segments": segments}))
    expected = ours.forward(ids, segments=segments)
    assert np.abs(found - expected)[ids != 0].max() < 1e-5
    assert np.abs(expected).max() > 1


def test_vectors_of_texts_are_means_of_length_1(minilm, texts, ids, monkeypatch):
    """Whatever the batches: here several, one of them with a single text."""
    monkeypatch.setattr(sentences, "BATCH_TOKENS", 60)
    found = sentences.encode_texts(texts, length=20)
    hidden = np.asarray(minilm({"ids": ids, "segments": np.zeros_like(ids)}))
    there = (ids != 0)[..., None]
    expected = (hidden * there).sum(axis=1) / there.sum(axis=1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.shape == (len(texts), 384)
    assert found.dtype == np.float32
    filled = np.array([bool(text) for text in texts])  # the empty one counts as an unknown token
    assert np.abs(found - expected)[filled].max() < 1e-6
    assert sentences.encode_texts([]).shape == (0, 384)


def test_texts_of_like_meaning_have_like_vectors():
    cat, kitten, stocks = sentences.encode_texts(
        ["A cat is asleep on the sofa.", "The kitten naps.", "Shares fell sharply on Monday."]
    )
    assert cat @ kitten > 0.5
    assert cat @ stocks < 0.2


def test_batches_hold_every_row_once_and_few_tokens(monkeypatch):
    monkeypatch.setattr(sentences, "BATCH_TOKENS", 50)
    counts = np.random.default_rng(0).integers(1, 20, 200)
    counts[7] = 90  # alone in its batch
    batches = sentences.batches_by_length(counts)
    assert sorted(np.concatenate(batches)) == list(range(200))
    assert all(len(batch) * counts[batch].max() <= 50 for batch in batches[:-1])
    assert batches[-1].tolist() == [7]
    padded = sum(len(batch) * counts[batch].max() for batch in batches)
    assert padded < 1.1 * counts.sum()


@pytest.mark.parametrize("kind", ["gelu", "gelu_new"])
def test_gelu(kind):
    x = np.linspace(-6, 6, 101)
    exact = x * ndtr(x)
    by_tanh = x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    assert np.abs(exact - by_tanh).max() > 1e-4
    expected = exact if kind == "gelu" else by_tanh
    np.testing.assert_allclose(gelu(x.astype("float32"), kind), expected, atol=2e-6)


@pytest.fixture
def folder(tmp_path):
    """A small checkpoint with random weights, under the names of Hugging Face's BertModel."""
    config = {theirs: getattr(SMALL, ours) for ours, theirs in NAMES.items()}
    write_config(tmp_path, config | {"model_type": "bert", "architectures": ["BertModel"]})
    generator = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (40, 16),
        "embeddings.position_embeddings.weight": (12, 16),
        "embeddings.token_type_embeddings.weight": (2, 16),
        "embeddings.LayerNorm.weight": (16,),
        "embeddings.LayerNorm.bias": (16,),
        "pooler.dense.weight": (16, 16),
    }
    for block in ("encoder.layer.0", "encoder.layer.1"):
        for name in ("query", "key", "value"):
            shapes |= {f"{block}.attention.self.{name}.weight": (16, 16)}
            shapes |= {f"{block}.attention.self.{name}.bias": (16,)}
        for name, inputs, outputs in (
            ("attention.output", 16, 16),
            ("intermediate", 16, 24),
            ("output", 24, 16),
        ):
            shapes[f"{block}.{name}.dense.weight"] = (outputs, inputs)
            shapes[f"{block}.{name}.dense.bias"] = (outputs,)
            if outputs == 16:
                shapes[f"{block}.{name}.LayerNorm.weight"] = (16,)
                shapes[f"{block}.{name}.LayerNorm.bias"] = (16,)
    weights = {name: generator.normal(0, 0.5, shape) for name, shape in shapes.items()}
    write_weights(tmp_path, {name: array.astype("float32") for name, array in weights.items()})
    return tmp_path


def write_config(folder, config):
    (folder / "config.json").write_text(json.dumps(config))


def write_weights(folder, weights):
    save_file(weights, folder / "model.safetensors")


IDS = ids_of([3, 1, 4, 1, 5, 9], [2, 6, 5], [30, 39])


def encoded(folder) -> np.ndarray:
    return np.asarray(load_bert(folder)({"ids": IDS, "segments": np.zeros_like(IDS)}))


def test_other_names_and_several_files_hold_the_same(folder):
    weights = load_file(folder / "model.safetensors")
    expected = bert_of(weights, heads=2).forward(IDS)
    np.testing.assert_allclose(encoded(folder)[IDS != 0], expected[IDS != 0], atol=1e-5)

    older = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed = {}
    for name, array in weights.items():
        for new, old in older.items():
            name = name.replace(new, old)
        renamed[f"bert.{name}"] = array
    (folder / "model.safetensors").unlink()
    places = {name: f"part-{number % 2}.safetensors" for number, name in enumerate(renamed)}
    for part in ("part-0.safetensors", "part-1.safetensors"):
        save_file({name: renamed[name] for name in renamed if places[name] == part}, folder / part)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    np.testing.assert_allclose(encoded(folder)[IDS != 0], expected[IDS != 0], atol=1e-5)


def test_settings_of_the_file_count(folder):
    config = json.loads((folder / "config.json").read_text())
    exact = encoded(folder)
    for changed in ({"hidden_act": "gelu_new"}, {"hidden_act": "relu"}, {"layer_norm_eps": 0.1}):
        write_config(folder, config | changed)
        assert np.abs(encoded(folder) - exact).max() > 1e-4
    assert read_config(folder).epsilon == 0.1


def without(folder, name):
    (folder / name).unlink()


def changed_config(folder, **changed):
    config = json.loads((folder / "config.json").read_text()) | changed
    write_config(folder, {name: value for name, value in config.items() if value is not None})


def changed_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    write_weights(folder, weights)


def only_pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


DAMAGES = {
    "config.json is missing; there is: model.safetensors": lambda f: without(f, "config.json"),
    "model.safetensors is missing; there is: config.json": lambda f: without(
        f, "model.safetensors"
    ),
    r"safe_serialization=True\) writes the safe form": only_pickled,
    "model_type is 'roberta'; 'bert' was expected": lambda f: changed_config(
        f, model_type="roberta"
    ),
    "model_type is 'distilbert'": lambda f: changed_config(f, model_type="distilbert"),
    "position_embedding_type is 'relative_key'": lambda f: changed_config(
        f, position_embedding_type="relative_key"
    ),
    "pad_token_id is 1": lambda f: changed_config(f, pad_token_id=1),
    "lacks 'hidden_size'": lambda f: changed_config(f, hidden_size=None),
    r"config.json cannot be used: width \(16\) has to be a multiple of heads \(3\)": (
        lambda f: changed_config(f, num_attention_heads=3)
    ),
    "activation 'silu' is none of": lambda f: changed_config(f, hidden_act="silu"),
    r"has the shape \(40, 16\) for embeddings.word_embeddings.weight, where \(41, 16\)": (
        lambda f: changed_config(f, vocab_size=41)
    ),
    "lacks encoder.layer.2.attention.self.query.weight": lambda f: changed_config(
        f, num_hidden_layers=3
    ),
    "lacks encoder.layer.1.output.LayerNorm.weight": lambda f: changed_weights(
        f, lambda weights: weights.pop("encoder.layer.1.output.LayerNorm.weight")
    ),
    "model.safetensors cannot be read": lambda f: (f / "model.safetensors").write_bytes(b"{}"),
    "config.json cannot be read": lambda f: (f / "config.json").write_text("{"),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_folders_that_are_refused(folder, message):
    DAMAGES[message](folder)
    with pytest.raises(UserError, match=message):
        load_bert(folder)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_answer_is_a_head_on_the_pooled_vector(folder, pooling):
    """Against NumPy, and the same for the same text in a wider batch."""
    network = build_bert(Table(texts=TEXTS), BINARY, folder, pooling)
    hidden = bert_of(load_file(folder / "model.safetensors"), heads=2).forward(IDS)
    there = (IDS != 0)[..., None]
    mean = (hidden * there).sum(axis=1) / there.sum(axis=1)
    pooled = hidden[:, 0] if pooling == "cls" else mean
    kernel, bias = (np.asarray(each) for each in network.get_layer("learned").get_weights())
    expected = 1 / (1 + np.exp(-(pooled @ kernel + bias)))
    np.testing.assert_allclose(answer(network, IDS), expected, atol=1e-6)
    wide = np.pad(IDS, ((0, 0), (0, 6)))
    np.testing.assert_allclose(answer(network, wide), expected, atol=1e-6)
    features = keras.Model(network.input, network.get_layer(FEATURES).output)
    np.testing.assert_allclose(answer(features, IDS), pooled, atol=1e-5)


def test_columns_beside_the_text_count():
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, texts=TEXTS)
    network = build_bert(table, Target("multiclass", (0.5, 0.3, 0.2)), SMALL)
    stir(network)
    numbers, categories = np.zeros((3, 2), "float32"), np.zeros((3, 1), "int32")
    before = answer(network, IDS, numbers=numbers, categories=categories)
    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-6)
    for changed in (
        answer(network, IDS - (IDS > 1), numbers=numbers, categories=categories),
        answer(network, IDS, numbers=numbers + 1, categories=categories),
        answer(network, IDS, numbers=numbers, categories=categories + 1),
    ):
        assert np.abs(changed - before).max() > 1e-4


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table(texts={"review": Tokens(41, 12)}), "ids up to 40, but this BERT knows 40"),
        (Table(texts={"review": Tokens(40, 13)}), "up to 13 tokens, but this BERT has 12"),
        (Table(texts=TEXTS | {"title": Tokens(40, 12)}), "one column of texts, not 2"),
        (Table(), "one column of texts, not 0"),
    ],
)
def test_tables_that_do_not_fit(table, message):
    with pytest.raises(UserError, match=message):
        build_bert(table, BINARY, SMALL)


def moved(network: keras.Model) -> dict[str, float]:
    """How far each layer of the BERT inside goes in one step of training."""
    target = (np.arange(len(IDS)) % 2).astype("float32")
    learner = Learner.of(network, BINARY)
    learner.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    layers = [layer for layer in network.get_layer(BERT).layers if layer.weights]
    before = {layer.name: layer.get_weights() for layer in layers}
    learner.train_on_batch({"review_tokens": IDS}, target)
    return {
        layer.name: max(
            np.abs(new - old).max()
            for new, old in zip(layer.get_weights(), before[layer.name], strict=True)
        )
        for layer in layers
    }


def test_frozen_layers_stay():
    for blocks in (None, 0, 1):
        network = build_bert(Table(texts=TEXTS), BINARY, SMALL, frozen_blocks=blocks)
        learning = {name for name, far in moved(network).items() if far > 0}
        everything = {layer.name for layer in network.get_layer(BERT).layers if layer.weights}
        embeddings = {name for name in everything if name.startswith(("word", "seg", "pos", "emb"))}
        first = {name for name in everything if name.startswith("block_1_")}
        assert len(embeddings) == 4
        assert len(first) == 8
        frozen = {None: set(), 0: embeddings, 1: embeddings | first}[blocks]
        assert learning == everything - frozen


def test_rates_fall_from_block_to_block():
    network = build_bert(Table(texts=TEXTS), BINARY, SMALL)
    factors = rate_factors(network, 0.5)
    assert factors["block_2_norm/gamma"] == factors["block_2_query/kernel"] == 0.5
    assert factors["block_1_narrow/bias"] == 0.25
    assert factors["word_embedding/embeddings"] == factors["embedding_norm/beta"] == 0.125
    assert set(factors) < {weight.path for weight in network.trainable_weights}
    freeze(network, 1)
    assert set(rate_factors(network, 0.5).values()) == {0.5}
    with pytest.raises(UserError, match="has no BERT inside"):
        rate_factors(keras.Sequential([keras.Input((1,))], name="empty"), 0.5)


def test_shares_of_attention_are_to_be_seen():
    encoder = bert_encoder(SMALL)
    stir(encoder)
    shares = keras.Model(encoder.input, encoder.get_layer("block_2_shares").output)
    found = np.asarray(shares({"ids": IDS, "segments": np.zeros_like(IDS)}))
    assert found.shape == (3, 2, 6, 6)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert found[1, :, :, 3:].max() == 0
    assert found[1, :, :, :3].min() > 0
