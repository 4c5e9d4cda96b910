"""How fast are texts? BERT beside PyTorch, bags of n-grams beside fastText, batches by length.

    pip install -r requirements-bench.txt
    python -m benchmarks.text_speed        about 10 minutes; writes benchmarks/text_speed.md

Each measurement runs in a process of its own that imports nothing of the other, in turn, several
times; what counts is the fastest of all, as in benchmarks/tabm_speed.py.

- Vectors of 1,000 sentences: `encode_texts`, and the same all-MiniLM-L6-v2 in Hugging Face's
  transformers on PyTorch, in batches of 32 texts of like length. Tokenising is part of both.
- Reviews (product_reviews, characters as tokens): the kit's bag of n-grams until it is as accurate
  on the validation texts as floret, the living fork of fastText, after its 25 epochs.
- Training an epoch: batches of texts of like length with the padding cut off, as the kit makes
  them, beside Keras's `fit` on ids padded to the longest.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

PAGE = Path(__file__).with_suffix(".md")
SENTENCES, EQUAL = 1000, 200  # encoded for time, and compared number by number
ROUNDS, REPEATS = 3, 3
EPOCHS = 25  # of floret
TEXTS, BATCH_SIZE, LENGTH = 2048, 32, 160  # trained on to compare batches


def sentences() -> list[str]:
    """The first sentences of articles of the BBC; every fifth one with accents put on it."""
    from common.reading.table_file import read_table
    from projects.template_texts.load import data_file

    texts = read_table(data_file()).cells("text").str.strip().str.split("\n").str[0]
    accented = texts.str.translate(str.maketrans("aeiouc", "àéîöûç"))
    return texts.where(np.arange(len(texts)) % 5 != 0, accented).tolist()[:SENTENCES]


def encoder_of_kit() -> Callable[[list[str]], np.ndarray]:
    from common.backend import start_backend

    start_backend("float32")
    from common.models.sentences import encode_texts

    return encode_texts


def encoder_in_torch() -> Callable[[list[str]], np.ndarray]:
    import torch
    from transformers import AutoTokenizer, BertModel

    from common.models.bert_weights import minilm_folder

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    model = BertModel.from_pretrained(minilm_folder()).eval()

    def encode(texts: list[str]) -> np.ndarray:
        order = np.argsort([len(text) for text in texts], kind="stable")
        vectors = np.zeros((len(texts), model.config.hidden_size), "float32")
        for rows in np.split(order, range(32, len(order), 32)):
            batch = tokenizer(
                [texts[row] for row in rows], padding=True, truncation=True, max_length=256,
                return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
                there = batch["attention_mask"][..., None]
                mean = (hidden * there).sum(1) / there.sum(1)
                vectors[rows] = torch.nn.functional.normalize(mean).numpy()
        return vectors

    return encode


def encode(who: str) -> None:
    """Print the seconds of 1,000 sentences, and store the vectors of the first 200."""
    make = {"kit": encoder_of_kit, "torch": encoder_in_torch}[who]
    encoder, texts = make(), sentences()
    np.save(Path(tempfile.gettempdir()) / f"text_speed_{who}.npy", encoder(texts[:EQUAL]))
    print(fastest(lambda: encoder(texts)))


def reviews():
    """The dataset, as the project has it."""
    from projects.product_reviews.run import PROJECT, Config

    return PROJECT.load(Config())


def train_floret() -> None:
    """Print seconds and accuracy on the validation texts, probabilities from one half on."""
    import floret

    dataset = reviews()
    train, validation = dataset.examples("train"), dataset.examples("validation")
    spaced = [examples.features["review"].map(" ".join) for examples in (train, validation)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(
            f"__label__{label:.0f} {text}\n"
            for label, text in zip(train.target, spaced[0], strict=True)
        )
        file.flush()
        begin = time.perf_counter()
        model = floret.train_supervised(
            file.name, epoch=EPOCHS, wordNgrams=3, dim=32, lr=0.5, thread=os.cpu_count(), verbose=0
        )
        seconds = time.perf_counter() - begin
    called = [label[0] for label in model.predict(spaced[1].tolist())[0]]
    right = np.array(called) == [f"__label__{label:.0f}" for label in validation.target]
    print(seconds, right.mean())


def train_bag(wanted: str) -> None:
    """Print the seconds until the validation accuracy is as wanted, or of all epochs; and it."""
    from common.backend import start_backend

    start_backend("float32")
    import keras

    from common.training.fit import fit
    from common.training.train import answers_of, prepare_rows
    from projects.product_reviews.run import PROJECT, Config

    config = Config()
    prepared = prepare_rows(reviews())
    keras.utils.set_random_seed(0)
    network = PROJECT.build(config, prepared.table, prepared.target)
    validation = prepared.part("validation")
    passed, accuracies = [], []

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None) -> None:
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs=None) -> None:
            answers = answers_of(network, validation)[:, 0]
            accuracies.append(float(((answers > 0.5) == validation.target).mean()))
            passed.append(time.perf_counter() - self.begin)
            self.model.stop_training |= accuracies[-1] >= float(wanted)

    with tempfile.TemporaryDirectory() as folder:
        fit(network, prepared.target, prepared.part("train"), validation, config, 0,
            Path(folder) / "state", [Clock()], verbose=0)  # fmt: skip
    best = int(np.argmax(accuracies))
    print(passed[best], accuracies[best])


def train_epochs(way: str, model: str) -> None:
    """Print the seconds of an epoch of a network, by the kit's batches or on padded ids."""
    from common.backend import start_backend

    start_backend("float32")
    from common.training.batches import EpochRandomness, shuffled_batches
    from common.training.fit import compile_learner
    from common.training.learner import Learner
    from common.training.train import prepare_rows
    from projects.product_reviews.run import PROJECT, Config

    config = replace(Config(), model=model, rows=TEXTS, length=LENGTH)
    prepared = prepare_rows(PROJECT.load(config))
    train = prepared.part("train")
    network = PROJECT.build(config, prepared.table, prepared.target)
    if way == "padded":
        network.compile("adamw", "binary_crossentropy", metrics=["auc"])
        arrays = {"batch_size": BATCH_SIZE, "verbose": 0}
        print(fastest(lambda: network.fit(train.inputs, train.target, **arrays)))
        return
    learner = Learner.of(network, prepared.target)
    settings = SimpleNamespace(learning_rate=1e-3, weight_decay=1e-4, epochs=9)
    compile_learner(learner, prepared.target, settings, len(train) // BATCH_SIZE)
    randomness = EpochRandomness(0)
    batches = shuffled_batches((train.inputs, train.target), BATCH_SIZE, randomness)
    print(fastest(lambda: learner.fit(batches, callbacks=[randomness], shuffle=False, verbose=0)))


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several times, after one of warm-up."""
    seconds = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds[1:])


def measured(*arguments: str) -> list[float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.text_speed", *arguments]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)
    return [float(number) for number in done.stdout.split()]


def main() -> None:
    lines = [
        "# Texts: seconds, beside plain alternatives",
        "",
        f"{os.cpu_count()} cores; the fastest of {ROUNDS} processes in turn. Written by "
        "`python -m benchmarks.text_speed`, whose head says what is compared.",
        "",
        "| what | this kit | the other | kit's speed to the other's | load average |",
        "| --- | --- | --- | --- | --- |",
    ]

    def add(what: str, ours: float, theirs: float) -> None:
        cells = [f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}"]
        lines.append(f"| {what} | {' | '.join(cells)} | {os.getloadavg()[0]:.1f} |")
        print(lines[-1], flush=True)

    turns = [[measured("encode", who)[0] for who in ("kit", "torch")] for _ in range(ROUNDS)]
    add(f"MiniLM, {SENTENCES:,} sentences; PyTorch", *np.min(turns, axis=0))
    turns = [(*measured("floret"), *measured("bag", "2")) for _ in range(ROUNDS)]
    accuracy = max(turn[1] for turn in turns)
    as_good = [measured("bag", str(accuracy)) for _ in range(ROUNDS)]
    add(f"bag of n-grams, to validation accuracy {accuracy:.4f}; floret",
        min(turn[0] for turn in as_good), min(turn[0] for turn in turns))  # fmt: skip
    for model in ("cnn", "gru", "transformer"):
        ways = [
            [measured("epoch", way, model)[0] for way in ("by_length", "padded")]
            for _ in range(ROUNDS)
        ]
        add(f"an epoch of {model}; padded to {LENGTH} tokens", *np.min(ways, axis=0))
    vectors = [np.load(Path(tempfile.gettempdir()) / f"text_speed_{who}.npy")
               for who in ("kit", "torch")]  # fmt: skip
    apart = np.abs(np.subtract(*vectors)).max()
    stopped, best = max(turn[1] for turn in as_good), max(turn[3] for turn in turns)
    lines += [
        "",
        f"Vectors of {EQUAL} sentences, accents included, differ by {apart:.1e} at most. Of the "
        f"validation reviews the bag of n-grams had {stopped:.4f} right when it stopped, and "
        f"{best:.4f} at its best.",
    ]
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        what, *rest = sys.argv[1:]
        {"encode": encode, "floret": train_floret, "bag": train_bag, "epoch": train_epochs}[what](
            *rest
        )
