"""Pictures that are there twice: the same bytes, or a copy that was shrunk, stored anew or lit up.

Such pictures get one group number, so that a split keeps them together, and a warning where they
bear different labels.

The limit of 24 differing bits of 256 was chosen on 3,781 photographs of clothes (224 px) and 2,624
of solar cells (300 px). Of copies as JPEG of quality 40, of half the size, blurred by 2 pixels or
with 0.8 of the contrast (of 316 and 292 pictures) all are found; with 1.2 of the brightness all,
and 95 %; without the outermost hundredth 82 % and 53 %; mirrored ones never. Two photographs of
clothes are copies, one called shorts and one skirt; the next closest pair differs in 38 bits. Of
the solar cells 469 are in 159 groups: cells photographed again, sharp and blurred, and some smooth
cells without a flaw, which are alike to the hash though they may be different ones.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from common.data.dataset import PARTS
from common.data.finding import Finding
from common.images.survey import HASH_BYTES

NEAR_BITS = 24  # of 256: two pictures that differ in no more count as copies
BLOCK_PAIRS = 2**24  # compared at a time
NAMED = 3  # examples in a message


def group_numbers(perceptual_hashes: pd.Series) -> np.ndarray:
    """Number the groups of pictures that are copies of each other, (rows,) int, from 0.

    perceptual_hashes: (rows,) bytes, as in `survey`. Copies of copies are in one group. Every pair
    of different hashes is compared, as one matrix product.
    """
    fixed = np.array(perceptual_hashes.tolist(), f"S{HASH_BYTES}")
    hashes, row_of = np.unique(fixed, return_inverse=True)
    octets = np.frombuffer(hashes.tobytes(), "uint8").reshape(-1, HASH_BYTES)
    first, second = near_pairs(np.unpackbits(octets, axis=1))
    near = coo_array((np.ones(len(first)), (first, second)), shape=(len(hashes), len(hashes)))
    components = connected_components(near, directed=False)[1]
    return pd.factorize(components[row_of])[0]


def near_pairs(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of bits (rows, bits) differ from which later row in NEAR_BITS bits at most."""
    signs = 2 * bits.astype("float32") - 1
    agreement = bits.shape[1] - 2 * NEAR_BITS  # product of signs: equal bits less different ones
    rows = max(1, BLOCK_PAIRS // len(signs))
    found = [(np.array([], int), np.array([], int))]
    for start in range(0, len(signs), rows):
        products = signs[start : start + rows] @ signs[start:].T
        first, second = np.nonzero(products >= agreement)
        later = first < second
        found.append((first[later] + start, second[later] + start))
    first, second = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(second)


def straddling(part: pd.Series, group: pd.Series) -> pd.Series:
    """Which rows have a copy in a later part, (rows,) bool: of train, validation, test in order.

    Left out, they make the split clean, and the test part stays what it was. part: (rows,) of
    PARTS, or "" where there is no split.
    """
    number = part.map({name: number for number, name in enumerate(PARTS)}).fillna(0)
    return number < number.groupby(group).transform("max")


def check_copies(table: pd.DataFrame) -> Iterator[Finding]:
    """Copies among the pictures, and those that bear different labels.

    table: with the columns path, label, group and sha256, a row for each picture.
    """
    exact = int(table["sha256"].duplicated().sum())
    near = int(table["group"].duplicated().sum()) - exact
    yield Finding(
        "copies",
        "note" if exact + near else "ok",
        f"{exact:,} pictures have the same bytes as another one, and {near:,} more look the same "
        f"({NEAR_BITS} of 256 bits of the perceptual hash differ at most)."
        + ("" if exact + near == 0 else " Copies share a group number: split by it."),
    )
    labels = table.groupby("group")["label"].nunique()
    torn = table[table["group"].isin(labels.index[labels > 1])]
    examples = [
        " and ".join(f"{path} ({label})" for path, label in zip(rows.path, rows.label, strict=True))
        for _, rows in list(torn.drop_duplicates(["group", "label"]).groupby("group"))[:NAMED]
    ]
    yield Finding(
        "copies with different labels",
        "note" if examples else "ok",
        f"{len(torn):,} pictures look like one of another class"
        + (f", such as {'; '.join(examples)}. Look which label is right." if examples else "."),
    )
