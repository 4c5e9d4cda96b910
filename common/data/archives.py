"""Files and folders out of archives, unpacked safely into the cache."""

import difflib
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from common.data.cache import cache_folder, work_folder
from common.data.fetch import local_file
from common.errors import UserError

# What the standard library raises on an archive that is damaged, encrypted or none at all.
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile),
    *(zlib.error, EOFError, RuntimeError),
)


def archive_member(archive: Path, member: str) -> Path:
    """Return one file of a .tar.gz, .zip or .whl archive, unpacked into the cache.

    It lies beside an archive that is itself in the cache, else in a folder of its own there.
    Raises UserError for a member that is missing, no regular file or named so as to leave its
    folder, and for a damaged archive.
    """
    archive = local_file(archive).resolve()
    folder = folder_beside(archive)
    root = folder / f"{archive.name}.unpacked"
    check_inside(root, member, archive)

    # The unpacked file bears its archive's time, so that a replaced archive is unpacked again.
    path, archive_time = root / member, archive.stat().st_mtime_ns
    if path.is_file() and path.stat().st_mtime_ns == archive_time:
        return path
    with work_folder(folder) as work:
        unpacked = work / "member"
        with opened_member(archive, member) as source:
            write_whole(source, unpacked)
        os.utime(unpacked, ns=(archive_time, archive_time))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked, path)
    return path


def archive_folder(archive: Path, name: str) -> Path:
    """Return one folder of an archive with all its regular files, unpacked into the cache.

    Unpacked once, whole or not at all. Raises UserError as `archive_member` does, and where the
    archive has no such folder.
    """
    archive = local_file(archive).resolve()
    folder = folder_beside(archive)
    path, archive_time = folder / f"{archive.name}.folders" / name, archive.stat().st_mtime_ns
    if path.is_dir() and path.stat().st_mtime_ns == archive_time:
        return path
    with work_folder(folder) as work:
        unpack_folder(archive, name, work / "folder")
        os.utime(work / "folder", ns=(archive_time, archive_time))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(work / "folder", path)
    return path


def unpack_folder(archive: Path, name: str, destination: Path) -> None:
    """Write the regular files of one folder of an archive to `destination`; raises as above."""
    with opened_archive(archive) as (files, read):
        members = [member for member in files if member.startswith(f"{name}/")]
        if not members:
            raise UserError(f"{archive} has no folder {name} with regular files in it.")
        for member in members:
            below = member.removeprefix(f"{name}/")
            check_inside(destination.resolve(), below, archive)
            (destination / below).parent.mkdir(parents=True, exist_ok=True)
            with read(files[member]) as source:
                write_whole(source, destination / below)


def folder_beside(archive: Path) -> Path:
    """The folder of an archive that is itself in the cache, else one of its own there."""
    cache = cache_folder().resolve()
    if cache in archive.parents:
        return archive.parent
    return cache / hashlib.sha256(os.fsencode(archive)).hexdigest()[:16]


def check_inside(root: Path, member: str, archive: Path) -> None:
    """UserError where the name of a member would lie outside of `root`."""
    if "\0" in member or root not in (root / member).resolve().parents:
        raise UserError(f"{member!r} in {archive} is refused: the name leaves its folder.")


def write_whole(source: IO[bytes], path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())


@contextmanager
def opened_archive(archive: Path) -> Iterator[tuple[dict, Callable]]:
    """The regular files of an archive by name, and what opens one; UserError if it is damaged."""
    is_zip = archive.suffix in (".zip", ".whl")
    try:
        with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive) as container:
            if is_zip:
                files = {file.filename: file for file in container.infolist() if is_regular(file)}
            else:
                files = {file.name: file for file in container if file.isreg()}
            yield files, container.open if is_zip else container.extractfile
    except DAMAGED as error:
        raise UserError(f"The archive {archive} cannot be read: {error}.") from None


@contextmanager
def opened_member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open one regular file of `archive` for reading; UserError as in `archive_member`."""
    with opened_archive(archive) as (files, read):
        if member not in files:
            nearest = ", ".join(difflib.get_close_matches(member, files, n=3, cutoff=0))
            raise UserError(f"{archive} has no regular file {member}. Nearest: {nearest}.")
        with read(files[member]) as content:
            yield content


def is_regular(entry: zipfile.ZipInfo) -> bool:
    """Tell a plain file from folders, links and devices; not all systems note the type (0)."""
    return not entry.is_dir() and stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
