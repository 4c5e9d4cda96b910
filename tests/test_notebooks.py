"""Every notebook runs from top to bottom, and its two forms say the same."""

import os
import shutil
from pathlib import Path

import pytest

from notebooks.build import differing_cells, execute, read_source, sources
from projects.solar_cell_defects.load import PICTURE, read_raw


@pytest.fixture(scope="module")
def folder_of_pictures(tmp_path_factory) -> Path:
    """120 real pictures in four classes, so that no test needs a download."""
    root = tmp_path_factory.mktemp("pictures")
    for cell in read_raw().iloc[::21].head(120).itertuples():
        folder = root / f"{cell.type} {round(cell.probability)}"
        folder.mkdir(exist_ok=True)
        shutil.copy(getattr(cell, PICTURE), folder)
    return root


def spent_by_kernels() -> float:
    """Seconds of CPU of the kernels that ended, which other work on the machine lengthens less."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_notebook_runs_in_quick_mode(path, monkeypatch, folder_of_pictures):
    monkeypatch.setenv("APPLIED_KERAS_QUICK", "1")
    monkeypatch.setenv("CLOTHING_FOLDER", str(folder_of_pictures))
    before = spent_by_kernels()
    notebook = execute(read_source(path), path.parent)
    assert 0 < spent_by_kernels() - before < 180
    kinds = {
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    assert "image/png" in kinds
    errors = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert errors == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_text_and_page_agree(path):
    assert differing_cells(path) == []


def test_a_changed_cell_is_noticed(tmp_path):
    path = sources()[0]
    copy = tmp_path / path.name
    copy.write_text(f"{path.read_text()}# changed\n")  # in the last cell
    copy.with_suffix(".ipynb").write_text(path.with_suffix(".ipynb").read_text())
    cells = len(read_source(path).cells)
    assert differing_cells(copy) == [f"{path.stem}.ipynb, cell {cells}: differs from {path.name}"]
    copy.with_suffix(".ipynb").unlink()
    assert differing_cells(copy) == [f"{path.stem}.ipynb is not there"]
