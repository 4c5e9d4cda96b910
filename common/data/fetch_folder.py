"""A folder of files out of an archive at an address, known by its content.

A web site that packs an archive on request may pack other bytes tomorrow, though the files in it
stay the same. So the checksum is not the archive's but that of the names and contents in it.
"""

import hashlib
import os
from pathlib import Path

from common.data.archives import unpack_folder
from common.data.cache import cache_folder, checksum, work_folder
from common.data.fetch import download, mirrored, reason
from common.data.index import Source, without_secrets
from common.errors import UserError


def url_folder(url: str, sha256: str, file_name: str, folder: str, kept: tuple[str, ...]) -> Path:
    """Return the cached folder with what an archive at `url`, named `file_name`, has in `folder`.

    kept: the folders in it that count. sha256: their `content_checksum`. Raises UserError where the
    archive does not come, cannot be read, or has other content.
    """
    path = cache_folder() / sha256[:16] / "content"
    if path.is_dir():
        return path
    with work_folder(path.parent) as work:
        if path.is_dir():  # another process fetched it while this one waited
            return path
        source = Source(mirrored(file_name) or url)
        try:
            archive = download(source, file_name, None, work)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise UserError(
                f"{file_name} could not be fetched: {without_secrets(source.address)}: "
                f"{reason(error)}. Bring the pictures another way and name their folder, or set "
                "APPLIED_KERAS_MIRROR to an http address that has the file."
            ) from error
        unpack_folder(archive, folder, work / "content")
        found = content_checksum(work / "content", kept)
        if found != sha256:
            raise UserError(
                f"{without_secrets(source.address)} has other files than expected: the checksum of "
                f"{', '.join(kept)} is {found}, not {sha256}. Nothing of it is kept."
            )
        os.replace(work / "content", path)
    return path


def content_checksum(root: Path, folders: tuple[str, ...]) -> str:
    """The sha256 of "sha256, two spaces, path below root, line feed" of all files, in their order.

    As `sha256sum` prints them: LC_ALL=C; find FOLDERS -type f | sort | xargs sha256sum | sha256sum.
    """
    files = sorted(
        path.relative_to(root).as_posix()
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file()
    )
    lines = (f"{checksum(root / name)}  {name}\n" for name in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
