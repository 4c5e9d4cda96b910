"""Settings to begin with, by the number of rows: a training of a minute or two on two cores."""

from dataclasses import dataclass, replace

VISITS = 1_200_000  # rows times epochs: what two cores get through in a minute or two
TEXT_VISITS = 250_000  # of texts
PAIR_EPOCHS = 12
FEW_ROWS = 3_000  # from here on, the luck of one validation set is small


@dataclass(frozen=True)
class Settings:
    """Fields of the project's config."""

    folds: int
    epochs: int
    batch_size: int
    patience: int


def settings_for(rows: int, by_time: bool, text: bool) -> Settings:
    """Few rows: cross-validation, small batches, many epochs; many rows: the other way round.

    by_time: rows are split by time, where folds would learn from the future. text: rows have one.
    """
    folds = 1 if by_time or rows >= FEW_ROWS else 5
    visits = TEXT_VISITS if text else VISITS
    epochs = min(max(visits // (rows * folds), 4), 60)
    batch_size = 32
    while batch_size < min(rows / 150, 2048):
        batch_size *= 2
    return Settings(folds, epochs, batch_size, max(3, epochs // 4))


def settings_for_pairs(rows: int) -> Settings:
    """Of pairs of texts: one network, which knows them by heart after few epochs."""
    usual = settings_for(rows, by_time=True, text=True)
    return replace(usual, epochs=min(usual.epochs, PAIR_EPOCHS))
