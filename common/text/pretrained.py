"""The tokenizer of a pretrained BERT, from the files of its checkpoint."""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from common.errors import UserError
from common.text.tokenizer import PADDING, UNKNOWN

START, END = "[CLS]", "[SEP]"
SPECIAL = (PADDING, UNKNOWN, START, END)
# What a setting of tokenizer_config.json is called by the package tokenizers.
SETTINGS = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer in a folder in Hugging Face layout: its tokenizer.json, or else its vocab.txt.

    tokenizer_config.json, where there is one, decides whether letters are made small
    (do_lower_case), whether accents go (strip_accents; where it says null, as case does) and
    whether ideographs stand alone (tokenize_chinese_chars). What it leaves open is as in
    tokenizer.json, or for vocab.txt as in the first BERT: all three hold.
    Raises UserError where a file is missing or broken, and where the vocabulary is not a BERT's:
    [PAD] with the id 0, [UNK], [CLS] and [SEP].
    """
    folder = Path(folder).expanduser()
    path = next(filter(Path.is_file, (folder / "tokenizer.json", folder / "vocab.txt")), None)
    if path is None:
        raise UserError(
            f"{folder} holds neither tokenizer.json nor vocab.txt. Expected the folder of a BERT "
            "in Hugging Face layout."
        )
    content = read_text(path)
    tokenizer = from_json(content, path) if path.suffix == ".json" else from_vocabulary(content)
    missing = [name for name in SPECIAL if tokenizer.token_to_id(name) is None]
    if missing or tokenizer.token_to_id(PADDING) != 0:
        what = f"lacks {', '.join(missing)}" if missing else f"does not begin with {PADDING}"
        raise UserError(
            f"{path} {what}, so it is not the vocabulary of a BERT. Expected {', '.join(SPECIAL)}, "
            f"{PADDING} with the id 0."
        )
    if path.suffix == ".txt":
        # Only now that they are known to be there.
        start, end = ((name, tokenizer.token_to_id(name)) for name in (START, END))
        tokenizer.post_processor = processors.BertProcessing(end, start)
        tokenizer.add_special_tokens(list(SPECIAL))
    configure(tokenizer, folder / "tokenizer_config.json")
    return tokenizer


def from_json(content: str, path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_str(content)
    except Exception as error:  # the package raises nothing more precise
        raise UserError(f"{path} is not a tokenizer that can be read: {error}.") from error


def from_vocabulary(content: str) -> Tokenizer:
    """BERT's tokenizer on word pieces, one a line; the number of its line is a piece's id."""
    pieces = content.removesuffix("\n").split("\n")  # not at U+2028, which may be a piece
    ids = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def configure(tokenizer: Tokenizer, path: Path) -> None:
    """Set what tokenizer_config.json says of case, accents and ideographs, if it is there."""
    normalizer = tokenizer.normalizer
    if not path.is_file() or not isinstance(normalizer, normalizers.BertNormalizer):
        return
    try:
        settings = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is no JSON that can be read: {error}.") from error
    for name, attribute in SETTINGS.items():
        if name in settings:
            setattr(normalizer, attribute, settings[name])
    tokenizer.normalizer = normalizer


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
