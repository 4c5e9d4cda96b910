"""A folder of text files as a table: a file a row, its folder as the label.

root/CLASS/…/name.txt --> columns label, text, file
root/name.txt         --> columns text, file
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.reading.file_bytes import encoding_of, opened_text
from common.reading.file_format import Batch, FileFormat, text_array

LABEL, TEXT, FILE = "label", "text", "file"
SUFFIX = ".txt"
BATCH_FILES = 10_000


def holds_texts(folder: Path) -> bool:
    """Whether most files somewhere below a folder are text files."""
    suffixes = Counter(path.suffix.lower() for path in folder.rglob("*") if path.is_file())
    return suffixes[SUFFIX] > 0.5 * suffixes.total()


def text_files(folder: Path) -> Iterator[Path]:
    """The text files below a folder, by name; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() == SUFFIX and not hidden and path.is_file():
            yield path


def recognise_texts(folder: Path) -> FileFormat:
    """The folder's columns; UserError where it has no text file, or files beside those of classes.

    Files of other kinds are counted, not read.
    """
    files = list(text_files(folder))
    if not files:
        raise UserError(
            f"{folder} has no {SUFFIX} files, nor have the folders in it. Expected a folder for "
            "each class with its texts, or name the file that holds the table."
        )
    loose = [file for file in files if file.parent == folder]
    if loose and len(loose) < len(files):
        raise UserError(
            f"{folder} has {len(loose):,} {SUFFIX} files beside its folders, such as "
            f"{loose[0].name}, so that their class is not clear. Move them into the folder of "
            "their class, or away."
        )
    others = sum(path.is_file() for path in folder.rglob("*")) - len(files)
    return FileFormat("texts", (TEXT, FILE) if loose else (LABEL, TEXT, FILE), left_out=others)


def read_texts(folder: Path, format: FileFormat) -> Iterator[Batch]:
    """The files, some thousand at a time; rows are numbered from 1 in the order of their names.

    Each file may have an encoding of its own. UserError for a file whose bytes are no text.
    """
    files = list(text_files(folder))
    for start in range(0, len(files), BATCH_FILES):
        some = files[start : start + BATCH_FILES]
        columns = {
            LABEL: [file.relative_to(folder).parts[0] for file in some],
            TEXT: [text_of(file) for file in some],
            FILE: [file.relative_to(folder).as_posix() for file in some],
        }
        lines = np.arange(start + 1, start + len(some) + 1)
        yield Batch([text_array(columns[name]) for name in format.columns], lines, [])


def text_of(file: Path) -> str:
    """The text of a file in whatever encoding it is; "" for an empty one."""
    if not file.stat().st_size:
        return ""
    encoding, _ = encoding_of(file, "")
    with opened_text(file, encoding, "") as opened:
        return opened.read()
