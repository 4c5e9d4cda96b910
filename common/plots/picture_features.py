"""What a network makes of pictures: its first filters, and its maps of one picture."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure

from common.errors import UserError
from common.models.table import IMAGE
from common.plots.attention_maps import as_graph, as_taken, has_places
from common.plots.pictures import draw_picture, headline, picture_grid
from common.plots.style import shortened, styled

FILTERS = 64
ACROSS = 8  # filters in a row
STAGES = 4
CHANNELS = 4  # of each stage


@styled
def first_filters(network: keras.Model) -> Figure:
    """The filters of the first convolution that is wider than a pixel, at most 64 of them.

    Each is scaled on its own: a weight w is drawn as 0.5 + 0.5 w / m, m being the filter's largest
    weight without sign, so that 0 is middle grey. Filters of three channels are drawn as colours;
    of another number each by its channel with the largest sum of squares, named by its number from
    0 where there are several. UserError for a network without such a layer.
    """
    layer = first_convolution(network)
    kernel = np.asarray(layer.kernel, "float32")
    height, width, channels, filters = kernel.shape
    drawn = min(filters, FILTERS)
    named = channels not in (1, 3)
    told = f"{drawn} of {filters}" if drawn < filters else f"The {filters}"
    words = [
        f"{told} first filters, {height} x {width}:",
        "grey is 0, white the filter's largest weight, black its opposite",
    ]
    words += ["of each filter its strongest channel, with its number"] if named else []
    rows = -(-drawn // ACROSS)
    above, top = (0.2 if named else 0.0), 0.06 + 0.2 * len(words)
    figure, panels = picture_grid(rows, ACROSS, height / width, above, top)
    headline(figure, "\n".join(words))
    for number, axes in enumerate(panels.flat[:drawn]):
        weights = kernel[..., number]
        strongest = int((weights**2).sum(axis=(0, 1)).argmax())
        if named:
            axes.set_title(str(strongest), fontsize=9, pad=2, fontweight="normal")
        drawing = weights if channels == 3 else weights[..., strongest : strongest + 1]
        draw_picture(axes, 255 * scaled(drawing))
    return figure


def scaled(weights: np.ndarray) -> np.ndarray:
    """Weights as 0 to 1, 0 becoming 0.5 and the largest without sign 0 or 1."""
    return 0.5 + 0.5 * weights / max(np.abs(weights).max(), 1e-12)


def first_convolution(network: keras.Model) -> layers.Conv2D:
    """The first layer with a kernel wider than a pixel, also within networks inside."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            return first_convolution(layer)
        if type(layer) is layers.Conv2D and max(layer.kernel_size) > 1:
            return layer
    raise UserError(f"The network {network.name} has no convolution wider than a pixel.")


@styled
def feature_maps(network: keras.Model, inputs: Mapping[str, np.ndarray]) -> Figure:
    """What four stages of a network make of a picture: a row each, below the picture itself.

    inputs: arrays of one row, as the network takes them; inputs["image"] is (1, height, width,
    channels). A stage is the last layer with maps of one size; of more than four, the first, the
    last and two between are drawn. Of each stage: the four channels that vary most over the places,
    each from its smallest value (black) to its largest (white).
    UserError for a network without feature maps.
    """
    stages = stages_of(network, inputs)
    chosen = np.unique(np.linspace(0, len(stages) - 1, STAGES).round().astype(int))
    picture = inputs[IMAGE][0]
    ratio = picture.shape[0] / picture.shape[1]
    figure, panels = picture_grid(1 + len(chosen), CHANNELS, ratio, 0.3)
    draw_picture(panels[0, 0], picture)
    panels[0, 0].set_title("the picture")
    for row, stage in zip(panels[1:], chosen, strict=True):
        name, maps = stages[stage]
        height, width, channels = maps.shape
        row[0].set_title(
            f"{shortened(name, 24)}: {height} x {width} places, "
            f"{min(CHANNELS, channels)} of {channels:,} channels"
        )
        for axes, channel in zip(row, most_varied(maps), strict=False):
            axes.imshow(maps[..., channel], cmap="gray", aspect="auto")
    return figure


def most_varied(maps: np.ndarray) -> np.ndarray:
    """The channels of maps (height, width, channels) with the largest deviation over the places."""
    return np.argsort(-maps.std(axis=(0, 1)), kind="stable")[:CHANNELS]


def stages_of(
    network: keras.Model, inputs: Mapping[str, np.ndarray]
) -> list[tuple[str, np.ndarray]]:
    """Name of the last layer with maps of each size, and its maps (height, width, channels).

    Layers count from the first convolution on; those that only pad do not.
    """
    network, given = with_own_maps(as_graph(network), inputs)
    last, begun = {}, False
    for layer in network.layers:
        begun = begun or isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)
        if begun and not isinstance(layer, layers.ZeroPadding2D) and has_places(layer.output):
            last[layer.output.shape[1:3]] = layer
    if not last:
        raise UserError(f"The network {network.name} has no feature maps.")
    outputs = keras.Model(network.input, [layer.output for layer in last.values()])
    found = outputs(given, training=False)
    names = [layer.name for layer in last.values()]
    return [(name, np.asarray(maps)[0]) for name, maps in zip(names, found, strict=True)]


def with_own_maps(network: keras.Model, inputs: Mapping[str, np.ndarray]) -> tuple:
    """The network, or the first one inside it, and what it takes of `inputs`, one row.

    Of a mean of networks that is one of them; of a network around a backbone, the backbone.
    """
    inside = next((one for one in network.layers if isinstance(one, keras.Model)), None)
    if inside is None:
        return network, as_taken(network, inputs, slice(1))
    if isinstance(inside.input, dict):
        return with_own_maps(inside, inputs)
    # A network inside tells only of its own graph. What it takes, nothing else here does.
    plain = [one for one in network.operations if not isinstance(one, keras.Model)]
    taken = [id(tensor) for one in plain for tensor in keras.tree.flatten(one.input)]
    left = next(
        one.output for one in plain if has_places(one.output) and id(one.output) not in taken
    )
    before = keras.Model(network.input, left)
    return inside, before(as_taken(network, inputs, slice(1)), training=False)
