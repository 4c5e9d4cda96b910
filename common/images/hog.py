"""Histograms of oriented gradients: the shapes in a picture as numbers, without learning.

Dalal, Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005,
https://doi.org/10.1109/CVPR.2005.177, with the settings that they recommend in section 6: square
roots of the levels, plain differences, 9 directions without sign, cells of 8 x 8 pixels, blocks of
2 x 2 cells that overlap, and L2-Hys norms.
"""

import numpy as np

DIRECTIONS = 9
CELL = 8  # pixels a side
CLIP = 0.2  # no direction of a block counts for more than this share of its length
TINY = 1e-5  # keeps the norm of a block without any edge from being 0


def hog(picture: np.ndarray) -> np.ndarray:
    """The descriptor of a picture: (features,) float32, from 0 to 1.

    picture: (height, width, channels) uint8, at least 2 * CELL pixels a side; what goes beyond a
    whole number of cells at the right and below is left out. Of several channels each pixel has the
    gradient of the channel where it is largest.
    A pixel votes with the length of its gradient for the two nearest directions and the four
    nearest cells, the more the nearer. Blocks follow each other in rows; with the sides counted in
    cells, there are (height - 1) * (width - 1) * 4 * DIRECTIONS features.
    scikit-image gives each vote whole to one direction and one cell, which served an SVM on solar
    cells less well; the paper interpolates.
    """
    length, direction = gradients(np.sqrt(picture, dtype="float32"))
    down, across = (cell_votes(size) for size in length.shape)
    away = np.abs(direction - np.arange(DIRECTIONS, dtype="float32")[:, None, None])
    votes = length * np.maximum(0, 1 - np.minimum(away, DIRECTIONS - away))
    cells = (down @ votes @ across.T).transpose(1, 2, 0)
    blocks = np.concatenate(
        [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=-1
    )
    return normalised(np.minimum(normalised(blocks), CLIP)).ravel()


def gradients(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length and direction of the change in levels (height, width, channels); each (height, width).

    The direction counts in steps of 180 / DIRECTIONS degrees: 0 is the middle of the first one. The
    pixels at an edge have no change across it.
    """
    down, right = np.zeros_like(levels), np.zeros_like(levels)
    down[1:-1] = levels[2:] - levels[:-2]
    right[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    length = np.hypot(down, right)
    strongest = length.argmax(axis=-1)[..., None]
    down, right, length = (
        np.take_along_axis(each, strongest, axis=-1)[..., 0] for each in (down, right, length)
    )
    half_turns = np.arctan2(down, right) / np.pi
    return length, (DIRECTIONS * half_turns - 0.5) % DIRECTIONS


def cell_votes(pixels: int) -> np.ndarray:
    """How much each pixel along a side counts for each cell, (cells, pixels): 1 in its middle,
    0 from the middle of the next one on.
    """
    middles = CELL * (np.arange(pixels // CELL) + 0.5)
    away = np.abs(np.arange(pixels) + 0.5 - middles[:, None]) / CELL
    return np.maximum(0, 1 - away).astype("float32")


def normalised(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + TINY**2)
