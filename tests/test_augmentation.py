"""Changed pictures against NumPy: what may come out, how often, and that the seed decides it."""

import keras
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_sample_images

from common.errors import UserError
from common.models.augmentation import Augmentation, augmented, cutmix, mixup
from common.models.heads import Target
from common.models.image import build_small_cnn
from common.models.table import Table
from common.training.batches import EpochRandomness


@pytest.fixture(scope="module")
def photograph():
    """48 x 40 pixels of a temple, in colour."""
    return load_sample_images().images[0][200:248, 300:340]


def changed(pictures: np.ndarray, augmentation: Augmentation, training: bool = True) -> np.ndarray:
    keras.utils.set_random_seed(0)
    inputs = keras.Input(pictures.shape[1:], dtype="uint8")
    model = keras.Model(inputs, augmented(inputs, augmentation))
    return np.asarray(model(pictures, training=training))


def copies(photograph: np.ndarray, count: int) -> np.ndarray:
    return np.repeat(photograph[None], count, axis=0)


EVERYTHING = Augmentation("both", rotation=30, crop=0.2, brightness=0.3)


def test_nothing_happens_in_prediction_or_by_default(photograph):
    few = copies(photograph, 4)
    np.testing.assert_array_equal(changed(few, EVERYTHING, training=False), few)
    np.testing.assert_array_equal(changed(few, Augmentation()), few)
    assert (changed(few, EVERYTHING) != few).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("flip", ["horizontal", "vertical", "both"])
def test_flips_are_mirrored_pictures_in_equal_numbers(flip, photograph):
    found = changed(copies(photograph, 400), Augmentation(flip))
    possible = {"plain": photograph}
    if flip in ("horizontal", "both"):
        possible["left to right"] = photograph[:, ::-1]
    if flip in ("vertical", "both"):
        possible |= {f"{name} upside down": one[::-1] for name, one in possible.items()}
    counts = [(found == one).all(axis=(1, 2, 3)).sum() for one in possible.values()]
    assert sum(counts) == 400
    assert stats.chisquare(counts).pvalue > 0.001


def test_crops_are_windows_of_the_mirrored_picture(photograph):
    found = changed(copies(photograph, 200), Augmentation(crop=0.25))
    padded = np.pad(photograph, ((12, 12), (10, 10), (0, 0)), "symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (48, 40), axis=(0, 1))
    windows = np.moveaxis(windows, 2, -1).reshape(-1, 48, 40, 3)
    place = {window.tobytes(): number for number, window in enumerate(windows)}
    places = [place[picture.astype("uint8").tobytes()] for picture in found]
    down, right = np.divmod(places, 21)
    assert (down.min(), right.min()) <= (2, 2)
    assert (down.max(), right.max()) >= (22, 18)


def test_rotations_keep_the_centre_and_reach_their_angle():
    """A bar of light from the centre to the right ends at every angle up to the largest."""
    picture = np.zeros((65, 65, 1), "uint8")
    picture[31:34, 50:60] = 255
    found = changed(copies(picture, 300), Augmentation(rotation=60))[..., 0]
    down, right = np.mgrid[-32:33, -32:33]
    weight = found / found.sum(axis=(1, 2), keepdims=True)
    angle = np.degrees(np.arctan2((weight * down).sum(axis=(1, 2)), (weight * right).sum((1, 2))))
    assert np.abs(angle).max() < 60.5
    assert stats.kstest(angle, stats.uniform(-60, 120).cdf).pvalue > 0.001


def test_brightness_moves_a_whole_picture():
    grey = np.full((300, 8, 8, 1), 100, "uint8")
    grey[:, :4] = 150
    found = changed(grey, Augmentation(brightness=0.2))
    moved = found - grey
    assert np.ptp(moved, axis=(1, 2, 3)).max() < 1e-3
    assert stats.kstest(moved[:, 0, 0, 0], stats.uniform(-51, 102).cdf).pvalue > 0.001
    assert changed(grey, Augmentation(brightness=1)).max() <= 255


def test_seed_and_epoch_decide_what_happens(photograph):
    """As in a training that is taken up again in another process."""
    few, found = copies(photograph, 4), []
    for seed, epoch in ((0, 3), (0, 3), (0, 4), (1, 3)):
        network = build_small_cnn(
            Table(image_shape=(48, 40, 3)), Target("binary", (0.5, 0.5)), EVERYTHING
        )
        scaled = next(one for one in network.layers if isinstance(one, keras.layers.Rescaling))
        seen = keras.Model(network.input, scaled.output)
        randomness = EpochRandomness(seed)
        randomness.set_model(network)
        randomness.on_epoch_begin(epoch)
        found.append(np.asarray(seen({"image": few}, training=True)))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 0.1
    assert np.abs(found[0] - found[3]).max() > 0.1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"rotation": 270}, "rotation is 270. It has to be from 0"),
        ({"crop": -0.1}, "crop is -0.1"),
        ({"brightness": 40}, "brightness is 40"),
    ],
)
def test_settings_out_of_range(setting, told):
    with pytest.raises(UserError, match=told):
        augmented(keras.Input((8, 8, 1), dtype="uint8"), Augmentation(**setting))


def batch(rows: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (rows, 12, 16, 3)).astype("uint8")
    return pictures, np.eye(rows, dtype="float32")  # every picture a class of its own


def kept_shares(targets: np.ndarray) -> np.ndarray:
    """The share of its own class in each mixed target, the rest being that of the row before."""
    own, other = np.diag(targets), np.diag(np.roll(targets, 1, axis=1))
    np.testing.assert_allclose(own + other, 1, atol=1e-6)
    return own


def test_mixup_is_its_equation():
    pictures, classes = batch(500)
    mixed, targets = map(np.asarray, mixup(pictures, classes, keras.random.SeedGenerator(0), 0.4))
    share = kept_shares(targets)
    own = share[:, None, None, None]
    expected = own * pictures + (1 - own) * np.roll(pictures, 1, axis=0)
    assert mixed.dtype == np.uint8
    assert np.abs(mixed - expected).max() <= 0.5001
    assert stats.kstest(share, stats.beta(0.4, 0.4).cdf).pvalue > 0.001


def test_cutmix_pastes_one_rectangle_and_mixes_by_its_area():
    pictures, classes = batch(500)
    mixed, targets = map(np.asarray, cutmix(pictures, classes, keras.random.SeedGenerator(0)))
    share, before = kept_shares(targets), np.roll(pictures, 1, axis=0)
    assert mixed.dtype == np.uint8
    pasted = (mixed == before).all(axis=-1)
    np.testing.assert_array_equal(mixed, np.where(pasted[..., None], before, pictures))
    np.testing.assert_allclose(share, 1 - pasted.mean(axis=(1, 2)), atol=1e-6)
    rows, columns = pasted.any(axis=2), pasted.any(axis=1)
    np.testing.assert_array_equal(pasted, rows[:, :, None] & columns[:, None, :])
    for side in (rows, columns):  # a stretch without a gap
        assert (np.abs(np.diff(side.astype(int), axis=1)).sum(axis=1) <= 2).all()
    uncut = 1 - np.random.default_rng(0).beta(1, 1, 100_000)  # areas before the cut at the border
    assert pasted.mean() < uncut.mean()
    assert pasted.mean(axis=(1, 2)).max() > 0.8


def test_targets_of_one_column_mix_and_class_numbers_do_not():
    pictures = batch(4)[0]
    probabilities = np.array([0, 1, 1 / 3, 0], "float32")
    generator = keras.random.SeedGenerator(0)
    found = np.asarray(mixup(pictures, probabilities, generator)[1])
    before = np.roll(probabilities, 1)
    assert found.shape == (4,)
    assert (found >= np.minimum(probabilities, before) - 1e-6).all()
    assert (found <= np.maximum(probabilities, before) + 1e-6).all()
    with pytest.raises(ValueError, match="class numbers do not mix"):
        cutmix(pictures, np.array([0, 2, 1, 2]), generator)
