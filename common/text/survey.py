"""What there is to know of a column of texts before training: lengths, what is cut off or unknown.

Near copies of texts, which must not stand in two parts, are found by common/data/texts.py.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from common.data.checks import Finding
from common.data.dataset import PARTS
from common.text.tokenizer import UNKNOWN, flat_ids

MUCH_CUT = 0.1  # share of texts that are longer than what is read
MUCH_UNKNOWN, MOSTLY_UNKNOWN = 0.05, 0.2  # shares of tokens
SAMPLE, BEGINNING = 20_000, 500  # texts and characters of each in which letters are counted
RARE_SCRIPT = 0.001  # share of letters below which a script is not named


def survey_texts(
    texts: pd.Series, part: np.ndarray, tokenizer: Tokenizer, length: int
) -> list[Finding]:
    """What is worth knowing of texts (rows,) of the parts `part` (rows,), "train" and so on.

    tokenizer, length: those that `token_ids` is to use. The texts are "" where they are missing.
    """
    ids, counts = flat_ids(tokenizer, texts)
    part_of_token = np.repeat(part, counts)
    return [
        *check_empty(texts, part),
        *check_lengths(texts, counts),
        *check_cut(counts, part, length),
        *check_unknown(ids == tokenizer.token_to_id(UNKNOWN), part_of_token),
        *check_vocabulary(ids, part_of_token, tokenizer.get_vocab_size()),
        *check_scripts(texts),
    ]


def check_empty(texts: pd.Series, part: np.ndarray) -> Iterator[Finding]:
    """Texts that hold nothing but white space."""
    empty = (texts.str.strip() == "").to_numpy()
    told = ", ".join(f"{name} {empty[part == name].sum():,}" for name in PARTS)
    level = "note" if empty.any() else "ok"
    yield Finding("empty texts", level, f"Texts without anything but white space: {told}.")


def check_lengths(texts: pd.Series, tokens: np.ndarray) -> Iterator[Finding]:
    """The middle, the upper twentieth and the longest, in characters and in tokens."""
    told = [
        f"half have at most {int(np.median(lengths)):,} {unit}, 95 % at most "
        f"{int(np.quantile(lengths, 0.95)):,}, the longest {lengths.max():,}"
        for unit, lengths in (("characters", texts.str.len().to_numpy()), ("tokens", tokens))
    ]
    yield Finding("lengths of texts", "ok", f"Of {len(texts):,} texts {'; '.join(told)}.")


def check_cut(tokens: np.ndarray, part: np.ndarray, length: int) -> Iterator[Finding]:
    """Texts of which the end is not read, and the share of all tokens that goes with it."""
    shares = by_part(tokens > length, part)
    lost = np.maximum(tokens - length, 0).sum() / tokens.sum()
    yield Finding(
        "texts cut off",
        "note" if max(shares.values()) > MUCH_CUT else "ok",
        f"Texts of more than {length:,} tokens, of which the rest is not read: {percent(shares)}; "
        f"with them go {lost:.1%} of all tokens.",
    )


def check_unknown(unknown: np.ndarray, part_of_token: np.ndarray) -> Iterator[Finding]:
    """Tokens that the vocabulary lacks."""
    shares = by_part(unknown, part_of_token)
    worst = max(shares.values())
    advice = (
        " In scripts without blanks between words choose characters as units, or set the blanks "
        "by a segmenter first."
        if worst > MOSTLY_UNKNOWN
        else ""
    )
    yield Finding(
        "unknown tokens",
        "alarm" if worst > MOSTLY_UNKNOWN else "note" if worst > MUCH_UNKNOWN else "ok",
        f"Tokens that the vocabulary lacks: {percent(shares)}.{advice}",
    )


def check_vocabulary(
    ids: np.ndarray, part_of_token: np.ndarray, vocabulary_size: int
) -> Iterator[Finding]:
    """How much of the vocabulary training can learn, and what the test texts use beyond it."""
    train = np.unique(ids[part_of_token == "train"])
    fresh = np.setdiff1d(ids[part_of_token == "test"], train)
    yield Finding(
        "vocabulary",
        "ok",
        f"Of the {vocabulary_size:,} entries of the vocabulary the training texts use "
        f"{len(train):,}; the test texts use {len(fresh):,} others.",
    )


def check_scripts(texts: pd.Series) -> Iterator[Finding]:
    """In which scripts the letters are, which tells something of the languages."""
    places = np.linspace(0, len(texts) - 1, min(SAMPLE, len(texts))).astype(int)
    letters = Counter()
    for text in texts.iloc[places].str.slice(0, BEGINNING):
        letters.update(text)
    scripts = Counter()
    for character, count in letters.items():
        if character.isalpha():
            scripts[script_of(character)] += count
    total = scripts.total()
    told = [
        f"{name} {count / total:.1%}"
        for name, count in scripts.most_common()
        if count > RARE_SCRIPT * total
    ]
    yield Finding("scripts", "ok", f"Letters by script: {', '.join(told) or 'none'}.")


def script_of(letter: str) -> str:
    """The script by the first word of the letter's name in Unicode, such as Latin or Cyrillic."""
    first = unicodedata.name(letter, "OTHER").split()[0]
    return {"CJK": "Chinese"}.get(first, first.capitalize())


def by_part(marks: np.ndarray, part: np.ndarray) -> dict[str, float]:
    """The share of marked rows in each part."""
    return {name: float(marks[part == name].mean()) for name in PARTS}


def percent(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
