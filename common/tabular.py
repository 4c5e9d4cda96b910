"""The settings that every project on a table shares, and the network they name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.project import TrainingConfig, expect

if TYPE_CHECKING:
    import keras

    from common.models.heads import Target
    from common.models.table import Table

NumberEmbedding = Literal["none", "linear", "piecewise_linear", "periodic"]  # none: as it is


@dataclass(frozen=True)
class TabularConfig(TrainingConfig):
    """A network for a table, and its size; a project's own dataclass sets other defaults."""

    model: Literal["tabm", "tabm-mini", "mlp", "resnet", "ft-transformer", "linear"] = "tabm"
    blocks: int = 2  # layers, residual blocks, or rounds of attention
    units: int = 256  # neurons in a layer; the length of a column's vector in ft-transformer
    members: int = 16  # of tabm and tabm-mini: networks in one, whose answers are averaged
    dropout: float = 0.1  # share of neurons silenced in each training step
    number_embedding: NumberEmbedding = "piecewise_linear"  # what a number becomes
    number_dimension: int = 12  # length of a number's vector
    number_bins: int = 48  # bins a number is cut into, at most, by piecewise_linear
    embedding_dimension: int = 8  # length of a category's vector
    one_hot_values: int = 8  # of tabm: categories of at most so many values are one-hot instead

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (
            *("blocks", "units", "members"),
            *("number_dimension", "number_bins", "embedding_dimension"),
        ):
            expect(self, name, getattr(self, name) >= 1, "a whole number from 1")
        expect(self, "one_hot_values", self.one_hot_values >= 0, "0 or a positive whole number")
        expect(self, "dropout", 0 <= self.dropout < 1, "from 0 to below 1")


def build_tabular(config: TabularConfig, table: "Table", target: "Target") -> "keras.Model":
    """The network that `config` names, from encoded columns to the answer."""
    from common.models.ft_transformer import build_ft_transformer
    from common.models.mlp import build_linear, build_mlp
    from common.models.resnet import build_resnet
    from common.models.tabm import build_tabm

    embeddings = {
        "number_embedding": config.number_embedding,
        "number_dimension": config.number_dimension,
        "number_bins": config.number_bins,
        "embedding_dimension": config.embedding_dimension,
    }
    if config.model == "linear":
        return build_linear(table, target)
    if config.model == "mlp":
        hidden_units = (config.units,) * config.blocks
        return build_mlp(table, target, hidden_units, config.dropout, **embeddings)
    if config.model == "resnet":
        return build_resnet(
            table, target, config.blocks, config.units, config.dropout, **embeddings
        )
    if config.model == "ft-transformer":
        return build_ft_transformer(
            table,
            target,
            config.blocks,
            config.units,
            hidden_dropout=config.dropout,
            number_embedding="linear"  # the least that makes a token of a number
            if config.number_embedding == "none"
            else config.number_embedding,
            number_bins=config.number_bins,
        )
    return build_tabm(
        table,
        target,
        config.model,
        config.members,
        config.blocks,
        config.units,
        config.dropout,
        one_hot_values=config.one_hot_values,
        **embeddings,
    )
