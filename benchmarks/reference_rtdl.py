"""Are our ResNet and FT-Transformer the authors'? Outputs beside the package's, same weights.

    pip install -r requirements-bench.txt
    python -m benchmarks.reference_rtdl        half a minute; writes benchmarks/reference_rtdl.md

The package is rtdl_revisiting_models (PyTorch). Noise is added to every weight and running
statistic before the copy, since some start at exactly 0 or 1. Initialisation is not compared: ours
is Keras's usual one, and the papers' for tokens.
"""

import re
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import keras
import numpy as np
import torch
from keras import layers
from rtdl_revisiting_models import FTTransformer, ResNet

from common.models.ft_transformer import build_ft_transformer
from common.models.heads import LEARNED, Target
from common.models.resnet import build_resnet
from common.models.table import Table

PAGE = Path(__file__).with_suffix(".md")
ROWS, NUMBERS, SIZES = 512, 7, (4, 5, 30)
LIMIT = 1e-5  # on the difference of outputs


def created(network: keras.Model, kind: type[layers.Layer]) -> list[layers.Layer]:
    """The layers of one kind in the order of their creation, which numbers their names."""
    found = [layer for layer in network.layers if type(layer) is kind and layer.name != LEARNED]
    return sorted(found, key=lambda layer: int(re.search(r"\d*$", layer.name)[0] or 0))


def copy_linear(ours: list[layers.Layer], theirs: list[torch.nn.Linear]) -> None:
    for layer, module in zip(ours, theirs, strict=True):
        layer.kernel.assign(module.weight.detach().T.numpy())
        layer.bias.assign(module.bias.detach().numpy())


def copy_norms(ours: list[layers.Layer], theirs: list[torch.nn.Module]) -> None:
    for layer, module in zip(ours, theirs, strict=True):
        parts = [module.weight, module.bias]
        if isinstance(module, torch.nn.BatchNorm1d):
            parts += [module.running_mean, module.running_var]
        layer.set_weights([part.detach().numpy() for part in parts])


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """The module in evaluation mode, with noise on its weights and running statistics."""
    with torch.no_grad():
        for values in [*module.parameters(), *module.buffers()]:
            if values.is_floating_point():
                values += 0.2 * torch.rand_like(values) - 0.1
    return module.eval()


def largest_difference(network: keras.Model, inputs: dict, expected: torch.Tensor) -> float:
    return float(np.abs(network.predict_on_batch(inputs) - expected.detach().numpy()).max())


def resnet_difference(numbers: np.ndarray) -> float:
    module = shaken(
        ResNet(
            d_in=NUMBERS, d_out=1, n_blocks=3, d_block=32, d_hidden_multiplier=2.0,
            dropout1=0.15, dropout2=0.1,
        )
    )  # fmt: skip
    network = build_resnet(Table(numbers, {}), Target("regression"), blocks=3, units=32)
    linears = [module.input_projection]
    for block in module.blocks:
        linears += [block.linear1, block.linear2]
    norms = [block.normalization for block in module.blocks] + [module.output.normalization]
    copy_linear(created(network, layers.Dense), linears)
    copy_linear([network.get_layer(LEARNED)], [module.output.linear])
    copy_norms(created(network, layers.BatchNormalization), norms)
    return largest_difference(network, {"numbers": numbers}, module(torch.tensor(numbers)))


def ft_transformer_difference(numbers: np.ndarray, categories: np.ndarray) -> float:
    module = shaken(
        FTTransformer(
            n_cont_features=NUMBERS, cat_cardinalities=list(SIZES), d_out=1, n_blocks=3, d_block=24,
            attention_n_heads=4, attention_dropout=0.2, ffn_d_hidden_multiplier=4 / 3,
            ffn_dropout=0.1, residual_dropout=0.0,
        )
    )  # fmt: skip
    table = Table(numbers, {f"category_{number}": size for number, size in enumerate(SIZES)})
    network = build_ft_transformer(table, Target("regression"), blocks=3, units=24, heads=4)
    embeddings = [module.cls_embedding.weight[None]]
    embeddings += [
        embedding.weight + bias
        for embedding, bias in zip(
            module.cat_embeddings.embeddings, module.cat_embeddings.bias, strict=True
        )
    ]
    network.get_layer("cls_and_categories").set_weights([torch.cat(embeddings).detach().numpy()])
    tokens = [module.cont_embeddings.weight, module.cont_embeddings.bias]
    network.get_layer("numbers_linear").set_weights([part.detach().numpy() for part in tokens])
    linears, norms = [], []
    for block in module.backbone.blocks:
        attention, forward = block["attention"], block["ffn"]
        linears += [attention.W_q, attention.W_k, attention.W_v, attention.W_out]
        linears += [forward.linear1, forward.linear2]
        norms += [block["attention_normalization"]] if norms else []
        norms.append(block["ffn_normalization"])
    copy_linear(created(network, layers.Dense), linears)
    copy_linear([network.get_layer(LEARNED)], [module.backbone.output.linear])
    copy_norms(
        created(network, layers.LayerNormalization), [*norms, module.backbone.output.normalization]
    )
    expected = module(torch.tensor(numbers), torch.tensor(categories).long())
    return largest_difference(network, {"numbers": numbers, "categories": categories}, expected)


def main() -> None:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(ROWS, NUMBERS)).astype("float32")
    categories = np.stack([generator.integers(0, size, ROWS) for size in SIZES], axis=1)
    found = {
        "ResNet, 3 blocks": resnet_difference(numbers),
        "FT-Transformer, 3 blocks": ft_transformer_difference(numbers, categories.astype("int32")),
    }
    assert max(found.values()) < LIMIT, found
    lines = [
        "# ResNet and FT-Transformer beside the authors' package",
        "",
        "Written by `python -m benchmarks.reference_rtdl`, which tells what is done.",
        "",
        f"Largest difference of the output over {ROWS} rows, after the copy of all weights; "
        f"allowed: {LIMIT:g}.",
        "",
        "| network | difference |",
        "| --- | --- |",
        *(f"| {name} | {difference:.1e} |" for name, difference in found.items()),
    ]
    PAGE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
