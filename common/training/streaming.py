"""Training on more rows than memory holds: encoded once into a flat file, read anew every epoch.

    stored rows --encode_rows--> rows.bin --streamed_batches--> fit

In rows.bin a row is a record of 4-byte words: its numbers (float32), its categories (int32) and its
target on the learned scale (float32). Neighbouring rows form a block. An epoch draws the blocks in
random order, a window of many at a time, and the rows of a window in random order. Both orders
follow from (seed, epoch) alone, like everything random here: see common/training/batches.py.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from common.data.dataset import Schema
from common.data.finding import Finding
from common.files import read_json, replacing, write_json
from common.models.encoder import encode
from common.models.heads import Target
from common.training.batches import EpochRandomness

if TYPE_CHECKING:
    from common.data.stored_rows import StoredRows

BLOCK_BYTES = 2**19  # read in one go: long enough for any disk
WINDOW_BLOCKS = 128  # 64 MB of rows that are mixed with each other; two windows are in memory


@dataclass(frozen=True)
class EncodedRows:
    """Encoded training rows in one file.

    numbers, categories: columns of each kind. means: of the learned target, (1,), or the share of
    each class, (classes,).
    """

    path: Path
    rows: int
    numbers: int
    categories: int
    means: tuple[float, ...]

    def __len__(self) -> int:
        return self.rows

    @property
    def words(self) -> int:
        """4-byte words of a row."""
        return self.numbers + self.categories + 1

    def split(self, words: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Words (rows, words) as inputs {"numbers", "categories"} and target (rows,)."""
        ends = self.numbers, self.numbers + self.categories
        inputs = {}
        if self.numbers:
            inputs["numbers"] = words[:, : ends[0]].view("float32")
        if self.categories:
            inputs["categories"] = words[:, ends[0] : ends[1]]
        return inputs, words[:, -1].view("float32")


def encode_rows(
    stored: "StoredRows", schema: Schema, encoder: keras.Model, target: Target, folder: Path
) -> EncodedRows:
    """Encode the stored rows into `folder`, chunk by chunk, or take the file that is there whole.

    The folder belongs to one run, which refuses to go on with other data. Raises UserError as
    `StoredRows.chunks` does.
    """
    path, record = folder / "rows.bin", folder / "rows.json"
    if path.exists() and record.exists():
        facts = read_json(record)
        return EncodedRows(path, **facts | {"means": tuple(facts["means"])})
    folder.mkdir(parents=True, exist_ok=True)
    sums, rows = 0.0, 0
    with replacing(path) as temporary, open(temporary, "wb") as file:
        for features, values in stored.chunks(schema):
            encoded = encode(encoder, features)
            learned = target.to_learned(values)
            none = np.empty((len(learned), 0), "int32")
            columns = [encoded.get(name, none) for name in ("numbers", "categories")]
            words = [np.ascontiguousarray(column).view("int32") for column in columns]
            file.write(np.column_stack([*words, learned.view("int32")]))
            sums = sums + sums_of(learned, target)
            rows += len(learned)
    widths = [column.shape[1] for column in columns]
    found = EncodedRows(path, rows, *widths, tuple((sums / rows).tolist()))
    write_json(record, {name: v for name, v in asdict(found).items() if name != "path"})
    return found


def sums_of(learned: np.ndarray, target: Target) -> np.ndarray:
    """The sum of a learned target (rows,), as (1,), or the rows of each class, (classes,)."""
    if target.task == "regression":
        return np.array([learned.sum(dtype=float)])
    return np.bincount(learned.astype(int), minlength=len(target.shares)).astype(float)


def streamed_batches(
    encoded: EncodedRows, batch_size: int, randomness: EpochRandomness, balanced: bool
) -> tf.data.Dataset:
    """A tf.data.Dataset that gives every row once per epoch, in batches; the last one is smaller.

    An element is (inputs, target), or (inputs, target, weight) where `balanced`: weights such that
    all classes weigh the same and the mean is 1. Read in the background, a window ahead.
    """

    def batches():
        for words in shuffled_words(encoded, batch_size, randomness.seed, int(randomness.epoch)):
            inputs, target = encoded.split(words)
            yield (inputs, target, weights[target.astype(int)]) if balanced else (inputs, target)

    weights = class_weights(encoded) if balanced else None
    vector = tf.TensorSpec((None,), tf.float32)
    signature = (
        {
            name: tf.TensorSpec((None, array.shape[1]), array.dtype)
            for name, array in encoded.split(np.zeros((1, encoded.words), "int32"))[0].items()
        },
        *[vector] * (2 if balanced else 1),
    )
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(encoded) // batch_size)))


def class_weights(encoded: EncodedRows) -> np.ndarray:
    """The weight of a row of each class, (classes,) float32; 0 for a class without rows."""
    shares = np.array(encoded.means)
    present = shares > 0
    weights = np.divide(1, shares * present.sum(), where=present, out=np.zeros_like(shares))
    return weights.astype("float32")


def shuffled_words(
    encoded: EncodedRows,
    batch_size: int,
    seed: int,
    epoch: int,
    block_bytes: int = BLOCK_BYTES,
    window_blocks: int = WINDOW_BLOCKS,
) -> Iterator[np.ndarray]:
    """Every row once, as words (batch, words), in the order of this seed and epoch.

    All windows have about as many blocks, so that the last rows are mixed as well as the first.
    """
    random = np.random.default_rng([seed, epoch])
    block_rows = max(1, block_bytes // (4 * encoded.words))
    blocks = random.permutation(-(-len(encoded) // block_rows))
    windows = np.array_split(blocks, -(-len(blocks) // window_blocks))
    rest = np.empty((0, encoded.words), "int32")
    with ThreadPoolExecutor(1) as reader, open(encoded.path, "rb", buffering=0) as file:
        ahead = reader.submit(read_window, encoded, file, windows[0], block_rows)
        for following in [*windows[1:], None]:
            window = ahead.result()
            if following is not None:
                ahead = reader.submit(read_window, encoded, file, following, block_rows)
            order = random.permutation(len(window))
            carried, rest = rest, rest[:0]
            for start in range(-len(carried), len(window), batch_size):
                batch = window[order[max(start, 0) : start + batch_size]]
                if start < 0:
                    batch = np.concatenate([carried, batch])
                if len(batch) < batch_size and following is not None:
                    rest = batch
                else:
                    yield batch


def read_window(encoded: EncodedRows, file, blocks: np.ndarray, block_rows: int) -> np.ndarray:
    """The rows of some blocks as words (rows, words), in the order of the file."""
    starts = np.sort(blocks) * block_rows
    ends = np.minimum(starts + block_rows, len(encoded))
    window = np.empty((int((ends - starts).sum()), encoded.words), "int32")
    filled = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        block = window[filled : filled + end - start]
        file.seek(start * 4 * encoded.words)
        if file.readinto(block) != block.nbytes:
            raise OSError(f"{encoded.path} has become shorter since it was written.")
        filled += len(block)
    return window


def check_sample(encoded: EncodedRows, sample: np.ndarray, target: Target) -> Finding:
    """Is the sample in memory, by its target (rows,) as in the dataset, like the stored rows?"""
    learned = target.to_learned(sample)
    means = sums_of(learned, target) / len(learned)
    far = float(np.abs(means - encoded.means).sum())
    told = (
        f"Networks learn from all {len(encoded):,} training rows, stored on disk. These checks, "
        f"the baselines, the pictures of training data and the fitting of the encoder see a sample "
        f"of {len(learned):,} of them. "
    )
    if target.task == "regression":
        told += f"Its mean target lies {far:.3f} deviations from that of all."
    else:
        far /= 2
        told += f"Its class shares differ from those of all by {far:.1%} of the rows."
    if far > 0.05:
        advice = " Draw it evenly: common.data.stored_rows.sample_rows."
        return Finding("sample of the stored rows", "note", told + advice)
    return Finding("sample of the stored rows", "ok", told)
