"""The data doctor: what is the matter with a table, and what to do about it.

python -m common.doctor my.csv --target price
"""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from common.exit_status import exit_status


def doctor(
    path: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]],
    target: Annotated[str, tyro.conf.arg(metavar="COLUMN")] = "",
    page: Annotated[Path | None, tyro.conf.arg(metavar="FILE.html")] = None,
) -> None:
    """Examine a table: how it was read, leaks, duplicates, doubtful labels, drift, and more.

    Args:
        path: The table: CSV in any of its dialects, Excel, Parquet, JSON lines.
        target: The column to predict; without one, what can be told is told, and one is proposed.
        page: Also write the findings as a page, with tables and pictures.
    """
    from common.doctor.examine import examine
    from common.doctor.patient import read_patient
    from common.doctor.tell import told

    patient = read_patient(path, target)
    findings = examine(patient)
    print(told(patient, findings))
    if page:
        from common.doctor.page import write_page

        print(f"\nPage: {write_page(page, patient, findings)}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: tyro.cli(doctor, prog="python -m common.doctor")))
