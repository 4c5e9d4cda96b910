"""What predict loads: the model on raw columns, its schema, decision and look-up tables.

bundle/model.keras       from feature columns to the answer
bundle/bundle.json       schema, decision, project
bundle/tokenizers.json   how texts become tokens, by column, where there are texts
bundle/expectations.json what training rows looked like, and rules for rows that do not: edit it
bundle/tables/*.csv.gz   tables that prepare joins to a raw row
"""

import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from common.data.dataset import Schema
from common.data.expectations import Expectations
from common.data.expectations_file import read_expectations, write_expectations
from common.errors import UserError
from common.files import read_json, write_json
from common.images.cache import decoded_images
from common.images.decode import ImageForm
from common.models.encoder import BATCH_ROWS, lookups, predict_rows
from common.models.table import IMAGE, PATCH, tokens_name
from common.reading.notation import read_notation
from common.scenes.form import PatchForm
from common.scenes.patches import patches_of
from common.text.form import TextForm
from common.text.pretrained import from_json
from common.text.tokenizer import token_ids
from common.training.batches import rows_at_once

FORMAT = 4


@dataclass(frozen=True)
class Bundle:
    """A trained model that takes raw columns, and what is needed to use it.

    decision: what validation rows say of its use: of two classes the "threshold" from which class 1
        is called; of several labels the "thresholds", in their order; of a number the "margin" of
        its prediction interval and the interval's "level".
    """

    model: keras.Model
    schema: Schema
    decision: dict[str, float | list[float]]
    tables: dict[str, pd.DataFrame]
    expectations: Expectations = field(default_factory=Expectations)
    tokenizers: dict[str, Tokenizer] = field(default_factory=dict)

    def answers(self, features: pd.DataFrame) -> np.ndarray:
        """What the model gives for a frame of at least one row of features, float32.

        Pictures are decoded as for training, by the same function; UserError for a broken one.
        The probability of class 1, (rows,); of every class or label, (rows, labels); a number,
        (rows,).
        """
        none = self.contents(features[:0])
        none |= {  # a batch with a long text is as wide as it may be
            tokens_name(name): np.zeros((0, form.length), "int32")
            for name, form in self.schema.texts.items()
        }
        batch_rows = rows_at_once(none) if none else BATCH_ROWS
        answers = predict_rows(self.model, features, self.contents, batch_rows)
        return answers if self.schema.answers > 1 else answers[:, 0]

    def contents(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        """What pictures, patches and texts hold, as the network takes it; empty without those.

        Texts are as wide as the next power of two, two at least, so that TensorFlow compiles for a
        few widths.
        """
        schema, found = self.schema, {}
        for name in schema.images:
            found[IMAGE] = decoded_images(features[name], schema.image)
        for name in schema.patches:
            found[PATCH] = patches_of(features[name], schema.patch)[:]
        for name, form in schema.texts.items():
            ids = token_ids(self.tokenizers[name], features[name], form.length)
            width = min(form.length, 2 ** int(np.ceil(np.log2(max(ids.shape[1], 2)))))
            found[tokens_name(name)] = np.pad(ids, ((0, 0), (0, width - ids.shape[1])))
        return found

    def vocabularies(self) -> dict[str, set[str]]:
        """Category column to the values that training knew."""
        return {name: set(lookup.get_vocabulary()[2:]) for name, lookup in lookups(self.model)}


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write a bundle folder, whole or not at all."""
    temporary = folder.with_name(f".{os.getpid()}-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        (temporary / "tables").mkdir(parents=True)
        bundle.model.save(temporary / "model.keras")
        if bundle.tokenizers:
            texts = {name: each.to_str() for name, each in bundle.tokenizers.items()}
            write_json(temporary / "tokenizers.json", texts)
        for name, table in bundle.tables.items():
            table.to_csv(temporary / "tables" / f"{name}.csv.gz", index=False)
        record = {
            "format": FORMAT,
            "schema": asdict(bundle.schema),
            "decision": bundle.decision,
        }
        write_json(temporary / "bundle.json", record)
        write_expectations(bundle.expectations, temporary / "expectations.json")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle folder; UserError where something is missing, damaged or unsafe.

    Keras's safe mode stays on: a model file cannot bring code with it.
    """
    try:
        record = read_json(folder / "bundle.json")
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}, this version reads {FORMAT}")
        schema = read_schema(record["schema"])
        expectations = read_expectations(folder / "expectations.json", schema)
        tables = {
            path.name.removesuffix(".csv.gz"): pd.read_csv(path)
            for path in sorted((folder / "tables").glob("*.csv.gz"))
        }
        texts = read_json(folder / "tokenizers.json") if schema.texts else {}
        tokenizers = {
            name: from_json(texts[name], folder / "tokenizers.json") for name in schema.texts
        }
        model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The bundle {folder} cannot be read: {error}. "
            "It should come whole from a complete run; train again, or name another --run."
        ) from error
    return Bundle(model, schema, record["decision"], tables, expectations, tokenizers)


def read_schema(record: dict) -> Schema:
    """A schema from its JSON, where tuples have become lists."""
    orders = {name: tuple(order) for name, order in record["orders"].items()}
    notation = {name: read_notation(one) for name, one in record["notation"].items()}
    image = record["image"] and ImageForm(**record["image"])
    changed = {"labels": tuple(record["labels"]), "orders": orders, "notation": notation}
    changed["image"] = image
    changed["patch"] = record.get("patch") and PatchForm(**record["patch"])
    changed["texts"] = {name: TextForm(**form) for name, form in record["texts"].items()}
    return Schema(**record | changed)
