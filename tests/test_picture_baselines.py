"""Rivals for pictures: HOG against its definition, and models on drawn and real ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images
from sklearn.metrics import roc_auc_score

from common.data.archives import archive_member
from common.data.dataset import Examples, Schema
from common.data.fetch import package_archive
from common.evaluation import picture_baselines
from common.evaluation.picture_baselines import (
    colour_histogram,
    colour_histogram_logistic_regression,
    hog_logistic_regression,
    hog_svm,
)
from common.images.decode import ImageForm
from common.images.hog import hog

SHAPES = ("disc", "bar", "cross")


def hog_by_definition(picture: np.ndarray) -> np.ndarray:
    """Pixel by pixel, vote by vote, for a picture (height, width, channels)."""
    levels = np.sqrt(picture.astype(float))
    height, width, channels = levels.shape
    cells = np.zeros((height // 8, width // 8, 9))
    for y in range(height):
        for x in range(width):
            changes = [
                (
                    levels[y, x + 1, c] - levels[y, x - 1, c] if 0 < x < width - 1 else 0.0,
                    levels[y + 1, x, c] - levels[y - 1, x, c] if 0 < y < height - 1 else 0.0,
                )
                for c in range(channels)
            ]
            right, down = max(changes, key=lambda change: np.hypot(*change))
            degrees = np.degrees(np.arctan2(down, right)) % 180
            for number in range(9):
                turn = abs(degrees - (20 * number + 10))
                of_direction = max(0, 1 - min(turn, 180 - turn) / 20)
                for row in range(height // 8):
                    for column in range(width // 8):
                        near = max(0, 1 - abs(y + 0.5 - (8 * row + 4)) / 8)
                        near *= max(0, 1 - abs(x + 0.5 - (8 * column + 4)) / 8)
                        cells[row, column, number] += np.hypot(right, down) * of_direction * near
    blocks = []
    for row in range(height // 8 - 1):
        for column in range(width // 8 - 1):
            block = cells[row : row + 2, column : column + 2].ravel()
            block = np.minimum(block / np.sqrt((block**2).sum() + 1e-10), 0.2)
            blocks.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.concatenate(blocks)


@pytest.mark.parametrize("channels", [1, 3])
def test_hog_is_its_definition(channels):
    photograph = load_sample_images().images[0][200:228, 300:324, :channels]  # 28: not whole cells
    found = hog(photograph)
    assert found.dtype == "float32"
    assert found.shape == (2 * 2 * 4 * 9,)
    np.testing.assert_allclose(found, hog_by_definition(photograph), atol=1e-5)
    assert not hog(np.full((16, 16, 1), 200, "uint8")).any()  # no edges, no directions


def test_colour_histogram_counts_colours():
    photograph = load_sample_images().images[1][:40, :60]
    counts, _ = np.histogramdd(photograph.reshape(-1, 3), bins=[np.arange(0, 257, 32)] * 3)
    np.testing.assert_allclose(colour_histogram(photograph) ** 2, counts.ravel() / 2400, atol=1e-7)
    grey, _ = np.histogram(photograph[..., 0], np.arange(0, 257, 32))
    np.testing.assert_allclose(colour_histogram(photograph[..., :1]) ** 2, grey / 2400, atol=1e-7)


def examples(paths: list[Path], target: np.ndarray, rows: np.ndarray) -> Examples:
    features = pd.DataFrame({"picture": [str(paths[row]) for row in rows]})
    return Examples(features, target[rows].astype("float32"), features, rows, features)


def schema(labels: tuple[str, ...], form: ImageForm) -> Schema:
    return Schema({"picture": "image"}, {"picture": "image"}, labels, image=form)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Files of 180 noisy pictures, 40 x 48: which shape in which of two colours, and both."""
    folder, generator = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    paths, shapes, reds = [], np.arange(180) % 3, np.arange(180) // 3 % 2
    for number, (shape, red) in enumerate(zip(shapes, reds, strict=True)):
        picture = Image.fromarray(generator.integers(60, 120, (40, 48, 3)).astype("uint8"))
        x, y = (int(generator.integers(2, side)) for side in (24, 16))
        ink = (200, 60, 60) if red else (60, 60, 200)
        draw = ImageDraw.Draw(picture)
        if shape == 0:
            draw.ellipse((x, y, x + 20, y + 20), fill=ink)
        elif shape == 1:
            draw.rectangle((x, y + 6, x + 20, y + 14), fill=ink)
        else:
            draw.line((x, y, x + 20, y + 20), ink, 6)
            draw.line((x, y + 20, x + 20, y), ink, 6)
        picture.save(folder / f"{number}.png")
        paths.append(folder / f"{number}.png")
    return paths, shapes, reds


@pytest.fixture(scope="module")
def parts():
    """Which of the 180 are for training (100), validation (30) and test (50)."""
    return np.split(np.random.default_rng(0).permutation(180), [100, 130])


@pytest.mark.parametrize("fit", [hog_svm, hog_logistic_regression])
def test_shapes_are_told_apart(fit, drawn, parts):
    paths, shapes, _ = drawn
    train, validation, test = (examples(paths, shapes, rows) for rows in parts)
    predict = fit(train, validation, schema(SHAPES, ImageForm(40, 48, 3)), seed=0)
    answers = predict(test.features)
    assert answers.shape == (50, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert (answers.argmax(axis=1) == test.target).mean() > 0.9  # chance: 0.33
    np.testing.assert_allclose(predict(test.features[:1]), answers[:1], atol=1e-5)


def test_colours_are_told_apart(drawn, parts):
    paths, _, reds = drawn
    train, validation, test = (examples(paths, reds, rows) for rows in parts)
    given = schema(("blue", "red"), ImageForm(40, 48, 3))
    predict = colour_histogram_logistic_regression(train, validation, given, seed=0)
    answers = predict(test.features)
    assert answers.shape == (50,)
    np.testing.assert_array_equal(answers > 0.5, test.target == 1)


def test_many_pictures_and_a_class_without_any(drawn, parts, monkeypatch):
    """More pictures than are learned from; answers asked for in several chunks."""
    monkeypatch.setattr(picture_baselines, "LARGEST", 60)
    monkeypatch.setattr(picture_baselines, "CHUNK", 20)
    paths, shapes, _ = drawn
    train, validation, test = (examples(paths, shapes, rows) for rows in parts)
    given = schema((*SHAPES, "never seen"), ImageForm(40, 48, 3))
    for fit in (hog_svm, hog_logistic_regression):
        answers = fit(train, validation, given, seed=0)(test.features)
        again = fit(train, validation, given, seed=0)(test.features)
        np.testing.assert_array_equal(answers, again)
        other = fit(train, validation, given, seed=1)(test.features)
        assert np.abs(answers - other).max() > 1e-3  # other pictures were drawn
        assert not answers[:, 3].any()
        assert (answers.argmax(axis=1) == test.target).mean() > 0.8


def test_kinds_of_solar_cells():
    """80 cells, of one crystal or of many: the grain of the latter shows."""
    archive = package_archive(
        "elpv-dataset",
        "1.0.0.post1",
        "elpv_dataset-1.0.0.post1-py3-none-any.whl",
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
    )
    listed = archive_member(archive, "elpv_dataset/data/labels.csv")
    cells = pd.read_csv(listed, sep=r"\s+", names=["file", "probability", "kind"])
    cells = cells.sample(80, random_state=0)
    paths = [archive_member(archive, f"elpv_dataset/data/{name}") for name in cells["file"]]
    target = (cells["kind"] == "poly").to_numpy().astype(int)
    rows = np.split(np.arange(80), [40, 55])
    train, validation, test = (examples(paths, target, each) for each in rows)
    given = schema(("mono", "poly"), ImageForm(160, 160, 1))
    for fit in (hog_svm, hog_logistic_regression):
        answers = fit(train, validation, given, seed=0)(test.features)
        assert roc_auc_score(test.target, answers) > 0.9
