"""What `tune` may change in the config of run.py, and how far."""

from common.tune.space import Choice, Real, Whole

SPACE = {
    "hidden_units": Choice(((64,), (128, 64), (256, 128), (512, 256), (256, 128, 64))),
    "dropout": Real(0.0, 0.6),
    "embedding_dimension": Whole(2, 32, logarithmic=True),
    "learning_rate": Real(3e-5, 1e-2, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "batch_size": Choice((256, 1024, 4096)),
}
