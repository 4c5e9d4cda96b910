"""A split by area: no patch around a pixel of one part shares a pixel with a patch of another."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from common.data.dataset import PARTS
from common.scenes.overlap import near

SHARES = {"train": 0.55, "validation": 0.2, "test": 0.25}
CONNECTED = np.ones((3, 3))  # pixels that touch at a corner are neighbours, too


def fields_of(labels: np.ndarray) -> np.ndarray:
    """The number of each pixel's field, a connected region of one label, (rows, columns) from 1.

    labels: (rows, columns) whole numbers; 0 is no label, and no field.
    """
    fields = np.zeros(labels.shape, int)
    for label in np.unique(labels[labels > 0]):
        found, _ = ndimage.label(labels == label, CONNECTED)
        fields[found > 0] = found[found > 0] + fields.max()
    return fields


def split_by_area(
    labels: np.ndarray, side: int, seed: int, whole_fields: bool = False
) -> np.ndarray:
    """The part of each pixel, (rows, columns) text; "" without a label and in the gaps.

    labels: as in `fields_of`; side: of the patches, in pixels. Every field is cut into parts, see
    `cut`; with whole_fields only those of classes that have no three. Of the others the largest
    field trains, another one validates, another one tests, and the rest is dealt at random. Then
    pixels are dropped until no patches of two parts overlap: the commoner class gives way. A field
    too small to be cut trains.
    """
    generator = np.random.default_rng(seed)
    fields = fields_of(labels)
    part = np.full(labels.shape, "", "U10")
    counts = np.bincount(labels.ravel())
    rarest_first = [label for label in np.argsort(counts, kind="stable") if label and counts[label]]
    for label in rarest_first:
        numbers = np.unique(fields[labels == label])
        if whole_fields and len(numbers) >= len(PARTS):
            dealt = list(deal(fields, numbers, generator))
        else:
            dealt = [piece for each in numbers for piece in cut(fields == each, side, generator)]
        for name in ("test", "validation", "train"):
            for piece in (piece for other, piece in dealt if other == name):
                taken = near((part != "") & (part != name), side)
                part[piece & ~taken] = name
    return part


def deal(
    fields: np.ndarray, numbers: np.ndarray, generator: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Whole fields to parts: (part, mask) of each of these numbers."""
    sizes = np.bincount(fields.ravel())[numbers]
    largest = numbers[np.argmax(sizes)]
    others = generator.permutation(numbers[numbers != largest])
    rest = generator.choice(list(SHARES), len(others) - 2, p=list(SHARES.values()))
    for number, name in zip(
        (largest, *others), ("train", "test", "validation", *rest), strict=True
    ):
        yield name, fields == number


def cut(
    field: np.ndarray, side: int, generator: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """A field, (rows, columns) bool, cut across its longer side: (part, mask) of its pieces.

    The middle trains, one end validates and the other one tests, so that both lie equally far from
    training; where there is no room for three, one end trains. The pieces lie far enough apart for
    their patches. A field without room for two trains as a whole.
    """
    places = np.argwhere(field)
    axis = int(np.argmax(np.ptp(places, axis=0)))
    length = int(np.ptp(places[:, axis])) + 1
    along = np.arange(field.shape[axis]) - places[:, axis].min()
    if generator.random() < 0.5:
        along = length - 1 - along
    gap = side - 1
    names = ["validation", "train", "test"]
    if round((length - 2 * gap) * SHARES["validation"]) < 1:
        names = ["train", "test"]
    usable = length - (len(names) - 1) * gap
    if usable < len(names):
        yield "train", field
        return
    whole = sum(SHARES[name] for name in names)
    lengths = {name: max(1, round(usable * SHARES[name] / whole)) for name in names}
    lengths["train"] += usable - sum(lengths.values())
    start = 0
    for name in names:
        lines = (along >= start) & (along < start + lengths[name])
        yield name, field & (lines[:, None] if axis == 0 else lines)
        start += lengths[name] + gap
