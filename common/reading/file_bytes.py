"""The bytes of a file that a user names: unpacked within a limit, and in which encoding."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError

UNPACKED_LIMIT = 8 * 2**30  # bytes; a small file can be made to unpack to more than any disk holds
HEAD = 2**18  # bytes from which separator, header and the like are told
BLOCK = 2**20

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
OPENERS = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),  # encrypted, or packed in an unknown way
)

NO_TABLES = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"RIFF": "a picture or a sound (RIFF)",
    b"%PDF": "a PDF document",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy array",
    b"ARROW1": "an Arrow (Feather) file",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"{\\rtf": "a text document (RTF)",
    b"version https://git-lfs": "a pointer of Git LFS, not the data itself: run git lfs pull",
}
PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<table", b"<div", b"<script")
MARKS = {  # the longer ones first: UTF-32's begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b\x1c-\x1f\x7f]")
WANTED = "Expected a table: CSV or similar text, Excel, Parquet or JSON lines."
# Where bytes above 127 do not mostly stand in runs of four and more, it is a Latin script.
OTHER_SCRIPTS = (
    *("gb18030", "big5", "shift_jis", "euc_kr"),
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
)
CLEAR_BYTES = 60  # non-ASCII bytes from which a script can be told by its frequent characters


def check_file(path: Path) -> None:
    """UserError where `path` is no readable file with something in it."""
    if not path.is_file():
        raise UserError(f"There is no file {path}. Expected a table, such as a CSV file.")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if empty:
        raise UserError(f"{path} is empty. Expected a CSV file with a header line and rows.")


def compression_of(path: Path) -> str:
    """How the file is packed: "gzip", "bzip2", "xz", "zip", or "" where it is not.

    An Excel workbook is a zip archive, too; it counts as not packed. UserError for an archive of
    several files.
    """
    with open(path, "rb") as file:
        head = file.read(8)
    packed = next((name for mark, name in PACKED.items() if head.startswith(mark)), "")
    if packed != "zip":
        return packed
    with damage_told(path), zipfile.ZipFile(path) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if "[Content_Types].xml" in names or "mimetype" in names:
        return ""
    if len(names) != 1:
        raise UserError(
            f"{path} is an archive of {len(names)} files ({', '.join(names[:5])}…). Unpack it, and "
            "name the one that holds the table."
        )
    return "zip"


class Limited(io.RawIOBase):
    """A stream that is unpacked as it is read, up to UNPACKED_LIMIT; damage is a UserError."""

    def __init__(self, stream: io.BufferedIOBase, path: Path):
        self.stream, self.path, self.read_bytes = stream, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        with damage_told(self.path):
            content = self.stream.read(len(buffer))
        self.read_bytes += len(content)
        if self.read_bytes > UNPACKED_LIMIT:
            raise UserError(
                f"{self.path} unpacks to more than {UNPACKED_LIMIT / 2**30:.0f} GB. Unpack it "
                "yourself if you trust it, and give a part of the rows."
            )
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what is raised on a damaged or encrypted archive into a UserError."""
    try:
        yield
    except DAMAGED as error:
        raise UserError(
            f"{path} cannot be unpacked: {error}. Is it whole, and without a password?"
        ) from error


@contextmanager
def opened(path: Path, compression: str) -> Iterator[io.BufferedIOBase]:
    """The unpacked bytes of the file, to be read from the start to the end."""
    if not compression:
        with open(path, "rb") as file:
            yield file
    elif compression == "zip":
        with damage_told(path):
            archive = zipfile.ZipFile(path)
            name = next(entry for entry in archive.namelist() if not entry.endswith("/"))
            member = archive.open(name)
        with archive, member:
            yield io.BufferedReader(Limited(member, path), BLOCK)
    else:
        with OPENERS[compression](path, "rb") as file:
            yield io.BufferedReader(Limited(file, path), BLOCK)


@contextmanager
def opened_text(path: Path, encoding: str, compression: str) -> Iterator[io.TextIOWrapper]:
    """The text of the file, line ends as they are, and U+FFFD for bytes that are no character."""
    with (
        opened(path, compression) as file,
        io.TextIOWrapper(file, encoding, "replace", newline="") as text,
    ):
        yield text


def check_head(head: bytes, path: Path) -> None:
    """UserError that says what a file is, if its first bytes show that it is no table."""
    found = next((what for mark, what in NO_TABLES.items() if head.startswith(mark)), "")
    if found:
        raise UserError(f"{path} is {found}. {WANTED}")
    if head.lstrip(codecs.BOM_UTF8 + b" \r\n\t").lower().startswith(PAGES):
        raise UserError(
            f"{path} is an HTML or XML page, not a table. Was a web page saved instead of the "
            f"file? {WANTED}"
        )


def encoding_of(path: Path, compression: str) -> tuple[str, int]:
    """The encoding of a file of text, and the number of lines that break its rules.

    By its byte order mark; else UTF-16 by its zero bytes; else UTF-8, if the whole file is; else
    by its other bytes. UserError for a file that is no text.
    """
    with opened(path, compression) as file:
        head = file.read(HEAD)
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, 0
    zeros = [head[start::2].count(0) for start in (0, 1)]
    for wide, own, other in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        if zeros[own] > 20 * zeros[other] and zeros[own] > 0.02 * len(head):
            return wide, 0
    if len(CONTROL.findall(head)) > 0.01 * len(head):
        raise UserError(f"{path} holds bytes that are no text. {WANTED}")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with opened(path, compression) as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        return "utf-8", 0
    except UnicodeDecodeError:
        return legacy_encoding(path, compression)


def legacy_encoding(path: Path, compression: str) -> tuple[str, int]:
    """The encoding where not all lines are UTF-8: UTF-8 still, where most of them are."""
    lines: dict[bytes, bool] = {}
    valid = broken = 0
    with opened(path, compression) as file:
        for line in file:
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                valid += 1
            except UnicodeDecodeError:
                broken += 1
            if len(lines) < 2000:
                lines[line] = True
    if valid > 5 * broken:
        return "utf-8", broken
    sample = b"".join(lines)
    runs = re.findall(rb"[\x80-\xff]+", sample)
    above = sum(map(len, runs))
    if sum(len(run) for run in runs if len(run) >= 4) < 0.5 * above:
        return latin_encoding(sample), 0
    if above < CLEAR_BYTES and decodes(sample, "gb18030"):
        return "gb18030", 0
    from charset_normalizer import from_bytes  # on Latin scripts it is often wrong: German as Mac

    best = from_bytes(sample, cp_isolation=list(OTHER_SCRIPTS)).best()
    return (best.encoding if best else latin_encoding(sample)), 0


def latin_encoding(sample: bytes) -> str:
    """Windows-1252, unless there are bytes that it does not define; ISO 8859-1 takes any."""
    return "cp1252" if decodes(sample, "cp1252") else "latin-1"


def decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
