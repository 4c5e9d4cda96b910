"""The settings that every project on pairs of texts shares, and the network they name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.errors import UserError
from common.project import TrainingConfig, expect
from common.text.form import TextForm, Unit

if TYPE_CHECKING:
    import keras

    from common.evaluation.baselines import Fit
    from common.models.heads import Target
    from common.models.table import Table
    from common.training.learner import Learner
    from common.training.stages import Stage

PairModel = Literal[
    "dssm",
    "match-pyramid",
    "k-nrm",
    "decomposable-attention",
    "esim",
    "sentence-vectors",
    "bi-encoder",
    "cross-encoder",
]
BERTS = ("sentence-vectors", "bi-encoder", "cross-encoder")
TOWERS = ("dssm", "bi-encoder")  # networks that make a vector of each text


@dataclass(frozen=True)
class PairConfig(TrainingConfig):
    """A network for pairs of texts, and what it reads; a project's own class sets other defaults.

    loss: "pairs" is of each pair by itself; "in-batch" adds the choice of the match among all
    second texts of a batch, for networks that make a vector of each text.
    """

    batch_size: int = 64  # pairs in one step of the optimizer
    model: PairModel = "bi-encoder"
    loss: Literal["pairs", "in-batch"] = "in-batch"  # in-batch: for dssm and bi-encoder
    unit: Unit = "words"  # what a token is; "bert": word pieces with the vectors of a BERT
    length: int = 128  # tokens of each text that are read; the rest is cut off
    vocabulary: int = 20_000  # tokens at most that are known
    dimension: int = 128  # length of a token's vector, where it is learned
    folder: str = ""  # of a BERT in Hugging Face layout; by default all-MiniLM-L6-v2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("length", "vocabulary", "dimension"):
            expect(self, name, getattr(self, name) >= 1, "a whole number from 1")
        if self.loss == "in-batch" and self.model not in TOWERS:
            raise UserError(
                f"loss in-batch needs a network that makes a vector of each text, not {self.model}."
                f" Use --loss pairs, or --model {' or '.join(TOWERS)}."
            )

    @property
    def form(self) -> TextForm:
        """How both texts of a pair become tokens."""
        unit = "bert" if self.model in BERTS else self.unit
        return TextForm(unit, self.length, self.vocabulary, folder=self.folder)


def build_pairs(config: PairConfig, table: "Table", target: "Target") -> "keras.Model":
    """The network that `config` names, from ids of both texts to the probability of a match."""
    from common.models import pairs, pairs_by_token

    if config.model in BERTS:
        from common.models.bert_weights import minilm_folder

        build = {
            "sentence-vectors": pairs.build_sentence_vectors,
            "bi-encoder": pairs.build_bert_bi_encoder,
            "cross-encoder": pairs.build_bert_cross_encoder,
        }[config.model]
        return build(table, target, config.folder or minilm_folder())
    build = {
        "dssm": pairs.build_dssm,
        "match-pyramid": pairs_by_token.build_match_pyramid,
        "k-nrm": pairs_by_token.build_knrm,
        "decomposable-attention": pairs_by_token.build_decomposable_attention,
        "esim": pairs_by_token.build_esim,
    }[config.model]
    vectors = None
    if config.unit == "bert":
        from common.models.bert_weights import minilm_folder, word_vectors

        vectors = word_vectors(config.folder or minilm_folder())
    return build(table, target, dimension=config.dimension, vectors=vectors)


def learner_of(config: PairConfig) -> "type[Learner]":
    """What is trained: pairs one by one, or also the choice among the texts of a batch."""
    from common.training.learner import Learner
    from common.training.pair_learner import InBatchLearner

    return InBatchLearner if config.loss == "in-batch" else Learner


def stages_of(
    config: PairConfig, network: "keras.Model", table: "Table", target: "Target"
) -> "Iterable[Stage]":
    """The training that the network goes through: of sentence vectors that of their head."""
    if config.model != "sentence-vectors":
        from common.training.stages import one_stage

        return one_stage(config, network, table, target)
    from common.training.transfer import head_alone

    return head_alone(config, network, table, target)


def search_baselines(config: PairConfig) -> "Mapping[str, Fit]":
    """Rivals that need no training: words in common, weighed in two ways, and MiniLM as it is."""
    from common.evaluation.pair_baselines import by_minilm, pairs_by
    from common.text.search import bm25, tfidf_cosine

    found = {index.__name__: pairs_by(index) for index in (tfidf_cosine, bm25)}
    return found | {"minilm_cosine": by_minilm()}


def word_baselines(config: PairConfig) -> "Mapping[str, Fit]":
    """Rivals on words or letters in common; the searches only where blanks part the words."""
    from common.evaluation.pair_baselines import overlap_regression, pairs_by
    from common.text.search import bm25, tfidf_cosine

    indexes = () if config.unit == "characters" else (tfidf_cosine, bm25)
    found = {index.__name__: pairs_by(index) for index in indexes}
    return found | {"overlap_regression": overlap_regression}


def pair_baselines(config: PairConfig) -> "Mapping[str, Fit]":
    """`word_baselines`, and MiniLM as it is."""
    return word_baselines(config) | search_baselines(config)
