"""What `tune` may change in the settings that projects on pictures share (common/pictures.py).

A project takes it as it is, `space=PICTURE_SPACE`, or with a field of its own beside it.
"""

from common.tune.space import Choice, Real

PICTURE_SPACE = {
    "learning_rate": Real(3e-5, 3e-3, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "dropout": Real(0.0, 0.5),
    "crop": Real(0.0, 0.3),
    "rotation": Real(0.0, 30.0),
    "brightness": Real(0.0, 0.3),
    "mix": Choice(("none", "mixup", "cutmix")),
}
