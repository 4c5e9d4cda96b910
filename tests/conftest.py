"""Shared by all tests: the backend started once, and a small real dataset."""

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
