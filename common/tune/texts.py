"""What `tune` may change in the settings that projects on texts share (common/texts.py).

For the networks that learn from scratch. A project takes it as it is, `space=TEXT_SPACE`, or with a
field of its own beside it.
"""

from common.tune.space import Real, Whole

TEXT_SPACE = {
    "learning_rate": Real(1e-4, 3e-2, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "dropout": Real(0.0, 0.7),
    "dimension": Whole(16, 256, logarithmic=True),
    "ngrams": Whole(1, 4),
}
