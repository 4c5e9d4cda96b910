"""The doctor on a folder of real pictures: copies, files that are none, labels that are wrong."""

import io
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import tyro

from common.doctor.__main__ import doctor
from common.doctor.folder import examine_pictures
from common.errors import UserError
from common.exit_status import exit_status
from projects.solar_cell_defects.load import PICTURE, read_raw

SWAPPED = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """150 real pictures in two classes, of which five lie in the wrong one, and a note."""
    root = tmp_path_factory.mktemp("doctor") / "cells"
    for number, cell in enumerate(read_raw().iloc[::17].head(150).itertuples()):
        kind = cell.type if number % 37 else {"mono": "poly", "poly": "mono"}[cell.type]
        (root / kind).mkdir(parents=True, exist_ok=True)
        name = f"swapped-{number}.png" if kind != cell.type else f"{number}.png"
        shutil.copy(getattr(cell, PICTURE), root / kind / name)
    (root / "mono" / "notes.md").write_text("no picture")
    assert len(list(root.rglob("swapped-*"))) == SWAPPED
    return root


def test_wrong_labels_are_doubted_first(folder):
    verdict, findings = examine_pictures(folder)
    assert verdict.endswith("questions answered in order.")
    assert "150 pictures of 2 classes" in verdict
    by_check = {finding.check: finding for finding in findings}
    doubted = by_check["doubtful labels"]
    doubted_names = [row["picture"] for row in doubted.rows]
    assert sum("swapped" in name for name in doubted_names[:SWAPPED]) >= 3  # by chance 0.2
    assert doubted.rows[0]["label"] != doubted.rows[0]["likelier"].split()[0]
    assert doubted.level == "note"
    assert "notes.md" in by_check["files left out"].message
    assert all(finding.advice for finding in findings if finding.level != "ok")


def test_the_command_tells_it_and_refuses_what_does_not_fit(folder, capsys):
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = exit_status(lambda: tyro.cli(doctor, args=[str(folder)]))
    assert status == 0
    assert printed.getvalue().startswith("cells: ")
    status = exit_status(lambda: tyro.cli(doctor, args=[str(folder), "--target", "type"]))
    assert status == 2
    assert "--target cannot be applied" in capsys.readouterr().err
    with pytest.raises(UserError, match="is no folder"):
        examine_pictures(folder / "nowhere")
