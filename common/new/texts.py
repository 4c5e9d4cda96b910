"""Free text in a table: which column is read, and how it becomes tokens."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from common.data.dataset import Kind
from common.text.form import TextForm

SHORTEST, LONGEST = 16, 256  # tokens of a text that are read
MOST = 0.95  # of the texts are read to their end, if that is possible
LONG = 10  # words on average, from which a text counts beside other columns
UNPARTED = "[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]"  # Japanese, Chinese, Thai
SCRIPT = 0.3  # share of such characters, from which a script does not part words


def unread_texts(
    frame: pd.DataFrame, texts: Sequence[str], keep: Sequence[str], no_pair: str = ""
) -> dict[str, str]:
    """The columns of free text that are not read, with the reason.

    frame: the columns to learn from, among them `texts`. keep: those that the user wants to have
    read. no_pair: why two texts are no pair. Of several the longest is read, and that only where
    it is long, or stands alone: a name beside ten columns is worth less than the better network
    for these.
    """
    offered = [name for name in texts if name in keep] or list(texts)
    longest = max(offered, key=lambda name: frame[name].str.len().mean(), default="")
    reason = f"free text; of such the network reads one, here {longest}"
    reason += f": {no_pair}; --keep names a pair to be read as one" if no_pair else ""
    unread = {name: reason for name in texts if name != longest}
    words = tokens_of(frame[longest]).mean() if longest else 0
    if longest and longest not in keep and words < LONG and len(frame.columns) > len(texts):
        told = f"free text of {words:.0f} words on average, beside other columns; --keep reads it"
        unread = dict.fromkeys(texts, told)
    return unread


def texts_of(features: dict[str, Kind]) -> tuple[str, ...]:
    """The columns of free text among the features."""
    return tuple(name for name, kind in features.items() if kind == "text")


def text_of(features: dict[str, Kind]) -> str:
    """The column of free text among the features, the first of a pair; "" for none."""
    return next(iter(texts_of(features)), "")


def form_of(texts: pd.Series) -> TextForm:
    """Characters as tokens in scripts that do not part their words, else words; and how many."""
    length = 2 ** int(np.ceil(np.log2(max(tokens_of(texts).quantile(MOST), 1))))
    unit = "words" if parts_words(texts) else "characters"
    return TextForm(unit, int(np.clip(length, SHORTEST, LONGEST)))


def tokens_of(texts: pd.Series) -> pd.Series:
    """Words and signs of each text, or its characters where the script does not part words."""
    return texts.str.count(r"\w+|[^\w\s]") if parts_words(texts) else texts.str.len()


def parts_words(texts: pd.Series) -> bool:
    """Whether there are blanks between words, as there are none in Chinese, Japanese and Thai."""
    return texts.str.count(UNPARTED).sum() < SCRIPT * texts.str.len().sum()
