"""The settings that every project on texts shares, and the network they name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.errors import UserError
from common.project import TrainingConfig, expect
from common.text.form import TextForm, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import keras

    from common.evaluation.baselines import Fit
    from common.models.heads import Target
    from common.models.table import Table
    from common.training.stages import Stage

SHORT = 64  # tokens; up to here a text is short


@dataclass(frozen=True)
class TextConfig(TrainingConfig):
    """A network for texts, and what it reads of them; a project's own class sets other defaults."""

    batch_size: int = 128  # texts in one step of the optimizer
    model: Literal["bag-of-ngrams", "cnn", "lstm", "gru", "transformer", "bert"] = "bag-of-ngrams"
    unit: Unit = "words"  # what a token is; bert reads the word pieces of a pretrained one
    length: int = 128  # tokens of a text that are read; the rest is cut off
    vocabulary: int = 20_000  # tokens at most that are known
    dimension: int = 64  # length of a token's vector
    ngrams: int = 2  # of bag-of-ngrams: runs of up to so many tokens count, too
    folder: str = ""  # of bert: a checkpoint in Hugging Face layout; by default all-MiniLM-L6-v2
    head_epochs: int = 0  # of bert: epochs before the others, of its head alone
    head_learning_rate: float = 1e-3  # peak in those epochs
    thawed: float = 1.0  # of bert: share of its blocks, from the last on, that learn; 0: none
    layer_decay: float = 1.0  # of bert: what a block's learning rate is of that of the next one
    dropout: float = 0.3  # share of features silenced in each training step

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("length", "vocabulary", "dimension", "ngrams"):
            expect(self, name, getattr(self, name) >= 1, "a whole number from 1")
        expect(self, "head_epochs", self.head_epochs >= 0, "0 or a positive whole number")
        expect(self, "head_learning_rate", 0 < self.head_learning_rate < 10, "between 0 and 10")
        expect(self, "thawed", 0 <= self.thawed <= 1, "from 0 (none learns) to 1")
        expect(self, "layer_decay", 0 < self.layer_decay <= 1, "above 0, 1 at most")
        expect(self, "dropout", 0 <= self.dropout < 1, "from 0 to below 1")
        if not (self.head_epochs or self.thawed):
            raise UserError("With head_epochs 0 and thawed 0 nothing would learn.")

    @property
    def form(self) -> TextForm:
        """How texts become tokens: as this network reads them."""
        unit = "bert" if self.model == "bert" else self.unit
        return TextForm(unit, self.length, self.vocabulary, folder=self.folder)


def build_text(config: TextConfig, table: "Table", target: "Target") -> "keras.Model":
    """The network that `config` names, from ids of tokens to the answer."""
    from common.models import text

    settings = {"dimension": config.dimension, "dropout": config.dropout}
    if config.model == "bert":
        from common.models.bert import build_bert
        from common.models.bert_weights import minilm_folder

        return build_bert(table, target, config.folder or minilm_folder(), dropout=config.dropout)
    if config.model == "bag-of-ngrams":
        return text.build_bag_of_ngrams(table, target, ngrams=config.ngrams, **settings)
    if config.model == "cnn":
        return text.build_text_cnn(table, target, **settings)
    if config.model == "transformer":
        return text.build_text_transformer(table, target, **settings)
    return text.build_text_rnn(table, target, config.model, **settings)


def text_baselines(config: TextConfig) -> "Mapping[str, Fit]":
    """The rival: a linear model on words, or on runs of characters where these are the tokens.

    Both on short texts, where runs of characters often do better and cost little.
    """
    from common.evaluation.text_baselines import tfidf_characters, tfidf_words

    rivals = {"tfidf_words": tfidf_words, "tfidf_characters": tfidf_characters}
    if config.unit == "characters":
        del rivals["tfidf_words"]
    elif config.length > SHORT:
        del rivals["tfidf_characters"]
    return rivals


def stages_of(
    config: TextConfig, network: "keras.Model", table: "Table", target: "Target"
) -> "Iterable[Stage]":
    """The trainings that the network goes through: one, or two with BERT."""
    if config.model != "bert":
        from common.training.stages import one_stage

        return one_stage(config, network, table, target)
    from common.training.transfer import head_then_bert

    return head_then_bert(config, network, table, target)
