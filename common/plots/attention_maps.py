"""Where in a picture a network sees its reason: Grad-CAM and occlusion, and how they are drawn.

They tell where a network looks, not whether it is right to look there. Grad-CAM takes one pass
forth and back and follows the network's last feature map; occlusion asks the network again for
every place that it covers, and so works for any network.
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from matplotlib.figure import Figure

from common.errors import UserError
from common.models.heads import LEARNED
from common.models.image import IMAGE
from common.plots.pictures import draw_heat, draw_picture, picture_grid
from common.plots.style import shortened, styled

BATCH_PICTURES = 64
TITLE_LETTERS = 26
TITLE_HEIGHT = 0.3  # inches


def grad_cam(
    network: keras.Model, inputs: Mapping[str, np.ndarray], classes: np.ndarray | None = None
) -> np.ndarray:
    """How much each place of a picture speaks for a class, as the last feature map sees it.

    network: as a builder of common/models/image.py or backbones.py made it, or another functional
        or sequential one with a picture as its only input. A network inside it counts as one layer.
    inputs: arrays of (rows, …); inputs["image"] is (rows, height, width, channels).
    classes: (rows,) the class of each row to speak for, of two classes 0 or 1; by default the one
        that the network answers. Left out where it answers a number: what raises it.
    Returns (rows, height, width) float32, from 0 up, in the unit of the class's score, each map
    enlarged to the picture by bilinear interpolation. UserError where the network has no map.

    The score is what goes into the softmax or sigmoid. Its gradient with respect to a feature map,
    averaged over the places, weighs the map's channels; what speaks against the class is left out.
    Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2, https://arxiv.org/abs/1610.02391.
    """
    network = as_graph(network)
    before, after = cut_at_last_map(network)
    rows, (height, width) = len(inputs[IMAGE]), inputs[IMAGE].shape[1:3]
    maps = np.empty((rows, height, width), "float32")
    for start in range(0, rows, BATCH_PICTURES):
        batch = slice(start, start + BATCH_PICTURES)
        given = as_taken(network, inputs, batch)
        feature_map = before(given, training=False)
        with tf.GradientTape() as tape:
            tape.watch(feature_map)
            scores = after([feature_map, given], training=False)
            chosen = None if classes is None else np.asarray(classes)[batch]
            score = score_of_classes(scores, chosen, has_sigmoid(network))
        weights = tf.reduce_mean(tape.gradient(score, feature_map), axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(weights * feature_map, axis=-1, keepdims=True))
        maps[batch] = tf.image.resize(tf.cast(heat, "float32"), (height, width))[..., 0]
    return maps


def cut_at_last_map(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """A copy of `network` in two: its inputs to its last feature map, and from there to the scores.

    The second half takes [map, inputs], the map being (batch, rows, columns, features) with more
    than one place, and gives (batch, units) before softmax or sigmoid. UserError where there is
    nothing of that kind.
    """
    copy = keras.models.clone_model(network)  # cutting adds to the graph, which is not ours
    copy.set_weights(network.get_weights())
    # What layers take, not what they give: a network inside gives tensors of its own graph.
    maps = [
        tensor
        for operation in copy.operations
        if not isinstance(operation, layers.InputLayer | keras.Model)
        for tensor in keras.tree.flatten(operation.input)
        if has_places(tensor) and not any(tensor is one for one in copy.inputs)
    ]
    if not maps:
        raise UserError(
            f"The network {network.name} has no feature map, which Grad-CAM needs. Use occlusion; "
            "or where convolutional networks are inside it, one of those."
        )
    scores = before_activation(output_layer(copy))
    return keras.Model(copy.input, maps[-1]), keras.Model([maps[-1], copy.input], scores)


def has_places(tensor: keras.KerasTensor) -> bool:
    """Tell a feature map from other tensors; the size of one may be open (None)."""
    return len(tensor.shape) == 4 and tensor.shape[1:3] != (1, 1)


def output_layer(network: keras.Model) -> keras.Layer:
    """The layer that the loss sees; in a mean of networks that of the first one."""
    for layer in network.layers:
        found = output_layer(layer) if isinstance(layer, keras.Model) else layer
        if found.name == LEARNED:
            return found
    return network.layers[-1]


def has_sigmoid(network: keras.Model) -> bool:
    return output_layer(network).get_config().get("activation") == "sigmoid"


def before_activation(layer: keras.Layer) -> keras.KerasTensor:
    """What goes into the softmax or sigmoid of the last layer."""
    if isinstance(layer, layers.Activation | layers.Softmax):
        return layer.input
    if "activation" not in layer.get_config():
        return layer.output
    linear = type(layer).from_config(layer.get_config() | {"activation": None, "name": "scores"})
    scores = linear(layer.input)
    linear.set_weights(layer.get_weights())
    return scores


def score_of_classes(scores, classes: np.ndarray | None, two_classes: bool):
    """The entry (rows,) of each row's class in `scores` (rows, units), by default of the largest.

    two_classes: one score speaks for class 1, its opposite for class 0.
    """
    if two_classes:
        scores = tf.concat([-scores, scores], axis=1)
    classes = np.argmax(scores, axis=1) if classes is None else classes.astype(int)
    return tf.gather(scores, classes, axis=1, batch_dims=1)


def occlusion(
    network: keras.Model,
    inputs: Mapping[str, np.ndarray],
    classes: np.ndarray | None = None,
    window: float = 0.25,
    steps: int = 8,
) -> np.ndarray:
    """How much the answer falls where a place of the picture is covered.

    network, inputs, classes: as in `grad_cam`, the network being any that takes them.
    window: side of the square that covers, as a share of the picture's; steps: places to put it
    along each side, so that a picture costs steps * steps answers.
    Returns (rows, height, width) float32: the mean fall of the class's probability, or of the
    number, over the squares that cover a pixel; negative where the picture without it is clearer.
    The square has the picture's own mean colour. UserError for a window that is not above 0 and at
    most 1, or steps too few to cover every pixel.
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2,
    https://arxiv.org/abs/1311.2901.
    """
    if not 0 < window <= 1 or steps * window < 1:
        raise UserError(
            f"window is {window:g} and steps is {steps}. A window has to be above 0 and at most 1, "
            "and window times steps at least 1, so that every pixel gets covered."
        )
    network = as_graph(network)
    pictures = inputs[IMAGE]
    rows, height, width = pictures.shape[:3]
    mean = pictures.mean(axis=(1, 2), keepdims=True).round().astype(pictures.dtype)
    whole = probabilities(network, inputs)
    classes = np.argmax(whole, axis=1) if classes is None else np.asarray(classes, int)
    whole = whole[np.arange(rows), classes]
    fall, covered = np.zeros((rows, height, width)), np.zeros((height, width))
    for down in places(height, window, steps):
        for right in places(width, window, steps):
            hidden = pictures.copy()
            hidden[:, down, right] = mean
            answers = probabilities(network, {**inputs, IMAGE: hidden})
            fall[:, down, right] += (whole - answers[np.arange(rows), classes])[:, None, None]
            covered[down, right] += 1
    return (fall / covered).astype("float32")


def places(length: int, window: float, steps: int) -> list[slice]:
    """Where a window stands along a side of `length` pixels: evenly, from one end to the other."""
    size = max(1, round(window * length))
    starts = np.unique(np.linspace(0, length - size, steps).round().astype(int))
    return [slice(start, start + size) for start in starts]


def probabilities(network: keras.Model, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The network's answers (rows, classes), for two classes both; a number as (rows, 1)."""
    rows = len(inputs[IMAGE])
    batches = [slice(start, start + BATCH_PICTURES) for start in range(0, rows, BATCH_PICTURES)]
    found = np.concatenate(
        [network.predict_on_batch(as_taken(network, inputs, batch)) for batch in batches]
    )
    return np.concatenate([1 - found, found], axis=1) if has_sigmoid(network) else found


def as_graph(network: keras.Model) -> keras.Model:
    """A Sequential as a functional model of the same layers; other models as they are."""
    if isinstance(network, keras.Sequential):
        return keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    return network


def as_taken(network: keras.Model, inputs: Mapping[str, np.ndarray], batch: slice):
    """Rows of `inputs` as the network takes them: by name, or the picture alone."""
    if isinstance(network.input, dict):
        return {name: tf.constant(inputs[name][batch]) for name in network.input}
    return tf.constant(inputs[IMAGE][batch])


@styled
def attention_sheet(
    pictures: np.ndarray, maps: Mapping[str, np.ndarray], titles: Sequence[str]
) -> Figure:
    """A row for each picture: the picture, then each kind of map over it, warm where it is high.

    pictures: (rows, height, width, channels) uint8, of 3 channels the colours, else the first one
    is shown; maps: their name to (rows, height, width), each kind drawn from 0 to its largest value
    among all pictures, so that a picture in which nothing counts stays as it is; titles: of rows.
    """
    ratio = pictures.shape[1] / pictures.shape[2]
    figure, panels = picture_grid(len(pictures), 1 + len(maps), ratio, TITLE_HEIGHT)
    for row, axes in enumerate(panels):
        axes[0].set_title(shortened(titles[row], TITLE_LETTERS))
        for one in axes:
            draw_picture(one, pictures[row])
        for one, (name, heat) in zip(axes[1:], maps.items(), strict=True):
            draw_heat(one, heat[row], heat.max())
            one.set_title(name if row == 0 else "")
    return figure
