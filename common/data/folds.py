"""Which rows a network learns from, and on which it is stopped: the split's own, or folds."""

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from common.data.dataset import Dataset
from common.errors import UserError

Fold = tuple[np.ndarray, np.ndarray]  # numbers of the rows to learn from, and to validate on


def folds_of(dataset: Dataset, count: int, seed: int) -> list[Fold]:
    """One fold, the train and validation parts; or `count` folds over both of them.

    Each row is validated on once. Groups stay whole; classes are spread evenly. Another seed cuts
    other folds, which makes the cross-validation a repeated one. Raises UserError for a dataset
    split by time, where folds would learn from the future, and for fewer groups than folds.
    """
    train, validation = (np.flatnonzero(dataset.part == part) for part in ("train", "validation"))
    if count == 1:
        return [(train, validation)]
    if dataset.time is not None:
        raise UserError("folds would train on rows later than those they validate on. Use 1.")
    pooled = np.sort(np.concatenate([train, validation]))
    groups = dataset.groups[pooled]
    if len(np.unique(groups)) < count:
        raise UserError(f"{count} folds need as many groups of rows; use fewer folds.")
    one_class = dataset.schema.task in ("binary", "multiclass")
    kind = StratifiedGroupKFold if one_class else GroupKFold
    splits = kind(count, shuffle=True, random_state=seed).split(
        pooled, dataset.target[pooled], groups
    )
    return [(pooled[learn], pooled[validate]) for learn, validate in splits]
