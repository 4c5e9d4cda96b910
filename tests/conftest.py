"""Shared by all tests: the backend started once, a small real dataset, a browser."""

import os
import shutil

import pytest

from common.backend import start_backend

start_backend("float32")

from projects.flight_delays.load import load  # noqa: E402 (after the quiet start of TensorFlow)


@pytest.fixture(scope="session")
def flights():
    """3,000 real flights of each part."""
    return load(rows=3000)


@pytest.fixture
def runs_folder(tmp_path, monkeypatch):
    """Where run folders of this test go."""
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "flight_delays"


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
