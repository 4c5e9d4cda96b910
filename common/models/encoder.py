"""The preprocessing of a table as a Keras model, and what a network has to know of the result.

    raw columns --encoder--> {"numbers", "categories"} --network--> answer

The encoder is computed once before training; `stitch` joins both for the bundle.
"""

from collections.abc import Callable, Container, Mapping, Sequence

import keras
import numpy as np
import pandas as pd
from keras import layers, ops
from scipy.special import ndtri

from common.models.names import column_of, column_of_input, input_name, layer_name
from common.models.table import Table

BATCH_ROWS = 8192
KNOTS = 512  # of a column, at most
LOOKUP = "_lookup"  # ends the names of the layers that number categories


def describe_table(encoder: keras.Model | None, encoded: Mapping[str, np.ndarray]) -> Table:
    """What networks have to know of `encoded`, the training rows as `token_ids` gives them."""
    if encoder is None:
        return Table()
    rows = len(next(iter(encoded.values())))
    return Table(
        encoded.get("numbers", np.zeros((rows, 0), "float32")),
        {name: lookup.vocabulary_size() for name, lookup in lookups(encoder)},
    )


def build_encoder(
    features: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    orders: Mapping[str, Sequence[str]] | None = None,
) -> keras.Model:
    """Build the preprocessing of a table, fitted on `features`, the training rows.

    orders: the values of the categories that have an order, lowest first; their rank becomes a
    number too. Takes one input per column, each of shape (batch,): float32 with NaN for missing
    numbers, string with "" for missing categories. Returns a dict:
    - "numbers", float32 (batch, n + m): the n numbers and ranks, made normal (see `knots`), missing
      ones 0; then for each of the m columns with missing training values a 0/1 mark, since a gap
      may say something itself;
    - "categories", int32 (batch, k): 0 missing, 1 unseen, from 2 the training categories. Those
      with few training rows (see `minimum_count`) count as unseen, which trains that entry; so do
      missing ones where training has none.

    Always float32, whatever the precision of training. Only layers and operations of Keras itself,
    so that a bundle loads without this module.
    """
    orders = orders or {}
    inputs, encoded = {}, {}
    for name in numbers:
        inputs[name] = keras.Input((), name=input_name(name), dtype="float32")
    for name in categories:
        inputs[name] = keras.Input((), name=input_name(name), dtype="string")
    if numbers or orders:
        fitted = [features[name].to_numpy("float64") for name in numbers]
        columns = [inputs[name] for name in numbers]
        for name, order in orders.items():
            ranks = {value: rank for rank, value in enumerate(order)}
            fitted.append(features[name].map(ranks).to_numpy("float64"))
            columns.append(rank_of(inputs[name], order, layer_name(name, "_rank")))
        encoded["numbers"] = scaled_with_marks(columns, fitted)
    if categories:
        enough = minimum_count(len(features))
        ids, first = [], []
        for name in categories:
            counts = features[name].value_counts()
            known = [value for value in counts.index[counts >= enough] if value != ""]
            lookup = layers.StringLookup(
                vocabulary=sorted(known) or ["nothing known"],  # Keras wants one at least
                mask_token="",
                name=layer_name(name, LOOKUP),
            )
            ids.append(lookup(inputs[name]))
            first.append(0 if "" in counts.index else 1)  # else missing would stay untrained
        stacked = ops.cast(ops.stack(ids, axis=-1), "int32")
        encoded["categories"] = ops.maximum(stacked, np.array(first, "int32"))
    inputs = {tensor.name: tensor for tensor in inputs.values()}
    return keras.Model(inputs, encoded, name="encoder")


def minimum_count(rows: int) -> int:
    """Training rows a category needs for an entry of its own: one in a thousand, from 2 to 20."""
    return int(np.clip(rows // 1000, 2, 20))


def rank_of(text: keras.KerasTensor, order: Sequence[str], name: str) -> keras.KerasTensor:
    """The place of each text (batch,) in `order`, from 0, as float32; NaN where it has none."""
    lookup = layers.StringLookup(vocabulary=list(order), mask_token="", name=name)
    ids = ops.cast(lookup(text), "float32")
    return ops.where(ids < 2, float("nan"), ids - 2)


def scaled_with_marks(
    columns: Sequence[keras.KerasTensor], fitted: Sequence[np.ndarray]
) -> keras.KerasTensor:
    """Numbers (batch,) each, made normal by their training values, then the marks of gaps."""
    stacked = ops.stack(
        [
            made_normal(column, *knots(values))
            for column, values in zip(columns, fitted, strict=True)
        ],
        axis=-1,
    )
    gaps = [
        ops.cast(ops.isnan(column), "float32")
        for column, values in zip(columns, fitted, strict=True)
        if np.isnan(values).any()
    ]
    parts = [stacked, ops.stack(gaps, axis=-1)] if gaps else [stacked]
    return layers.Concatenate(name="numbers", dtype="float32")(parts)


def knots(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Up to 512 values of a column, ascending, and the normal scores of their ranks.

    values: (rows,) with NaN for missing. A value's score is the quantile of the normal distribution
    at the share of smaller values plus half the share of equal ones: a wild value is just the last
    one, and where most values are equal, as in a column of gains, the others keep their distances.
    Ranks to normal scores as Gorishniy et al. (2021), section 4.2, do for every network; half for
    equal values after Blom, "Statistical Estimates and Transformed Beta-Variables", 1958.
    """
    known, counts = np.unique(values[~np.isnan(values)].astype("float32"), return_counts=True)
    if len(known) < 2:
        return np.array([0.0, 1.0], "float32"), np.zeros(2, "float32")
    share = (np.cumsum(counts) - counts / 2) / counts.sum()
    if len(known) > KNOTS:
        chosen = np.searchsorted(share, np.linspace(share[0], share[-1], KNOTS))
        chosen = np.unique(np.minimum(chosen, len(known) - 1))
        known, share = known[chosen], share[chosen]
    return known, ndtri(share).astype("float32")


def made_normal(
    column: keras.KerasTensor, known: np.ndarray, scores: np.ndarray
) -> keras.KerasTensor:
    """The score of each number (batch,), on straight lines between the knots; 0 for missing.

    Beyond the first and the last knot the score stays that of the knot.
    """
    missing = ops.isnan(column)
    number = ops.clip(
        ops.where(missing, float(known[0]), column), float(known[0]), float(known[-1])
    )
    place = ops.clip(ops.searchsorted(known, number), 1, len(known) - 1)
    lines = np.column_stack([known[:-1], known[1:], scores[:-1], scores[1:]])
    left, right, low, high = ops.unstack(ops.take(lines, place - 1, axis=0), axis=-1)
    score = low + (high - low) * (number - left) / (right - left)
    return ops.where(missing, 0.0, score)


def encode(encoder: keras.Model, features: pd.DataFrame) -> dict[str, np.ndarray]:
    """Encode a frame of raw columns; arrays as in `build_encoder`, in the order of the rows."""
    return predict_rows(encoder, features)


def predict_rows(
    model: keras.Model,
    features: pd.DataFrame,
    contents: Callable[[pd.DataFrame], dict[str, np.ndarray]] | None = None,
    batch_rows: int = BATCH_ROWS,
):
    """What `model` gives for a frame of raw columns with at least one row.

    contents: from some rows to inputs that are no column as it is: what pictures and texts hold.
    In batches by hand: `predict` would build an input pipeline anew for each call, which takes
    longer than the computation when there are many columns.
    """
    batches = []
    for start in range(0, len(features), batch_rows):
        rows = features[start : start + batch_rows]
        held = contents(rows) if contents else {}
        batches.append(model.predict_on_batch(raw_inputs(model, rows, held) | held))
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def raw_inputs(
    model: keras.Model, features: pd.DataFrame, others: Container[str] = ()
) -> dict[str, np.ndarray]:
    """The columns of `features` that `model` takes, in the types it takes, but for `others`."""
    return {
        tensor.name: features[column_of_input(tensor.name)].to_numpy(
            object if tensor.dtype == "string" else "float32"
        )
        for tensor in model.inputs
        if tensor.name not in others
    }


def lookups(model: keras.Model) -> list[tuple[str, layers.StringLookup]]:
    """The category columns of an encoder, or of a model with one inside, with their look-ups."""
    return [
        (column_of(layer.name, LOOKUP), layer)
        for layer in model.layers
        if layer.name.endswith(LOOKUP)
    ]


def stitch(encoder: keras.Model | None, network: keras.Model) -> keras.Model:
    """Join both halves: a model from raw columns to the network's answer.

    What the encoder does not give, as pictures, stays an input; without an encoder it is all.
    """
    if encoder is None:
        return network
    given = {
        name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in network.input.items()
        if name not in encoder.output
    }
    answer = network(encoder.output | given)
    return keras.Model(encoder.input | given, answer, name=f"{network.name}_on_raw_columns")
