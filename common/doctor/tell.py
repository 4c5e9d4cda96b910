"""The findings as text for a terminal."""

import textwrap

from common.doctor.patient import Advised

WIDTH = 100  # letters in a line
INDENT = " " * 7
SHOWN = 3  # rows of a finding; the page has more


def told(name: str, verdict: str, findings: list[Advised]) -> str:
    """The verdict on the file of this name, then every finding.

    Those that are not in order come with advice, code and rows.
    """
    return "\n".join(
        [
            f"{name}: {verdict}",
            *(
                paragraph(f"{finding.level:6} {finding.check}: {finding.message}")
                if finding.level == "ok"
                else whole(finding)
                for finding in findings
            ),
        ]
    )


def whole(finding: Advised) -> str:
    """A finding over several lines, with an empty line before and after."""
    rows = [
        textwrap.shorten(", ".join(f"{name} {cell}" for name, cell in row.items()), WIDTH - 9)
        for row in finding.rows[:SHOWN]
    ]
    lines = [
        paragraph(f"{finding.level:6} {finding.check}: {finding.message}"),
        *(f"{INDENT}- {row}" for row in rows),
        paragraph(INDENT + finding.advice),
        *(f"{INDENT}    {line}" for line in finding.code.splitlines()),
    ]
    return "\n" + "\n".join(lines) + "\n"


def paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=INDENT)
