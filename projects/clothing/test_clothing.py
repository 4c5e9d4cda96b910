"""Any folder of pictures becomes a dataset; the photographs themselves are not needed here."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from common.errors import UserError
from projects.clothing.load import load
from projects.solar_cell_defects.load import PICTURE, read_raw


@pytest.fixture(scope="module")
def cells():
    """120 real pictures in two classes, no two of them alike: path and class."""
    raw = read_raw().iloc[::21][:120]
    return [(Path(path), kind) for path, kind in zip(raw[PICTURE], raw["type"], strict=True)]


def filled(root: Path, cells, place) -> Path:
    """Copy each picture to where `place` (number, class) says."""
    for number, (path, label) in enumerate(cells):
        target = root / place(number, label) / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return root


def counts(dataset) -> pd.DataFrame:
    return pd.crosstab(dataset.part, dataset.target)


def test_a_split_that_is_given_stays(tmp_path, cells):
    parts = ("train", "train", "val", "test")
    root = filled(tmp_path, cells, lambda number, label: f"{parts[number % 4]}/{label}")
    dataset = load(str(root), size=32)
    assert dataset.part_rows() == {"train": 60, "validation": 30, "test": 30}
    assert dataset.schema.labels == ("mono", "poly")
    assert dataset.schema.image.shape == (32, 32, 3)
    for path, part, number in zip(
        dataset.features[PICTURE], dataset.part, dataset.target, strict=True
    ):
        folder = Path(path).relative_to(root).parts
        assert {"val": "validation"}.get(folder[0], folder[0]) == part
        assert folder[1] == dataset.schema.labels[int(number)]


def test_without_a_split_one_is_made_with_the_same_share_of_each_class(tmp_path, cells):
    root = filled(tmp_path, cells, lambda number, label: label)
    table = counts(load(str(root)))
    shares = table / table.sum()
    for part, share in {"train": 0.64, "validation": 0.16, "test": 0.2}.items():
        assert (shares.loc[part] - share).abs().max() < 0.05


def test_what_is_missing_of_a_split_is_cut_from_training(tmp_path, cells):
    root = filled(
        tmp_path, cells, lambda number, label: f"{'test' if number % 4 == 0 else 'train'}/{label}"
    )
    dataset = load(str(root))
    rows = dataset.part_rows()
    assert rows["test"] == 30
    assert rows["train"] + rows["validation"] == 90
    assert 10 <= rows["validation"] <= 22
    tests = {Path(path).name for path in dataset.features[PICTURE][dataset.part == "test"]}
    assert tests == {path.name for path, _ in cells[::4]}


def test_copies_stay_together_and_files_left_out_are_counted(tmp_path, cells):
    root = filled(tmp_path, cells, lambda number, label: label)
    for path, label in cells[:20]:
        with Image.open(path) as picture:
            picture.convert("RGB").save(root / label / f"again_{path.stem}.jpg", quality=60)
    (root / "mono" / "notes.txt").write_text("not a picture")
    (root / "mono" / "empty.png").write_bytes(b"")
    dataset = load(str(root))
    assert dataset.account.rows_in == 142
    assert dataset.account.rows_used == 140
    together = pd.Series(dataset.part).groupby(dataset.groups).nunique()
    assert (together == 1).all()
    assert (pd.Series(dataset.groups).value_counts() > 1).sum() == 20
    told = next(each for each in dataset.findings if each.check == "files left out")
    assert told.level == "note"
    assert "notes.txt" in told.message or "empty.png" in told.message


def test_rows_limits_each_part(tmp_path, cells):
    root = filled(tmp_path, cells, lambda number, label: label)
    dataset = load(str(root), rows=10)
    assert set(dataset.part_rows().values()) == {10}
    assert dataset.account.dropped["left out by --rows"] == 90
    assert np.isfinite(dataset.target).all()


@pytest.mark.parametrize("content", ["nothing", "one class"])
def test_folders_that_cannot_be_learned_from_are_refused(content, tmp_path, cells):
    if content == "one class":
        filled(tmp_path, cells[:5], lambda number, label: "all")
    with pytest.raises(UserError, match="two classes"):
        load(str(tmp_path))
    with pytest.raises(UserError, match="is no folder"):
        load(str(tmp_path / "nowhere"))
