"""What a network has to know of the encoded rows that it is to learn from."""

from dataclasses import dataclass, field

import keras
import numpy as np

from common.models.names import layer_name

IMAGE = "image"  # the name of the input that takes pictures
PATCH = "patch"  # of the input that takes patches of a scene
TOKENS = "_tokens"  # ends the names of the inputs that take texts


@dataclass(frozen=True)
class Tokens:
    """A column of texts as encoded: ids from 0, which fills up, to vocabulary_size - 1.

    length: of the longest row, longer texts being cut; batches may be narrower.
    """

    vocabulary_size: int
    length: int


@dataclass(frozen=True)
class Bands:
    """The patches of a scene: their side in pixels, and what the bands are in training.

    means, deviations: (bands,) float32, of the pixels in the middle of the training patches.
    """

    side: int
    means: np.ndarray
    deviations: np.ndarray


def describe_bands(side: int, spectra: np.ndarray) -> Bands:
    """What networks have to know of patches; spectra: (pixels, bands), those of training."""
    deviations = spectra.std(axis=0, dtype=float)
    deviations[deviations == 0] = 1  # a band without any change says nothing, whatever its scale
    means = spectra.mean(axis=0, dtype=float)
    return Bands(side, means.astype("float32"), deviations.astype("float32"))


def no_numbers() -> np.ndarray:
    return np.zeros((0, 0), "float32")


@dataclass(frozen=True)
class Table:
    """What a network has to know of its encoded training rows.

    numbers: (rows, n) float32, as encoded, of the training rows or a sample of them: bins for
        embeddings of numbers are cut from it; n may be 0.
    vocabularies: category column to the number of its ids, the missing and the unseen one included.
    image_shape: height, width and channels of the pictures, where rows have one.
    texts: column of texts to its tokens.
    bands: of the patches of scenes, where rows have one.
    """

    numbers: np.ndarray = field(default_factory=no_numbers)
    vocabularies: dict[str, int] = field(default_factory=dict)
    image_shape: tuple[int, int, int] | None = None
    texts: dict[str, Tokens] = field(default_factory=dict)
    bands: Bands | None = None

    @property
    def has_columns(self) -> bool:
        """Whether rows have numbers or categories."""
        return bool(self.numbers.shape[1] or self.vocabularies)

    def inputs(self) -> dict[str, keras.KerasTensor]:
        """Fresh inputs of a network, in the shapes of the encoded rows.

        "numbers" (batch, n) float32, "categories" (batch, k) int32, "image" (batch, height, width,
        channels) uint8, "patch" (batch, side, side, bands) float32, and for each text column its
        name with "_tokens", (batch, tokens) int32 with 0 after the last token; of these only what
        rows have.
        """
        width = self.numbers.shape[1]
        inputs = {}
        if width:
            inputs["numbers"] = keras.Input((width,), name="numbers", dtype="float32")
        if self.vocabularies:
            shape = (len(self.vocabularies),)
            inputs["categories"] = keras.Input(shape, name="categories", dtype="int32")
        if self.image_shape:
            inputs[IMAGE] = keras.Input(self.image_shape, name=IMAGE, dtype="uint8")
        if self.bands:
            shape = (self.bands.side, self.bands.side, len(self.bands.means))
            inputs[PATCH] = keras.Input(shape, name=PATCH, dtype="float32")
        for column in self.texts:
            name = tokens_name(column)
            inputs[name] = keras.Input((None,), name=name, dtype="int32")
        return inputs


def tokens_name(column: str) -> str:
    """The name of the input for a column of texts."""
    return layer_name(column, TOKENS)
