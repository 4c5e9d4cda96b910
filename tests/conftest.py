"""Shared by all tests: the backend started once, a small real dataset, a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from common.backend import start_backend
from common.runs import ROOT

start_backend("float32")

from projects.flight_delays.load import load  # noqa: E402 (after the quiet start of TensorFlow)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file go to one worker, which prepares their data once; notebooks go alone."""
    for item in items:
        alone = item.path.name == "test_notebooks.py"
        item.add_marker(pytest.mark.xdist_group(item.name if alone else str(item.path)))


@pytest.fixture(scope="session")
def flights():
    """3,000 real flights of each part."""
    return load(rows=3000)


@pytest.fixture
def runs_folder(tmp_path, monkeypatch):
    """Where run folders of this test go."""
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "flight_delays"


@pytest.fixture
def in_style(tmp_path) -> Callable[[dict[str, str]], None]:
    """Writes files by name and content, and asserts that ruff has nothing to say of the Python."""

    def check(files: dict[str, str]) -> None:
        folder = tmp_path / "written"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        settings = ["--config", str(ROOT / "pyproject.toml")]
        for command in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, *settings, *folder.glob("*.py")],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout

    return check


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; on a developer's machine without one, the tests are skipped."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        advice = f"none of {', '.join(BROWSERS)} is installed: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"No browser; {advice}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()
