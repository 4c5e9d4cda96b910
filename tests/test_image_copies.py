"""Copies among pictures: the perceptual hash by its definition, and the groups that follow."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.images.duplicates import BLOCK_PAIRS, NEAR_BITS, group_numbers, near_pairs
from common.images.survey import HASH_BYTES, perceptual_hash

NUMBERS = ("1759", "2301", "0001", "0800", "1500")


@pytest.fixture(scope="module")
def cells():
    """Five solar cells: the first two are photographs of one cell, sharp and blurred."""
    archive = package_archive(
        "elpv-dataset",
        "1.0.0.post1",
        "elpv_dataset-1.0.0.post1-py3-none-any.whl",
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
    )
    names = [f"elpv_dataset/data/images/cell{number}.png" for number in NUMBERS]
    return [archive_member(archive, name) for name in names]


def bits_by_definition(path: Path) -> np.ndarray:
    """Zauner's hash with the cosine transform written out as a matrix of cosines."""
    small = Image.open(path).convert("L").resize((64, 64), Image.Resampling.LANCZOS)
    places = np.arange(64)
    cosines = np.cos(np.pi * places[:16, None] * (2 * places + 1) / 128)
    frequencies = cosines @ np.asarray(small, dtype=float) @ cosines.T
    return frequencies > np.median(frequencies)


def bits(image: Image.Image) -> np.ndarray:
    return np.unpackbits(np.frombuffer(perceptual_hash(image), "uint8")).reshape(16, 16)


def test_perceptual_hash(cells):
    for path in cells:
        np.testing.assert_array_equal(bits(Image.open(path)), bits_by_definition(path))
    black, white = (perceptual_hash(Image.new("L", (50, 50), level)) for level in (0, 255))
    assert len(black) == HASH_BYTES
    assert sum(bits(Image.new("L", (50, 50), 99)).ravel()) == 1  # the mean, and no pattern
    assert white == perceptual_hash(Image.new("RGB", (33, 70), (9, 99, 199)))
    assert np.count_nonzero(np.frombuffer(black, "uint8")) == 0


def test_copies_of_solar_cells(cells):
    images = [Image.open(path).convert("L") for path in cells]
    copies = []
    for image in images:
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=40)
        half = image.resize((150, 150), Image.Resampling.BICUBIC)
        copies += [image, Image.open(jpeg), half, ImageEnhance.Contrast(image).enhance(0.8)]
    groups = group_numbers(pd.Series([perceptual_hash(image) for image in copies]))
    # Four copies of each, and the first two cells are one.
    assert groups.tolist() == [0] * 8 + [1] * 4 + [2] * 4 + [3] * 4


def test_groups_follow_chains_and_near_pairs_are_all_found():
    random = np.random.default_rng(0)
    rows = random.integers(0, 2, (60, 256)).astype("uint8")
    for start in (10, 30):  # each differs from the one before in just so many bits as count
        for row in range(start, start + 5):
            rows[row] = rows[row - 1]
            rows[row, random.choice(256, NEAR_BITS, replace=False)] ^= 1
    rows[50] = rows[49]
    rows[50, : NEAR_BITS + 1] ^= 1
    near = (rows[:, None] != rows).sum(axis=2) <= NEAR_BITS
    expected = np.argwhere(np.triu(near, k=1))
    np.testing.assert_array_equal(np.transpose(near_pairs(rows)), expected)
    groups = group_numbers(pd.Series([np.packbits(row).tobytes() for row in rows]))
    assert len(set(groups[9:15])) == len(set(groups[29:35])) == 1
    assert len(set(groups)) == 50


def test_near_pairs_of_more_rows_than_are_compared_at_a_time():
    rows = np.random.default_rng(0).integers(0, 2, (5000, 256)).astype("uint8")
    rows[4995] = rows[10]
    rows[4999] = rows[4990]
    assert BLOCK_PAIRS < 5000**2
    assert np.transpose(near_pairs(rows)).tolist() == [[10, 4995], [4990, 4999]]
