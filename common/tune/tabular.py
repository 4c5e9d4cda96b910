"""What `tune` may change in the settings that projects on a table share (common/tabular.py).

A project takes TABULAR_SPACE as it is, `space=TABULAR_SPACE`, or with a field of its own beside it;
BARE_SPACE is for numbers that go in as they are, without what says how they are cut.
"""

from common.tune.space import Choice, Real, Whole

TABULAR_SPACE = {
    "blocks": Whole(1, 4),
    "units": Choice((32, 64, 96, 128, 192, 256, 384, 512)),  # ft-transformer wants multiples of 8
    "dropout": Real(0.0, 0.5),
    "number_dimension": Whole(4, 32, logarithmic=True),
    "number_bins": Whole(16, 256, logarithmic=True),
    "embedding_dimension": Whole(2, 32, logarithmic=True),
    "one_hot_values": Whole(1, 128, logarithmic=True),
    "learning_rate": Real(1e-4, 1e-2, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
}
BARE_SPACE = {
    name: values for name, values in TABULAR_SPACE.items() if not name.startswith("number_")
}
