"""All networks of a run: the columns encoded once, then one training for each seed and fold."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from common.data.dataset import Dataset, Schema
from common.data.finding import Finding
from common.data.folds import folds_of
from common.errors import UserError
from common.images.cache import cached_images
from common.models.encoder import build_encoder, describe_table, encode
from common.models.heads import Target, describe_target
from common.models.table import IMAGE, PATCH, Bands, Table, Tokens, describe_bands, tokens_name
from common.project import Project, TrainingConfig
from common.scenes.patches import patches_of, spectra_of
from common.text.tokenizer import token_ids, tokenizers_of
from common.training.batches import ordered_batches, rows_at_once
from common.training.fit import Diverged, tensorboard
from common.training.part import MappedRows, Part
from common.training.sanity import diagnose_network
from common.training.stages import fit_stages
from common.training.streaming import EncodedRows, encode_rows


@dataclass(frozen=True)
class Prepared:
    """A dataset as networks take it: every row encoded, and what builders have to know of it.

    encoder: of the table's columns; None where there are none. tokenizers: of the columns of texts.
    rows: those in memory; stored: the training rows to learn from instead, where they are on disk.
    """

    encoder: keras.Model | None
    tokenizers: dict[str, Tokenizer]
    table: Table
    target: Target
    rows: Part
    dataset: Dataset
    stored: EncodedRows | None = None

    def part(self, name: str) -> Part:
        """The encoded rows in memory of "train", "validation" or "test"."""
        return self.rows.rows(np.flatnonzero(self.dataset.part == name))


def prepare_rows(dataset: Dataset, folds: int = 1, work: Path | None = None) -> Prepared:
    """Fit the encoder on the training rows, with folds also on the validation rows; encode all.

    work: the folder for what is made of stored rows; without it only the rows in memory are
    encoded. Raises UserError for folds over stored rows, and as `folds_of` does.
    """
    schema = dataset.schema
    if dataset.stored and folds > 1:
        raise UserError(f"folds is {folds}, but rows stored on disk are not cut into folds. Use 1.")
    fitting = dataset.part == "train"
    if folds > 1:
        fitting = np.concatenate(folds_of(dataset, folds, 0)[0])
    features = dataset.features.iloc[fitting]
    encoder = None
    if schema.columns:
        encoder = build_encoder(features, schema.numbers, schema.categories, schema.orders)
    learned = dataset.target if dataset.soft_target is None else dataset.soft_target
    tokenizers = tokenizers_of(schema.texts, features)
    inputs = encoded_features(schema, encoder, tokenizers, dataset.features)
    rows = Part(inputs, learned, dataset.weight)
    table = replace(
        describe_table(encoder, rows.rows(fitting).inputs),
        image_shape=schema.image and schema.image.shape,
        texts={
            name: Tokens(tokenizers[name].get_vocab_size(), form.length)
            for name, form in schema.texts.items()
        },
        bands=schema.patch and describe_patches(schema, features),
    )
    target = describe_target(
        dataset.target[fitting], schema.task, len(schema.labels), schema.log_scale
    )
    stored = None
    if dataset.stored and work:
        stored = encode_rows(dataset.stored, schema, encoder, target, work)
    return Prepared(encoder, tokenizers, table, target, rows, dataset, stored)


def encoded_features(
    schema: Schema,
    encoder: keras.Model | None,
    tokenizers: dict[str, Tokenizer],
    features: pd.DataFrame,
) -> dict[str, np.ndarray | MappedRows]:
    """A frame of features as networks take them; pictures are decoded once, and stay on disk.

    Patches are cut out of their scenes when they are needed.
    """
    inputs = encode(encoder, features) if encoder else {}
    for name, form in schema.texts.items():
        inputs[tokens_name(name)] = token_ids(tokenizers[name], features[name], form.length)
    for name in schema.images:
        inputs[IMAGE] = MappedRows(
            cached_images(features[name], schema.image), np.arange(len(features))
        )
    for name in schema.patches:
        patches = patches_of(features[name], schema.patch)
        inputs[PATCH] = MappedRows(patches, np.arange(len(features)))
    return inputs


def describe_patches(schema: Schema, features: pd.DataFrame) -> Bands:
    """What networks have to know of the patches of these rows, those of training."""
    spectra = spectra_of(features[schema.patches[0]], schema.patch)
    return describe_bands(schema.patch.side, spectra)


@dataclass(frozen=True)
class Trained:
    """What a seed's training gave: one network a fold, their epochs, and answers.

    validation: of the rows in `validation_rows(dataset, folds)`, each by the network that did not
    learn from it; test: of the test rows, the mean of the networks' answers. Both (rows, units).
    """

    networks: list[keras.Model]
    history: list[dict]
    validation: np.ndarray
    test: np.ndarray


def validation_rows(dataset: Dataset, folds: int) -> np.ndarray:
    """The rows that are validated on, in order: the validation part, or with folds train too."""
    return np.sort(np.concatenate([held_out for _, held_out in folds_of(dataset, folds, 0)]))


def train_seed(
    project: Project,
    config: TrainingConfig,
    prepared: Prepared,
    seed: int,
    checkpoints: Path,
    tensorboard_folder: Path | None = None,
    verbose: int = 0,
) -> Trained:
    """Train a network for each fold from one seed, going on from the checkpoints there are."""
    folds = folds_of(prepared.dataset, config.folds, seed)
    test = prepared.part("test")
    held_out, networks, history, answers = [], [], [], []
    for number, (learn, validate) in enumerate(folds, start=1):
        learning = prepared.rows.rows(learn)

        def build(fold_seed: int = seed + 1000 * (number - 1)) -> keras.Model:
            keras.utils.set_random_seed(fold_seed)
            return project.build(config, prepared.table, prepared.target)

        network = build()
        name = f"seed-{seed}" if len(folds) == 1 else f"seed-{seed}-fold-{number}"
        validation = prepared.rows.rows(validate)
        try:
            epochs = fit_stages(
                project,
                config,
                network,
                prepared.table,
                prepared.target,
                prepared.stored or learning,
                validation,
                seed,
                checkpoints / name,
                [tensorboard(tensorboard_folder / name)] if tensorboard_folder else [],
                verbose,
            )
        except Diverged as error:
            found = diagnose_network(build, learning, prepared.target, config)
            raise UserError(f"{error} {cause(found)}") from error
        if project.answering:
            network = project.answering(config, network)
        network.name = f"{network.name}_{name.replace('-', '_')}"  # several go into one bundle
        history += [{"seed": seed, "fold": number, **epoch} for epoch in epochs]
        held_out.append((validate, answers_of(network, validation)))
        answers.append(answers_of(network, test))
        networks.append(network)
    order = np.argsort(np.concatenate([rows for rows, _ in held_out]))
    validated = np.concatenate([answer for _, answer in held_out])[order]
    return Trained(networks, history, validated, np.mean(answers, axis=0))


def cause(found: list[Finding]) -> str:
    """What the training doctor found, in a sentence for an error message."""
    told = " ".join(f"{each.check}: {each.message}" for each in found if each.level == "alarm")
    if not told:
        return "The training doctor found nothing wrong with the untrained network."
    return f"The training doctor, on the untrained network: {told}"


def answers_of(network: keras.Model, part: Part) -> np.ndarray:
    """The network's answers (rows, units) to encoded rows."""
    batches = ordered_batches((part.inputs,), rows_at_once(part.inputs))
    return network.predict(batches, verbose=0)


def history_frame(trained: list[Trained]) -> pd.DataFrame:
    """Every epoch of every training: seed, fold, epoch, loss, val_loss and the task's score."""
    return pd.DataFrame([epoch for seed in trained for epoch in seed.history])
