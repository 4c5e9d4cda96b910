"""How a text becomes numbers for BERT: words, and pieces of words that the vocabulary lacks.

Schuster and Nakajima, "Japanese and Korean Voice Search" (2012), in the form of Devlin et al.,
"BERT: Pre-training of Deep Bidirectional Transformers" (2019), uncased.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np

PADDING, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
LONGEST_WORD = 100  # in characters; longer ones are unknown
DROPPED = ("Mn", "Cc", "Cf", "Co", "Cs")  # Unicode's names of accents and control characters
# Ideographs stand for words of their own; ranges of code points, both ends included.
IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


class WordPiece:
    """Texts to ids of the vocabulary's pieces.

    pieces: the vocabulary in the order of its ids; what continues a word starts with "##".
    steps: the most ids of a text, its start and end included; what is longer is cut off.
    """

    def __init__(self, pieces: Sequence[str], steps: int) -> None:
        self.ids = {piece: number for number, piece in enumerate(pieces)}
        self.steps = steps
        missing = [piece for piece in (PADDING, UNKNOWN, START, END) if piece not in self.ids]
        if missing:
            raise ValueError(f"the vocabulary lacks {', '.join(missing)}")

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Ids (texts, steps of the longest text), padded at the end."""
        rows = []
        for text in texts:
            pieces = [piece for word in words(text) for piece in self.split(word)]
            rows.append([START, *pieces[: self.steps - 2], END])
        table = np.full((len(rows), max(map(len, rows))), self.ids[PADDING], "int32")
        for row, pieces in zip(table, rows, strict=True):
            row[: len(pieces)] = [self.ids[piece] for piece in pieces]
        return table

    def split(self, word: str) -> list[str]:
        """The longest piece the word begins with, then the longest that goes on, and so on."""
        if len(word) > LONGEST_WORD:
            return [UNKNOWN]
        pieces, start = [], 0
        while start < len(word):
            before = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if before + word[start:end] in self.ids), None)
            if end is None:
                return [UNKNOWN]
            pieces.append(before + word[start:end])
            start = end
        return pieces


def words(text: str) -> list[str]:
    """Lower-case words without accents; punctuation marks and ideographs are words of their own."""
    spaced = []
    for character in unicodedata.normalize("NFD", text):
        kind = unicodedata.category(character)
        if character.isspace():
            spaced.append(" ")
        elif stands_alone(character, kind):
            spaced.append(f" {character} ")
        elif kind not in DROPPED and character != "\ufffd":
            spaced.append(character.lower())
    return "".join(spaced).split()


def stands_alone(character: str, kind: str) -> bool:
    """Punctuation, ASCII's signs such as $ and + among it, or an ideograph."""
    sign = character.isascii() and kind.startswith("S")
    ideograph = any(first <= ord(character) <= last for first, last in IDEOGRAPHS)
    return sign or ideograph or kind.startswith("P")
