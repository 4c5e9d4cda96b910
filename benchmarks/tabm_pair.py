"""The same TabM twice, ours and the authors' (package tabm, PyTorch), for reference_tabm.py."""

import keras
import numpy as np
import torch
from rtdl_num_embeddings import PeriodicEmbeddings, PiecewiseLinearEmbeddings
from tabm import TabM

from benchmarks.made_up import NUMBERS, SIZES
from common.models.heads import LEARNED, Target
from common.models.number_embeddings import BINS, quantile_edges
from common.models.table import Table
from common.models.tabm import build_tabm


def theirs(numbers: np.ndarray, kind: str, **settings) -> TabM:
    """The package's network; its bins are those of ours, which cut them in another way."""
    embeddings = None
    if kind == "piecewise_linear":
        bins = [torch.tensor(edges) for edges in quantile_edges(numbers, BINS)]
        embeddings = PiecewiseLinearEmbeddings(bins, 16, activation=False, version="B")
    elif kind == "periodic":
        embeddings = PeriodicEmbeddings(NUMBERS, 16, lite=False)
    return TabM.make(
        n_num_features=NUMBERS, cat_cardinalities=list(SIZES), num_embeddings=embeddings, **settings
    )


def ours(numbers: np.ndarray, kind: str, target: Target, **settings) -> keras.Model:
    table = Table(numbers, {f"category_{number}": size for number, size in enumerate(SIZES)})
    return build_tabm(table, target, number_embedding=kind, number_dimension=16, **settings)


def matched(module: TabM) -> dict[str, np.ndarray]:
    """The weights of the package's module under the names and in the shapes of ours."""
    weights = {}
    numbers = module.num_module
    if isinstance(numbers, PiecewiseLinearEmbeddings):
        weights["numbers_linear/kernel"] = numbers.linear0.weight
        weights["numbers_linear/bias"] = numbers.linear0.bias
        weights["numbers_bins/kernel"] = last_bin_in_its_place(numbers)
    elif isinstance(numbers, PeriodicEmbeddings):
        weights["numbers_frequencies/kernel"] = numbers.periodic.weight
        weights["numbers_periodic/kernel"] = numbers.linear.weight
        weights["numbers_periodic/bias"] = numbers.linear.bias
    if hasattr(module.backbone, "affine"):
        weights["scale_in_1/kernel"] = module.backbone.affine.weight.reshape(1, -1)
    for block, (layer, *_) in enumerate(module.backbone.blocks, start=1):
        weights[f"shared_{block}/kernel"] = layer.weight.T
        if hasattr(layer, "r"):
            weights[f"scale_in_{block}/kernel"] = layer.r.reshape(1, -1)
            weights[f"scale_out_{block}/kernel"] = layer.s.reshape(1, -1)
            weights[f"bias_{block}/kernel"] = layer.bias.reshape(1, -1)
        else:
            weights[f"shared_{block}/bias"] = layer.bias
    weights[f"{LEARNED}/kernel"] = module.output.weight
    weights[f"{LEARNED}/bias"] = module.output.bias
    return {name: weight.detach().numpy() for name, weight in weights.items()}


def last_bin_in_its_place(embeddings: PiecewiseLinearEmbeddings) -> torch.Tensor:
    """The package keeps each number's last bin in the last place; we keep bins in their order."""
    weight = embeddings.linear.weight.detach().clone()
    bins = (embeddings.impl.weight != 0).sum(1)
    for number, count in enumerate(bins):
        last = weight[number, -1].clone()
        weight[number, count - 1 :] = 0
        weight[number, count - 1] = last
    return weight


def our_weights(network: keras.Model) -> dict[str, keras.Variable]:
    return {weight.path: weight for weight in network.weights}
