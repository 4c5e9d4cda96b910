"""What `tune` may change in the settings that projects on pairs of texts share (common/pairs.py).

PAIR_SPACE is for networks that learn from scratch and for the head of sentence vectors,
FINE_TUNING_SPACE for a BERT that learns on: it is spoilt by larger steps. A project takes one as it
is, `space=PAIR_SPACE`, or with a field of its own beside it.
"""

from common.tune.space import Real, Whole

PAIR_SPACE = {
    "learning_rate": Real(3e-4, 1e-1, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "dimension": Whole(16, 256, logarithmic=True),
}
FINE_TUNING_SPACE = {
    "learning_rate": Real(5e-6, 5e-4, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
}
