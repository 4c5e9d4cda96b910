"""expectations.json: written to be read and edited by people, and read back with care."""

import difflib
import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from common.data.dataset import Schema
from common.data.expectations import (
    COLUMN_RULES,
    RULES,
    Expectations,
    ExpectedCategory,
    ExpectedColumn,
    ExpectedNumber,
    Rule,
)
from common.errors import UserError
from common.files import write_text

ABOUT = (
    "What the training rows looked like. predict compares new rows with it. Edit it as you like: "
    "rules are fail (an error, and no output), warn (counted and told) or ignore; a column may "
    f"have rules of its own for {', '.join(COLUMN_RULES)}. Checked are the accepted range (null: "
    "open), missing_accepted, the categories, and drift, the population stability index that is "
    "too high; lowest, highest and missing only tell what training had."
)
KINDS = {"number": ExpectedNumber, "category": ExpectedCategory}


def write_expectations(expectations: Expectations, path: Path) -> None:
    """Write the file whole or not at all, with each short list on one line."""
    columns = {
        name: {"kind": "number" if isinstance(column, ExpectedNumber) else "category"}
        | asdict(column)
        for name, column in expectations.columns.items()
    }
    record = {"about": ABOUT} | asdict(expectations) | {"columns": columns}
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    lists = re.compile(r"\[\n\s+([^\[\]]*?)\n\s*\]")  # a line never ends inside a JSON string
    write_text(path, lists.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n")


def read_expectations(path: Path, schema: Schema) -> Expectations:
    """Read the file; UserError with the place of the first thing in it that cannot be.

    Columns may be left out: nothing is expected of them. OSError where there is no file.
    """
    reader = Reader(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise reader.error("the file", f"is no JSON ({error})", "commas and quotes in pairs") from (
            error
        )
    reader.check_keys("the file", record, {"about", "rows", "drift", "rules", "columns"})
    rules = reader.rules("rules", record["rules"], tuple(RULES))
    columns = reader.dictionary("columns", record["columns"])
    for name in columns:
        reader.check_known(f"column {name!r}", name, "a feature of this model", schema.features)
    return Expectations(
        rows=int(reader.number("rows", record["rows"], 0)),
        drift=reader.number("drift", record["drift"], 0),
        rules=RULES | rules,
        columns={
            name: reader.column(f"column {name!r}", column, schema.features[name])
            for name, column in columns.items()
        },
    )


class Reader:
    """Checks the parts of one file; each method takes the place it looks at, for its message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def error(self, place: str, what: str, expected: str) -> UserError:
        return UserError(
            f"{self.path}: {place} {what}. Expected {expected}. Mend it, or take the file's old "
            "content."
        )

    def column(self, place: str, column: object, kind: str) -> ExpectedColumn:
        """One column's expectations, of the kind that the schema says."""
        class_ = KINDS[kind]
        self.check_keys(place, column, {"kind", *class_.__dataclass_fields__}, {"rules"})
        if column["kind"] != kind:
            raise self.error(place, f"has the kind {column['kind']!r}", f"{kind!r}, as trained")
        expected = {
            "missing": self.number(f"{place}, missing", column["missing"], 0, 1),
            "missing_accepted": self.number(
                f"{place}, missing_accepted", column["missing_accepted"], 0, 1
            ),
            "rules": self.rules(f"{place}, rules", column.get("rules", {}), COLUMN_RULES),
        }
        if kind == "category":
            shares = self.dictionary(f"{place}, categories", column["categories"])
            return ExpectedCategory(
                **expected,
                categories={
                    name: self.number(f"{place}, category {name!r}", share, 0, 1)
                    for name, share in shares.items()
                },
                not_listed=int(self.number(f"{place}, not_listed", column["not_listed"], 0)),
            )
        return ExpectedNumber(**expected, **self.number_column(place, column))

    def number_column(self, place: str, column: dict) -> dict:
        """The fields that only a number has."""
        edges = self.numbers(f"{place}, bin_edges", column["bin_edges"])
        shares = self.numbers(f"{place}, bin_shares", column["bin_shares"], 0, 1)
        if list(edges) != sorted(set(edges)) or len(shares) != len(edges) + 1:
            raise self.error(
                place, "has bins that do not fit", "ascending bin_edges, and one share more"
            )
        accepted = column["accepted"]
        if not isinstance(accepted, list) or len(accepted) != 2:
            raise self.error(f"{place}, accepted", f"is {accepted!r}", "two numbers or null")
        low, high = (self.number_or_none(f"{place}, accepted", value) for value in accepted)
        if low is not None and high is not None and low > high:
            raise self.error(f"{place}, accepted", f"is {accepted!r}", "the lower border first")
        return {
            "lowest": self.number_or_none(f"{place}, lowest", column["lowest"]),
            "highest": self.number_or_none(f"{place}, highest", column["highest"]),
            "accepted": (low, high),
            "bin_edges": edges,
            "bin_shares": shares,
        }

    def rules(self, place: str, rules: object, sorts: tuple[str, ...]) -> dict[str, Rule]:
        for sort, rule in self.dictionary(place, rules).items():
            self.check_known(place, sort, "a sort of deviation", sorts)
            self.check_known(f"{place}, {sort}", rule, "a rule", get_args(Rule))
        return rules

    def check_keys(self, place: str, record: object, keys: set, optional: set = frozenset()):
        """An error unless `record` is a dictionary of these keys."""
        for key in self.dictionary(place, record):
            self.check_known(place, key, "an entry", sorted(keys))
        missing = sorted(keys - optional - {"about"} - set(record))
        if missing:
            raise self.error(place, f"lacks {missing[0]!r}", f"the entries {', '.join(missing)}")

    def check_known(self, place: str, value: object, meaning: str, known) -> None:
        """An error that names the nearest of `known` unless `value` is one of them."""
        if value not in known:
            near = difflib.get_close_matches(str(value), known, 1)
            expected = repr(near[0]) if near else f"one of {', '.join(list(known)[:20])}"
            raise self.error(place, f"has {value!r}, which is not {meaning}", expected)

    def dictionary(self, place: str, value: object) -> dict:
        if not isinstance(value, dict):
            raise self.error(place, f"is {shown(value)}", "names with values, in curly brackets")
        return value

    def numbers(self, place: str, values: object, *limits: float) -> tuple[float, ...]:
        if not isinstance(values, list):
            raise self.error(place, f"is {shown(values)}", "numbers in square brackets")
        return tuple(self.number(place, value, *limits) for value in values)

    def number_or_none(self, place: str, value: object) -> float | None:
        return None if value is None else self.number(place, value)

    def number(
        self, place: str, value: object, low: float = -math.inf, high: float = math.inf
    ) -> float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (fits and math.isfinite(value) and low <= value <= high):
            limits = f" from {low:g}" * (low > -math.inf) + f" to {high:g}" * (high < math.inf)
            raise self.error(place, f"is {shown(value)}", f"a number{limits}")
        return value


def shown(value: object) -> str:
    """A value as JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
