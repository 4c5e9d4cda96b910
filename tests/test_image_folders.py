"""Folders and lists of pictures: what is used and what not, copies, and the decoded array."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from common.errors import UserError
from common.images.cache import cached_images, decode_known
from common.images.decode import ImageForm, decode
from common.images.folder import pictures_in_folder
from common.images.listed import pictures_in_list
from common.images.survey import survey

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own."""
    monkeypatch.setenv("APPLIED_KERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


def draw(path: Path, number: int, size: tuple[int, int] = (60, 40)) -> Path:
    """A picture of its own for each number: boxes at random places."""
    random = np.random.default_rng(number)
    image = Image.new("RGB", size, tuple(random.integers(0, 256, 3).tolist()))
    for _ in range(12):
        left, top = random.integers(0, size[0]), random.integers(0, size[1])
        box = (left, top, left + size[0] // 3, top + size[1] // 3)
        ImageDraw.Draw(image).rectangle(box, fill=tuple(random.integers(0, 256, 3).tolist()))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def drawn(folder: Path, count: int) -> list[Path]:
    return [draw(folder / f"{number:03}.png", number) for number in range(count)]


def levels(found) -> dict[str, str]:
    return {finding.check: finding.level for finding in found.findings}


def message(found, check: str) -> str:
    return next(finding.message for finding in found.findings if finding.check == check)


def test_folder_of_classes(tmp_path):
    root = tmp_path / "pictures"
    for number, name in enumerate(["cat/1.png", "cat/more/2.png", "Dog/3.png", "Dog/4.png"]):
        draw(root / name, number)
    (root / "Dog" / "4.png").rename(root / "Dog" / "4.jpg")
    (root / "Dog" / "broken.jpg").write_bytes((root / "Dog" / "3.png").read_bytes()[:200])
    (root / "cat" / "notes.txt").write_text("Cats of the house.")
    (root / "cat" / ".DS_Store").write_bytes(b"x")
    (root / "labels.csv").write_text("a,b\n")
    found = pictures_in_folder(root)
    assert list(zip(found.table["path"], found.table["label"], strict=True)) == [
        ("Dog/3.png", "Dog"),
        ("Dog/4.jpg", "Dog"),
        ("cat/1.png", "cat"),
        ("cat/more/2.png", "cat"),
    ]
    assert set(found.table["part"]) == {""}
    assert found.labels() == ("Dog", "cat")
    assert found.files() == [root / path for path in found.table["path"]]
    assert found.table["height"].tolist() == [40] * 4
    reasons = found.left_out.set_index("path")["reason"]
    assert set(reasons.index) == {"labels.csv", "Dog/broken.jpg", "cat/notes.txt"}
    assert "truncated or damaged (PNG" in reasons["Dog/broken.jpg"]
    assert "it is text" in reasons["cat/notes.txt"]
    assert message(found, "account") == "7 files, 4 used."
    assert "Dog/4.jpg is PNG" in message(found, "misnamed")
    assert levels(found)["files left out"] == "note"


def test_folder_of_parts(tmp_path):
    for number, name in enumerate(["Train/a/1", "Train/b/2", "val/a/3", "test/a/4", "test/c/5"]):
        draw(tmp_path / f"{name}.png", number)
    draw(tmp_path / "test" / "6.png", 6)
    draw(tmp_path / "samples" / "7.png", 7)
    found = pictures_in_folder(tmp_path)
    parts = found.table.set_index("path")["part"].to_dict()
    assert parts == {
        "Train/a/1.png": "train",
        "Train/b/2.png": "train",
        "val/a/3.png": "validation",
        "test/a/4.png": "test",
        "test/c/5.png": "test",
    }
    assert found.left_out.set_index("path")["reason"].to_dict() == {
        "samples/7.png": "It lies in none of train, validation and test.",
        "test/6.png": "It lies in no class's folder.",
    }
    assert message(found, "unseen classes") == "Classes without a training picture: c."
    assert levels(found)["unseen classes"] == "alarm"
    assert message(found, "parts") == "Pictures: train 2, validation 1, test 2."


def test_copies_do_not_straddle_the_split(tmp_path):
    """Of a copy in a later part the earlier is left out; one with another label is told of."""
    for number, name in enumerate(["train/a/1", "train/b/2", "train/b/3", "test/a/4", "test/b/5"]):
        draw(tmp_path / f"{name}.png", number)
    shutil.copy(tmp_path / "test/a/4.png", tmp_path / "train/a/same.png")
    Image.open(tmp_path / "test/b/5.png").save(tmp_path / "train/b/near.jpg", quality=60)
    shutil.copy(tmp_path / "train/a/1.png", tmp_path / "train/b/other.png")
    found = pictures_in_folder(tmp_path)
    assert found.left_out["path"].tolist() == ["train/a/same.png", "train/b/near.jpg"]
    assert not found.table["path"].isin(found.left_out["path"]).any()
    assert len(found.table) == 6
    assert set(found.left_out["reason"]) == {"A later part has a copy of it."}
    groups = found.table.set_index("path")["group"]
    assert groups["train/a/1.png"] == groups["train/b/other.png"]
    assert groups.nunique() == 5
    assert message(found, "copies").startswith(
        "2 pictures have the same bytes as another one, and 1 more look the same"
    )
    assert "train/a/1.png (a) and train/b/other.png (b)" in message(
        found, "copies with different labels"
    )
    assert "2 pictures look like one" in message(found, "copies with different labels")


def test_rules_and_labels_are_told(tmp_path):
    for number, name in enumerate(["t-shirt/1", "T Shirt/2", "hat/3", "-1/5", "1/6"]):
        draw(tmp_path / f"{name}.png", number)
    Image.open(tmp_path / "hat/3.png").convert("CMYK").save(tmp_path / "hat/4.jpg")
    found = pictures_in_folder(tmp_path)
    alike = "Labels that differ in case or signs only: T Shirt, t-shirt."
    assert message(found, "labels alike") == alike
    assert message(found, "unusual files") == "Files read by a special rule: 1 CMYK."


def test_folders_without_classes(tmp_path):
    with pytest.raises(UserError, match=r"none is no folder. Expected one with a folder for each"):
        pictures_in_folder(tmp_path / "none")
    draw(tmp_path / "1.png", 1)
    with pytest.raises(UserError, match=r"no class; files left out: 1 \(1.png: It lies beside"):
        pictures_in_folder(tmp_path)
    draw(tmp_path / "a" / "2.png", 2)
    with pytest.raises(UserError, match="only the class 'a'"):
        pictures_in_folder(tmp_path)


def test_list(tmp_path):
    for number in range(6):
        draw(tmp_path / "images" / "deep" / f"00{number}.png", number)
    rows = [
        *("id,kind,price", "000,cat,1", "images/deep/001.png,dog,2", "images\\deep\\002.png,cat,3"),
        *("003.png,,4", "none.png,dog,5", "003.png,dog,6", "000,dog,7", "005,cat,8"),
    ]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "images" / "deep" / "005.png").write_bytes(b"")
    found = pictures_in_list(tmp_path / "labels.csv", label="kind")
    assert found.table["path"].to_dict() == {
        2: "images/deep/000.png",
        3: "images/deep/001.png",
        4: "images/deep/002.png",
        7: "images/deep/003.png",
    }
    assert found.table["label"].tolist() == ["cat", "dog", "cat", "dog"]
    assert found.left_out.to_records(index=False).tolist() == [
        ("003.png", "It has no label."),
        ("none.png", "It names no file, or several."),
        ("000", "An earlier line names the same file."),
        ("images/deep/005.png", "is empty."),
    ]


def test_list_with_parts(tmp_path):
    drawn(tmp_path, 4)
    path = tmp_path / "list.csv"
    path.write_text("name,y,part\n000,a,train\n001,b,Training\n002,a,val\n003,b,test\n")
    found = pictures_in_list(path, label="y", picture="name", part="part")
    assert found.table["part"].tolist() == ["train", "train", "validation", "test"]
    path.write_text(path.read_text().replace("val", "holdout"))
    with pytest.raises(UserError, match=r"list.csv, line 4, column 'part': 'holdout' is no part"):
        pictures_in_list(path, label="y", part="part")
    with pytest.raises(UserError, match=r"no column 'label'. Its columns: name, y, part"):
        pictures_in_list(path, label="label")
    path.write_text("name,y\nx,a\ny,b\n")
    with pytest.raises(UserError, match=r"No column of .*list.csv names files"):
        pictures_in_list(path, label="y")


def test_survey_remembers_what_has_not_changed(tmp_path, cache):
    file = draw(tmp_path / "1.png", 1)
    first = survey([file, tmp_path / "none.png"])
    assert first["sha256"].tolist() == [hashlib.sha256(file.read_bytes()).hexdigest(), ""]
    assert first["width"].tolist() == [60, 0]
    assert first["reason"].tolist() == ["", "cannot be read: No such file or directory."]
    # The same size and time, though not the same content: it is not looked at again.
    before = file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    pd.testing.assert_frame_equal(survey([file]), first[:1])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert "is no picture" in survey([file])["reason"][0]
    (cache / "facts.sqlite").write_bytes(b"torn" * 1000)
    with pytest.raises(UserError, match=r"facts.sqlite, .* cannot be used: .* Delete it"):
        survey([file])


def test_cached_images(tmp_path, cache):
    files = drawn(tmp_path / "one", 70)
    form = ImageForm(16, 24)
    images = cached_images(files, form)
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable
    assert (images.shape, images.dtype) == ((70, 16, 24, 3), np.uint8)
    for number in (0, 1, 31, 32, 69):
        np.testing.assert_array_equal(images[number], decode(files[number], form))
    made = [path.stat().st_mtime_ns for path in cache.glob("*/images.npy")]
    shutil.move(tmp_path / "one", tmp_path / "two")  # the same content elsewhere
    moved = sorted((tmp_path / "two").iterdir())
    np.testing.assert_array_equal(cached_images(moved, form), images)
    assert [path.stat().st_mtime_ns for path in cache.glob("*/images.npy")] == made
    np.testing.assert_array_equal(cached_images(moved[::-1], form), images[::-1])
    assert cached_images(moved, ImageForm(16, 24, channels=1)).shape == (70, 16, 24, 1)
    shutil.copy(moved[5], moved[0])
    np.testing.assert_array_equal(cached_images(moved, form)[0], images[5])
    assert len(list(cache.glob("*/images.npy"))) == 4


def test_nothing_is_kept_of_what_fails(tmp_path, cache):
    files = drawn(tmp_path, 3)
    files[1].write_bytes(files[1].read_bytes()[:100])
    with pytest.raises(UserError, match=r"001.png is truncated .* In all, 1 of 3 files"):
        cached_images(files, ImageForm(8, 8))
    with pytest.raises(UserError, match=r"of files is empty"):
        cached_images([], ImageForm(8, 8))
    with pytest.raises(UserError, match=r"need 300000.0 GB, but the disk of"):
        cached_images([files[0]] * 100, ImageForm(1_000_000, 1_000_000))
    with pytest.raises(UserError, match=r"000.png changed while it was being read"):
        decode_known(files[0], "another checksum", ImageForm(8, 8))
    assert not list(cache.glob("*/images.npy"))


PROGRAM = """
import resource, sys
from pathlib import Path
from common.images.cache import cached_images
from common.images.decode import ImageForm
from common.images.survey import survey
files = sorted(Path(sys.argv[1]).iterdir())
survey(files)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(cached_images(files, ImageForm(700, 700)).shape, flush=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print("tensorflow" in sys.modules)
"""


def test_a_killed_process_leaves_nothing_half_and_memory_stays_small(tmp_path, cache):
    """200 pictures of 1.4 MB; the first process is killed while it writes them."""
    drawn(tmp_path / "pictures", 200)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "pictures")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while not any(path.stat().st_size for path in cache.glob("*/unfinished/images.npy")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(cache.glob("*/images.npy"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shape, grown, tensorflow = done.stdout.splitlines()
    assert shape == "(200, 700, 700, 3)"
    assert int(grown) < 120_000  # kB, of an array of 294 MB
    assert tensorflow == "False"
    assert not list(cache.glob("*/unfinished"))
