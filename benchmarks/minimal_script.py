"""The shortest honest Keras script for the arrays of flight_delays, as one would write it by hand.

The yardstick of benchmarks/overhead.py: same network, arrays, batch size, schedule and epochs; no
checks, checkpoints, baselines, intervals, pictures.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

arrays = dict(np.load(sys.argv[1]))
epochs = int(sys.argv[2])
sizes = arrays["sizes"].tolist()
keras.utils.set_random_seed(0)
numbers = keras.Input((arrays["train_numbers"].shape[1],), name="numbers")
categories = keras.Input((len(sizes),), dtype="int32", name="categories")
parts = [numbers]
for column, size in enumerate(sizes):
    parts.append(keras.layers.Embedding(size, min(8, (size + 1) // 2))(categories[:, column]))
hidden = keras.layers.Concatenate()(parts)
for units in (256, 256):
    hidden = keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal")(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
output = keras.layers.Dense(1, activation="sigmoid")(hidden)
model = keras.Model([numbers, categories], output)
steps = -(-len(arrays["train_target"]) // 1024)
schedule = keras.optimizers.schedules.CosineDecay(
    0.0, steps * (epochs - 1), warmup_target=1e-3, warmup_steps=steps
)
model.compile(
    keras.optimizers.AdamW(schedule, weight_decay=1e-4),
    "binary_crossentropy",
    metrics=[keras.metrics.AUC(name="roc_auc")],
)
part = {
    name: ([arrays[f"{name}_numbers"], arrays[f"{name}_categories"]], arrays[f"{name}_target"])
    for name in ("train", "validation", "test")
}
model.fit(
    *part["train"],
    batch_size=1024,
    epochs=epochs,
    validation_data=part["validation"],
    validation_batch_size=8192,
    verbose=2,
)
print(model.evaluate(*part["test"], batch_size=8192, verbose=0, return_dict=True))
