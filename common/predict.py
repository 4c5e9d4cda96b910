"""Score a table of raw rows with a bundle, chunk by chunk, into a CSV file."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.bundle import Bundle
from common.data.dataset import Schema
from common.data.deviations import Deviations
from common.data.rows import read_chunks, typed_rows
from common.errors import UserError
from common.evaluation.conformal import interval_of
from common.files import replacing
from common.images.rows import picture_chunks, with_places
from common.scenes.rows import scene_chunks, with_scenes

Prepare = Callable[[pd.DataFrame, dict[str, pd.DataFrame]], pd.DataFrame]
Output = Callable[[pd.DataFrame, np.ndarray], pd.DataFrame]


def predict_file(
    bundle: Bundle,
    prepare: Prepare,
    source: Path,
    destination: Path,
    output: Output | None = None,
) -> list[str]:
    """Write every row of `source` as it is, with what is predicted (`added`), to `destination`.

    Rows keep their order and all their columns; `output`, where given, makes other rows of them.
    `destination` appears when every row is scored, or not at all. Returns sentences on what was
    scored, ignored, missing, and not as the bundle's expectations have it. Raises UserError for
    what cannot be scored, or what a rule of the expectations refuses.
    """
    deviations = Deviations(bundle.expectations, bundle.schema, bundle.vocabularies(), source)
    if not destination.parent.is_dir():
        raise UserError(f"There is no folder {destination.parent} to write {destination.name} to.")
    if source.exists() and destination.exists() and source.samefile(destination):
        raise UserError(f"Input and output are the same file, {source}. Name another output.")
    with (
        replacing(destination) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        for text in raw_chunks(bundle.schema, source):
            first = not deviations.rows
            if first:
                deviations.add_columns(list(text.columns))
            features = prepared(bundle, prepare, deviations.completed(text), source)
            deviations.add(text, features)
            answers = bundle.answers(features)
            scored = (
                output(text, answers) if output else with_answers(bundle, text, answers, source)
            )
            if first:
                writer.writerow(scored.columns)
            writer.writerows(scored.to_numpy(object).tolist())
        told = deviations.told()
    return [f"{deviations.rows:,} rows scored, written to {destination}.", *told]


def raw_chunks(schema: Schema, source: Path) -> Iterator[pd.DataFrame]:
    """The rows of a table, or the pictures of a folder where a picture is all that is needed.

    Where pixels are, also those of a scene.
    """
    chunks = scene_chunks(source, schema.patch) if schema.patch else None
    if schema.image and len(schema.required) == 1:
        chunks = picture_chunks(source, *schema.required)
    return chunks or read_chunks(source, schema.required | schema.optional)


def prepared(bundle: Bundle, prepare: Prepare, text: pd.DataFrame, source: Path) -> pd.DataFrame:
    raw = bundle.schema.required | bundle.schema.optional
    typed = typed_rows(text, bundle.schema, source)
    typed = with_places(typed, [name for name in typed if raw[name] == "image"], source)
    if bundle.schema.patch:
        typed = with_scenes(typed, bundle.schema.patch, source)
    try:
        return prepare(typed, bundle.tables)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def with_answers(
    bundle: Bundle, text: pd.DataFrame, answers: np.ndarray, source: Path
) -> pd.DataFrame:
    """The rows with the columns of `added`; UserError where the file has one of these already."""
    columns = added(bundle, answers)
    taken = [name for name in columns if name in text]
    if taken:
        raise UserError(
            f"{source} has a column {' and '.join(taken)} already. Rename it: predict adds "
            f"{' and '.join(columns)}."
        )
    return pd.concat([text, pd.DataFrame(columns, index=text.index)], axis=1)


def added(bundle: Bundle, answers: np.ndarray) -> dict[str, list[str]]:
    """What is predicted, by column, as text.

    Of two classes the probability of the second and the label from the bundle's threshold on; of
    more the likeliest label and the probability of each; of several at once those from their
    thresholds on, parted by ";", and the probability of each; of a number, it and its interval.
    """
    schema = bundle.schema
    if schema.task == "regression":
        low, high = interval_of(answers, bundle.decision["margin"], schema.log_scale)
        columns = {"prediction": answers, "low": low, "high": high}
        return {name: [f"{value:.8g}" for value in column] for name, column in columns.items()}
    labels = np.array(schema.labels)
    if schema.task == "multilabel":
        called = answers >= np.array(bundle.decision["thresholds"])
        return {"labels": [";".join(labels[row]) for row in called]} | probabilities(
            answers, labels
        )
    if schema.task == "binary":
        called = (answers >= bundle.decision["threshold"]).astype(int)
        return {"probability": [f"{p:.6f}" for p in answers], "label": labels[called].tolist()}
    return {"label": labels[answers.argmax(axis=1)].tolist()} | probabilities(answers, labels)


def probabilities(answers: np.ndarray, labels: Sequence[str]) -> dict[str, list[str]]:
    """A column for each label; answers: (rows, labels)."""
    return {
        f"probability_{label}": [f"{p:.6f}" for p in column]
        for label, column in zip(labels, answers.T, strict=True)
    }
