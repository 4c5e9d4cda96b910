"""Questions to ask of a dataset before any training: leaks, duplicates, drift, balance, time order.

Each check is a function from the dataset to findings.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from common.data.dataset import PARTS, Dataset
from common.data.finding import Finding
from common.data.stability import DRIFT, stability_index
from common.data.target_values import combinations
from common.data.texts import near_duplicates
from common.images.duplicates import group_numbers
from common.images.survey import survey
from common.scenes.overlap import check_overlap

SUSPICIOUS_AUC = 0.85  # one honest column alone rarely ranks the classes this well
SUSPICIOUS_R2 = 0.97  # nor explains a number like this


def check_dataset(dataset: Dataset) -> list[Finding]:
    """Run every check; alarms first, then notes, then what was found in order.

    What loading noticed is among the findings.
    """
    findings = [
        *dataset.findings,
        *check_account(dataset),
        *check_balance(dataset),
        *check_time_order(dataset),
        *(check_overlap(dataset) if dataset.schema.patch else check_duplicates(dataset)),
        *check_useless_columns(dataset),
        *check_leaks(dataset),
        *check_unseen(dataset),
        *check_drift(dataset),
    ]
    return sorted(findings, key=lambda finding: ("alarm", "note", "ok").index(finding.level))


def check_account(dataset: Dataset) -> Iterator[Finding]:
    """Every row that came in is used or dropped with a reason."""
    account = dataset.account
    dropped = "; ".join(f"{count:,} {reason}" for reason, count in account.dropped.items())
    cleaned = "; ".join(f"{count:,} {what}" for what, count in account.cells_cleaned.items())
    message = f"{account.rows_in:,} rows in, {account.rows_used:,} used"
    message += f", dropped: {dropped}" if dropped else ", none dropped"
    yield Finding("account", "ok", message + (f". Cells mended: {cleaned}." if cleaned else "."))


def check_balance(dataset: Dataset) -> Iterator[Finding]:
    """The target in each part; a strong change of it misleads probabilities and means."""
    schema = dataset.schema
    targets = {part: dataset.target[dataset.part == part] for part in PARTS}
    if schema.task == "regression":
        means = {part: float(target.mean(dtype=float)) for part, target in targets.items()}
        told = ", ".join(f"{part} {number(mean)}" for part, mean in means.items())
        spread = dataset.target.std(dtype=float)
        far = max(means.values()) - min(means.values()) > 0.25 * spread
        message = f"Mean of the target in {schema.unit}: {told}. Its deviation is {number(spread)}."
        yield Finding("target balance", "note" if far else "ok", message)
        return
    counts = {
        part: target.sum(axis=0).astype(int)
        if schema.several
        else np.bincount(target.astype(int), minlength=len(schema.labels))
        for part, target in targets.items()
    }
    if schema.task == "binary":
        shares = {part: count[1] / count.sum() for part, count in counts.items()}
        told = ", ".join(f"{part} {share:.1%}" for part, share in shares.items())
        low, high = min(shares.values()), max(shares.values())
        level = "note" if low < 0.01 or high > 0.99 or high > 1.5 * low else "ok"
        yield Finding("class balance", level, f'Share of "{schema.labels[1]}": {told}.')
        return
    rare = [
        f'"{label}" ({", ".join(f"{part} {count[number]:,}" for part, count in counts.items())})'
        for number, label in enumerate(schema.labels)
        if min(counts[part][number] / len(targets[part]) for part in PARTS) < 0.01
    ]
    what = "Labels" if schema.several else "Classes"
    message = f"{what} with less than 1 % of the rows of a part: {named(rare)}"
    yield Finding("class balance", "note" if rare else "ok", message)


def check_time_order(dataset: Dataset) -> Iterator[Finding]:
    """In a split by time, training ends before validation starts, and that before test."""
    if dataset.time is None:
        return
    spans = {part: dataset.time[dataset.part == part] for part in PARTS}
    told = ", ".join(
        f"{part} {str(times.min())[:10]} to {str(times.max())[:10]}"
        for part, times in spans.items()
    )
    ordered = (
        spans["train"].max() < spans["validation"].min()
        and spans["validation"].max() < spans["test"].min()
    )
    if ordered:
        yield Finding("time order", "ok", f"The parts follow each other in time: {told}.")
    else:
        yield Finding("time order", "alarm", f"The parts overlap in time: {told}.")


def check_duplicates(dataset: Dataset) -> Iterator[Finding]:
    """Rows with the same features in two parts, and same features with different targets."""
    keys = row_keys(dataset)
    same = "exactly the features"
    if not dataset.schema.columns:
        same = "the picture" if dataset.schema.image else "the text, or nearly so,"
    in_train = np.isin(keys, keys[dataset.part == "train"])
    for part in ("validation", "test"):
        rows = dataset.part == part
        share = in_train[rows].mean()
        level = "alarm" if share > 0.05 else "note" if share > 0.001 else "ok"
        yield Finding(
            "duplicates across parts",
            level,
            f"{in_train[rows].sum():,} of {rows.sum():,} {part} rows ({share:.2%}) have {same} "
            "of a training row.",
        )
    regression = dataset.schema.task == "regression"
    conflicting = conflicting_rows(keys, dataset.target, regression)
    other = "whose target is more than 10 % apart" if regression else "of another class"
    share = conflicting.mean()
    yield Finding(
        "same input, different target",
        "note" if share > 0.01 else "ok",
        f"{conflicting.sum():,} rows ({share:.2%}) share all their features with a row "
        f"{other}: no model can tell them apart.",
    )


def row_keys(dataset: Dataset) -> np.ndarray:
    """A number for each row, (rows,), equal where features are, and pictures or texts nearly."""
    features = dataset.features
    for name in dataset.schema.texts:
        features = features.assign(**{name: near_duplicates(features[name])})
    for name in dataset.schema.images:
        features = features.assign(**{name: picture_numbers(features[name])})
    return pd.util.hash_pandas_object(features, index=False).to_numpy()


def picture_numbers(files: pd.Series) -> np.ndarray:
    """A number for each file, equal for copies and near copies (common/images/duplicates.py)."""
    return group_numbers(survey(files)["perceptual_hash"])


def conflicting_rows(keys: np.ndarray, target: np.ndarray, regression: bool) -> np.ndarray:
    """Which rows, (rows,) bool, have the key of a row of another class, or of a number 10 % apart.

    keys: (rows,) equal where the inputs are; target: (rows,) classes or numbers, or (rows, labels),
    of which equal rows are a class. 10 %: of the number nearer to 0.
    """
    targets = pd.Series(combinations(target)).groupby(keys)
    if regression:
        least, most = targets.transform("min"), targets.transform("max")
        return (most - least > 0.1 * least.abs().clip(upper=most.abs())).to_numpy()
    return (targets.transform("nunique") > 1).to_numpy()


def check_useless_columns(dataset: Dataset) -> Iterator[Finding]:
    """Columns with one value, and category columns with nearly one value a row (ids)."""
    train = dataset.features.loc[dataset.part == "train", dataset.schema.columns]
    constant = [name for name in train if train[name].nunique(dropna=False) <= 1]
    ids = [name for name in dataset.schema.categories if train[name].nunique() > 0.5 * len(train)]
    yield Finding("constant columns", "note" if constant else "ok", named(constant))
    yield Finding("id-like columns", "alarm" if ids else "ok", named(ids))


def check_leaks(dataset: Dataset) -> Iterator[Finding]:
    """A single column that predicts the target suspiciously well probably knows the answer."""
    train = dataset.features.loc[dataset.part == "train", dataset.schema.columns]
    target = dataset.target[dataset.part == "train"]
    regression = dataset.schema.task == "regression"
    score, limit = ("R²", SUSPICIOUS_R2) if regression else ("ROC AUC", SUSPICIOUS_AUC)
    if dataset.schema.log_scale:
        target = np.log(target)
    of_column = single_column_r2 if regression else single_column_auc
    scores = {name: of_column(train[name], target) for name in train}
    best = max(scores, key=scores.get, default="")
    for name, value in scores.items():
        if value > limit:
            yield Finding(
                "leak",
                "alarm",
                f'Column "{name}" alone reaches {score} {value:.3f} on the training rows (alarm '
                f"above {limit}). Is it known at the moment of prediction? If not, leave it out.",
            )
    if scores and scores[best] <= limit:
        yield Finding("leak", "ok", f'Best single column: "{best}", {score} {scores[best]:.3f}.')


def single_column_auc(column: pd.Series, target: np.ndarray) -> float:
    """ROC AUC of one column used alone, whichever direction; 0.5 says nothing, 1 everything.

    Of more than two classes the mean over the classes, each against all others, weighted by rows;
    of a target (rows, labels) likewise over the labels.
    """
    if target.ndim > 1:
        of_labels = [single_column_auc(column, label) for label in target.T]
        return float(np.average(of_labels, weights=target.sum(axis=0)))
    if target.max() <= 1:
        return float(np.mean([rank_auc(*half) for half in scored_halves(column, target)]))
    classes, counts = np.unique(target, return_counts=True)
    areas = [
        np.mean([rank_auc(*half) for half in scored_halves(column, target == number)])
        for number in classes
    ]
    return float(np.average(areas, weights=counts))


def single_column_r2(column: pd.Series, target: np.ndarray) -> float:
    """Share of the target's variance that one column explains alone, by the means of its bins."""
    errors = [
        np.mean((values - mean[codes]) ** 2)
        for mean, values, codes in scored_halves(column, target)
    ]
    return float(1 - np.mean(errors) / target.var(dtype=float))


def scored_halves(
    column: pd.Series, target: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Score each half of the rows by the mean target of their bin in the other half.

    Numbers are cut into 50 bins of equal size (missing ones apart), so that a column good at both
    ends counts too; a category is a bin. Scores come from the other half, so that an id column does
    not look good by memory. Yields (mean target of each bin, target, bin of each row).
    """
    if pd.api.types.is_numeric_dtype(column):
        codes = pd.qcut(column, 50, labels=False, duplicates="drop").fillna(-1).astype(int) + 1
    else:
        codes = pd.Series(pd.factorize(column)[0])
    codes, half = codes.to_numpy(), np.arange(len(column)) % 2 == 0
    for fit, score in ((half, ~half), (~half, half)):
        rows, sums = (
            np.bincount(codes[fit], weights, codes.max() + 1) for weights in (None, target[fit])
        )
        yield (sums + target[fit].mean(dtype=float)) / (rows + 1), target[score], codes[score]


def rank_auc(score: np.ndarray, target: np.ndarray, codes: np.ndarray | None = None) -> float:
    """ROC AUC: the chance that a positive has a higher score than a negative, ties half.

    score: (rows,), or one score per code where codes (rows,) tell which; target: (rows,) of 0 and
    1. 0.5 where a class is missing.
    """
    rank = np.unique(score, return_inverse=True)[1]
    rank = rank if codes is None else rank[codes]
    positives = np.bincount(rank, weights=target)
    negatives = np.bincount(rank) - positives
    pairs = positives.sum() * negatives.sum()
    ahead = np.cumsum(negatives) - negatives / 2
    return float(positives @ ahead / pairs) if pairs else 0.5


def check_unseen(dataset: Dataset) -> Iterator[Finding]:
    """Categories of the test part that training never saw."""
    train = dataset.features[dataset.part == "train"]
    test = dataset.features[dataset.part == "test"]
    unseen = {
        name: int((~test[name].isin(train[name].unique())).sum())
        for name in dataset.schema.categories
    }
    told = [f"{name} ({count:,} rows)" for name, count in unseen.items() if count]
    worst = max(unseen.values(), default=0) / max(len(test), 1)
    yield Finding("unseen categories in test", "note" if worst > 0.01 else "ok", named(told))


def check_drift(dataset: Dataset) -> Iterator[Finding]:
    """Columns whose distribution differs between train and test."""
    train, test = (
        dataset.features.loc[dataset.part == part, dataset.schema.columns]
        for part in ("train", "test")
    )
    index = {name: stability_index(train[name], test[name]) for name in train}
    drifted = sorted((name for name in index if index[name] > DRIFT), key=index.get)[::-1]
    yield Finding(
        "drift from train to test",
        "note" if drifted else "ok",
        f"Population stability index above {DRIFT}: "
        + named([f"{name} ({index[name]:.2f})" for name in drifted]),
    )


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def named(columns: list[str]) -> str:
    return ", ".join(columns) + "." if columns else "None."
