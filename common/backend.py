"""Start TensorFlow and Keras: quietly, and with the precision that suits this machine."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

os.environ["KERAS_BACKEND"] = "tensorflow"
# Threads of scikit-learn and LightGBM that wait for each other otherwise burn the cores that other
# work could have: beside it a boosting of seconds took minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def start_backend(precision: str = "auto", deterministic: bool = False) -> dict[str, str]:
    """Import Keras, set the precision policy, and tell what training will run on.

    precision: "float32", "mixed_bfloat16" (weights in float32, products in bfloat16), or "auto":
    mixed where every graphics card has tensor cores for bfloat16 (compute capability 8 and newer),
    else float32, since on processors bfloat16 is the slower one.
    deterministic: have TensorFlow refuse or replace operations whose result depends on timing.
    Returns device and precision by name, for the record of the run.
    """
    with silenced_start_up():
        import keras
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(card) for card in cards]
        tf.constant(0)  # the rest of the start-up lines comes with the first tensor
        tf.get_logger().setLevel("ERROR")  # its hints on retracing follow every new batch size
    if precision == "auto":
        capable = [detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details]
        precision = "mixed_bfloat16" if cards and all(capable) else "float32"
    keras.config.set_dtype_policy(precision)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    names = [detail.get("device_name", "GPU") for detail in details]
    return {"device": ", ".join(names) or f"CPU, {os.cpu_count()} cores", "precision": precision}


@contextmanager
def silenced_start_up() -> Iterator[None]:
    """Hide what TensorFlow's C++ half writes to standard error while it starts.

    Its notices on processor features and absent graphics cards come before any log level counts;
    Python's own exceptions still come through.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
