"""Files from elsewhere: fetched once, checked against a checksum, kept in a cache folder.

Each file has a folder of its own in the cache, named after its checksum, so that two files of the
same name never take each other's place. In that folder one process works at a time, and a file
appears under its name only when it is whole. Every failure a user can meet is a `UserError`.

Environment variables:
    APPLIED_KERAS_CACHE   the cache folder, instead of the user's own
    APPLIED_KERAS_MIRROR  an http address that is asked for every file, instead of the usual one
"""

import http.client
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from common.data.cache import cache_folder, checksum, work_folder
from common.data.index import (
    TIMEOUT_SECONDS,
    Source,
    link_in_index,
    pip_settings,
    split_credentials,
    without_secrets,
)
from common.errors import UserError

RETRIES = 2


def package_archive(project: str, version: str, file_name: str, sha256: str) -> Path:
    """Return the cached archive (sdist or wheel) of a published package; nothing is installed.

    The indexes of pip's own configuration are asked in turn, or else the default one. Raises
    UserError if no index gives a file with this checksum, or the cache cannot be written.
    """

    def sources() -> Iterator[Source]:
        from pypi_simple import PYPI_SIMPLE_ENDPOINT

        settings = pip_settings()
        certificates = os.path.expanduser(settings["cert"]) or None
        web_address = r"(?<!\S)https?://\S+"  # pip also allows local folders
        indexes = re.findall(web_address, settings["index-url"]) or [PYPI_SIMPLE_ENDPOINT]
        for index in indexes + re.findall(web_address, settings["extra-index-url"]):
            yield Source(index, project, certificates)

    return fetch(f"{file_name} ({project} {version})", file_name, sha256, sources)


def url_file(url: str, sha256: str, file_name: str) -> Path:
    """Return the cached copy of the file at `url`, kept as `file_name`.

    Raises UserError if no file with this checksum comes from there, or the cache cannot be written.
    """
    return fetch(file_name, file_name, sha256, lambda: [Source(url)])


def local_file(path: str | Path) -> Path:
    """Return `path` as an absolute path; UserError unless it is a readable file with content."""
    file = Path(path).expanduser().absolute()
    try:
        with file.open("rb") as content:
            first_byte = content.read(1)
    except OSError as error:
        raise UserError(f"The file {file} cannot be read: {error.strerror}.") from None
    if not first_byte:
        raise UserError(f"The file {file} is empty.")
    return file


def fetch(
    wanted: str, file_name: str, sha256: str, sources: Callable[[], Iterable[Source]]
) -> Path:
    """Return the file from the cache, or from the first source that gives the right content.

    `sources` is called only when a download is needed, since asking pip takes half a second.
    """
    if Path(file_name).name != file_name:
        raise ValueError(f"file_name must be a plain file name, not {file_name!r}")
    sha256 = sha256.lower()
    path = cache_folder() / sha256[:16] / file_name
    if checksum(path) == sha256:
        return path
    with work_folder(path.parent) as work:
        found = checksum(path)
        if found == sha256:  # another process fetched it while this one waited
            return path
        if found:
            print(f"{path} is damaged (sha256 {found}): fetching it again.", file=sys.stderr)
        mirror, failures = mirrored(file_name), []
        for source in [Source(mirror)] if mirror else sources():
            try:
                os.replace(download(source, file_name, sha256, work), path)
                return path
            except (OSError, ValueError) as error:
                # The disk's errors carry a number; those of requests, also OSErrors, do not.
                if getattr(error, "errno", None) is not None:
                    raise
                failures.append(f"  {without_secrets(source.address)}: {reason(error)}")
    raise UserError(
        "\n".join([f"{wanted} could not be fetched:", *failures])
        + f"\nDownload {file_name} (sha256 {sha256}) on another machine and put it at {path}, "
        "or set APPLIED_KERAS_MIRROR to an http address that has it."
    )


def mirrored(file_name: str) -> str:
    """The address of the file on the mirror that the user has set; "" where there is none."""
    mirror = os.environ.get("APPLIED_KERAS_MIRROR")
    return f"{mirror.rstrip('/')}/{quote(file_name)}" if mirror else ""


def download(source: Source, file_name: str, sha256: str | None, folder: Path) -> Path:
    """Download into `folder` with pooch; OSError or ValueError if that fails.

    sha256: None where the content is checked afterwards.
    """
    with warnings.catch_warnings():
        # Of tqdm, in a notebook without ipywidgets: no bar is shown there.
        warnings.filterwarnings("ignore", "IProgress not found")
        import pooch

    url, credentials = split_credentials(source.address)
    if source.project:
        url, credentials = link_in_index(url, credentials, source, file_name, sha256)
    # Pooch would announce each download and retry on standard error.
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=2**16,
        timeout=TIMEOUT_SECONDS,
        auth=credentials,
        verify=source.certificates,
        headers={"Accept-Encoding": "identity"},  # else some servers compress what is compressed
    )
    files = pooch.create(
        folder,
        base_url="",
        registry={file_name: sha256},
        urls={file_name: url},
        retry_if_failed=RETRIES,
    )
    return Path(files.fetch(file_name, downloader=downloader))


def reason(error: Exception) -> str:
    """Say in a few words why a download failed; requests' own messages could quote secrets."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        status = error.response.status_code
        return f"answered {status} {http.client.responses.get(status, '')}"
    for kind, words in (
        (exceptions.SSLError, "its TLS certificate is not trusted (see REQUESTS_CA_BUNDLE)"),
        (exceptions.ProxyError, "the proxy could not be reached"),
        (exceptions.Timeout, f"no answer within {TIMEOUT_SECONDS} seconds"),
        (exceptions.ConnectionError, "could not be reached"),
        (exceptions.ChunkedEncodingError, "the connection was cut off"),
        (exceptions.RequestException, f"failed with {type(error).__name__}"),
    ):
        if isinstance(error, kind):
            return words
    return str(error)
