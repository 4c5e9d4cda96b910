"""Raw texts made even, before they are cut into tokens: no rule here knows a language.

The rules, in their order; those of a `Cleaning` act where they are asked for:

1. Halves of characters (lone surrogates, which no UTF-8 can hold) become "�", U+FFFD.
2. Texts that were decoded wrongly on their way are mended (`Cleaning.mend_encoding`): "cafÃ©" is
   "café", "&amp;" is "&", curly quotation marks become straight.
3. Equal characters get equal code points: Unicode's normal form NFC ("e" and an accent are "é"), or
   NFKC, which also turns "Ａ", "①" and "ﬁ" into "A", "1" and "fi", and "m²" into "m2".
4. Control characters (Unicode's category Cc) go, but for white space; so do the soft hyphen U+00AD,
   the empty blank U+200B and the byte order mark U+FEFF. Joiners stay: emoji and scripts need them.
5. A link becomes "http" and a handle "@user" (`Cleaning.handles_and_links`), as for the models of
   TweetEval (Barbieri et al., Findings of EMNLP 2020), each with blanks around it.
6. White space, line breaks among it, becomes one blank, and none at both ends.

Case and accents stay; they are the tokenizer's business.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import ftfy

SURROGATES = re.compile("[\ud800-\udfff]")
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\ufeff]")
# No \b: to it a Chinese character is a letter, and Chinese has no blank before a link.
LINKS = re.compile(r"(?<![A-Za-z0-9])(?:https?://|www\.)[!-~]+", re.IGNORECASE)
HANDLES = re.compile(r"(?<![A-Za-z0-9_.@])@\w+")  # not in an address such as me@example.com
MENDING = ftfy.TextFixerConfig(  # the encoding alone; the other rules are below
    unescape_html=True,
    normalization=None,
    fix_character_width=False,
    fix_latin_ligatures=False,
    remove_control_chars=False,
)


@dataclass(frozen=True)
class Cleaning:
    """Which of the rules act; plain values, kept with the bundle, since prediction needs them too.

    form: Unicode's normal form. mend_encoding: for texts that were decoded wrongly or come from web
    pages. handles_and_links: whether each becomes one word, for tweets and chats.
    """

    form: Literal["NFC", "NFKC"] = "NFC"
    mend_encoding: bool = False
    handles_and_links: bool = False


def cleaned(texts: Iterable[str], cleaning: Cleaning) -> list[str]:
    """The texts after the rules at the head of this file; what holds nothing visible is ""."""
    return [cleaned_text(text, cleaning) for text in texts]


def cleaned_text(text: str, cleaning: Cleaning) -> str:
    text = well_formed(text)
    if cleaning.mend_encoding:
        text = ftfy.fix_text(text, MENDING)
    text = INVISIBLE.sub("", unicodedata.normalize(cleaning.form, text))
    if cleaning.handles_and_links:
        text = HANDLES.sub(" @user ", LINKS.sub(" http ", text))
    return " ".join(text.split())


def well_formed(text: str) -> str:
    """The text with halves of characters joined where two make one, each other half as U+FFFD."""
    if text.isascii() or not SURROGATES.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
