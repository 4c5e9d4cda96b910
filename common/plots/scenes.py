"""What a network makes of a scene, as a map, and the spectra of its classes."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from common.bundle import Bundle
from common.data.dataset import PARTS, Dataset
from common.plots.looking_inside import called_classes
from common.plots.style import FAINT, INK, MUTED, WIDTH, new_figure, shortened, styled
from common.plots.style import PARTS as PART_STYLES
from common.scenes.patches import open_scene, pixel_names, places_of, spectra_of

MAPPED = 50_000  # pixels of a scene that the network is asked for; of larger ones every second, …
COLOURS = colormaps["tab20"].colors
RIGHT, WRONG = "#b9c4cf", "#c22f2f"
COLUMNS = 4  # panels in a line of the spectra
LINE = 0.19  # inches of a line in the legend


def scene_figures(bundle: Bundle, dataset: Dataset, answers: np.ndarray) -> dict[str, Figure]:
    """Figures by name; answers: of the test rows. None where a number is predicted.

    The map is of the scene with the most test rows.
    """
    schema = dataset.schema
    if not schema.labels:
        return {}
    (column,) = schema.patches
    train, test = dataset.examples("train"), dataset.examples("test")
    spectra = spectra_of(train.features[column], schema.patch)
    scenes, places = places_of(dataset.features[column])
    names, counts = np.unique(scenes[dataset.part == "test"], return_counts=True)
    scene = names[np.argmax(counts)]
    shape = open_scene(scene, schema.patch).shape[:2]
    here = scenes == scene
    truth = on_map(shape, places[here], dataset.target[here].astype(int), -1)
    part = on_map(shape, places[here], dataset.part[here].astype("U10"), "")
    tested, test_places = places_of(test.features[column])
    called = called_classes(answers)
    in_test = on_map(shape, test_places[tested == scene], called[tested == scene], -1)
    step = int(np.ceil(np.sqrt(truth.size / MAPPED)))
    rows, columns = (range(0, length, step) for length in shape)
    asked = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    pixels = pixel_names([scene] * len(asked), *asked.T).to_frame(column)
    everywhere = called_classes(bundle.answers(pixels)).reshape(len(rows), len(columns))
    return {
        "class_spectra": class_spectra(spectra, train.target.astype(int), schema.labels),
        "scene_map": scene_map(truth, part, everywhere, in_test, schema.labels),
    }


def on_map(shape: tuple[int, int], places: np.ndarray, values: np.ndarray, nothing) -> np.ndarray:
    """Values (pixels,) at their places (pixels, 2) of a map of this shape, `nothing` elsewhere."""
    filled = np.full(shape, nothing, values.dtype)
    filled[*places.T] = values
    return filled


@styled
def scene_map(
    truth: np.ndarray,
    part: np.ndarray,
    everywhere: np.ndarray,
    in_test: np.ndarray,
    labels: tuple[str, ...],
) -> Figure:
    """Four maps of a scene: the truth, the parts, what the network says, where it errs in the test.

    truth, in_test: (rows, columns) of class numbers, -1 where none is known, or no test pixel is;
    part: (rows, columns) text, "" outside of all; everywhere: (rows, columns) of class numbers,
    maybe of every second, third … pixel.
    """
    lines = -(-len(labels) // 2)
    side = (WIDTH - 0.4) / 2
    legend = LINE * (lines + 1.5)
    height = 2 * (side * truth.shape[0] / truth.shape[1] + 0.62) + legend
    figure = new_figure(height, layout="none")
    panels = figure.subplots(
        2,
        2,
        gridspec_kw={
            "left": 0.1 / WIDTH, "right": 1 - 0.1 / WIDTH, "top": 1 - 0.32 / height,
            "bottom": (legend + 0.3) / height, "wspace": 0.06, "hspace": 0.16,
        },
    ).ravel()  # fmt: skip
    draw_classes(panels[0], truth, "True class, of the pixels used", len(labels))
    draw_classes(panels[1], everywhere, "What the network says", len(labels))
    numbers = np.full(truth.shape, -1)
    for number, name in enumerate(PARTS):
        numbers[part == name] = number
    colours = [PART_STYLES[name]["color"] for name in PARTS]
    draw_numbers(panels[2], numbers, "Parts", colours)
    legend_below(panels[2], dict(zip(PARTS, colours, strict=True)))
    wrong = np.where(in_test < 0, -1, in_test != truth)
    draw_numbers(panels[3], wrong, "Test pixels", [RIGHT, WRONG])
    legend_below(panels[3], {"right": RIGHT, "wrong": WRONG})
    handles = [
        Patch(color=COLOURS[number % len(COLOURS)], label=label)
        for number, label in enumerate(labels)
    ]
    figure.legend(handles=handles, loc="lower left", ncols=2, fontsize=8.5, handlelength=1.2)
    return figure


def draw_classes(axes: Axes, classes: np.ndarray, title: str, count: int) -> None:
    """A map of class numbers, (rows, columns), -1 for none, in the colours of the classes."""
    draw_numbers(axes, classes, title, [COLOURS[number % len(COLOURS)] for number in range(count)])


def draw_numbers(axes: Axes, numbers: np.ndarray, title: str, colours: list) -> None:
    axes.imshow(
        np.ma.masked_less(numbers, 0),
        ListedColormap(colours),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        interpolation="nearest",
    )
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color=FAINT)


def legend_below(axes: Axes, colours: dict[str, str]) -> None:
    axes.legend(
        handles=[Patch(color=colour, label=label) for label, colour in colours.items()],
        loc="upper left",
        bbox_to_anchor=(-0.02, 0.0),
        ncols=len(colours),
        fontsize=8.5,
        handlelength=1.0,
        columnspacing=1.0,
    )


@styled
def class_spectra(spectra: np.ndarray, target: np.ndarray, labels: tuple[str, ...]) -> Figure:
    """The mean spectrum of each class, with a band of one deviation; dotted the mean of all.

    spectra: (rows, bands); target: (rows,) class numbers.
    """
    rows = -(-len(labels) // COLUMNS)
    figure = new_figure(0.35 + 1.15 * rows)
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    bands = np.arange(spectra.shape[1])
    overall = spectra.mean(axis=0)
    for number, (axes, label) in enumerate(zip(panels, labels, strict=False)):
        own = spectra[target == number]
        axes.set_title(shortened(label, 15), fontsize=8.5, pad=3)
        axes.plot(bands, overall, color=MUTED, linestyle=":", linewidth=1)
        if len(own):
            mean, deviation = own.mean(axis=0), own.std(axis=0)
            axes.fill_between(bands, mean - deviation, mean + deviation, color=FAINT)
            axes.plot(bands, mean, color=INK, linewidth=1)
        axes.tick_params(labelsize=8)
    for axes in panels[len(labels) :]:
        axes.remove()
    figure.supxlabel("band", fontsize=9)
    return figure
