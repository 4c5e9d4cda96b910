"""The findings as one self-contained page, in the style of the report."""

import base64
import io
import warnings
from pathlib import Path
from shlex import quote

import jinja2
import numpy as np
from matplotlib.figure import Figure

from common.doctor.examine import verdict
from common.doctor.patient import Advised, Patient
from common.doctor.pictures import target_by_column
from common.doctor.summary import Summary, summaries
from common.errors import UserError
from common.evaluation.metrics import shown, shown_difference
from common.files import write_text

HERE = Path(__file__).parent
WIDTH, HEIGHT = 150, 40  # of a small picture
MOST_COLUMNS = 200  # in the table of columns


def write_page(path: Path, patient: Patient, findings: list[Advised]) -> Path:
    """Write the page, whole or not at all, and return its path; its folder must exist."""
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} to write the page into. Make it first.")
    pictures = {}
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest there are
        columns = summaries(patient)
        if patient.scores:
            pictures["target_by_column"] = data_address(target_by_column(patient))
    write_text(
        path,
        template().render(
            patient=patient,
            findings=findings,
            verdict=verdict(patient, findings),
            columns=columns[:MOST_COLUMNS],
            left_out=len(columns) - MOST_COLUMNS,
            lines=line_points(columns),
            pictures=pictures,
            missing=float(np.mean([column.missing for column in columns])),
            width=WIDTH,
            height=HEIGHT,
        ),
    )
    return path


def template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([HERE, HERE.parent / "report"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quote"] = quote
    environment.filters["shown"] = shown  # of the report's macros
    environment.filters["shown_difference"] = shown_difference
    return environment.get_template("page.html")


def line_points(columns: list[Summary]) -> dict[str, list[tuple[float, float]]]:
    """The points of each column's line in its picture, the target on one scale for all columns."""
    known = np.concatenate([column.line for column in columns] or [np.array([])])
    known = known[np.isfinite(known)]
    if len(known) == 0:
        return {}
    low, span = known.min(), max(np.ptp(known), 1e-12)
    return {
        column.name: [
            ((place + 0.5) * WIDTH / len(column.line), 3 + (HEIGHT - 6) * (1 - (mean - low) / span))
            for place, mean in enumerate(column.line)
            if np.isfinite(mean)
        ]
        for column in columns
    }


def data_address(figure: Figure) -> str:
    """The picture as PNG in a data address."""
    file = io.BytesIO()
    with warnings.catch_warnings():  # letters that the font lacks, dates of a thousand years
        warnings.filterwarnings("ignore", message="Glyph|AutoDateLocator")
        figure.savefig(file, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
