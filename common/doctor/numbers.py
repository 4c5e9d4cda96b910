"""Numbers to predict that are probably wrong: far from what all other rows say."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from common.data.columns import plain_value
from common.data.target import by_ratio
from common.doctor.labels import FOLDS, NAMED, ROWS, model_of, plain_columns
from common.doctor.patient import Advised, Patient, evenly
from common.doctor.reading import SHOWN
from common.doctor.rows import shown_rows

FAR = 8.0  # deviations of a usual error; a normal distribution has none in a million million
FEW_ROWS = 50  # with less there is no telling what a usual error is
KNOWS = 0.9  # of the spread, above which the usual error is that of a model that knows nothing
MANY = 0.01  # share of such rows, from which large errors are usual rather than values wrong


def check_numbers(patient: Patient) -> Iterator[Advised]:
    """Rows whose number is far from what a model that has not seen them expects."""
    rows = evenly(patient.labelled, ROWS)
    if patient.task != "regression" or not patient.inputs or len(rows) < FEW_ROWS:
        return
    given = rows[patient.target].astype("float64")
    ratio = by_ratio(given)
    learned = np.log(given) if ratio else given
    trusted = np.ones(len(rows), bool)
    for _ in range(2):  # the second time without those that were far off: they mislead the model
        expected = expectations(rows[patient.inputs], patient.texts, learned, trusted)
        error = (learned - expected).to_numpy()
        usual = usual_size(error)
        far = np.abs(error) > FAR * usual if usual > 0 else np.zeros(len(error), bool)
        trusted = ~far
    spread = usual_size(learned - np.median(learned))
    scale = " of the logarithm" if ratio else ""
    told = (
        f"The usual error{scale} of a model in {FOLDS} folds is {usual:.3g}, the usual deviation "
        f"of {patient.target} from its middle {spread:.3g}"
    )
    why = ""
    if usual > KNOWS * spread:
        why = ": it cannot judge the values"
    elif not far.any():
        why = "; none is far off"
    elif far.mean() > MANY:
        why = f"; {far.mean():.1%} are far off, so that large errors are usual here"
    if why:
        yield Advised("doubtful numbers", "ok", f"{told}{why}.")
        return
    worst = np.flatnonzero(far)
    worst = worst[np.argsort(-np.abs(error[worst]))][:SHOWN]
    back = np.exp(expected) if ratio else expected
    rows_told = [
        {
            "line": row.pop("line"),
            patient.target: plain_value(given.iloc[place]),
            "expected": f"{back[place]:.4g}",
            **row,
        }
        for row, place in zip(shown_rows(rows.iloc[worst][patient.inputs[:4]]), worst, strict=True)
    ]
    lines = ", ".join(str(line) for line in rows.index[worst[:NAMED]])
    yield Advised(
        "doubtful numbers",
        "note",
        f"{told}{patient.without_leaks}. {far.sum():,} rows ({far.mean():.2%}) are more than "
        f"{FAR:g} usual errors from what it expects of them.",
        "Look at them, the farthest first: a slipped decimal point, another unit, two cells "
        "swapped? Mend them in the file, or leave the rows out; never only because the model errs.",
        "# load.py, after the table is read: without those that you found wrong, by line\n"
        f'table = table.where(~table.rows.index.isin([{lines}]), "wrong {patient.target}")',
        rows_told,
    )


def expectations(
    frame: pd.DataFrame, texts: list[str], target: pd.Series, trusted: np.ndarray
) -> np.ndarray:
    """What a model expects of each row, (rows,), that has learned the trusted rows of other folds.

    trusted: (rows,) bool.
    """
    frame, expected = plain_columns(frame), np.empty(len(frame))
    trees = ExtraTreesRegressor(100, min_samples_leaf=2, random_state=0)
    for learn, rest in KFold(FOLDS, shuffle=True, random_state=0).split(frame):
        learn = learn[trusted[learn]]
        model = model_of(frame, texts, trees, Ridge()).fit(frame.iloc[learn], target.iloc[learn])
        expected[rest] = model.predict(frame.iloc[rest])
    return expected


def usual_size(errors: np.ndarray) -> float:
    """The standard deviation that normal errors of this middle size have, outliers aside."""
    return float(np.median(np.abs(errors)) / ndtri(0.75))
