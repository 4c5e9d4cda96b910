"""The form of what a network sees around a pixel of a scene."""

from dataclasses import dataclass

from common.errors import UserError


@dataclass(frozen=True)
class PatchForm:
    """A square of `side` pixels, an odd number, with a pixel in its middle and all its `bands`."""

    side: int
    bands: int

    def __post_init__(self) -> None:
        if self.side < 1 or self.side % 2 == 0:
            raise UserError(
                f"side is {self.side}. Expected an odd number of pixels from 1 on, such as 5, so "
                "that a patch has a pixel in its middle."
            )

    @property
    def half(self) -> int:
        """Pixels on each side of the middle one."""
        return self.side // 2

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.side, self.side, self.bands
