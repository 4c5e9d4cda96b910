"""One look for every picture: large type, little ink, and series that differ in grey print too.

Pictures are drawn without pyplot: no window, no backend, nothing global is left behind.
"""

import io
import warnings
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.files import replacing

WIDTH = 5.6  # inches; with type of 10 points, still legible when scaled to the width of a phone
DOTS_PER_INCH = 180
INK = "#1f2933"
FAINT = "#d5dae0"
MUTED = "#5f6b7a"

# The network comes first. Line style, marker and lightness all differ, so that grey print will do.
SERIES = (
    {"color": "#0b2e59", "linestyle": "-", "marker": "o", "linewidth": 2.2},
    {"color": "#8a8f98", "linestyle": ":", "marker": "D", "linewidth": 2.0},
    {"color": "#0f8f80", "linestyle": "-.", "marker": "^", "linewidth": 1.6},
    {"color": "#d9601a", "linestyle": "--", "marker": "s", "linewidth": 1.6},
    {"color": "#7b3fa0", "linestyle": (0, (1, 1, 6, 1)), "marker": "v", "linewidth": 1.6},
)
PARTS = {
    "train": {"color": "#d9822b", "linestyle": "--", "marker": "s"},
    "validation": {"color": "#0f8f80", "linestyle": "-.", "marker": "^"},
    "test": {"color": "#0b2e59", "linestyle": "-", "marker": "o"},
}

styled = matplotlib.rc_context(
    {
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
        "font.size": 10.5,
        "text.color": INK,
        "text.parse_math": False,  # a column may be called "$x$"
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 7,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "legend.fontsize": 10,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "figure.constrained_layout.h_pad": 0.08,  # inches
        "figure.constrained_layout.w_pad": 0.08,
        "figure.titlesize": 10.5,
        "figure.titleweight": "bold",
    }
)  # decorates every function that draws


class Picture(Figure):
    """A figure that shows itself as the last line of a notebook's cell.

    IPython shows a plain Figure only after pyplot was imported.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        self.savefig(file, format="png")
        width, height = self.get_size_inches() * 100
        return file.getvalue(), {"width": int(width), "height": int(height)}


def new_figure(height: float, layout: str = "constrained") -> Picture:
    """An empty figure of the common width; `height` in inches."""
    return Picture((WIDTH, height), dpi=DOTS_PER_INCH, facecolor="white", layout=layout)


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all; its folder must exist.

    Letters of scripts that the font lacks are boxes: names of columns may have them.
    """
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(temporary, format="png")


def series_styles(names: list[str]) -> dict[str, dict]:
    """Line properties for each model: "network" has the first, the others follow in their order."""
    ranked = sorted(names, key=lambda name: name != "network")
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(ranked)}


def plain(name: str) -> str:
    """A name as words: hist_gradient_boosting as "hist gradient boosting"."""
    return name.replace("_", " ")


def shortened(text: str, length: int) -> str:
    """The text, or its beginning and end around a … where it is longer than `length` characters."""
    tail = length // 2
    return text if len(text) <= length else f"{text[: length - tail - 1]}…{text[-tail:]}"


def as_percentages(axis: Axis) -> None:
    """Write the shares on an axis as 0%, 2.5%, …, few of them."""
    axis.set_major_locator(MaxNLocator(3))
    axis.set_major_formatter(lambda share, _: f"{100 * share:.4g}%")


def in_order(values: list[str]) -> list[str]:
    """The values sorted as numbers where all of them are numbers, else as text."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


ROW = 0.26  # inches; likewise the next four
HEADING = 0.42
ABOVE_PANEL = 0.36
BELOW_PANEL = 0.38
LETTER = 0.085  # mean width of a letter in a label


def row_panels(title: str, panels: dict[str, list[str]]) -> tuple[Picture, dict[str, Axes]]:
    """A figure with one panel a key, and in it one labelled row a value, at y = 0, 1, … from above.

    The panels fill one column, or two of about equal height, downwards; every row of every panel is
    equally high. Returns the figure and the axes of each panel, whose x axis is the caller's.
    """
    columns = balanced_columns(
        {name: ABOVE_PANEL + ROW * len(labels) + BELOW_PANEL for name, labels in panels.items()}
    )
    height = HEADING + max(sum(column.values()) for column in columns)
    figure = new_figure(height, layout="none")
    figure.suptitle(title, x=0.1 / WIDTH, y=1 - 0.12 / height, ha="left", va="top")
    width = WIDTH / len(columns)
    letters = 26 // len(columns)  # of a label, at most
    axes = {}
    for index, column in enumerate(columns):
        rows = {name: [shortened(label, letters) for label in panels[name]] for name in column}
        labels_width = 0.1 + LETTER * max(
            (len(label) for name in column for label in rows[name]), default=0
        )
        left = index * width + 0.1
        top = height - HEADING
        for name, panel_height in column.items():
            box = (
                left + labels_width,
                top - panel_height + BELOW_PANEL,
                width - labels_width - 0.3,
                ROW * len(rows[name]),
            )
            axes[name] = figure.add_axes(np.divide(box, (WIDTH, height, WIDTH, height)))
            axes[name].set_title(shortened(name, 2 * letters), x=-labels_width / box[2])
            label_rows(axes[name], rows[name])
            top -= panel_height
    return figure, axes


def balanced_columns(heights: dict[str, float]) -> list[dict[str, float]]:
    """The panels in their order, cut into two columns where the taller one is lowest."""
    names = list(heights)
    if len(names) < 2:
        return [heights]
    cut = min(
        range(1, len(names)),
        key=lambda cut: max(
            sum(heights[name] for name in half) for half in (names[:cut], names[cut:])
        ),
    )
    return [{name: heights[name] for name in half} for half in (names[:cut], names[cut:])]


def label_rows(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
