"""Pictures decoded once, into one array of bytes on disk: training reads it instead of the files.

    files + form --cached_images--> cache folder/pictures/<key>/images.npy --> memory-mapped array

The key follows from the content of the files, their order and the form: a file that changes, or
another size, makes an array anew, and a file that is moved does not. The array appears under its
name when it is whole; in making it, a few files' worth of pixels are in memory at a time.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import PIL

from common.data.cache import cache_folder, disk_errors, work_folder
from common.errors import UserError
from common.images.decode import ImageForm, decode, decode_bytes, read_bytes
from common.images.survey import THREADS, spread, survey

METHOD = f"1, Pillow {PIL.__version__}"  # count up where the same file would get other pixels
CHUNK_BYTES = 2**25  # of decoded pixels between two writings


def decoded_images(files: Sequence[Path | str], form: ImageForm) -> np.ndarray:
    """The decoded files in memory, (files, height, width, channels) uint8, without the cache.

    Raises UserError for a file that is no picture.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        decoded = spread(pool, decode, list(files), [form] * len(files))
        return np.stack(list(decoded)) if len(files) else np.empty((0, *form.shape), "uint8")


def cached_images(files: Sequence[Path], form: ImageForm) -> np.ndarray:
    """The decoded files, (files, height, width, channels) uint8, memory-mapped and read-only.

    Give it all the files of a dataset at once, and take parts of the array: each list of files has
    an array of its own. Raises UserError for a file that is no picture, and where the disk has no
    room. Calls at the same time, in several processes too, wait for the one that makes the array.
    """
    if not len(files):
        raise UserError("There are no pictures to decode: the list of files is empty.")
    files = [Path(file) for file in files]
    facts = survey(files)
    bad = np.flatnonzero(facts["reason"] != "")
    if len(bad):
        first = bad[0]
        raise UserError(
            f"{files[first]} {facts['reason'][first]} In all, {len(bad):,} of {len(files):,} files "
            "cannot be used; leave them out, as common.images.folder does."
        )
    checksums = facts["sha256"].tolist()
    settings = json.dumps([METHOD, asdict(form), checksums])
    folder = cache_folder() / "pictures" / hashlib.sha256(settings.encode()).hexdigest()[:32]
    path = folder / "images.npy"
    if not path.exists():
        with work_folder(folder) as work:
            if not path.exists():  # else another process made it while this one waited
                check_room(folder, len(files) * int(np.prod(form.shape)))
                write_images(files, checksums, form, work / "images.npy")
                os.replace(work / "images.npy", path)
    with disk_errors(folder):
        return np.load(path, mmap_mode="r")


def check_room(folder: Path, wanted: int) -> None:
    """UserError where the disk of `folder` has less than the wanted bytes."""
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise UserError(
            f"The decoded pictures need {wanted / 1e9:.1f} GB, but the disk of {folder} has "
            f"{free / 1e9:.1f} GB left. Make room there, set APPLIED_KERAS_CACHE to another "
            "folder, or choose a smaller size."
        )


def write_images(files: list[Path], checksums: list[str], form: ImageForm, path: Path) -> None:
    """Decode the files into an .npy file, chunk by chunk.

    Written, not mapped: a full disk then raises an error instead of killing the process.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), *form.shape)}
    chunk = max(THREADS, CHUNK_BYTES // int(np.prod(form.shape)))
    with open(path, "wb") as array, ThreadPoolExecutor(THREADS) as pool:
        np.lib.format.write_array_header_1_0(array, header)
        for start in range(0, len(files), chunk):
            rows = slice(start, start + chunk)
            forms = [form] * len(files[rows])
            for image in spread(pool, decode_known, files[rows], checksums[rows], forms):
                array.write(image)
        array.flush()
        os.fsync(array.fileno())


def decode_known(path: Path, checksum: str, form: ImageForm) -> np.ndarray:
    """The decoded file; UserError where its content is no longer what it was."""
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != checksum:
        raise UserError(f"{path} changed while it was being read. Start again.")
    return decode_bytes(content, str(path), form)
