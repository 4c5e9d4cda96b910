"""All questions that the data doctor asks of a table, and the answers by their weight."""

from collections.abc import Callable, Iterator

import numpy as np

from common.doctor.columns import (
    check_codes,
    check_equal,
    check_outliers,
    check_useless,
    check_zeros,
)
from common.doctor.drift import check_drift
from common.doctor.labels import check_labels
from common.doctor.numbers import check_numbers
from common.doctor.patient import Advised, Patient
from common.doctor.reading import (
    check_format,
    check_marks,
    check_missing,
    check_torn,
    check_unreadable,
)
from common.doctor.rows import (
    check_conflicts,
    check_duplicates,
    check_group,
    check_texts,
    check_time,
)
from common.doctor.target import check_association, check_leaks, check_target

LEVELS = ("alarm", "note", "ok")
CHECKS: tuple[Callable[[Patient], Iterator[Advised]], ...] = (
    check_format,
    check_torn,
    check_unreadable,
    check_marks,
    check_target,
    check_leaks,
    check_time,
    check_group,
    check_duplicates,
    check_conflicts,
    check_texts,
    check_labels,
    check_numbers,
    check_useless,
    check_missing,
    check_drift,
    check_outliers,
    check_zeros,
    check_equal,
    check_codes,
    check_association,
)


def examine(patient: Patient) -> list[Advised]:
    """Every finding; alarms first, then notes, then what was found in order."""
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest there are
        found = [finding for check in CHECKS for finding in check(patient)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def verdict(patient: Patient, findings: list[Advised]) -> str:
    """What was found, in one sentence."""
    size = f"{len(patient.frame):,} rows and {len(patient.raw.columns)} columns"
    return counted(findings, size)


def counted(findings: list[Advised], size: str) -> str:
    """How many alarms and notes there are; size: of what was examined, in words."""
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    told = [
        f"{counts[level]} {name}{'s' * (counts[level] != 1)}"
        for level, name in (("alarm", "alarm"), ("note", "note"))
        if counts[level]
    ]
    if not told:
        return f"Nothing to object to in {size}."
    return f"{' and '.join(told)} on {size}; {counts['ok']} questions answered in order."
