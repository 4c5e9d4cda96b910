"""What there is to learn: which column is the answer, which task it sets, who gives it away.

Works on frames typed as in `common.data.columns`, and tells its reasons in words.
"""

import numpy as np
import pandas as pd
from scipy.stats import skew

from common.data.checks import SUSPICIOUS_AUC, SUSPICIOUS_R2, single_column_auc, single_column_r2
from common.data.columns import (
    as_number,
    is_date,
    is_number,
    is_text,
    is_whole,
    name_words,
    plain_value,
    present,
)
from common.data.dataset import Task
from common.data.labels import label_separator, named_labels
from common.data.roles import ID_SHARE, id_like
from common.errors import UserError

COUNTED = set(name_words("rating ratings quality score points stars grade count number age year"))
ANSWERS = set(  # the whole name of a column, or its last word
    name_words(
        "target label labels class y answer outcome response churn churned exited survived default "
        "defaulted fraud diagnosis species price value saleprice income salary"
    )
)
CLASSES = {"class", "classes", "label", "category", "species", "kind", "klasse"}
MOST_NUMBERED_CLASSES = 10
MOST_CLASSES = 19  # that are told apart in the search for leaks
# What a column alone is scored by, from where that is suspicious, and from where it is a leak for
# sure: honest columns alone reach 0.93 on diamonds and 0.97 on breast cancer.
VARIANCE, AREA = ("R²", SUSPICIOUS_R2, 0.98), ("ROC AUC", SUSPICIOUS_AUC, 0.99)


def task_of(target: pd.Series) -> tuple[Task, str]:
    """What there is to learn of this column, and why it looks so.

    Two values are two classes; strings are classes, and so are up to ten whole numbers, unless the
    name says that they count or rate, and a few more where it says class. Strings that name several
    of a few labels are labels. Raises UserError for a
    column that cannot be learned: one value, dates, texts, a string a row.
    """
    name, known = target.name, target[present(target)]
    count = known.nunique()
    if count < 2:
        told = f"only the value {plain_value(known.iloc[0])}" if count else "no values"
        raise UserError(f"Column {name!r} has {told}: there is nothing to learn of it.")
    if is_date(target):
        raise UserError(
            f"Column {name!r} holds dates, which the kit does not predict. Make a number of it "
            "(days until then), or name another column."
        )
    if count == 2:
        return "binary", f"two values: {' and '.join(sorted(map(plain_value, known.unique())))}"
    if not is_number(target):
        separator = label_separator(target)
        if separator:
            labels = set().union(*named_labels(known.drop_duplicates(), separator))
            return "multilabel", f"cells name several of {len(labels)} labels, with {separator!r}"
        if count > ID_SHARE * len(known) or is_text(target):
            raise UserError(
                f"Column {name!r} has {count:,} distinct values in {len(known):,} rows: an id or a "
                "text, not a class to learn. Name another column as the target."
            )
        return "multiclass", f"{count:,} values that are words"
    classes = set(name_words(name)) & CLASSES
    if classes and is_whole(known) and count <= MOST_CLASSES:
        return "multiclass", f"{count} whole numbers, and its name says {sorted(classes)[0]}"
    rated = set(name_words(name)) & COUNTED
    if count <= MOST_NUMBERED_CLASSES and is_whole(known) and not rated:
        return "multiclass", f"only {count} values, all of them whole numbers"
    told = f", and its name says {sorted(rated)[0]}" if rated and is_whole(known) else ""
    return "regression", f"{count:,} different numbers{told}"


def propose_target(frame: pd.DataFrame) -> tuple[str | None, str]:
    """The column that the table was probably made to predict, and why it; None where no one can be.

    One that is named like an answer, else the last that can be one, else the first.
    """
    ids = id_like(frame)
    possible = []
    for name in frame:
        try:
            task, why = task_of(frame[name])
        except UserError:
            continue
        if name not in ids:
            possible.append((name, f"{task}: {why}"))
    if not possible:
        return None, "no column of two values or more is neither a date, a text nor an id"
    for name, why in possible:
        words = set(name_words(name))
        if words and words <= ANSWERS:
            return name, f"named like an answer; {why}"
    for name, why in reversed(possible):
        if name_words(name)[-1:] and name_words(name)[-1] in ANSWERS:
            return name, f"named like an answer; {why}"
    (first, why_first), (last, why_last) = possible[0], possible[-1]
    if last == frame.columns[-1]:
        return last, f"the last column; {why_last}"
    return first, f"the first column that can be learned; {why_first}"


def leaks(frame: pd.DataFrame, target: str, task: Task) -> dict[str, str]:
    """Columns that probably know the answer: name to reason.

    Alone they tell the target nearly perfectly; or suspiciously well, while at most a fifth of the
    columns do: where many do, the question is easy.
    """
    return suspects(single_scores(frame, target, task), task)


def suspects(scores: dict[str, float], task: Task) -> dict[str, str]:
    """As `leaks`, of the scores of single columns."""
    score, limit, sure = VARIANCE if task == "regression" else AREA
    high = [name for name in scores if scores[name] > limit]
    few = len(high) <= max(1, len(scores) / 5)
    told = [name for name in high if scores[name] > sure or few]
    return {name: f"alone it reaches {score} {scores[name]:.3f}" for name in told}


def single_scores(frame: pd.DataFrame, target: str, task: Task) -> dict[str, float]:
    """How well each column alone tells the target: ROC AUC, or R² of a number; the best first.

    On up to 100,000 evenly spaced rows with a target. Of over 20 classes, or
    different sets of labels, the rarest count as one.
    """
    rows = np.flatnonzero(present(frame[target]))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, 100_000).astype(int))]
    known = frame.iloc[rows].reset_index(drop=True)
    if task == "regression":
        answer, of_column = known[target].to_numpy(), single_column_r2
    else:
        common = known[target].value_counts().index[:MOST_CLASSES]
        answer, of_column = common.get_indexer(known[target]), single_column_auc
        answer = np.where(answer < 0, MOST_CLASSES, answer)
    scores = {
        name: of_column(as_number(known[name]), answer)
        for name in known.columns.drop(target)
        if present(known[name]).any()
    }
    return dict(sorted(scores.items(), key=lambda entry: -entry[1]))


def by_ratio(target: pd.Series) -> bool:
    """Whether errors count by their ratio: positive numbers, skewed but for their logarithm."""
    known = target.dropna()
    if (known <= 0).any() or known.max() < 10 * known.min():
        return False
    raw, logarithm = skew(known), skew(np.log(known))
    return bool(raw > 1 and abs(logarithm) < raw / 2)
