"""What each picture file holds: looked at once, and remembered as long as the file stays as it is.

    files --survey--> content's checksum, format, size, perceptual hash; or why it is no picture

A file counts as the same while path, size and time of change are the same. What is remembered lies
in one SQLite file of the cache folder; a survey that is killed goes on where it was.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import PIL
from PIL import Image
from scipy.fft import dctn

from common.data.cache import cache_folder, disk_errors
from common.errors import UserError
from common.images.decode import opened, read_bytes

Result = TypeVar("Result")
FACTS = ["sha256", "format", "height", "width", "rules", "perceptual_hash", "reason"]
METHOD = f"1, Pillow {PIL.__version__}"  # count up where the same file would get other facts
CHUNK_FILES = 512  # looked at between two writings; old SQLite takes 999 values at most
HASH_SIDE = 16  # bits a side of the perceptual hash
HASH_BYTES = HASH_SIDE**2 // 8
THREADS = os.cpu_count() or 1  # Pillow decodes outside Python's lock
PIECE_FILES = 32  # a thread takes at a time: file by file, they would mostly wait for each other


def survey(files: Sequence[Path]) -> pd.DataFrame:
    """The facts of each file, in order, in the columns FACTS.

    sha256: of the content. format: Pillow's name. height, width: in pixels, upright. rules: those
    of common/images/decode.py that mattered, "; " between them. perceptual_hash: HASH_BYTES bytes.
    reason: why the file is no picture, "" where it is one. Of no picture all else is empty or 0;
    the checksum is there wherever the file can be read.
    """
    paths = [Path(file).absolute() for file in files]
    facts = []
    with remembered() as memory, ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), CHUNK_FILES):
            facts += chunk_facts(paths[start : start + CHUNK_FILES], memory, pool)
    return pd.DataFrame(facts, columns=FACTS)


def chunk_facts(
    paths: list[Path], memory: sqlite3.Connection, pool: ThreadPoolExecutor
) -> list[tuple]:
    keys = [(os.fsencode(path), *state(path), METHOD) for path in paths]
    marks = ", ".join("?" * len(keys))
    rows = memory.execute(
        f"SELECT path, bytes, changed, method, {', '.join(FACTS)} FROM facts "
        f"WHERE path IN ({marks})",
        [key[0] for key in keys],
    )
    known = {row[:4]: row[4:] for row in rows}
    fresh = {key: path for key, path in zip(keys, paths, strict=True) if key not in known}
    known |= zip(fresh, spread(pool, look_at, list(fresh.values())), strict=True)
    memory.executemany(
        f"INSERT OR REPLACE INTO facts VALUES ({', '.join('?' * (4 + len(FACTS)))})",
        [key + known[key] for key in fresh],
    )
    memory.commit()
    return [known[key] for key in keys]


def spread(
    pool: ThreadPoolExecutor, function: Callable[..., Result], *items: list
) -> Iterator[Result]:
    """What `map` gives, worked out by the threads of the pool in pieces of PIECE_FILES."""

    def work(start: int) -> list[Result]:
        return list(map(function, *(one[start : start + PIECE_FILES] for one in items)))

    for results in pool.map(work, range(0, len(items[0]), PIECE_FILES)):
        yield from results


def state(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; -1 where there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def look_at(path: Path) -> tuple:
    """The facts of one file, in the order of FACTS."""
    sha256 = ""
    try:
        content = read_bytes(path)
        sha256 = hashlib.sha256(content).hexdigest()
        picture = opened(content, str(path), 4 * HASH_SIDE)
    except UserError as error:
        return sha256, "", 0, 0, "", b"", str(error).removeprefix(f"{path} ")
    hashed = perceptual_hash(picture.image)
    rules = "; ".join(picture.rules)
    return sha256, picture.format, picture.height, picture.width, rules, hashed, ""


def perceptual_hash(image: Image.Image) -> bytes:
    """HASH_BYTES bytes that stay nearly the same when a picture is shrunk, stored anew or lit up.

    The DCT hash of Zauner (Implementation and Benchmarking of Perceptual Image Hash Functions,
    2010, section 3.2.1), with 16 x 16 bits instead of 8 x 8: the picture in grey at 64 x 64, of its
    cosine transform the low frequencies, and of each whether it lies above their median.
    """
    side = 4 * HASH_SIDE
    small = image.convert("L").resize((side, side), Image.Resampling.LANCZOS)
    frequencies = dctn(np.asarray(small, dtype=float))[:HASH_SIDE, :HASH_SIDE]
    return np.packbits(frequencies > np.median(frequencies)).tobytes()


@contextmanager
def remembered() -> Iterator[sqlite3.Connection]:
    """The file of all facts; UserError where it cannot be used."""
    folder = cache_folder() / "pictures"
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
    path = folder / "facts.sqlite"
    try:
        memory = sqlite3.connect(path, timeout=60)
        try:
            memory.execute(
                "CREATE TABLE IF NOT EXISTS facts (path BLOB PRIMARY KEY, bytes INT, changed INT, "
                "method TEXT, sha256 TEXT, format TEXT, height INT, width INT, rules TEXT, "
                "perceptual_hash BLOB, reason TEXT)"
            )
            yield memory
        finally:
            memory.close()
    except sqlite3.Error as error:
        raise UserError(
            f"{path}, which remembers what picture files hold, cannot be used: {error}. Delete it, "
            "and it is made anew; or set APPLIED_KERAS_CACHE to another folder."
        ) from error
