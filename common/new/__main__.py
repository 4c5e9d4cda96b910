"""A project from a table, texts or pictures of one's own.

python -m common.new my_problem --data my.csv --target price
python -m common.new my_problem --data my_pictures/
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from common.exit_status import exit_status

Columns = Annotated[tuple[str, ...], tyro.conf.arg(metavar="COLUMN …")]
Column = Annotated[str, tyro.conf.arg(metavar="COLUMN")]


def new(
    name: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="NAME")]],
    data: Annotated[Path, tyro.conf.arg(metavar="FILE")],
    target: Column = "",
    labels: Columns = (),
    task: Literal["", "classes", "labels", "number"] = "",
    number: Columns = (),
    category: Columns = (),
    leave_out: Columns = (),
    keep: Columns = (),
    time: Column = "",
    group: Column = "",
    dry_run: bool = False,
    run: bool = False,
) -> None:
    """Look at the data, decide what to do with it, and write projects/NAME to be run and edited.

    Args:
        name: Name of the project: small letters, digits and _.
        data: A table: CSV in any of its dialects, Excel, Parquet, JSON lines; or pictures \
or texts: a folder with a folder for each class; of pictures also a CSV with files and labels.
        target: The column to predict; by default the likeliest one.
        labels: Instead of a target, several columns of yes and no that are predicted together.
        task: Whether the target is one of several classes, a number, or cells that each name \
several labels; by default as it looks.
        number: Columns that are numbers, though they may not look so.
        category: Columns that are categories, though they may look like numbers.
        leave_out: Columns that the model must not see.
        keep: Columns to keep that would be left out; two texts, to be compared as a pair.
        time: Split by this column, or "none".
        group: Keep the rows of each of its values in one part of the split, or "none".
        dry_run: Tell the plan, write nothing.
        run: Train at once.
    """
    from common.new.decide import decide
    from common.new.pictures import decide_pictures, has_pictures, picture_files, told_pictures
    from common.new.plan import Wishes
    from common.new.tell import told
    from common.new.write import check_name, project_files, write_project

    check_name(name)
    wishes = Wishes(target, labels, task, number, category, leave_out, keep, time, group)
    plan = decide_pictures(data, wishes) if has_pictures(data) else None
    if plan:
        print(told_pictures(plan))
        files = picture_files(name, plan)
    else:
        plan = decide(data, wishes)
        print(told(plan))
        files = project_files(name, plan)
    if dry_run:
        return
    folder = write_project(name, files)
    command = f"python projects/{name}/run.py"
    print(f"\nWritten to {folder}: read load.py, then run\n\n    {command}")
    if run:
        train(folder)


def train(folder: Path) -> None:
    """Run the new project as its own script."""
    import subprocess

    from common.errors import UserError

    status = subprocess.run([sys.executable, str(folder / "run.py")], check=False).returncode
    if status:
        raise UserError(f"The training ended with status {status}; its messages stand above.")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: tyro.cli(new, prog="python -m common.new")))
