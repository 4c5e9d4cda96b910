"""Two columns of texts: whether they are a pair, and which label says that both belong together.

Title and text of a review are two columns too, and no pair. So a table is read as pairs where
something speaks for it: how the columns are called, how texts repeat, which words they share.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from common.data.alikeness import alikeness
from common.data.checks import rank_auc
from common.data.columns import present
from common.data.dataset import Task
from common.data.pairs import pair_groups
from common.data.roles import id_like
from common.new.texts import form_of, parts_words, tokens_of
from common.reading.understand import ColumnReading
from common.text.form import TextForm

WORDS = 3  # a cell, on average, from which it is a text, though short
SHORTEST = 1.5  # likewise of columns that the user names, such as queries
LETTERS = 6  # likewise where no blanks part words
DISTINCT = 20  # texts at least: fewer are categories
BESIDE = 3  # other columns at most: of more, the table tells more than a pair of names in it
SIDES = {"a", "b", "1", "2", "left", "right", "first", "second", "one", "two"}
REPEATED = 0.1  # share of rows whose text stands beside another text too, from which texts repeat
ALIKE = 0.5  # of the target in rows of one text, above which the text alone gives it away
TOLD = 0.6  # ROC AUC of the words in common, from which they tell the target
SAMPLE = 5_000  # rows whose words are compared
MOST_PIECES = 250_000  # of words, in all rows: a training with its rivals takes two minutes
PIECES = 1.25  # of a word, on average
ACCENTS = "[\u00c0-\u024f\u0370-\u1fff]"  # letters that English has not: é, ß, д
FOREIGN = 0.2  # share of texts with such letters, from which the language is another one
LONGEST = 128  # tokens of each text: networks compare each with each of the other
NUMBERED = 50_000  # rows in which numbers of texts are looked for
MOSTLY_ONCE = 0.9  # texts a row, above which they hardly repeat
NUMBERING = 1.05  # distinct numbers and texts together, as a multiple of the fewer of both


def pair_of(
    frame: pd.DataFrame,
    readings: Mapping[str, ColumnReading],
    target: str,
    task: Task,
    leave_out: Sequence[str],
    keep: Sequence[str],
) -> tuple[tuple[str, ...], str]:
    """The two columns that are a pair, in the order of the file, and why; () and why there is none.

    frame: typed rows with a target. leave_out, keep: columns that the user names: two texts to keep
    are a pair. No reason where there are not two texts.
    """
    columns = [name for name in frame if name != target and name not in leave_out]
    named = tuple(
        name
        for name in columns
        if name in keep and may_be_text(frame[name], readings[name], SHORTEST)
    )
    every = [name for name in frame if name != target and may_be_text(frame[name], readings[name])]
    texts = tuple(name for name in every if name not in leave_out)
    if len(texts) == 1:  # which is read as a text, too, where the other one is left out
        texts = tuple(every)
    if len(named) == 2 and task == "binary":
        return named, "as you said"
    if len(texts) != 2:
        return (), ""
    if task != "binary":
        return (), "as a pair they could answer two classes only"
    first, second = texts
    beside = frame[[name for name in columns if name not in texts]]
    others = set(beside) - set(id_like(beside)) - set(numbering(frame[[*beside, *texts]], texts))
    if len(others) > BESIDE:
        return (), f"beside {len(others)} other columns they are taken for no pair"
    known = frame[present(frame[first]) & present(frame[second])]
    if (known[first] == known[second]).all():
        return (), "they are equal in every row that has both"
    if stem(first) == stem(second) != ["column"]:  # which is how columns without a name are called
        return texts, "their names tell two of a kind"
    for name, other in (texts, texts[::-1]):
        share, alike = repetition(known, name, other, target)
        if share >= REPEATED and alike < ALIKE:
            told = f"{share:.0%} of the rows have a text of {name} that stands beside others, too"
            return texts, f"{told}, with one answer and with the other"
    area = shared_words_auc(known, texts, target)
    if max(area, 1 - area) >= TOLD:
        return texts, f"the words they share tell the answer: ROC AUC {max(area, 1 - area):.2f}"
    return (), "nothing shows that they are a pair"


def may_be_text(column: pd.Series, reading: ColumnReading, words: float = WORDS) -> bool:
    """Whether cells are texts, though they may be short, or repeat as those of pairs do."""
    if reading.kind == "text":
        return True
    if reading.kind != "category" or reading.distinct < DISTINCT:
        return False
    texts = column[present(column)].head(SAMPLE)
    if parts_words(texts):
        return bool(texts.str.count(r"\s+").mean() + 1 >= words)
    return bool(texts.str.len().mean() >= LETTERS)


def stem(name: str) -> list[str]:
    """The words and numbers of a name but for those that tell a side: of text_a those of text_b."""
    parts = re.findall(r"[^\W\d_]+|\d+", name.lower())
    return [part for part in parts if part not in SIDES]


def numbering(frame: pd.DataFrame, pair: Sequence[str]) -> dict[str, str]:
    """The columns that number the texts of a pair, where these repeat: name to reason."""
    found, frame = {}, frame.head(NUMBERED)
    for text in pair:
        texts = frame[text].nunique()
        if texts > MOSTLY_ONCE * len(frame):
            continue
        for name in frame.columns.drop(list(pair)):
            numbers = frame[name].nunique()
            both = len(frame[[name, text]].drop_duplicates())
            if numbers >= DISTINCT and both <= NUMBERING * min(numbers, texts):
                found[name] = f"it numbers the texts of {text}"
    return found


def unread_beside_pair(
    frame: pd.DataFrame, texts: Sequence[str], pair: Sequence[str], keep: Sequence[str]
) -> dict[str, str]:
    """The columns that are not read beside a pair, but for those of `keep`: name to reason."""
    others = {name: f"free text beside {' and '.join(pair)}" for name in texts if name not in pair}
    found = others | numbering(frame, pair)
    return {name: why for name, why in found.items() if name not in keep}


def repetition(pairs: pd.DataFrame, name: str, other: str, target: str) -> tuple[float, float]:
    """How many rows have a text of `name` that also stands beside another one of `other`.

    And how alike the target is in rows of one such text: 0 as by chance, 1 equal.
    """
    several = pairs.groupby(name)[other].transform("nunique") > 1
    rows = pairs[several]
    answers = rows[[target]].astype("str")
    alike = alikeness(answers, pd.factorize(rows[name])[0]) if len(rows) else {}
    return float(several.mean()), alike.get(target, 1.0)


def shared_words_auc(frame: pd.DataFrame, pair: Sequence[str], target: str) -> float:
    """ROC AUC of the words in common, a share of those of the shorter text.

    As a score of the last of both answers, by the alphabet.
    """
    rows = np.unique(np.linspace(0, len(frame) - 1, min(SAMPLE, len(frame))).astype(int))
    frame = frame.iloc[rows]
    word = r"\w+" if parts_words(frame[pair[0]]) else r"\w"
    first, second = ([set(re.findall(word, text.lower())) for text in frame[n]] for n in pair)
    shares = [
        len(one & other) / max(1, min(len(one), len(other)))
        for one, other in zip(first, second, strict=True)
    ]
    answers = frame[target].astype("str")
    return rank_auc(np.array(shares), (answers == answers.max()).to_numpy("int64"))


def match_last(
    labels: tuple[str, ...], frame: pd.DataFrame, pair: Sequence[str], target: str
) -> tuple[str, ...]:
    """Two labels in the order in which networks take them: no match, match.

    Numbers by their size; of words the second is the one whose pairs share more words, as "match"
    beside "other".
    """
    numbers = pd.to_numeric(pd.Series(labels), errors="coerce").notna().all()
    swapped = not numbers and shared_words_auc(frame, pair, target) < 1 - TOLD
    return labels[::-1] if swapped else labels


def form_of_pair(frame: pd.DataFrame, pair: Sequence[str]) -> TextForm:
    """How both texts become tokens, at most LONGEST of each.

    Those of MiniLM, "bert", where it knows the language and has read the texts in a minute or so.
    """
    texts = pd.concat([frame[name] for name in pair])
    form = form_of(texts)
    length = min(form.length, LONGEST)
    pieces = PIECES * tokens_of(texts).clip(upper=length).sum()
    english = form.unit == "words" and texts.str.contains(ACCENTS).mean() < FOREIGN
    unit = "bert" if english and pieces <= MOST_PIECES else form.unit
    return replace(form, unit=unit, length=length)


def kept_apart(frame: pd.DataFrame, pair: Sequence[str]) -> str:
    """Which pairs stay in one part of the split, as far as equal texts tell it."""
    first, second = pair
    both = present(frame[first]) & present(frame[second])
    numbers = pd.factorize(pd.concat([frame.loc[both, first], frame.loc[both, second]]))[0]
    kept = pair_groups(*np.split(numbers, 2))[1] if both.any() else "both"
    if kept == "both":
        return "pairs that share a text stay together"
    alike = {"first": f"those of one {first}", "second": f"those of one {second}"}
    return (
        "nearly all pairs hang together by the texts they share, so that only "
        f"{alike.get(kept, 'equal ones')} stay together"
    )
