"""The scene is what the card says, no patches of two parts meet, a random split is an alarm."""

import numpy as np
import pandas as pd
import pytest

from common.data.checks import check_dataset
from common.data.dataset import PARTS
from common.errors import UserError
from common.scenes.areas import fields_of, split_by_area
from common.scenes.patches import patches_of, spectra_of
from projects.land_cover.load import LABELS, PIXEL, load, mixed_patches, prepare, read_raw
from projects.land_cover.run import Config

SIDE = Config().side
COUNTS = [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93]


@pytest.fixture(scope="module")
def pixels():
    return load()


def held_by(dataset, part: str, side: int) -> set[tuple[int, int]]:
    """Every pixel of the scene that lies in a patch of this part."""
    half = side // 2
    return {
        (row + down, column + right)
        for row, column in dataset.ids.loc[dataset.part == part, ["row", "column"]].to_numpy()
        for down in range(-half, half + 1)
        for right in range(-half, half + 1)
    }


def test_known_figures(pixels):
    file, labels = read_raw()
    scene = np.load(file)
    assert scene.shape == (145, 145, 200)
    assert (scene.min(), scene.max()) == (955, 9604)
    assert np.bincount(labels.ravel()).tolist() == [10_776, *COUNTS]
    assert sum(COUNTS) == 10_249
    assert len(np.unique(fields_of(labels)[labels > 0])) == 42
    account = pixels.account
    assert account.rows_in == 145 * 145
    assert account.rows_used == len(pixels.target)
    assert account.rows_used + account.dropped["too near to another part"] == 10_249


def test_features_are_the_places_that_the_ids_name(pixels):
    file, labels = read_raw()
    scene = np.load(file)
    row, column = pixels.ids["row"], pixels.ids["column"]
    spectra = spectra_of(pixels.features[PIXEL], pixels.schema.patch)
    np.testing.assert_array_equal(spectra, scene[row, column])
    np.testing.assert_array_equal(pixels.target, labels[row, column] - 1)
    inner = np.flatnonzero((row == 70) & (column > 2))[0]
    patch = patches_of(pixels.features[PIXEL].iloc[[inner]], pixels.schema.patch)[:][0]
    left = column[inner] - 2
    np.testing.assert_array_equal(patch, scene[68:73, left : left + 5])


@pytest.mark.parametrize("split", ["area", "fields"])
def test_no_patch_of_training_shares_a_pixel_with_one_of_validation_or_test(split):
    for draw in range(3):
        dataset = load(split=split, draw=draw)
        train, validation, test = (held_by(dataset, part, SIDE) for part in PARTS)
        assert not train & test
        assert not train & validation
        assert not validation & test


@pytest.mark.parametrize("split", ["area", "fields"])
def test_every_class_is_trained_and_tested(split):
    for draw in range(5):
        part = split_by_area(read_raw()[1], SIDE, draw, whole_fields=split == "fields")
        for name in ("train", "test"):
            classes = read_raw()[1][part == name]
            assert sorted(set(classes)) == list(range(1, 17))
        assert (part == "validation").sum() > 500


def test_whole_fields_lie_in_one_part():
    dataset = load(split="fields")
    parts = pd.Series(dataset.part).groupby(dataset.ids["field"]).nunique()
    crops = pd.Series(dataset.target).groupby(dataset.ids["field"]).first()
    fields_of_class = crops.map(crops.value_counts())
    assert (parts[fields_of_class >= 3] == 1).all()
    assert (parts[fields_of_class >= 3]).size == 33


def test_a_random_split_is_an_alarm_and_a_split_by_area_is_none(pixels):
    def overlaps(dataset) -> list[str]:
        return [each.level for each in check_dataset(dataset) if "overlap" in each.check]

    assert overlaps(pixels) == ["ok", "ok"]
    assert [each for each in check_dataset(pixels) if each.level == "alarm"] == []
    random = load(split="random")
    assert overlaps(random) == ["alarm", "alarm"]
    train, test = (held_by(random, part, SIDE) for part in ("train", "test"))
    assert len(test & train) > 0.9 * len(test)
    assert random.account.rows_used == 10_249


def test_a_wider_patch_needs_wider_gaps():
    wide = load(side=9)
    assert not held_by(wide, "train", 9) & held_by(wide, "test", 9)
    assert wide.account.rows_used < load(side=3).account.rows_used


def test_mixed_patches_hold_several_labels():
    labels = np.array([[1, 1, 1, 2], [1, 1, 1, 2], [1, 1, 1, 2]])
    assert mixed_patches(labels, 3).tolist() == [[False, False, True, True]] * 3
    assert not mixed_patches(labels, 1).any()


def test_prediction_names_the_pixels_that_training_does(pixels):
    file, _ = read_raw()
    rows = pixels.ids[["row", "column"]].astype(float).assign(scene=str(file))
    pd.testing.assert_frame_equal(prepare(rows, {}), pixels.features)


def test_the_fingerprint_is_that_of_the_content(pixels):
    assert pixels.fingerprint() == load().fingerprint()
    assert pixels.fingerprint() != load(draw=1).fingerprint()
    assert len(LABELS) == 16


def test_settings_that_cannot_be_are_refused():
    for name, value in {"side": 4, "dropout": 1.0}.items():
        with pytest.raises(UserError, match=f"{name} is {value}"):
            Config(**{name: value})
    for name, value in {"side": 0, "draw": -1}.items():
        with pytest.raises(UserError, match=f"{name} is {value}"):
            load(**{name: value})
