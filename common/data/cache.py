"""The folder that keeps fetched files: one process at a time, and no file that is not whole."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError


def cache_folder() -> Path:
    """Return the folder that keeps fetched files, created if need be.

    Raises UserError where it cannot be created.
    """
    from platformdirs import user_cache_path

    chosen = os.environ.get("APPLIED_KERAS_CACHE")
    folder = Path(chosen).expanduser().absolute() if chosen else user_cache_path("applied_keras")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """Hold the lock of `folder` and lend an empty folder in it, for files not yet whole."""
    from filelock import FileLock

    work = folder / "unfinished"
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            try:
                shutil.rmtree(work, ignore_errors=True)  # a killed process may have left one
                work.mkdir()
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the disk below `folder` into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The cache folder {folder} cannot be used: {error.strerror or error}. Make room "
            "there, or set APPLIED_KERAS_CACHE to another folder."
        ) from None


def checksum(path: Path) -> str | None:
    """Return the file's sha256, None if there is no readable file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
