"""Rows to score against what was expected of them: counted chunk by chunk, then told or refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from common.data.dataset import Schema
from common.data.expectations import Expectations, ExpectedColumn, ExpectedNumber
from common.data.stability import bin_counts, chance, index_of_counts
from common.errors import UserError
from common.reading.notation import Notation, typed_cells

FALSE_WARNINGS = 0.01  # share of files like training in which chance may give one, of each sort
SHOWN = 5  # columns that a sentence names, the worst first
FEWEST = 5  # rows to expect in a bin of the stability index: rarer ones are joined
HEADER = {  # what is said of columns' names where the rule is to warn, and where it is to fail
    "missing_columns": ("Columns that the file lacks, counted as missing", "lacks"),
    "extra_columns": ("Ignored columns", "has, beside those it may have,"),
    "reordered_columns": ("Columns in another order, found by their names", "has in another order"),
}
CELLS = {
    "changed_types": "Cells that could not be read, counted as missing",
    "unseen_categories": "Categories unseen in training, scored as unknown",
    "out_of_range": "Values out of the accepted range",
    "more_missing": "More missing values than in training",
    "drift": "Another distribution than in training, by the population stability index",
}


FAULTS = {  # that a single cell can have, after its content
    "changed_types": "cannot be read",
    "unseen_categories": "is a category that training has not seen",
    "out_of_range": "is out of the range",
}


@dataclass
class Counted:
    """What the chunks so far had in one column.

    cells, first: sort of deviation, or "missing", to the number of cells, and to the line and the
    content of the first one; bins: rows with a value, by the bins or categories of training, other
    values last.
    """

    cells: dict[str, int] = field(default_factory=dict)
    first: dict[str, tuple[int, object]] = field(default_factory=dict)
    bins: np.ndarray | int = 0

    def note(self, sort: str, shown: pd.Series, where: np.ndarray) -> None:
        """Count the cells of a chunk for which `where` (rows,) holds; shown: content, by line."""
        found = np.flatnonzero(where)
        self.cells[sort] = self.cells.get(sort, 0) + len(found)
        if len(found):
            self.first.setdefault(sort, (int(shown.index[found[0]]), shown.iloc[found[0]]))


@dataclass(frozen=True)
class Case:
    """One sort of deviation in one column: how bad, its first line, and what to say of it."""

    sort: str
    name: str
    weight: float
    line: int | None
    warning: str
    error: str


class Deviations:
    """Compares a file's rows with `expectations`; raises UserError where a rule says "fail".

    vocabularies: category feature to the values that the model knows.
    """

    def __init__(
        self,
        expectations: Expectations,
        schema: Schema,
        vocabularies: dict[str, set[str]],
        source: Path,
    ) -> None:
        self.expectations, self.schema, self.source = expectations, schema, source
        self.vocabularies = vocabularies
        self.raw = schema.required | schema.optional
        self.columns: list[str] = []  # of the file
        self.rows = 0
        self.features = {name: Counted() for name in schema.columns}
        self.unreadable = {name: Counted() for name in self.raw}

    def add_columns(self, columns: list[str]) -> None:
        """The names of the file's columns, before its first chunk."""
        self.columns = columns
        for sort, names in self.header().items():
            if names and self.expectations.rules[sort] == "fail":
                raise UserError(
                    f"{self.source} {HEADER[sort][1]} the column{'s' * (len(names) > 1)} "
                    f"{', '.join(names)}. Needed: {', '.join(self.schema.required)}. Found: "
                    f"{', '.join(columns)}."
                )

    def header(self) -> dict[str, list[str]]:
        """Sort of deviation to the columns that it befalls."""
        in_order = [name for name in self.raw if name in self.columns]
        found = [name for name in self.columns if name in self.raw]
        return {
            "missing_columns": [name for name in self.schema.required if name not in self.columns],
            "extra_columns": [name for name in self.columns if name not in self.raw],
            "reordered_columns": found if found != in_order else [],
        }

    def completed(self, text: pd.DataFrame) -> pd.DataFrame:
        """A chunk with empty cells for missing columns and for what cannot be read.

        Unless the rule is that they fail: `typed_rows` raises for such a cell.
        """
        text = text.assign(**dict.fromkeys(self.header()["missing_columns"], ""))
        if self.expectations.rules["changed_types"] == "fail":
            return text
        for name, kind in self.raw.items():
            if name in text:
                notation = self.schema.notation.get(name, Notation())
                unreadable = typed_cells(text[name], kind, notation)[1].index
                bad = text.index.isin(unreadable)
                self.unreadable[name].note("changed_types", text[name], bad)
                text[name] = text[name].mask(bad, "")
        return text

    def add(self, text: pd.DataFrame, features: pd.DataFrame) -> None:
        """A chunk: its cells as written, and its features, both indexed by line."""
        self.rows += len(text)
        for name, counted in self.features.items():
            column = features[name]
            shown = text.get(name, column)
            if self.schema.features[name] == "number":
                self.add_numbers(name, column, shown)
            else:
                self.add_categories(name, column, shown)
            missing = column.isna() | (column == "")
            counted.note("missing", shown, missing.to_numpy())
        self.refuse([case for sort in FAULTS for case in self.cases(sort, self.features)])

    def add_numbers(self, name: str, column: pd.Series, shown: pd.Series) -> None:
        expected, counted = self.expectations.columns.get(name), self.features[name]
        if expected is None:
            return
        values = column.astype("float32")
        counted.bins += bin_counts(values, np.array(expected.bin_edges, "float32"))[:-1]
        ends = zip(expected.accepted, (-np.inf, np.inf), strict=True)
        low, high = (np.float32(end if border is None else border) for border, end in ends)
        outside = ((values < low) | (values > high)).to_numpy()
        counted.note("out_of_range", shown, outside)

    def add_categories(self, name: str, column: pd.Series, shown: pd.Series) -> None:
        expected, counted = self.expectations.columns.get(name), self.features[name]
        listed = list(expected.categories) if expected else []
        place = pd.Index(listed, dtype="str").get_indexer(column[column != ""])
        place = np.where(place < 0, len(listed), place)
        counted.bins += np.bincount(place, minlength=len(listed) + 1)
        known = {"", *listed}
        if expected is None or expected.not_listed:
            known |= self.vocabularies.get(name, set())
        counted.note("unseen_categories", shown, ~column.isin(known).to_numpy())

    def told(self) -> list[str]:
        """After the last chunk: a sentence on each sort of deviation, the worst columns first."""
        found = {
            "changed_types": list(self.cases("changed_types", self.unreadable)),
            "unseen_categories": list(self.cases("unseen_categories", self.features)),
            "out_of_range": list(self.cases("out_of_range", self.features)),
            "more_missing": list(self.more_missing()),
            "drift": list(self.drift()),
        }
        self.refuse([case for cases in found.values() for case in cases])
        told = [
            f"{HEADER[sort][0]}: {', '.join(names)}."
            for sort, names in self.header().items()
            if names and self.expectations.rules[sort] == "warn"
        ]
        absent = [name for name in self.schema.optional if name not in self.columns]
        missing = {name: counted.cells["missing"] for name, counted in self.features.items()}
        gaps = [f"{name} {count:,}" for name, count in missing.items() if count]
        notes = {"Optional columns not in the file": absent, "Missing values": gaps}
        told += [f"{title}: {', '.join(names)}." for title, names in notes.items() if names]
        for sort, cases in found.items():
            cases = [case for case in cases if self.expectations.rule(sort, case.name) == "warn"]
            cases.sort(key=lambda case: -case.weight)
            shown = [f"{self.called(case.name)} {case.warning}" for case in cases[:SHOWN]]
            if len(cases) > SHOWN:
                shown.append(f"and {len(cases) - SHOWN} more")
            if cases:
                told.append(f"{CELLS[sort]}: {', '.join(shown)}.")
        return told

    def refuse(self, cases: Iterable[Case]) -> None:
        """UserError for the first case of the file whose rule is to fail."""
        failing = [case for case in cases if self.expectations.rule(case.sort, case.name) == "fail"]
        if failing:
            case = min(failing, key=lambda case: case.line or 0)
            line = f", line {case.line}" if case.line else ""
            kind = "column" if case.name in self.columns else "feature"
            raise UserError(
                f"{self.source}{line}, {kind} {case.name!r}: {case.error}. Mend it, or change what "
                f"is accepted, or the rule {case.sort}, in bundle/expectations.json of the run."
            )

    def called(self, name: str) -> str:
        return name if name in self.columns else f"{name} (a feature)"

    def cases(self, sort: str, counts: dict[str, Counted]) -> Iterator[Case]:
        """A case for each column with cells that deviate each by itself."""
        for name, counted in counts.items():
            if not counted.cells.get(sort):
                continue
            line, content = counted.first[sort]
            cell = repr(content) if isinstance(content, str) else f"{content:g}"
            accepted = ""
            if sort == "out_of_range":
                accepted = f", accepted {self.accepted(name)}"
            yield Case(
                sort,
                name,
                counted.cells[sort],
                line,
                f"{counted.cells[sort]:,} (line {line}: {cell}{accepted})",
                f"{cell} {FAULTS[sort]}{accepted}",
            )

    def accepted(self, name: str) -> str:
        low, high = self.expectations.columns[name].accepted
        if low is None:
            return f"up to {high:,g}"
        return f"from {low:,g}" if high is None else f"{low:,g} to {high:,g}"

    def compared(self) -> Iterator[tuple[str, ExpectedColumn, Counted]]:
        """The features whose distribution may be judged: not those of a column that is absent."""
        for name, expected in self.expectations.columns.items():
            if name not in self.raw or name in self.columns:
                yield name, expected, self.features[name]

    def more_missing(self) -> Iterator[Case]:
        """More missing than the accepted share would give by chance, among so many rows."""
        risk = FALSE_WARNINGS / max(len(self.expectations.columns), 1)
        for name, expected, counted in self.compared():
            missing, accepted = counted.cells["missing"], expected.missing_accepted
            share = missing / self.rows
            if share > accepted and binom.sf(missing - 1, self.rows, accepted) < risk:
                told = f"{share:.1%} of the rows (training {expected.missing:.1%})"
                line = counted.first["missing"][0]
                yield Case(
                    "more_missing", name, share, line, told, f"missing here first, and in {told}"
                )

    def drift(self) -> Iterator[Case]:
        """A stability index above the accepted one that chance does not give of so few rows."""
        risk = FALSE_WARNINGS / max(len(self.expectations.columns), 1)
        for name, expected, counted in self.compared():
            rows = int(np.sum(counted.bins))
            known = self.expectations.rows * (1 - expected.missing)
            if not rows or not known:
                continue
            reference, current = joined(shares_of(expected) * known, counted.bins)
            index = index_of_counts(reference, current)
            if index > self.expectations.drift and chance(reference, current) < risk:
                error = f"distributed differently from training, stability index {index:.2f}"
                yield Case("drift", name, index, None, f"{index:.2f}", error)


def shares_of(expected: ExpectedColumn) -> np.ndarray:
    """Shares of the known training values in the bins that `Counted` has."""
    if isinstance(expected, ExpectedNumber):
        return np.array(expected.bin_shares)
    listed = list(expected.categories.values())
    return np.array([*listed, max(0.0, 1 - sum(listed))])


def joined(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both histograms, with the bins joined in which fewer than FEWEST current rows are due."""
    rare = reference / reference.sum() * current.sum() < FEWEST
    return tuple(np.append(counts[~rare], counts[rare].sum()) for counts in (reference, current))
