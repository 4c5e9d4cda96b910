"""The data doctor: what is the matter with a table or pictures, and what to do about it.

python -m common.doctor my.csv --target price
python -m common.doctor my_pictures/
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
    """Examine a table, or a folder of pictures: leaks, copies, doubtful labels, drift, and more.

    Args:
        path: The table: CSV in any of its dialects, Excel, Parquet, JSON lines; or a folder of \
texts or pictures, with a folder for each class.
        target: The column to predict; without one, what can be told is told, and one is proposed.
        page: Also write the findings as a page, with tables and pictures.
    """
    from common.doctor.examine import examine, verdict
    from common.doctor.patient import read_patient
    from common.doctor.tell import told
    from common.reading.text_folder import holds_texts

    if path.is_dir() and not holds_texts(path):
        from common.backend import start_backend

        start_backend("float32")
        from common.doctor.folder import examine_pictures, refuse_for_pictures

        refuse_for_pictures(path, {"target": target, "page": page})
        print(told(path.name, *examine_pictures(path)))
        return
    patient = read_patient(path, target)
    findings = examine(patient)
    print(told(path.name, verdict(patient, findings), findings))
    if page:
        from common.doctor.page import write_page

        print(f"\nPage: {write_page(page, patient, findings)}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: tyro.cli(doctor, prog="python -m common.doctor")))
