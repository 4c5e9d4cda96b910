"""Pictures and heat maps in panels of equal size, as all sheets of pictures draw them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.plots.style import WIDTH, new_figure

MARGIN = 0.08  # inches around all panels
GAP = 0.06  # between them
GROUP_GAP = 0.22  # between groups of them
HEAT = "inferno"


def picture_grid(
    rows: int,
    columns: int,
    ratio: float,
    above: float | Sequence[float] = 0.0,
    top: float = 0.0,
    groups: int = 1,
) -> tuple[Figure, np.ndarray]:
    """A figure of panels without axes, (rows, columns) of them, each `ratio` times as high as wide.

    above: inches for words over the panels of each row, one number or one a row. top: inches over
    all of them. groups: of columns, that stand a little apart.
    """
    gaps = (columns - 1) * GAP + (groups - 1) * (GROUP_GAP - GAP)
    width = (WIDTH - 2 * MARGIN - gaps) / columns
    height = width * ratio
    above = np.broadcast_to(above, rows)
    whole = MARGIN + top + above.sum() + rows * (height + GAP)
    figure = new_figure(whole, layout="none")
    panels = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        group = column * groups // columns
        left = MARGIN + column * (width + GAP) + group * (GROUP_GAP - GAP)
        below = MARGIN + top + above[: row + 1].sum() + row * (height + GAP) + height
        box = (left, whole - below, width, height)
        axes = figure.add_axes(np.divide(box, (WIDTH, whole, WIDTH, whole)))
        axes.set_axis_off()
        panels[row, column] = axes
    return figure, panels


def headline(figure: Figure, text: str) -> None:
    """Bold words at the upper left, for which `picture_grid` left room at its top."""
    height = figure.get_figheight()
    x, y = MARGIN / WIDTH, 1 - MARGIN / height
    figure.suptitle(text, x=x, y=y, ha="left", va="top", linespacing=1.35)


def draw_picture(axes: Axes, picture: np.ndarray, **place) -> None:
    """picture: (height, width, channels), values 0 to 255; of 3 channels the colours, else the
    first one in grey. place: as matplotlib's imshow takes it, by default the whole panel.
    """
    if picture.shape[-1] == 3:
        axes.imshow(np.clip(np.round(picture), 0, 255).astype("uint8"), **place)
    else:
        axes.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=255, **place)


def draw_heat(axes: Axes, heat: np.ndarray, largest: float) -> None:
    """A map (height, width) over the picture that is drawn: warm up to `largest`, clear at 0."""
    largest = max(largest, 1e-12)
    strength = 0.7 * np.clip(heat / largest, 0, 1)
    axes.imshow(heat, HEAT, alpha=strength, vmin=0, vmax=largest)
