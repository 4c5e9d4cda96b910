"""Texts as ids of tokens, by a tokenizer fitted on the training texts or by that of a BERT.

    texts --token_ids--> ids (rows, longest) int32, 0 after the last token

Every tokenizer is one of the package `tokenizers`, and its JSON (`to_str`, `Tokenizer.from_str`) is
all that a bundle has to keep of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from common.errors import UserError
from common.text.form import TextForm
from common.text.normalise import well_formed

PADDING, UNKNOWN = "[PAD]", "[UNK]"  # ids 0 and 1 of a fitted tokenizer
LEAST = 2  # times in the training texts; what is rarer counts as unknown, which trains that entry
BLANK = "▁"  # U+2581, stands for a blank at the head of a word piece
WORD_CHARACTERS = r"\p{L}\p{M}\p{N}_"  # letters, accents and other marks, digits
WORD = rf"@?[{WORD_CHARACTERS}]+(?:['’][\p{{L}}\p{{M}}]+)*"
CHUNK_CHARACTERS = 2**20  # encoded at a time: the package takes some hundred bytes a token


def tokenizers_of(forms: Mapping[str, TextForm], texts: pd.DataFrame) -> dict[str, Tokenizer]:
    """The tokenizer of each column of texts; columns with the same form share one.

    forms: column to form; texts: frame of training rows. A text that stands in several rows, or in
    several columns, is fitted on once.
    """
    made = {}
    for form in forms.values():
        if form not in made:
            columns = [texts[name] for name, other in forms.items() if other == form]
            made[form] = tokenizer_of(form, pd.concat(columns).drop_duplicates())
    return {name: made[form] for name, form in forms.items()}


def tokenizer_of(form: TextForm, texts: Iterable[str]) -> Tokenizer:
    """The tokenizer that a form asks for: fitted on `texts`, of training rows, or a BERT's."""
    if form.unit != "bert":
        return fit_tokenizer(texts, form)
    from common.models.bert_weights import minilm_folder
    from common.text.pretrained import load_tokenizer

    return load_tokenizer(Path(form.folder) if form.folder else minilm_folder())


def fit_tokenizer(texts: Iterable[str], form: TextForm) -> Tokenizer:
    """A tokenizer whose vocabulary are the most frequent units of the training texts.

    Units that the texts have only once are unknown. Equal texts always give an equal tokenizer.
    - "characters": each is a token, white space as one blank. Right for Chinese and Japanese.
    - "words": what stands between blanks, cut at signs; a sign is a word of its own, while "don't"
      and "@user" are whole. Scripts without blanks need a segmenter to set them first.
    - "word_pieces": byte-pair encoding within these words (Sennrich, Haddow, Birch, "Neural Machine
      Translation of Rare Words with Subword Units", ACL 2016); the blank before a word belongs to
      its first piece. Single characters take half of the vocabulary at most.
    """
    steps = [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    steps += [normalizers.Lowercase()] if form.lowercase else []
    normalizer = normalizers.Sequence(steps)
    texts = [normalizer.normalize_str(well_formed(text)) for text in texts]
    fit = {"characters": fit_characters, "words": fit_words, "word_pieces": fit_pieces}[form.unit]
    tokenizer = fit(texts, form.vocabulary)
    tokenizer.normalizer = normalizer
    return tokenizer


def fit_characters(texts: list[str], vocabulary: int) -> Tokenizer:
    """Characters as byte-pair encoding without a pair: half the time of a split and a look-up."""
    tokens = [PADDING, UNKNOWN, *frequent_characters(texts, vocabulary - 2)]
    ids = {token: number for number, token in enumerate(tokens)}
    return Tokenizer(models.BPE(ids, [], unk_token=UNKNOWN))


def fit_words(texts: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = every(rf"{WORD}|[^\s{WORD_CHARACTERS}]")
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary,
        min_frequency=LEAST,
        special_tokens=[PADDING, UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fit_pieces(texts: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    blanks = pre_tokenizers.Metaspace(BLANK, prepend_scheme="always", split=False)
    words = every(rf"{BLANK}?{WORD}|{BLANK}?[^{BLANK}{WORD_CHARACTERS}]")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([blanks, words])
    # Chosen here, since the trainer draws lots among characters that are equally frequent.
    characters = [BLANK, *frequent_characters(map(without_blanks, texts), vocabulary // 2)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=LEAST,
        special_tokens=[PADDING, UNKNOWN],
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def every(pattern: str) -> pre_tokenizers.Split:
    """Cuts a text to the matches of the pattern; what lies between them is left out."""
    return pre_tokenizers.Split(Regex(pattern), "removed", invert=True)


def without_blanks(text: str) -> str:
    return text.replace(" ", "")


def frequent_characters(texts: Iterable[str], most: int) -> list[str]:
    """The most frequent characters that are there twice or more; of equal ones the lower first."""
    counts = Counter()
    for text in texts:
        counts.update(text)
    enough = [character for character, count in counts.items() if count >= LEAST]
    return sorted(enough, key=lambda character: (-counts[character], character))[:most]


def token_ids(tokenizer: Tokenizer, texts: Sequence[str], length: int) -> np.ndarray:
    """Ids (rows, longest) int32, each row a text, 0 after its last token, at most `length` wide.

    Any string gives at least one token: one without any, such as "", is a single unknown one, so
    that no row is all padding. Names of special tokens in a text, such as "[PAD]", are plain text.
    A BERT's [CLS] and [SEP] count as tokens and stay. Raises UserError where `length` has no room
    for one more. 17,000 Chinese reviews by characters take about 0.6 s of CPU.
    """
    ids, counts = flat_ids(tokenizer, texts, length)
    table = np.zeros((len(counts), counts.max(initial=0)), "int32")
    table[np.arange(table.shape[1]) < counts[:, None]] = ids
    return table


def token_places(
    tokenizer: Tokenizer, text: str, length: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The ids of one text as `token_ids` gives them, (tokens,), and where each token stands.

    A place is (start, end) in characters of the text; (0, 0) of a token that is not in it, such as
    [CLS].
    """
    ids = token_ids(tokenizer, [text], length)[0]  # which also tells the tokenizer where to cut
    return ids, tokenizer.encode(well_formed(text)).offsets or [(0, len(text))]


def flat_ids(
    tokenizer: Tokenizer, texts: Sequence[str], length: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The ids of all texts one after the other, (tokens,) int32, and each text's count, (rows,).

    length: as in `token_ids`; None cuts nothing off.
    """
    specials = tokenizer.num_special_tokens_to_add(is_pair=False)
    if length is not None and length <= specials:
        raise UserError(
            f"The length of texts is {length} tokens, but this tokenizer itself sets {specials}. "
            f"Give at least {specials + 1}."
        )
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # as plain text; not kept in the tokenizer's JSON
    if length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(length)
    nothing = [tokenizer.token_to_id(UNKNOWN)]
    ids, counts = [np.zeros(0, "int32")], [np.zeros(0, "int64")]
    for chunk in chunks(texts):
        rows = [found.ids or nothing for found in tokenizer.encode_batch_fast(chunk)]
        ids.append(np.fromiter(chain.from_iterable(rows), "int32"))
        counts.append(np.fromiter(map(len, rows), "int64"))
    return np.concatenate(ids), np.concatenate(counts)


def chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts without half characters, some at a time, as many as their lengths allow."""
    chunk, characters = [], 0
    for text in texts:
        chunk.append(well_formed(text))
        characters += len(text)
        if characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    yield chunk
