"""Is our TabM the authors' TabM? Outputs and initialisation beside the PyTorch packages.

    pip install -r requirements-bench.txt
    python -m benchmarks.reference_tabm        half a minute; writes benchmarks/reference_tabm.md

1. Weights of the packages tabm and rtdl_num_embeddings are copied into our networks; both compute
   the same rows, with the same edges of bins. Before, noise is added to every weight, since many
   start at exactly 0 or 1.
2. The starting weights of both are compared by a Kolmogorov-Smirnov test on each layer.

Speed is measured in benchmarks/tabm_speed.py.
"""

from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import keras
import numpy as np
import torch
from scipy.stats import ks_2samp

from benchmarks.made_up import NUMBERS, SIZES, made_up_rows
from benchmarks.tabm_pair import matched, our_weights, ours, theirs
from common.models.heads import LEARNED, Target

PAGE = Path(__file__).with_suffix(".md")
KINDS = ("none", "piecewise_linear", "periodic")
VARIANTS = ("tabm", "tabm-mini")
LIMIT = 1e-5  # on the difference of outputs
LEAST_P = 1e-4  # of the tests of initialisation, some forty of them


def difference(kind: str, variant: str, units: int) -> float:
    """Largest difference of the members' outputs on 512 rows, after the copy of all weights."""
    torch.manual_seed(0)
    inputs, _ = made_up_rows(2000)
    target = Target("regression") if units == 1 else Target("multiclass", (1 / units,) * units)
    settings = {"k": 8, "d_block": 64, "n_blocks": 3, "d_out": units, "arch_type": variant}
    module = theirs(inputs["numbers"], kind, **settings).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn(parameter.shape)
    network = ours(inputs["numbers"], kind, target, variant=variant, members=8, units=64, blocks=3)
    weights, copied = our_weights(network), matched(module)
    trained = {name for name in weights if "seed_generator" not in name}
    assert trained == set(copied), trained ^ set(copied)
    for name, value in copied.items():
        weights[name].assign(value)
    few = {name: array[:512] for name, array in inputs.items()}
    members = keras.Model(network.input, network.get_layer(LEARNED).output)
    with torch.no_grad():
        expected = module(torch.tensor(few["numbers"]), torch.tensor(few["categories"]).long())
        expected = expected if units == 1 else torch.softmax(expected, -1)
    return float(np.abs(members.predict_on_batch(few) - expected.numpy()).max())


def distinct(name: str, value: np.ndarray, members: int, widths: list[int]) -> np.ndarray:
    """The values that were drawn, without their repetitions, which are checked to be there."""
    if name == "scale_in_1/kernel":
        chunks = np.split(value.reshape(members, -1), np.cumsum(widths)[:-1], axis=1)
        assert all((chunk == chunk[:, :1]).all() for chunk in chunks)
        return np.concatenate([chunk[:, 0] for chunk in chunks])
    if name.startswith("bias"):
        rows = value.reshape(members, -1)
        assert (rows == rows[0]).all()
        return rows[0]
    return value.ravel()


def initialisation(kind: str, variant: str) -> list[str]:
    """Table rows: mean, deviation and extremes of both, and the p-value of the test."""
    inputs, _ = made_up_rows(2000)
    drawn: dict[str, tuple[list, list]] = {}
    for seed in range(4):
        keras.utils.set_random_seed(seed)
        torch.manual_seed(seed)
        module = theirs(inputs["numbers"], kind, d_out=1, arch_type=variant, n_blocks=2)
        network = ours(
            inputs["numbers"],
            kind,
            Target("regression"),
            variant=variant,
            members=32,
            units=512,
            blocks=2,
        )
        widths = [1 if kind == "none" else 16] * NUMBERS + list(SIZES)
        weights = our_weights(network)
        for name, value in matched(module).items():
            pair = drawn.setdefault(name, ([], []))
            pair[0].append(distinct(name, np.asarray(weights[name]), module.k, widths))
            pair[1].append(distinct(name, value, module.k, widths))
    lines = []
    for name, pair in drawn.items():
        values = [np.concatenate(parts) for parts in pair]
        if name == f"{LEARNED}/bias":  # differs by intent, as the page says
            continue
        if values[1].std() == 0:
            assert (values[0] == values[1]).all(), name
            continue
        told = [
            f"{part.mean():.4f} / {part.std():.4f} / {part.min():.3f} / {part.max():.3f}"
            for part in values
        ]
        p = ks_2samp(*(part[:100_000] for part in values)).pvalue
        assert p > LEAST_P, (variant, kind, name, p)
        lines.append(f"| {variant}, {kind} | {name} | {told[0]} | {told[1]} | {p:.3f} |")
    return lines


def main() -> None:
    lines = [
        "# TabM beside the authors' package",
        "",
        "Written by `python -m benchmarks.reference_tabm`, which tells what is done.",
        "",
        "## Outputs with the same weights",
        "",
        f"Largest difference over 512 rows and 8 members; allowed: {LIMIT:g}.",
        "",
        "| variant | numbers | regression | five classes |",
        "| --- | --- | --- | --- |",
    ]
    for variant in VARIANTS:
        for kind in KINDS:
            found = [difference(kind, variant, units) for units in (1, 5)]
            assert max(found) < LIMIT, (variant, kind, found)
            lines.append(f"| {variant} | {kind} | {found[0]:.1e} | {found[1]:.1e} |")
    lines += [
        "",
        "## Starting weights",
        "",
        "Mean / deviation / least / greatest over four seeds, 32 members, two layers of 512. What",
        "is drawn once (the first scale of a column, the bias of all members) counts once.",
        "Not listed: weights that start at exactly 0 or 1 in both, checked to be equal; and the",
        "bias of the last layer, which differs by intent: ours starts at the class shares of the",
        "training rows, or at the mean, theirs at random.",
        "",
        "| network | weight | ours | package | p-value |",
        "| --- | --- | --- | --- | --- |",
    ]
    for variant in VARIANTS:
        for kind in KINDS:
            lines += initialisation(kind, variant)
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
