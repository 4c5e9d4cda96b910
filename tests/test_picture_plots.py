"""Sheets of pictures: what is drawn in which panel, on solar cells and drawn pictures."""

from itertools import combinations

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from scipy.stats import ttest_1samp
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.errors import UserError
from common.images.decode import ImageForm, decode
from common.models.augmentation import Augmentation
from common.models.backbones import build_backbone
from common.models.heads import Target, average
from common.models.image import build_convmixer, build_small_cnn
from common.models.table import Table
from common.plots.embedding_map import COLOURS, OTHERS, embedding_map
from common.plots.learning_curve_of_data import learning_curve_of_data, would_more_help
from common.plots.picture_features import feature_maps, first_filters
from common.plots.picture_sheets import (
    augmented_examples,
    confident_mistakes,
    confusion_pairs,
    most_confident_mistakes,
    most_confused,
    picture_examples,
)
from common.plots.style import DOTS_PER_INCH, WIDTH, save

TWO = Target("binary", (0.5, 0.5))
NUMBERS = ("0001", "0005", "0800", "1500", "1759", "2301")


@pytest.fixture(scope="module")
def cells():
    """Six solar cells, 48 x 48 grey."""
    archive = package_archive(
        "elpv-dataset",
        "1.0.0.post1",
        "elpv_dataset-1.0.0.post1-py3-none-any.whl",
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
    )
    names = [f"elpv_dataset/data/images/cell{number}.png" for number in NUMBERS]
    return np.stack([decode(archive_member(archive, name), ImageForm(48, 48, 1)) for name in names])


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    table = Table(image_shape=(48, 48, 1))
    return build_small_cnn(table, TWO, Augmentation("horizontal", crop=0.2), filters=(8, 16))


def colours(count: int) -> np.ndarray:
    """Pictures of 12 x 16 pixels in one colour each, no two alike."""
    shades = np.random.default_rng(0).permutation(256)[:count]
    return np.broadcast_to(shades[:, None, None, None], (count, 12, 16, 3)).astype("uint8")


def drawn(axes) -> np.ndarray:
    """The picture in a panel, (height, width, channels)."""
    shown = np.asarray(axes.get_images()[0].get_array())
    return shown[..., None] if shown.ndim == 2 else shown


def title(axes) -> str:
    return axes.get_title(loc="left")


def check_fit(figure) -> None:
    """Nothing is cut off at the edges of the page, and titles do not lie over each other."""
    figure.draw_without_rendering()
    found, page = figure.get_tightbbox(), figure.bbox_inches
    assert -0.01 <= found.x0 < found.x1 <= page.x1 + 0.01
    assert -0.01 <= found.y0 < found.y1 <= page.y1 + 0.01
    titles = [axes._left_title for axes in figure.axes if title(axes)]
    titles += [figure._suptitle] if figure.get_suptitle() else []
    boxes = [one.get_window_extent() for one in titles]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_examples_are_the_first_of_each_class(tmp_path):
    pictures = colours(60)
    titles = [f"class {number % 7}" for number in range(60)]
    figure = picture_examples(pictures, titles)
    for row in range(7):
        panels = figure.axes[5 * row :][:5]
        assert title(panels[0]) == f"class {row}"
        of_class = [number for number in range(60) if number % 7 == row]
        for axes, number in zip(panels, of_class[:5], strict=True):
            np.testing.assert_array_equal(drawn(axes), pictures[number])
    check_fit(figure)
    save(figure, tmp_path / "examples.png")
    with Image.open(tmp_path / "examples.png") as image:
        assert image.width == round(WIDTH * DOTS_PER_INCH)
    single = picture_examples(pictures[:30], [str(number) for number in range(30)])
    assert single.get_suptitle() == "20 of 30 classes"
    assert sum(len(axes.get_images()) for axes in single.axes) == 20


def test_augmented_examples_are_what_training_sees(network, cells):
    """Every one is a crop of the mirrored picture, flipped or not, and not all are the same."""
    figure = augmented_examples(network, cells[:3])
    check_fit(figure)
    shifts = [(down, right) for down in range(-10, 11) for right in range(-10, 11)]
    for row, cell in enumerate(cells[:3]):
        panels = [drawn(axes) for axes in figure.axes[5 * row :][:5]]
        np.testing.assert_array_equal(panels[0], cell)
        possible = set()
        for picture in (cell, cell[:, ::-1]):
            padded = np.pad(picture, ((10, 10), (10, 10), (0, 0)), "symmetric")
            windows = (padded[10 + down :, 10 + right :][:48, :48] for down, right in shifts)
            possible |= {window.astype("float32").tobytes() for window in windows}
        views = {np.ascontiguousarray(panel, "float32").tobytes() for panel in panels[1:]}
        assert views <= possible
        assert len(views) == 4
    plain = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten()])
    with pytest.raises(UserError, match="no layer 'augmented'"):
        augmented_examples(plain, cells)


def test_the_most_confident_mistakes_come_first():
    names = ["cat", "dog", "a hedgehog with a very long name indeed"]
    generator = np.random.default_rng(0)
    truth, answers = generator.integers(0, 3, 60), generator.dirichlet(np.ones(3), 60)
    frame = pd.DataFrame({"sure": answers.max(axis=1), "called": answers.argmax(axis=1)})
    expected = frame[frame["called"] != truth].sort_values("sure", ascending=False)
    assert most_confident_mistakes(truth, answers, 60).tolist() == expected.index.tolist()
    pictures, heat = colours(60), generator.random((60, 12, 16))
    figure = confident_mistakes(pictures, heat, truth, answers, names)
    check_fit(figure)
    for panel, (row, found) in enumerate(expected[:8].iterrows()):
        plain, warm = figure.axes[2 * panel :][:2]
        np.testing.assert_array_equal(drawn(plain), pictures[row])
        np.testing.assert_array_equal(drawn(warm), pictures[row])
        np.testing.assert_array_equal(warm.get_images()[1].get_array(), heat[row])
        called, true = title(plain).split("\n")
        assert called.startswith(f"called {names[int(found['called'])][:3]}")
        assert called.endswith(f"{found['sure']:.1%}")
        assert true.startswith(f"is {names[truth[row]][:3]}")


def test_mistakes_of_two_classes_and_none_at_all():
    truth, answers = np.array([0, 1, 1, 0]), np.array([0.6, 0.1, 0.9, 0.2])
    assert most_confident_mistakes(truth, answers).tolist() == [1, 0]
    heat, names = np.ones((4, 12, 16)), ["whole", "cracked"]
    figure = confident_mistakes(colours(4), heat, truth, answers, names)
    assert title(figure.axes[0]) == "called whole, 90.0%\nis cracked"
    assert title(figure.axes[2]) == "called cracked, 60.0%\nis whole"
    perfect = confident_mistakes(colours(4), heat, truth, truth.astype(float), names)
    assert "None of these 4" in perfect.get_suptitle()
    check_fit(perfect)


def test_confusion_pairs_with_pictures_of_both_sides():
    confusion = [[50, 2, 0], [9, 40, 1], [0, 4, 60]]
    assert most_confused(confusion) == [(1, 0), (2, 1)]  # 11 and 5 mistakes
    pictures = colours(8)
    examples = {(1, 0): pictures[:3], (0, 1): pictures[3:5], (2, 1): pictures[5:6]}
    figure = confusion_pairs(confusion, ["hat", "cap", "shoe"], examples)
    check_fit(figure)
    shown = [drawn(axes)[0, 0, 0] if axes.get_images() else None for axes in figure.axes]
    shade = pictures[:, 0, 0, 0].tolist()
    assert shown == [shade[0], shade[1], shade[3], shade[4], shade[5], None, None, None]
    assert title(figure.axes[0]) == "9 of 50 cap\ncalled hat"
    assert title(figure.axes[2]) == "2 of 52 hat\ncalled cap"
    assert title(figure.axes[4]) == "4 of 64 shoe\ncalled cap"
    perfect = confusion_pairs(np.eye(3, dtype=int), ["a", "b", "c"], {})
    assert "None of these 3" in perfect.get_suptitle()


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_first_filters_are_the_scaled_kernel(channels):
    table = Table(image_shape=(16, 16, channels))
    filters = 70 if channels == 1 else 12
    network = build_convmixer(table, TWO, blocks=1, filters=filters, patch=4)
    kernel = next(weight for weight in network.weights if len(weight.shape) == 4).numpy()
    assert kernel.shape == (4, 4, channels, filters)
    figure = first_filters(network)
    check_fit(figure)
    told = "64 of 70" if channels == 1 else "The 12"
    assert figure.get_suptitle().startswith(f"{told} first filters, 4 x 4")
    panels = [axes for axes in figure.axes if axes.get_images()]
    assert len(panels) == min(filters, 64)
    for number, axes in enumerate(panels):
        one = kernel[..., number]
        if channels == 5:
            strongest = max(range(5), key=lambda each: np.square(one[..., each]).sum())
            assert title(axes) == str(strongest)
            one = one[..., [strongest]]
        expected = 127.5 + 127.5 * one / np.abs(one).max()
        np.testing.assert_allclose(drawn(axes), expected, atol=0.51 if channels == 3 else 1e-3)


def test_filters_and_maps_of_a_network_inside(network, cells):
    """Of a backbone, of a mean of networks, and where there are none."""
    table = Table(image_shape=(32, 32, 1))
    backbone = build_backbone(table, TWO, "random", "MobileNetV3Small")
    kernel = backbone.get_layer("backbone").get_layer("conv").get_weights()[0]
    panels = first_filters(backbone).axes
    first = kernel[..., 0]
    expected = np.round(127.5 + 127.5 * first / np.abs(first).max())
    np.testing.assert_allclose(drawn(panels[0]), expected, atol=1)
    feature_maps(backbone, {"image": cells[:1, :32, :32]})
    mean = average([network, network])
    for one, other in zip(first_filters(mean).axes, first_filters(network).axes, strict=False):
        if other.get_images():
            np.testing.assert_array_equal(drawn(one), drawn(other))
    flat = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    with pytest.raises(UserError, match="no convolution"):
        first_filters(flat)
    with pytest.raises(UserError, match="no feature maps"):
        feature_maps(flat, {"image": np.zeros((1, 8, 8, 1), "uint8")})


def test_feature_maps_are_those_that_vary_most(network, cells):
    """Worked out layer by layer."""
    figure = feature_maps(network, {"image": cells[:1]})
    check_fit(figure)
    np.testing.assert_array_equal(drawn(figure.axes[0]), cells[0])
    hidden = keras.ops.convert_to_tensor(cells[:1], "float32")
    stages = {}
    for layer in network.layers[1:]:
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            break
        hidden = layer(hidden, training=False)
        if isinstance(layer, keras.layers.ReLU | keras.layers.MaxPooling2D):
            stages[hidden.shape[1]] = np.asarray(hidden)[0]
    assert list(stages) == [48, 24, 12]
    for row, (size, maps) in enumerate(stages.items(), start=1):
        panels = figure.axes[4 * row :][:4]
        assert f"{size} x {size} places, 4 of {maps.shape[-1]} channels" in title(panels[0])
        deviations = maps.reshape(-1, maps.shape[-1]).std(axis=0)
        for axes, channel in zip(panels, np.argsort(-deviations), strict=False):
            np.testing.assert_allclose(drawn(axes)[..., 0], maps[..., channel], atol=1e-5)


@pytest.fixture(scope="module")
def digits():
    """300 handwritten digits: vectors, pictures and names."""
    digits = load_digits()
    pictures = (digits.images[:300, :, :, None] * 15).astype("uint8")
    return digits.data[:300], pictures, digits.target[:300].astype(str)


def places_and_pictures(figure):
    """Places of the dots, and of the thumbnails with the pictures in them, in inches."""
    axes, *_ = figure.axes
    dots = np.concatenate([line.get_xydata() for line in axes.get_lines()])
    boxes = np.array([patch.get_center() for patch in axes.patches])
    shown = [np.atleast_3d(image.get_array()) for image in axes.get_images()]
    for box, image in zip(boxes, axes.get_images(), strict=True):
        left, right, bottom, top = image.get_extent()
        np.testing.assert_allclose(box, ((left + right) / 2, (bottom + top) / 2))
    return dots, boxes, shown


def test_embedding_map_by_pca(digits):
    vectors, pictures, names = digits
    figure = embedding_map(vectors, pictures, names, "PCA")
    check_fit(figure)
    plane = PCA(2, random_state=0).fit(vectors)
    share = plane.explained_variance_ratio_.sum()
    assert title(figure.axes[0]) == f"PCA: {share:.0%} of the variance"
    dots, boxes, shown = places_and_pictures(figure)
    assert len(dots) + len(boxes) == 300
    assert 30 < len(boxes) == len(shown)
    # The thumbnails' places are those of their pictures in scikit-learn's plane, but for the scale.
    rows = [int(np.flatnonzero((pictures == one).all(axis=(1, 2, 3)))[0]) for one in shown]
    expected = plane.transform(vectors)[rows]
    for axis in range(2):
        assert np.corrcoef(boxes[:, axis], expected[:, axis])[0, 1] > 0.999999
    apart = np.abs(boxes[:, None] - boxes).max(axis=2) + np.eye(len(boxes))
    assert apart.min() >= figure.axes[0].patches[0].get_width() - 1e-6
    edges = [to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches]
    assert edges == [COLOURS[int(names[row])] for row in rows]


def test_embedding_map_by_tsne_keeps_neighbours(digits):
    vectors, pictures, names = digits
    figure = embedding_map(vectors[:120], pictures[:120], names[:120])
    check_fit(figure)
    assert title(figure.axes[0]) == "t-SNE, perplexity 30"
    _, boxes, shown = places_and_pictures(figure)
    rows = [int(np.flatnonzero((pictures == one).all(axis=(1, 2, 3)))[0]) for one in shown]
    nearest = NearestNeighbors(n_neighbors=2).fit(boxes).kneighbors(return_distance=True)[1][:, 1]
    kinds = names[rows]
    assert (kinds == kinds[nearest]).mean() > 0.6  # of ten kinds; at random 0.1


def test_embedding_map_of_many_classes_and_rows():
    generator = np.random.default_rng(0)
    vectors, classes = generator.normal(size=(2100, 3)), np.minimum(np.arange(2100) % 40, 14)
    figure = embedding_map(vectors, np.zeros((2100, 8, 16, 3), "uint8"), classes.astype(str), "PCA")
    check_fit(figure)
    assert title(figure.axes[0]).endswith("; 2,000 of 2,100 pictures")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(legend) == 10
    assert legend[-1] == OTHERS
    assert "14" in legend  # most of the rows are of this class
    dots, boxes, _ = places_and_pictures(figure)
    assert len(dots) + len(boxes) == 2000
    assert len(boxes) <= 200


def scores_of(gain: float, noise: float, seeds: int = 4) -> pd.DataFrame:
    """Scores that rise by `gain` with every doubling, give or take."""
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {"rows": rows, "seed": seed, "score": 0.8 + gain * step + generator.normal(0, noise)}
        for step, rows in enumerate((100, 200, 400, 800))
        for seed in range(seeds)
    )


def test_learning_curve_of_data():
    scores = scores_of(0.02, 0.004)
    figure = learning_curve_of_data(scores, "accuracy", ("hog_svm", 0.83))
    check_fit(figure)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["100", "200", "400", "800"]
    dots, mean, baseline = axes.get_lines()
    np.testing.assert_array_equal(dots.get_xydata(), scores[["rows", "score"]])
    for rows, value in mean.get_xydata():
        assert value == pytest.approx(scores.loc[scores["rows"] == rows, "score"].mean())
    assert set(baseline.get_ydata()) == {0.83}
    assert baseline.get_label() == "hog svm, all rows: 0.8300"


def test_whether_more_would_help():
    scores = scores_of(0.02, 0.004)
    told = would_more_help(scores, "accuracy")
    assert told.startswith("More labels would help")
    last, before = (scores.loc[scores["rows"] == rows, "score"].to_numpy() for rows in (800, 400))
    interval = ttest_1samp(last - before, 0).confidence_interval(0.95)
    assert f"by {np.mean(last - before):.4f} (95 % interval {interval.low:.4f} to" in told
    assert f"to {interval.high:.4f}, 4 seeds)" in told
    assert "cannot be told" in would_more_help(scores_of(0.001, 0.02), "accuracy")
    assert "hardly help" in would_more_help(scores_of(0.0, 0.001), "accuracy")
    assert "hardly help" in would_more_help(scores, "rmse")  # it grows, and should not
    assert "one seed cannot tell" in would_more_help(scores_of(0.02, 0.004, seeds=1), "accuracy")
    quarter = scores[scores["rows"].isin([200, 800])]  # the gain of a doubling, over two of them
    first = scores.loc[scores["rows"] == 200, "score"].to_numpy()
    assert f"by {np.mean(last - first) / 2:.4f} (" in would_more_help(quarter, "accuracy")
