"""Notebooks as text and as .ipynb: written, executed, and checked to be equal.

    python -m notebooks.build [NAME …]   execute the notebooks and write their .ipynb with outputs
    python -m notebooks.build --check    do the cells of text and .ipynb agree?

The text (.py, percent format) is the source; it diffs well and is linted like other code.
"""

import base64
import io
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
HEADER = "# ---\n# jupyter:"  # how jupytext begins a notebook; solutions and helpers have none
TIMEOUT_SECONDS = 900
LARGE_PICTURE = 300_000  # letters


def sources() -> list[Path]:
    """The notebooks as text: the companions of the projects, then the from-scratch series."""
    files = [*sorted(FOLDER.glob("*.py")), *sorted(FOLDER.glob("from_scratch/*.py"))]
    return [path for path in files if path.read_text().startswith(HEADER)]


def read_source(path: Path) -> nbformat.NotebookNode:
    """The text as a notebook without outputs, with the same cell ids every time."""
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata.pop("jupytext", None)
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells in `folder`; raises nbclient's CellExecutionError where one fails."""
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,  # else where printed lines part depends on timing
    )
    return client.execute()


def smaller_pictures(notebook: nbformat.NotebookNode) -> None:
    """Large pictures in 256 colours, in place: photographs would make a page of many megabytes."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if len(data.get("image/png", "")) > LARGE_PICTURE:
                picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
                file = io.BytesIO()
                picture.convert("RGB").quantize(256).save(file, "PNG", optimize=True)
                data["image/png"] = base64.b64encode(file.getvalue()).decode()


def differing_cells(path: Path) -> list[str]:
    """What differs between a text and its .ipynb, in words; nothing when they agree."""
    page = path.with_suffix(".ipynb")
    if not page.exists():
        return [f"{page.name} is not there"]
    text, written = read_source(path).cells, nbformat.read(page, as_version=4).cells
    told = [
        f"{page.name}, cell {number}: differs from {path.name}"
        for number, (ours, theirs) in enumerate(zip(text, written, strict=False), start=1)
        if (ours.cell_type, ours.source) != (theirs.cell_type, theirs.source)
    ]
    if len(text) != len(written):
        told.append(f"{page.name}: {len(written)} cells, {path.name} has {len(text)}")
    return told


def main() -> int:
    if "--check" in sys.argv[1:]:
        told = [line for path in sources() for line in differing_cells(path)]
        print("\n".join([*told, "Run: make notebooks"]) if told else "notebooks agree")
        return 1 if told else 0
    named = sys.argv[1:] or [path.stem for path in sources()]
    unknown = set(named) - {path.stem for path in sources()}
    if unknown:
        print(f"There is no notebook {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    for path in sources():
        if path.stem not in named:
            continue
        print(f"executing {path.name}", flush=True)
        notebook = execute(read_source(path), path.parent)
        smaller_pictures(notebook)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # times of day, that would differ every time
        nbformat.write(notebook, path.with_suffix(".ipynb"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
