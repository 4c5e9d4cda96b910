"""Made-up rows in the shape that an encoder gives, where only their shape matters."""

import numpy as np

NUMBERS, SIZES = 9, (4, 5, 8, 9, 10)  # columns of numbers; ids of each category column


def made_up_rows(rows: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Encoded inputs like an encoder's, the last number a 0/1 mark, and a target of 0 and 1."""
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(rows, NUMBERS)).clip(-8, 8).astype("float32")
    numbers[:, -1] = numbers[:, -1] > 1
    numbers[:, -2] = numbers[:, -2].round()  # fewer bins than the others
    categories = np.stack([generator.integers(0, size, rows) for size in SIZES], axis=1)
    target = numbers[:, 0] + generator.normal(size=rows) > 0
    inputs = {"numbers": numbers, "categories": categories.astype("int32")}
    return inputs, target.astype("float32")
