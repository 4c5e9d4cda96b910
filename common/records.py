"""What a run notes down: versions, machine, data fingerprint, findings of checks."""

import importlib.metadata
import platform

from common.data.dataset import Dataset
from common.data.finding import Finding
from common.errors import UserError
from common.files import read_json, write_json
from common.runs import Run

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "matplotlib", "pyarrow")


def record_environment(run: Run, dataset: Dataset, machine: dict[str, str]) -> None:
    """Versions, machine and data of the run; UserError where the data is not what it began with."""
    check_same_data(run, dataset)
    record = {
        **{package: importlib.metadata.version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **machine,
        "data fingerprint": dataset.fingerprint(),
    }
    write_json(run.folder / "environment.json", record)


def check_same_data(run: Run, dataset: Dataset) -> None:
    path = run.folder / "environment.json"
    if path.exists() and read_json(path)["data fingerprint"] != dataset.fingerprint():
        raise UserError(
            f"The data differs from what {run.folder} was trained on: rows, columns or split have "
            "changed since. Train a new run."
        )


def record_findings(run: Run, findings: list[Finding]) -> None:
    """Add the findings of some checks to those stored, and print what is new and not ok."""
    path = run.folder / "checks.json"
    stored = read_json(path) if path.exists() else []
    for finding in findings:
        if finding.level != "ok" and finding.as_dict() not in stored:
            print(f"{finding.level}: {finding.check}: {finding.message}")
    checks = {finding.check for finding in findings}
    others = [entry for entry in stored if entry["check"] not in checks]
    write_json(path, [*others, *(finding.as_dict() for finding in findings)])
