"""Contact sheets: what the pictures are, what training sees of them, and which were mistaken."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from matplotlib.figure import Figure

from common.errors import UserError
from common.models.augmentation import AUGMENTED
from common.models.table import IMAGE
from common.plots.pictures import draw_heat, draw_picture, headline, picture_grid
from common.plots.style import shortened, styled

PER_CLASS = 5  # pictures in a row of examples
CLASSES = 20  # rows of examples
VERSIONS = 4  # of each picture as training sees it
MISTAKES = 8
PAIRS = 6
PER_SIDE = 2  # pictures of each side of a pair
LINE = 0.3  # inches over a row for one line of words
TWO_LINES = 0.48


@styled
def picture_examples(pictures: np.ndarray, titles: Sequence[str]) -> Figure:
    """A row for each title, in the order in which they come, with its first five pictures.

    pictures: (rows, height, width, channels) uint8; titles: (rows,), the class of each. Of more
    than 20 titles the first 20 are drawn.
    """
    titles = np.asarray(titles)
    distinct = list(dict.fromkeys(titles.tolist()))
    left_out = f"{CLASSES} of {len(distinct)} classes" if len(distinct) > CLASSES else ""
    distinct = distinct[:CLASSES]
    chosen = [np.flatnonzero(titles == title)[:PER_CLASS] for title in distinct]
    figure, panels = picture_grid(
        len(distinct), PER_CLASS, ratio_of(pictures), LINE, LINE if left_out else 0
    )
    headline(figure, left_out)
    for row, (title, places) in enumerate(zip(distinct, chosen, strict=True)):
        panels[row, 0].set_title(shortened(title, 50))
        for axes, place in zip(panels[row], places, strict=False):
            draw_picture(axes, pictures[place])
    return figure


def ratio_of(pictures: np.ndarray) -> float:
    """Height by width."""
    return pictures.shape[1] / pictures.shape[2]


@styled
def augmented_examples(network: keras.Model, pictures: np.ndarray) -> Figure:
    """A row for each picture: as it is stored, then four times as the network learns from it.

    network: as a builder of common/models makes it; its own layers of augmentation draw what
    happens. pictures: (rows, height, width, channels) uint8. UserError for a network without them.
    """
    seen = training_views(network, np.repeat(pictures, VERSIONS, axis=0))
    seen = seen.reshape(len(pictures), VERSIONS, *pictures.shape[1:])
    figure, panels = picture_grid(
        len(pictures), 1 + VERSIONS, ratio_of(pictures), [LINE] + [0.0] * (len(pictures) - 1)
    )
    panels[0, 0].set_title("as stored")
    panels[0, 1].set_title("as training sees it, each time another way")
    for row, picture in zip(panels, pictures, strict=True):
        draw_picture(row[0], picture)
    for axes, view in zip(panels[:, 1:].flat, seen.reshape(-1, *pictures.shape[1:]), strict=True):
        draw_picture(axes, view)
    return figure


def training_views(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Pictures (rows, height, width, channels) uint8 as training changes them, float32."""
    if not any(layer.name == AUGMENTED for layer in network.layers):
        raise UserError(
            f"The network {network.name} has no layer {AUGMENTED!r}, where augmentation ends. Pass "
            "its pictures through common.models.augmentation.augmented; of a mean of networks, "
            "give one."
        )
    views = keras.Model(network.input[IMAGE], network.get_layer(AUGMENTED).output)
    return np.asarray(views(pictures, training=True))


def most_confident_mistakes(
    truth: np.ndarray, answers: np.ndarray, count: int = MISTAKES
) -> np.ndarray:
    """Which rows were called wrong with the highest probability, highest first: at most `count`.

    truth: (rows,) class numbers; answers: (rows, classes), or (rows,) for class 1 of two. A row is
    called the likeliest class.
    """
    probability = of_every_class(answers)
    sureness = probability.max(axis=1)
    wrong = np.flatnonzero(probability.argmax(axis=1) != truth)
    return wrong[np.argsort(-sureness[wrong], kind="stable")][:count]


def of_every_class(answers: np.ndarray) -> np.ndarray:
    """Answers (rows, classes) as they are; those for class 1 of two, (rows,), for both."""
    return np.stack([1 - answers, answers], axis=1) if answers.ndim == 1 else answers


@styled
def confident_mistakes(
    pictures: np.ndarray,
    heat: np.ndarray,
    truth: np.ndarray,
    answers: np.ndarray,
    names: Sequence[str],
) -> Figure:
    """The eight mistakes of which the network was surest, two a line, each beside its heat map.

    pictures: (rows, height, width, channels) uint8; heat: (rows, height, width), what spoke for the
    class that was called, each drawn from 0 to its own largest value; truth, answers: as
    `most_confident_mistakes` takes them, which also picks the rows for which to work out a heat
    map; names: of the classes.
    """
    chosen = most_confident_mistakes(truth, answers)
    if not len(chosen):
        figure, _ = picture_grid(1, 1, 0.0, LINE)
        headline(figure, f"None of these {len(truth):,} pictures was called wrong.")
        return figure
    probability = of_every_class(answers)
    lines = -(-len(chosen) // 2)
    figure, panels = picture_grid(lines, 4, ratio_of(pictures), TWO_LINES, TWO_LINES, groups=2)
    headline(figure, "Wrong, and surest of it. Warm: what spoke for the class\nthat was called")
    for number, row in enumerate(chosen):
        plain, warm = panels[number // 2, 2 * (number % 2) :][:2]
        called = probability[row].argmax()
        called_so = f"called {shortened(names[called], 16)}, {probability[row, called]:.1%}"
        plain.set_title(
            f"{called_so}\nis {shortened(names[truth[row]], 22)}", fontsize=10, linespacing=1.3
        )
        draw_picture(plain, pictures[row])
        draw_picture(warm, pictures[row])
        draw_heat(warm, heat[row], heat[row].max())
    return figure


def most_confused(confusion: Sequence[Sequence[int]], count: int = PAIRS) -> list[tuple[int, int]]:
    """The pairs of classes most often mistaken for each other, either way, most often first.

    confusion: rows by true class (first index) and called class (second). At most `count` pairs,
    each with the class first that was more often called the other.
    """
    counts = np.array(confusion)
    pairs = [
        (first, second) if counts[first, second] >= counts[second, first] else (second, first)
        for first, second in zip(*np.triu_indices(len(counts), k=1), strict=True)
    ]
    mistakes = {(int(a), int(b)): int(counts[a, b] + counts[b, a]) for a, b in pairs}
    ranked = sorted(mistakes, key=mistakes.get, reverse=True)
    return [pair for pair in ranked if mistakes[pair]][:count]


@styled
def confusion_pairs(
    confusion: Sequence[Sequence[int]],
    labels: Sequence[str],
    examples: Mapping[tuple[int, int], np.ndarray],
) -> Figure:
    """The six pairs of classes most often mistaken for each other, with two pictures each way.

    confusion, labels: as for `class_confusion`; examples: (true class, called class) to pictures
    (rows, height, width, channels) that were called so, for both ways of the pairs that
    `most_confused` gives, as far as there are any.
    """
    counts = np.array(confusion)
    pairs = most_confused(confusion)
    if not pairs:
        figure, _ = picture_grid(1, 1, 0.0, LINE)
        headline(figure, f"None of these {counts.sum():,} pictures was called wrong.")
        return figure
    shape = next(each.shape for each in examples.values() if len(each))
    figure, panels = picture_grid(
        len(pairs), 2 * PER_SIDE, shape[1] / shape[2], TWO_LINES, LINE, groups=2
    )
    headline(figure, "Classes most often mistaken for each other")
    for row, pair in zip(panels, pairs, strict=True):
        for side, (true, called) in enumerate((pair, pair[::-1])):
            places = row[side * PER_SIDE :][:PER_SIDE]
            places[0].set_title(
                f"{counts[true, called]:,} of {counts[true].sum():,} {shortened(labels[true], 16)}"
                f"\ncalled {shortened(labels[called], 20)}",
                fontsize=10,
                linespacing=1.3,
            )
            for axes, picture in zip(places, examples.get((true, called), ()), strict=False):
                draw_picture(axes, picture)
    return figure
