"""Keras models for tables: an encoder of raw columns, and a linear model and an MLP behind it.

    raw columns --encoder--> {"numbers", "categories"} --network--> probability

The encoder is computed once before training; `stitch` joins both for the bundle.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pandas as pd
from keras import layers, ops

BATCH_ROWS = 8192


def build_encoder(
    features: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    minimum_count: int = 20,
) -> keras.Model:
    """Build the preprocessing of a table, fitted on `features`, the training rows.

    Takes one input per column, each of shape (batch,): float32 with NaN for missing numbers, string
    with "" for missing categories. Returns a dict:
    - "numbers", float32 (batch, n + m): the n numbers at mean 0 and deviation 1, cut at +-8 so that
      a wild value cannot take over, missing ones at the mean; then for each of the m columns with
      missing training values a 0/1 mark, since a gap may say something itself;
    - "categories", int32 (batch, k): 0 missing, 1 unseen, from 2 the training categories. Those
      with fewer than `minimum_count` rows count as unseen, which trains that entry.

    Always float32, whatever the precision of training. Only layers and operations of Keras itself,
    so that a bundle loads without this module.
    """
    inputs, encoded = {}, {}
    if numbers:
        for name in numbers:
            inputs[name] = keras.Input((), name=name, dtype="float32")
        values = features[list(numbers)].to_numpy("float64")
        has_missing = np.flatnonzero(np.isnan(values).any(axis=0))
        mean, variance = fitted_moments(values)
        stacked = ops.stack([inputs[name] for name in numbers], axis=-1)
        missing = ops.isnan(stacked)
        filled = ops.where(missing, ops.convert_to_tensor(mean, dtype="float32"), stacked)
        scaled = ops.clip(
            layers.Normalization(mean=mean, variance=variance, dtype="float32")(filled), -8.0, 8.0
        )
        marks = ops.cast(ops.take(missing, has_missing, axis=-1), "float32")
        encoded["numbers"] = layers.Concatenate(name="numbers", dtype="float32")([scaled, marks])
    if categories:
        columns = []
        for name in categories:
            inputs[name] = keras.Input((), name=name, dtype="string")
            counts = features[name].value_counts()
            known = [value for value in counts.index[counts >= minimum_count] if value != ""]
            lookup = layers.StringLookup(
                vocabulary=sorted(known), mask_token="", name=f"{name}_lookup"
            )
            columns.append(lookup(inputs[name]))
        encoded["categories"] = ops.cast(ops.stack(columns, axis=-1), "int32")
    return keras.Model(inputs, encoded, name="encoder")


def fitted_moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each column without its NaN; 0 and 1 for a column of nothing else."""
    count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / count
    variance = np.nansum((values - mean) ** 2, axis=0) / count
    return mean, np.where(variance > 0, variance, 1.0)


def encode(encoder: keras.Model, features: pd.DataFrame) -> dict[str, np.ndarray]:
    """Encode a frame of raw columns; arrays as in `build_encoder`, in the order of the rows."""
    return predict_rows(encoder, features)


def predict_rows(model: keras.Model, features: pd.DataFrame):
    """What `model` gives for a frame of raw columns with at least one row.

    In batches by hand: `predict` would build an input pipeline anew for each call, which takes
    longer than the computation when there are many columns.
    """
    inputs = raw_inputs(model, features)
    batches = [
        model.predict_on_batch(
            {name: column[start : start + BATCH_ROWS] for name, column in inputs.items()}
        )
        for start in range(0, len(features), BATCH_ROWS)
    ]
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def raw_inputs(model: keras.Model, features: pd.DataFrame) -> dict:
    """The columns of `features` that `model` takes, in the types it takes."""
    return {
        tensor.name: features[tensor.name].to_numpy(
            object if tensor.dtype == "string" else "float32"
        )
        for tensor in model.inputs
    }


def lookups(model: keras.Model) -> list[tuple[str, layers.StringLookup]]:
    """The category columns of an encoder, or of a model with one inside, with their look-ups."""
    return [
        (layer.name.removesuffix("_lookup"), layer)
        for layer in model.layers
        if isinstance(layer, layers.StringLookup)
    ]


def vocabulary_sizes(encoder: keras.Model) -> dict[str, int]:
    """Category column to the number of its ids, the missing and the unseen one included."""
    return {name: lookup.vocabulary_size() for name, lookup in lookups(encoder)}


def build_linear(encoder: keras.Model, prior: float) -> keras.Model:
    """Logistic regression on encoded columns: one weight per number and per category.

    prior: share of class 1 in the training rows; the output starts there (see `probability`).
    """
    inputs = encoded_inputs(encoder)
    hidden = joined(inputs, vocabulary_sizes(encoder), dimension=lambda size: 1)
    return keras.Model(inputs, probability(hidden, prior), name="linear")


def build_mlp(
    encoder: keras.Model,
    prior: float,
    hidden_units: Sequence[int] = (256, 128),
    dropout: float = 0.3,
    embedding_dimension: int = 8,
) -> keras.Model:
    """Multi-layer perceptron on encoded columns, each category as a learned vector.

    Category embeddings after Guo and Berkhahn, "Entity Embeddings of Categorical Variables", 2016,
    https://arxiv.org/abs/1604.06737; a column of s ids gets min(embedding_dimension, (s + 1) // 2)
    dimensions. Hidden layers are dense with ReLU, He initialisation and dropout.
    Returns a model from {"numbers", "categories"} to the probability of class 1, shape (batch, 1).
    """
    inputs = encoded_inputs(encoder)
    hidden = joined(
        inputs,
        vocabulary_sizes(encoder),
        dimension=lambda size: min(embedding_dimension, (size + 1) // 2),
    )
    for units in hidden_units:
        hidden = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(hidden)
        hidden = layers.Dropout(dropout)(hidden)
    return keras.Model(inputs, probability(hidden, prior), name="mlp")


def stitch(encoder: keras.Model, network: keras.Model) -> keras.Model:
    """Join both halves: a model from raw columns to the network's output."""
    return keras.Model(
        encoder.input, network(encoder.output), name=f"{network.name}_on_raw_columns"
    )


def encoded_inputs(encoder: keras.Model) -> dict[str, keras.KerasTensor]:
    """Inputs of a network that match the encoder's outputs."""
    return {
        name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in encoder.output.items()
    }


def joined(
    inputs: dict[str, keras.KerasTensor],
    sizes: dict[str, int],
    dimension: Callable[[int], int],
) -> keras.KerasTensor:
    """The numbers beside the embedding of each category column, in one row per example."""
    parts = [inputs["numbers"]] if "numbers" in inputs else []
    for column, (name, size) in enumerate(sizes.items()):
        embedding = layers.Embedding(size, dimension(size), name=f"{name}_embedding")
        parts.append(embedding(inputs["categories"][:, column]))
    return layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def probability(hidden: keras.KerasTensor, prior: float) -> keras.KerasTensor:
    """One sigmoid unit whose bias starts at the log-odds of the prior.

    The first loss is then what chance gives, instead of an epoch spent on learning the share of
    class 1. Always float32, since probabilities near 0 and 1 vanish in 16 bits.
    """
    bias = keras.initializers.Constant(float(np.log(prior / (1 - prior))))
    return layers.Dense(
        1, activation="sigmoid", bias_initializer=bias, dtype="float32", name="probability"
    )(hidden)
