"""Settings to begin with, by the number of rows: a training of a minute or two on two cores."""

from dataclasses import dataclass, replace

VISITS = 1_200_000  # rows times epochs: what two cores get through in a minute or two
TEXT_VISITS = 250_000  # of texts
PAIR_EPOCHS = 12
FEW_ROWS = 3_000  # from here on, the luck of one validation set is small
BINS = 48  # of a number in the table, at most
FINE_BINS = 256  # where a number is predicted: better on validation rows of most such tables
FEW_NUMBERS = 12  # columns; with more, fine bins lost (house_prices), as they did for classes
ONE_HOT = 8  # values of a category that is one-hot, at most
MANY_ONE_HOT = 64  # with many rows: better on validation rows, worse with few (house_prices)


@dataclass(frozen=True)
class Settings:
    """Fields of the project's config."""

    folds: int
    epochs: int
    batch_size: int
    patience: int
    number_bins: int
    one_hot_values: int


def settings_for(rows: int, task: str, numbers: int, by_time: bool, text: bool) -> Settings:
    """Few rows: cross-validation, small batches, many epochs; many rows: the other way round.

    From many rows, weights of their own for the values of long categories too (one-hot).

    task: the schema's. numbers: columns of them. text: rows have one. by_time: rows are split by
    time, where folds would learn from the future, and fine bins what held in training's time alone.
    """
    folds = 1 if by_time or rows >= FEW_ROWS else 5
    visits = TEXT_VISITS if text else VISITS
    epochs = min(max(visits // (rows * folds), 4), 60)
    batch_size = 32
    while batch_size < min(rows / 150, 2048):
        batch_size *= 2
    fine = task == "regression" and numbers <= FEW_NUMBERS and not by_time
    return Settings(
        folds=folds,
        epochs=epochs,
        batch_size=batch_size,
        patience=max(3, epochs // 4),
        number_bins=FINE_BINS if fine else BINS,
        one_hot_values=ONE_HOT if rows < FEW_ROWS else MANY_ONE_HOT,
    )


def settings_for_pairs(rows: int) -> Settings:
    """Of pairs of texts: one network, which knows them by heart after few epochs."""
    usual = settings_for(rows, "binary", numbers=0, by_time=True, text=True)
    return replace(usual, epochs=min(usual.epochs, PAIR_EPOCHS))
