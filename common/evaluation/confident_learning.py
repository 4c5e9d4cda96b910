"""Which labels are probably wrong, by answers of a model that has not learned them."""

import numpy as np

MANY = 0.1  # share of doubtful rows, from which the question is hard rather than the labels wrong


def doubtful(given: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which labels confident learning calls errors, (rows,) bool, and the likelier class, (rows,).

    given: (rows,) class of each row; probability: (rows, classes) by a model that has not learned
    the row. A row counts to a class if its probability reaches the mean that the rows with this
    label have (of several classes, to the likeliest); the label is an error where that is another
    one (Northcutt, Jiang and Chuang, "Confident Learning", JAIR 2021). To a class that no row has,
    none counts. cleanlab 2.9.0 with filter_by="confident_learning" names exactly the same rows.
    """
    usual = np.array(
        [
            own[given == number].mean() if (given == number).any() else np.inf
            for number, own in enumerate(probability.T)
        ]
    )
    reached = np.where(probability >= usual, probability, -1.0)
    likelier = reached.argmax(axis=1)
    return (reached.max(axis=1) >= 0) & (likelier != given), likelier
