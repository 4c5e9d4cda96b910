"""Pictures as points on a plane, near each other where a network takes them for alike."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from common.plots.pictures import MARGIN, draw_picture
from common.plots.style import MUTED, WIDTH, new_figure, shortened, styled

POINTS = 2000
THUMBNAILS = 200
THUMBNAIL = 0.3  # inches of the longer side, the frame in the class's colour included
FRAME = 0.03
PLANE = WIDTH - 2 * MARGIN  # inches that the plane is wide
PANEL = 5.3  # and high
ABOVE = 0.36
LEGEND_COLUMNS = 3
LEGEND_LINE = 0.22
PERPLEXITY = 30  # about how many neighbours t-SNE keeps near; 5 to 50 are usual
COLOURS = (
    *("#0b2e59", "#e07b2a", "#0f8f80", "#b3318f", "#9a8200"),
    *("#4aa3df", "#7b3fa0", "#e88fa2", "#72b52c", "#6b3d24"),
)
OTHERS = "others"


@styled
def embedding_map(
    vectors: np.ndarray,
    pictures: np.ndarray,
    labels: Sequence[str],
    method: Literal["PCA", "t-SNE"] = "t-SNE",
) -> Figure:
    """A plane on which rows with similar vectors are near each other.

    vectors: (rows, n), what the network's layer "features" gives; pictures: (rows, height, width,
    channels) uint8; labels: (rows,) the class of each. Up to 200 rows show their picture in a frame
    of the class's colour, none over another; the rest are dots. Of more than ten classes the nine
    most frequent have colours of their own; of more than 2000 rows 2000 evenly spaced are drawn.
    method: "PCA" shows as much of the variance as a plane can, the title tells how much; "t-SNE"
    keeps neighbours together, with the perplexity in the title, and its distances between groups
    mean little: van der Maaten, Hinton, Journal of Machine Learning Research 9, 2008.
    """
    rows = np.unique(np.linspace(0, len(vectors) - 1, POINTS).astype(int))
    places, words = placed(np.asarray(vectors, "float64")[rows], method)
    if len(rows) < len(vectors):
        words += f"; {len(rows):,} of {len(vectors):,} pictures"
    classes, colours = coloured(np.asarray(labels)[rows])
    lines = -(-len(colours) // LEGEND_COLUMNS)
    height = ABOVE + PANEL + LEGEND_LINE * lines + 0.2
    figure = new_figure(height, layout="none")
    box = (MARGIN, height - ABOVE - PANEL, PLANE, PANEL)
    axes = figure.add_axes(np.divide(box, (WIDTH, height, WIDTH, height)))
    axes.set_title(words)
    axes.set_axis_off()
    inches = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-9)
    inches = THUMBNAIL / 2 + inches * (np.array([PLANE, PANEL]) - THUMBNAIL)
    size = THUMBNAIL * np.array(pictures.shape[2:0:-1]) / max(pictures.shape[1:3])
    with_picture = apart(inches, size)
    for name, colour in colours.items():
        dots = np.setdiff1d(np.flatnonzero(classes == name), with_picture)
        axes.plot(*inches[dots].T, "o", color=colour, markersize=3, alpha=0.6)
        axes.plot([], [], "s", color=colour, markersize=8, label=shortened(name, 18))
    for point in with_picture:
        colour = colours[classes[point]]
        draw_thumbnail(axes, inches[point] - size / 2, size, pictures[rows[point]], colour)
    axes.set(xlim=(0, PLANE), ylim=(0, PANEL))  # drawing pictures moves them
    figure.legend(loc="lower left", ncols=LEGEND_COLUMNS)
    return figure


def placed(vectors: np.ndarray, method: Literal["PCA", "t-SNE"]) -> tuple[np.ndarray, str]:
    """Places (rows, 2) of vectors (rows, n), and how they came about in words."""
    if method == "PCA":
        plane = PCA(2, random_state=0).fit(vectors)
        return plane.transform(vectors), (
            f"PCA: {plane.explained_variance_ratio_.sum():.0%} of the variance"
        )
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=0)
    return plane.fit_transform(vectors), f"t-SNE, perplexity {perplexity:.3g}"


def coloured(labels: np.ndarray) -> tuple[np.ndarray, dict[str, str]]:
    """The class of each label as it is drawn, (rows,), and the colour of each, in order."""
    frequent = [name for name, _ in Counter(labels.tolist()).most_common()]
    if len(frequent) <= len(COLOURS):
        return labels, dict(zip(sorted(frequent), COLOURS, strict=False))
    own = sorted(frequent[: len(COLOURS) - 1])
    classes = np.where(np.isin(labels, own), labels, OTHERS)
    return classes, dict(zip(own, COLOURS, strict=False)) | {OTHERS: MUTED}


def apart(places: np.ndarray, size: np.ndarray) -> list[int]:
    """Rows of places (rows, 2) on which boxes of `size` do not overlap: at most 200, first come."""
    taken = []
    for row, place in enumerate(places):
        if len(taken) < THUMBNAILS and not (np.abs(places[taken] - place) < size).all(axis=1).any():
            taken.append(row)
    return taken


def draw_thumbnail(
    axes: Axes, corner: np.ndarray, size: np.ndarray, picture: np.ndarray, colour: str
) -> None:
    """The picture in a frame of that colour; `corner`: the lower left one, in inches."""
    axes.add_patch(Rectangle(corner, *size, color=colour, linewidth=0, zorder=3))
    (left, bottom), (right, top) = corner + FRAME, corner + size - FRAME
    draw_picture(axes, picture, extent=(left, right, bottom, top), zorder=4)
