"""What a check says."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What one check saw: its name, level, and one sentence with the figures.

    level: fine ("ok"), worth a look ("note"), or likely to spoil the result ("alarm").
    """

    check: str
    level: Literal["ok", "note", "alarm"]
    message: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
