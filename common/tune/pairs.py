"""What `tune` may change in the settings that projects on pairs of texts share (common/pairs.py).

A project takes it as it is, `space=PAIR_SPACE`, or with a field of its own beside it. The learning
rate spans what a BERT wants that learns on (the small end) and what k-nrm wants (the large one).
"""

from common.tune.space import Real, Whole

PAIR_SPACE = {
    "learning_rate": Real(5e-6, 1e-1, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "dimension": Whole(16, 256, logarithmic=True),
}
