"""Where a package's archive lies: the indexes that pip is configured for, and their pages."""

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Source:
    """A place to fetch from: the file's own address or, if `project` is given, a package index."""

    address: str
    project: str | None = None
    certificates: str | None = None


def link_in_index(
    index: str, credentials: tuple | None, source: Source, file_name: str, sha256: str
) -> tuple[str, tuple | None]:
    """Return the file's address and the credentials for it from the project's page in an index."""
    import requests
    from pypi_simple import ACCEPT_ANY, ProjectPage, PyPISimple, UnsupportedRepoVersionError

    # PyPISimple's own requests would prefer REQUESTS_CA_BUNDLE to the certificates pip is told.
    response = requests.get(
        PyPISimple(index).get_project_url(source.project),
        headers={"Accept": ACCEPT_ANY},
        auth=credentials,
        verify=source.certificates,
        timeout=TIMEOUT_SECONDS,
    )
    if response.status_code == 404:
        raise ValueError(f"has no package {source.project}")
    response.raise_for_status()
    try:
        packages = ProjectPage.from_response(response, source.project).packages
    except (ValueError, UnsupportedRepoVersionError):
        raise ValueError("does not answer like a package index") from None
    package = next((package for package in packages if package.filename == file_name), None)
    if package is None:
        raise ValueError(f"does not list {file_name}")
    if package.digests.get("sha256", sha256) != sha256:
        raise ValueError(f"expected sha256 {sha256} but got {package.digests['sha256']}")
    link, own_credentials = split_credentials(package.url)
    same_host = urlsplit(link).netloc == urlsplit(index).netloc
    return link, own_credentials or (credentials if same_host else None)


def pip_settings() -> dict[str, str]:
    """Return what pip's environment variables say, else its configuration files, else ""."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    configured = dict(re.findall(r"^(\S+?)=(.*)$", listing, flags=re.MULTILINE))
    settings = {}
    for name in ("index-url", "extra-index-url", "cert"):
        variable = "PIP_" + name.upper().replace("-", "_")
        entry = configured.get(f"install.{name}") or configured.get(f"global.{name}") or "''"
        settings[name] = os.environ.get(variable) or ast.literal_eval(entry)
    return settings


def split_credentials(address: str) -> tuple[str, tuple | None]:
    """Split `address` into one without credentials and the (user, password) for requests."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises for an unquoted character, as the next message says
    except ValueError:
        raise ValueError("no valid address (in a password, special characters are %xx)") from None
    if "@" not in parts.netloc:
        return address, None
    credentials = (unquote_to_bytes(parts.username), unquote_to_bytes(parts.password or ""))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), credentials


def without_secrets(address: str) -> str:
    """Return `address` for an error message: no credentials, however malformed, and no query."""
    return re.sub(r"//.*@", "//…@", address, flags=re.DOTALL).partition("?")[0]
