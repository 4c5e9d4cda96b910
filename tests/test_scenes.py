"""Scenes: patches as numpy cuts them, splits by area that share no pixel, bad files named."""

import keras
import numpy as np
import pandas as pd
import pytest

from common.data.dataset import Schema
from common.errors import UserError
from common.models.heads import Target
from common.models.scene import build_spatial_cnn, build_spectral_cnn, build_spectral_spatial_cnn
from common.models.table import PATCH, Table, describe_bands
from common.scenes.areas import fields_of, split_by_area
from common.scenes.form import PatchForm
from common.scenes.overlap import near
from common.scenes.patches import (
    by_content,
    open_scene,
    patches_of,
    pixel_names,
    places_of,
    spectra_of,
)
from common.scenes.rows import scene_chunks, with_scenes
from common.training.part import MappedRows

BANDS = 6


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The file of a scene of 9 x 7 pixels, and its array."""
    values = np.random.default_rng(0).integers(0, 9000, (9, 7, BANDS)).astype("uint16")
    file = tmp_path_factory.mktemp("scene") / "a:1.npy"  # a name may hold the mark itself
    np.save(file, values)
    return file, values


def all_pixels(file, values) -> pd.Series:
    places = np.argwhere(np.ones(values.shape[:2], bool))
    return pixel_names([str(file)] * len(places), *places.T)


@pytest.mark.parametrize("side", [1, 3, 5, 9])
def test_patches_are_those_that_numpy_cuts_from_a_padded_scene(scene, side):
    file, values = scene
    pixels = all_pixels(file, values)
    patches = patches_of(pixels, PatchForm(side, BANDS))
    half = side // 2
    padded = np.pad(values, ((half, half), (half, half), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    expected = np.moveaxis(windows, 2, -1).reshape(-1, side, side, BANDS)
    assert patches.shape == expected.shape
    np.testing.assert_array_equal(patches[:], expected)
    chosen = np.array([5, 0, 5, 62])
    np.testing.assert_array_equal(MappedRows(patches, chosen).read(), expected[chosen])
    np.testing.assert_array_equal(
        MappedRows(patches, chosen).gather(np.array([2, 1])), expected[[5, 0]]
    )
    np.testing.assert_array_equal(spectra_of(pixels, PatchForm(side, BANDS)), values.reshape(-1, 6))


def test_pixels_of_several_scenes_and_of_any_layout(scene, tmp_path):
    file, values = scene
    other = tmp_path / "other.npy"
    np.save(other, np.asfortranarray(values[:1, :1] + 0.5))  # one pixel, bands far apart
    pixels = pixel_names([str(other), str(file), str(other)], [0, 8, 0], [0, 6, 0])
    patches = patches_of(pixels, PatchForm(3, BANDS))[:]
    np.testing.assert_array_equal(patches[0], patches[2])
    assert (patches[0] == values[0, 0] + 0.5).all()
    np.testing.assert_array_equal(patches[1, 1, 1], values[8, 6])


def test_names_count_by_the_content_of_their_scene(scene, tmp_path):
    file, values = scene
    copy = tmp_path / "copy.npy"
    copy.write_bytes(file.read_bytes())
    names = [pixel_names([str(path)], [3], [4]) for path in (file, copy)]
    assert by_content(names[0]).tolist() == by_content(names[1]).tolist()
    paths, places = places_of(names[0])
    assert paths.tolist() == [str(file)]
    assert places.tolist() == [[3, 4]]
    np.save(copy, values + 1)
    assert by_content(names[0]).tolist() != by_content(names[1]).tolist()


def bad_files(values) -> dict[str, object]:
    torn = values.astype("float32")
    torn[4, 2, 1] = np.nan
    huge = values.astype("float64")
    huge[0, 0, 0] = 1e300
    return {
        "4 bands|shape": values[..., :4],
        "flat|shape": values[0],
        "empty|shape": values[:0],
        "nan|row 4, column 2, band 1": torn,
        "huge|row 0, column 0, band 0": huge,
        "complex|complex128": values.astype("complex128"),
        "text|<U1": np.full(values.shape, "a"),
        "objects|cannot be read": np.full(values.shape, None, object),
    }


def test_files_that_are_no_such_scene_are_named(scene, tmp_path):
    form = PatchForm(3, BANDS)
    for name, content in bad_files(scene[1]).items():
        file, told = tmp_path / f"{name.split('|')[0]}.npy", name.split("|")[1]
        np.save(file, content, allow_pickle=True)
        with pytest.raises(UserError, match=told) as error:
            open_scene(file, form)
        assert str(file) in str(error.value)
    for content in (b"", b"nonsense", scene[0].read_bytes()[:200]):
        file.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read"):
            scene_chunks(file, form)
    with pytest.raises(UserError, match="No such file"):
        open_scene(tmp_path / "nowhere.npy", form)
    with pytest.raises(UserError, match="Is a directory"):
        open_scene(tmp_path, form)


def test_a_scene_that_changes_is_read_anew(scene, tmp_path):
    file, form = tmp_path / "scene.npy", PatchForm(1, BANDS)
    np.save(file, scene[1])
    before = open_scene(file, form)[0, 0, 0]
    np.save(file, np.concatenate([scene[1], scene[1]]) + 1)
    assert open_scene(file, form)[0, 0, 0] == before + 1


@pytest.mark.parametrize("side", [0, -3, 4])
def test_a_side_without_a_middle_is_refused(side):
    with pytest.raises(UserError, match="odd number"):
        PatchForm(side, BANDS)


def test_a_patch_and_its_form_belong_together():
    with pytest.raises(ValueError, match="patch column needs a form"):
        Schema({"pixel": "patch"}, {}, ("a", "b"))


@pytest.mark.parametrize(
    ("row", "column", "told"),
    [(9, 0, "row 9 is not"), (0, -1, "column -1"), (1.5, 0, "row 1.5"), (0, np.nan, "column nan")],
)
def test_pixels_outside_of_their_scene_are_named(scene, row, column, told):
    file, _ = scene
    index = pd.Index([2], name="line")
    rows = pd.DataFrame({"scene": file.name, "row": [row], "column": [column]}, index=index)
    with pytest.raises(UserError, match=f"line 2: {told}"):
        with_scenes(rows, PatchForm(3, BANDS), file.parent / "pixels.csv")


def labelled() -> np.ndarray:
    """Fields of seven classes on a scene of 40 x 40, some large, one of two pixels, some side by
    side."""
    labels = np.zeros((40, 40), int)
    labels[1:19, 1:19] = 1
    labels[1:19, 19:30] = 2
    labels[22:38, 2:6] = 3
    labels[22:30, 8:20] = 1
    labels[20:40, 30:40] = 4
    labels[32:39, 10:12] = 5
    labels[35, 20:22] = 6
    labels[33:38, 24:28] = 1
    labels[0:3, 34:40] = 7
    labels[3:6, 31:34] = 7  # touches the one above at a corner: the same field
    return labels


@pytest.mark.parametrize("whole_fields", [False, True])
@pytest.mark.parametrize("side", [1, 3, 5])
def test_no_patch_of_a_part_shares_a_pixel_with_one_of_another(side, whole_fields):
    """Seen from the pixels, not from distances: every patch as the set of pixels it holds."""
    labels, half = labelled(), side // 2
    for seed in range(5):
        part = split_by_area(labels, side, seed, whole_fields)
        assert not (part[labels == 0] != "").any()
        held = {}
        for name in ("train", "validation", "test"):
            held[name] = set()
            for row, column in np.argwhere(part == name):
                rows = range(max(row - half, 0), min(row + half + 1, 40))
                columns = range(max(column - half, 0), min(column + half + 1, 40))
                held[name] |= {(y, x) for y in rows for x in columns}
        assert not held["train"] & held["test"]
        assert not held["train"] & held["validation"]
        assert not held["validation"] & held["test"]
        for name in ("train", "test"):
            assert {2, 4} <= set(labels[part == name])  # the commonest, 1, may give way
        if side == 5:
            assert set(part[labels == 6]) <= {"train", ""}  # two pixels cannot be cut


def test_another_seed_is_another_split_and_the_same_one_the_same():
    parts = [split_by_area(labelled(), 3, seed) for seed in (0, 0, 1, 2)]
    assert (parts[0] == parts[1]).all()
    assert any((parts[0] != other).any() for other in parts[2:])


def test_fields_are_connected_at_corners_too():
    fields = fields_of(labelled())
    assert len(np.unique(fields[labelled() == 1])) == 3
    assert len(np.unique(fields[labelled() == 7])) == 1
    assert (fields[labelled() == 0] == 0).all()


def test_near_is_where_patches_meet():
    pixels = np.zeros((11, 11), bool)
    pixels[5, 5] = True
    found = np.argwhere(near(pixels, 3))
    assert found.min() == 3  # the patches around 3 and 5 share pixel 4
    assert found.max() == 7
    assert len(found) == 25


def table_of(scene, side: int) -> tuple[Table, np.ndarray]:
    form = PatchForm(side, BANDS)
    pixels = all_pixels(*scene)
    bands = describe_bands(side, spectra_of(pixels, form))
    return Table(bands=bands), patches_of(pixels, form)[:]


BUILDERS = [build_spectral_cnn, build_spatial_cnn, build_spectral_spatial_cnn]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("side", [1, 3, 5])
def test_networks_take_any_side_and_come_back_from_their_file(scene, build, side, tmp_path):
    table, patches = table_of(scene, side)
    network = build(table, Target("multiclass", (0.5, 0.25, 0.25)))
    answers = network.predict_on_batch({PATCH: patches})
    assert answers.shape == (63, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict_on_batch({PATCH: patches}), answers)


def test_the_spectral_network_sees_the_middle_alone_and_the_others_all(scene):
    table, patches = table_of(scene, 5)
    changed = patches.copy()
    changed[:, 0, 0] += 5000  # a corner
    for build in BUILDERS:
        keras.utils.set_random_seed(0)
        network = build(table, Target("multiclass", (0.5, 0.25, 0.25)))
        before, after = (network.predict_on_batch({PATCH: each}) for each in (patches, changed))
        assert np.array_equal(before, after) == (build is build_spectral_cnn)


def test_bands_are_brought_to_the_scale_of_training(scene):
    table, patches = table_of(scene, 3)
    network = build_spatial_cnn(table, Target("binary", (0.5, 0.5)))
    scaled = keras.Model(network.input, network.layers[1].output).predict_on_batch({PATCH: patches})
    np.testing.assert_allclose(scaled[:, 1, 1].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[:, 1, 1].std(axis=0), 1, atol=1e-5)
    constant = describe_bands(1, np.ones((4, 2), "float32"))
    np.testing.assert_array_equal(constant.deviations, 1)
