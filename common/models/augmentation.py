"""Pictures changed at random in training, so that a network learns what does not matter in them.

`augmented` is part of a network: it acts in training and lets pictures pass as they are otherwise.
`mixup` and `cutmix` join the pictures of a batch, and their targets with them, before the network.
All draw from Keras's seed generators, which common/training/batches.py sets for every epoch.
"""

from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers, ops

from common.errors import UserError

Flip = Literal["none", "horizontal", "vertical", "both"]
AUGMENTED = "augmented"  # the name of the layer that gives the pictures as training sees them


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a picture in training; nothing by default.

    flip: mirrored left to right, top to bottom, or both, each for half of the pictures.
    rotation: the largest angle, in degrees, either way.
    crop: the largest shift along each side, as a share of it: what a crop from a padded picture is.
    brightness: the largest change, as a share of the range from black to white, either way.

    Empty places are filled with the mirrored picture. Choose what leaves the answer as it is: an
    upside-down solar cell is a solar cell, an upside-down 6 is a 9.
    """

    flip: Flip = "none"
    rotation: float = 0.0
    crop: float = 0.0
    brightness: float = 0.0


def augmented(picture: keras.KerasTensor, augmentation: Augmentation) -> keras.KerasTensor:
    """Pictures (batch, height, width, channels) uint8 as float32, 0 to 255, changed in training.

    A shift moves whole pixels, so that only the rotation interpolates. What comes out is that of a
    layer "augmented". UserError for an angle beyond 180 degrees, or a share beyond 1.
    """
    check_augmentation(augmentation)
    picture = ops.cast(picture, "float32")
    for direction in ("horizontal", "vertical"):  # Keras draws once for both in a joint layer
        if augmentation.flip in (direction, "both"):
            picture = layers.RandomFlip(direction, dtype="float32")(picture)
    if augmentation.rotation:
        turn = augmentation.rotation / 360
        picture = layers.RandomRotation(turn, fill_mode="reflect", dtype="float32")(picture)
    if augmentation.crop:
        picture = layers.RandomTranslation(
            augmentation.crop,
            augmentation.crop,
            fill_mode="reflect",
            interpolation="nearest",
            dtype="float32",
        )(picture)
    if augmentation.brightness:
        picture = layers.RandomBrightness(
            augmentation.brightness, value_range=(0, 255), dtype="float32"
        )(picture)
    return layers.Identity(name=AUGMENTED, dtype="float32")(picture)


def check_augmentation(augmentation: Augmentation) -> None:
    """UserError for a setting outside its range."""
    for name, largest in (("rotation", 180), ("crop", 1), ("brightness", 1)):
        value = getattr(augmentation, name)
        if not 0 <= value <= largest:
            raise UserError(
                f"{name} is {value:g}. It has to be from 0 (off) to {largest}: "
                + ("the largest angle in degrees." if name == "rotation" else "a share.")
            )


def mixup(images, targets, generator: keras.random.SeedGenerator, alpha: float = 0.2):
    """Each picture blended with the one before it in the batch, and its target likewise.

    images: (batch, height, width, channels), uint8; targets: (batch,) or (batch, classes), floats:
    a probability or number, or one-hot rows. The order of the batch has to be random already.
    A picture keeps a share drawn from Beta(alpha, alpha). Returns both in their shapes, the
    pictures rounded to uint8, the targets float32.
    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, equation 1,
    https://arxiv.org/abs/1710.09412.
    """
    share = keras.random.beta((ops.shape(images)[0],), alpha, alpha, seed=generator)
    own = share[:, None, None, None]
    images = ops.cast(images, "float32")
    blended = own * images + (1 - own) * before(images)
    return ops.cast(ops.round(blended), "uint8"), mixed_targets(targets, share)


def cutmix(images, targets, generator: keras.random.SeedGenerator, alpha: float = 1.0):
    """In each picture a rectangle of the one before it in the batch; targets mixed by the areas.

    Takes and returns what `mixup` does. The rectangle has the picture's proportions, the share
    1 - Beta(alpha, alpha) of its area and a centre anywhere; what lies outside is cut off, and the
    target follows the area that is left.
    Yun et al., "CutMix", ICCV 2019, section 3.1 and algorithm A1, https://arxiv.org/abs/1905.04899.
    """
    batch, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]
    share = keras.random.beta((batch,), alpha, alpha, seed=generator)
    side = ops.sqrt(1 - share)
    pasted = ops.logical_and(
        within(side, height, generator)[:, :, None], within(side, width, generator)[:, None, :]
    )
    kept = 1 - ops.mean(ops.cast(pasted, "float32"), axis=(1, 2))
    return ops.where(pasted[..., None], before(images), images), mixed_targets(targets, kept)


def within(side, length: int, generator: keras.random.SeedGenerator):
    """Which of `length` places lie in a stretch of the share `side` (batch,) with random centre."""
    centre = keras.random.uniform(ops.shape(side), 0, length, seed=generator)
    place = ops.arange(length, dtype="float32") + 0.5
    return ops.abs(place[None] - centre[:, None]) < side[:, None] * length / 2


def before(values):
    """For each row of a batch the one before it; for the first one the last."""
    return ops.roll(values, 1, axis=0)


def mixed_targets(targets, share):
    """Targets (batch, …), the share (batch,) of each its own, the rest of the row before."""
    targets = ops.convert_to_tensor(targets)
    if not keras.backend.is_float_dtype(targets.dtype):
        raise ValueError(f"targets are {targets.dtype}; class numbers do not mix, one-hot rows do")
    targets = ops.cast(targets, "float32")
    share = ops.reshape(share, (-1,) + (1,) * (len(targets.shape) - 1))
    return share * targets + (1 - share) * before(targets)
