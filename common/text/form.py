"""How the texts of a column become tokens: plain values, kept with the schema."""

from dataclasses import dataclass
from typing import Literal, get_args

from common.errors import UserError

Unit = Literal["characters", "words", "word_pieces", "bert"]


@dataclass(frozen=True)
class TextForm:
    """How texts become tokens.

    unit: "characters", "words" and "word_pieces" are fitted on the training texts, see
        `fit_tokenizer`; "bert" takes the word pieces of a pretrained BERT.
    length: of a text, in tokens, at most; the rest is cut off.
    vocabulary: tokens at most, padding and unknown among them. lowercase: make letters small first.
    folder: of a BERT in Hugging Face layout; "" for all-MiniLM-L6-v2, which comes with a package.
    """

    unit: Unit = "words"
    length: int = 128
    vocabulary: int = 20_000
    lowercase: bool = True
    folder: str = ""

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise UserError(f"unit is {self.unit!r}. Choose one of {', '.join(get_args(Unit))}.")
        for name, least in (("length", 1), ("vocabulary", 3)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}. Expected {least} or more.")
