"""Labels that are probably wrong, by confident learning."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from common.data.columns import as_number, is_date, is_number, is_text, plain_value
from common.doctor.patient import Advised, Patient, evenly
from common.doctor.reading import SHOWN
from common.doctor.rows import shown_rows
from common.evaluation.confident_learning import MANY, doubtful

ROWS = 10_000  # that are examined, at most
FOLDS = 5
BIG = 1e30  # nothing larger can be squared in the models' arithmetic
WORDS = 2**16  # that are told apart; rarely two of them share a place
RARE = 5  # rows, below which categories are joined
NAMED = 10  # lines in the code
CLASSES = 50  # more cannot be told apart in a few seconds


def check_labels(patient: Patient) -> Iterator[Advised]:
    """Rows whose label a model that has not seen them doubts."""
    if patient.task not in ("binary", "multiclass") or not patient.inputs:
        return
    rows = evenly(patient.labelled, ROWS)
    counts = rows[patient.target].value_counts()
    rows = rows[rows[patient.target].isin(counts.index[counts >= FOLDS])]
    names = np.unique(rows[patient.target])
    if not 2 <= len(names) <= CLASSES:
        return
    given = np.searchsorted(names, rows[patient.target])
    probability = probabilities(rows[patient.inputs], patient.texts, given)
    guess = probability.argmax(axis=1)
    right, commonest = (guess == given).mean(), np.bincount(given).max() / len(given)
    sample = (
        f"{len(rows):,} evenly spaced rows" if len(rows) < len(patient.labelled) else "all rows"
    )
    told = f"A model in {FOLDS} folds on {sample} names {right:.1%} of the labels"
    if right <= commonest:
        yield Advised(
            "doubtful labels",
            "ok",
            f"{told}, not more than the commonest has ({commonest:.1%}): it cannot judge them.",
        )
        return
    doubted, likelier = doubtful(given, probability)
    if not doubted.any():
        yield Advised("doubtful labels", "ok", f"{told}, and strongly doubts none of the others.")
        return
    own = probability[np.arange(len(given)), given]
    worst = np.flatnonzero(doubted)
    worst = worst[np.argsort(own[worst])][:SHOWN]
    shown = shown_rows(rows.iloc[worst][patient.inputs[:4]])
    rows_told = [
        {
            "line": row.pop("line"),
            "label": plain_value(names[given[place]]),
            "likelier": f"{plain_value(names[likelier[place]])} "
            f"({probability[place, likelier[place]]:.0%})",
            **row,
        }
        for row, place in zip(shown, worst, strict=True)
    ]
    hard = doubted.mean() > MANY
    lines = ", ".join(str(line) for line in rows.index[worst[:NAMED]])
    yield Advised(
        "doubtful labels",
        "note",
        f"{told}{patient.without_leaks}. Of the rest, {doubted.sum():,} rows "
        f"({doubted.mean():.2%}) look as sure a case of another class as that class's own rows do "
        "(confident learning)."
        + (" So many: the question is hard, and most of them will be right." if hard else ""),
        "Look at them, the most doubted first. Mend wrong labels in the file, or leave the rows "
        "out; never only because the model errs.",
        "# load.py, after the table is read: without those that you found wrong, by line\n"
        f'table = table.where(~table.rows.index.isin([{lines}]), "wrong label")',
        rows_told,
    )


def probabilities(frame: pd.DataFrame, texts: list[str], given: np.ndarray) -> np.ndarray:
    """Probabilities (rows, classes) for each row by a model that has learned the other folds.

    Extremely randomised trees; with texts among the columns a linear model of their words.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    trees = ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0)
    linear = LogisticRegression(C=10, solver="saga", tol=0.01, random_state=0)
    frame = plain_columns(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return cross_val_predict(
            model_of(frame, texts, trees, linear), frame, given, cv=folds, method="predict_proba"
        )


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with dates as numbers, and no number too large to be squared."""
    numbers = [name for name in frame if is_date(frame[name]) or is_number(frame[name])]
    return frame.assign(**{name: as_number(frame[name]).clip(-BIG, BIG) for name in numbers})


def model_of(frame: pd.DataFrame, texts: list[str], trees, linear) -> Pipeline:
    """The columns made ready, then `trees`; or `linear`, where texts are among them."""
    numbers = [name for name in frame if is_number(frame[name])]
    texts = [name for name in texts if name in frame]
    categories = [name for name in frame if name not in (*numbers, *texts)]
    filled = SimpleImputer(add_indicator=True, keep_empty_features=True)
    if not texts:
        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=RARE
        )
        columns = make_column_transformer((filled, numbers), (codes, categories))
        return make_pipeline(columns, trees)
    columns = make_column_transformer(
        (make_pipeline(filled, StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE), categories),
        *((words_of(frame[name]), name) for name in texts),
    )
    return make_pipeline(columns, linear)


def words_of(texts: pd.Series) -> Pipeline:
    """Weighs words; of scripts that do not part them, single characters and pairs."""
    parts = {} if is_text(texts) else {"analyzer": "char", "ngram_range": (1, 2)}
    return make_pipeline(
        HashingVectorizer(n_features=WORDS, norm=None, alternate_sign=False, **parts),
        TfidfTransformer(sublinear_tf=True),
    )
