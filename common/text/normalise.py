"""Texts of the web made even, before they are cut into tokens: no rule here knows a language.

In this order:

1. Halves of characters (lone surrogates, which no UTF-8 can hold) become "�", U+FFFD.
2. What HTML writes for a character becomes the character, however often it was written so: "&amp;"
   is "&", and so is "&amp;amp;".
3. Equal characters get equal code points, by Unicode's normal form NFC ("e" and an accent are "é").
4. Control characters (Unicode's category Cc) go, but for white space; so do the soft hyphen U+00AD,
   the empty blank U+200B and the byte order mark U+FEFF. Joiners stay: emoji and scripts need them.
5. A link becomes "http" and a handle "@user", as for the models of TweetEval (Barbieri et al.,
   Findings of EMNLP 2020), each with blanks around it.
6. White space, line breaks among it, becomes one blank, and none at both ends.

Case and accents stay; they are the tokenizer's business. A text that went through comes out of a
second time as it is.
"""

import html
import re
import unicodedata
from collections.abc import Iterable

SURROGATES = re.compile("[\ud800-\udfff]")
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\ufeff]")
# No \b: to it a Chinese character is a letter, and Chinese has no blank before a link.
LINKS = re.compile(r"(?<![A-Za-z0-9])(?:https?://|www\.)[!-~]+", re.IGNORECASE)
HANDLES = re.compile(r"(?<![A-Za-z0-9_@])(?:@\w+)+")  # not in an address such as me@example.com


def cleaned(texts: Iterable[str]) -> list[str]:
    """The texts after the rules at the head of this file; what holds nothing visible is ""."""
    return [cleaned_text(text) for text in texts]


def cleaned_text(text: str) -> str:
    text = well_formed(text)
    while (plain := html.unescape(text)) != text:
        text = plain
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    text = HANDLES.sub(" @user ", LINKS.sub(" http ", text))
    return " ".join(text.split())


def well_formed(text: str) -> str:
    """The text with halves of characters joined where two make one, each other half as U+FFFD."""
    if text.isascii() or not SURROGATES.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
