"""Attention, the Transformer and BERT: who sees what, weights read in, text to ids.

Gradients and Keras layer by layer: test_basics.py.
"""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmarks.from_scratch.compare import compare
from benchmarks.from_scratch.keras_bert import KerasBert
from common.from_scratch.attention import MultiHeadAttention, attend
from common.from_scratch.bert import Bert, SentenceEncoder, bert_of
from common.from_scratch.transformer import PositionEmbedding, TransformerBlock, sinusoids
from common.from_scratch.wordpiece import WordPiece
from common.models.bert import load_bert

SIZES = (11, 7, 8, 2, 2, 10)  # vocabulary, steps, width, blocks, heads, inner
IDS = np.array([[3, 1, 4, 1], [5, 9, 0, 0]])


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_a_query_equal_to_one_key_finds_its_value():
    key, value = 50 * np.eye(3), np.arange(6.0).reshape(3, 2)
    found, shares = attend(key[1:2], key, value)
    np.testing.assert_allclose(found, value[1:2], rtol=0, atol=1e-12)
    equal, shares = attend(np.zeros((1, 3)), key, value, np.array([[True, True, False]]))
    np.testing.assert_allclose(shares, [[0.5, 0.5, 0]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(equal, value[:2].mean(axis=0, keepdims=True), rtol=0, atol=1e-15)
    assert not attend(key, key, value, np.zeros((3, 3), bool))[1].any()


def test_no_step_sees_what_is_masked_or_comes_later(random):
    x, changed = random.normal(size=(2, 1, 5, 8))
    changed[:, :3] = x[:, :3]
    first_three = np.arange(5)[None] < 3
    causal = TransformerBlock(8, 2, 10, random, causal=True)
    assert np.array_equal(causal.forward(x)[:, :3], causal.forward(changed)[:, :3])
    open_block = TransformerBlock(8, 2, 10, random)
    assert not np.allclose(open_block.forward(x)[:, :3], open_block.forward(changed)[:, :3])
    masked = [open_block.forward(steps, mask=first_three)[:, :3] for steps in (x, changed)]
    assert np.array_equal(*masked)


def test_attention_starts_as_the_matrices_it_is_made_of(random):
    for value in MultiHeadAttention(256, 8, 32, random).all_parameters()[::2]:
        assert value.std() == pytest.approx((2 / (256 + 256)) ** 0.5, rel=0.01)


def test_sinusoids_are_rotated_by_a_move(random):
    table = sinusoids(20, 6).reshape(20, 3, 2).astype("float64")  # pairs (sin, cos)
    as_complex = table[..., 1] + 1j * table[..., 0]
    moved = as_complex[5:] / as_complex[:-5]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.angle(moved[0, 1]), 5 / 10000 ** (2 / 6), rtol=1e-5)


def test_wrong_sizes_are_refused(random):
    with pytest.raises(ValueError, match=r"width \(8\) has to be a multiple of heads \(3\)"):
        TransformerBlock(8, 3, 10, random)
    with pytest.raises(ValueError, match="at most 4 steps are expected, got 5"):
        PositionEmbedding(4, 8).forward(np.zeros((1, 5, 8)))


def test_bert_of_two_blocks_is_that_of_keras(random):
    ours = Bert(*SIZES, random)
    for value in ours.all_parameters():
        value += 0.2 * random.normal(size=value.shape)
    ours.astype("float64")
    outputs, gradients = compare(ours, KerasBert(*SIZES, "float64"), IDS.astype("int32"))
    assert outputs < 1e-10
    assert gradients < 1e-10


def test_segments_have_an_embedding_of_their_own(random):
    bert = Bert(*SIZES, random)
    first = bert.forward(IDS)
    assert np.array_equal(bert.forward(IDS, segments=np.zeros_like(IDS)), first)
    bert.parts["segments"].parameters["embeddings"][1] = 1 + np.arange(8)
    assert not np.allclose(bert.forward(IDS, segments=IDS % 2), first)


def test_padding_does_not_change_the_vector_of_a_text(random):
    encoder = SentenceEncoder(Bert(*SIZES, random).astype("float64"))
    vectors = encoder.forward(IDS)
    np.testing.assert_allclose(encoder.forward(IDS[1:, :2])[0], vectors[1], rtol=0, atol=1e-14)
    assert vectors.shape == (2, 8)


STORED_SIZES = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
STORED_SIZES += ("num_attention_heads", "intermediate_size")
STORED_SETTINGS = {
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}


def stored_weights(random):
    """Random weights by the names and in the shapes of Hugging Face's BertModel."""
    vocabulary, steps, width, blocks, _, inner = SIZES
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, width),
        "embeddings.position_embeddings.weight": (steps, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm": (width,),
    }
    for number in range(blocks):
        block = f"encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes[f"{block}.attention.{name}"] = (width, width)
        shapes[f"{block}.attention.output.LayerNorm"] = (width,)
        shapes[f"{block}.intermediate.dense"] = (inner, width)
        shapes[f"{block}.output.dense"] = (width, inner)
        shapes[f"{block}.output.LayerNorm"] = (width,)
    weights = {}
    for name, shape in shapes.items():
        if name.endswith("weight"):
            weights[name] = random.normal(size=shape)
        else:
            weights[f"{name}.weight"] = random.normal(size=shape)
            weights[f"{name}.bias"] = random.normal(size=shape[:1])
    return weights


def test_stored_weights_are_read_into_their_places(random, tmp_path):
    """Against the kit's encoder in Keras, which reads the same weights by itself."""
    weights = {name: array.astype("float32") for name, array in stored_weights(random).items()}
    save_file(weights, tmp_path / "model.safetensors")
    sizes = dict(zip(STORED_SIZES, SIZES, strict=True)) | STORED_SETTINGS
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    theirs = load_bert(tmp_path)({"ids": IDS, "segments": np.zeros_like(IDS)})
    difference = np.abs(bert_of(weights, heads=2).forward(IDS) - theirs.numpy())
    assert difference.max() < 1e-5


PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "play", "##ing", "##s", "cafe", "!", "$", "中", "a"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Playing PLAYS", ["play", "##ing", "play", "##s"]),
        ("Café\u0301, café!", ["cafe", "[UNK]", "cafe", "!"]),
        ("$a!!", ["$", "a", "!", "!"]),
        ("a中a", ["a", "中", "a"]),
        ("played", ["[UNK]"]),
        ("p\u00adlay\u200b\x00 \ufffd\t a\u00a0a", ["play", "a", "a"]),
        ("play" * 26, ["[UNK]"]),
        ("", []),
        ("a a a a a a a a a", ["a"] * 8),
    ],
)
def test_texts_are_split_into_the_longest_pieces(text, pieces):
    ids = WordPiece(PIECES, steps=10).encode([text])
    assert [PIECES[number] for number in ids[0]] == ["[CLS]", *pieces, "[SEP]"]


def test_shorter_texts_are_padded():
    ids = WordPiece(PIECES, steps=10).encode(["a", "plays a"])
    assert ids.tolist() == [[2, 11, 3, 0, 0], [2, 4, 6, 11, 3]]


def test_a_vocabulary_without_the_special_pieces_is_refused():
    with pytest.raises(ValueError, match=r"the vocabulary lacks \[UNK\], \[SEP\]"):
        WordPiece(["[PAD]", "[CLS]", "a"], steps=10)
