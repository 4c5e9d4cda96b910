"""The distinct texts of a column, and which of them are marks of a missing value."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SAMPLE = 3000  # distinct texts from which a notation is told, before it is tried on all
# Marks of missing values in small letters: those that are nothing else, also in categories; and
# words that are a category among categories, but no number among numbers.
MARKS = frozenset(
    {"-", "--", "---", "–", "—", ".", "..", "...", "??", "???", "\\n", "s/d", "nat", "nil"}
    | {"na", "n/a", "#n/a", "#n/a n/a", "n.a.", "n. a.", "n.d.", "k.a.", "k. a.", "nan"}
    | {"null", "(null)", "<null>", "<na>", "#null!", "#value!", "#ref!", "#div/0!", "#name?"}
)
WORDS = frozenset(
    {"none", "missing", "unknown", "unbekannt", "not available", "keine angabe", "undefined"}
    | {"not applicable", "not known", "no data", "nodata", "inf", "-inf", "*", "0000-00-00"}
)


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column that are no marks of missing values, in order of appearance.

    counts: (distinct,) rows with each.
    """

    texts: pa.Array
    counts: np.ndarray

    def without(self, left_out: np.ndarray) -> "Texts":
        """The others than those where `left_out` (distinct,) holds."""
        kept = ~left_out
        return Texts(self.texts.filter(pa.array(kept)), self.counts[kept])

    def sample(self) -> list[str]:
        places = np.linspace(0, len(self.texts) - 1, min(SAMPLE, len(self.texts)))
        return self.texts.take(pa.array(places.astype(int))).to_pylist()

    def share(self, chosen: np.ndarray) -> float:
        """The share of rows for which `chosen` (distinct,) holds."""
        return float(np.average(chosen, weights=self.counts))

    def rows(self) -> int:
        return int(self.counts.sum())


def parted(filled: Texts, known: frozenset[str]) -> tuple[Texts, tuple[str, ...]]:
    """The texts that are no known mark of missing values, and the marks, as they are written."""
    marks = pc.is_in(pc.utf8_lower(filled.texts), pa.array(known, pa.large_string()))
    marks = marks.to_numpy(zero_copy_only=False)
    return filled.without(marks), tuple(filled.texts.filter(pa.array(marks)).to_pylist())
