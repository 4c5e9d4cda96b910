"""Texts through the whole pipeline: real reviews from file to report, and predict on odd ones."""

import dataclasses
import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from common.bundle import load_bundle
from common.command_line import main
from common.errors import UserError
from common.runs import runs_folder
from common.training.batches import EpochRandomness, shuffled_batches
from common.training.train import prepare_rows, train_seed
from projects.product_reviews.load import TEXT
from projects.product_reviews.run import PROJECT, Config

SMALL = ("--rows", 1500, "--epochs", 4, "--ngrams", 2, "--length", 64, "--learning-rate", 0.01)
ODD = [
    "", "NA", "好", "😀👩‍🚀", "\u200b", "[PAD] [UNK]", "x" * 100_000, "很好" * 50_000,
    'said "no", twice', "=1+1", "tab\tin it", "Ünïcödé",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPLIED_KERAS_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


def command(*arguments) -> tuple[int, str]:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(PROJECT, [str(argument) for argument in arguments])
    return status, printed.getvalue()


@pytest.fixture(scope="module")
def trained():
    """The folder of a small complete run."""
    status, printed = command(*SMALL, "--run", "small")
    assert status == 0, printed
    return runs_folder("product_reviews") / "small"


def test_reviews_are_learned_and_scored_beside_the_rival(trained):
    metrics = json.loads((trained / "metrics.json").read_text())
    assert set(metrics["baselines"]) == {"class_prior", "tfidf_characters"}
    assert metrics["test"]["roc_auc"]["value"] > 0.75
    assert metrics["baselines"]["tfidf_characters"]["roc_auc"]["value"] > 0.8
    checks = {entry["check"] for entry in json.loads((trained / "checks.json").read_text())}
    assert {"lengths of texts", "duplicates across parts"} <= checks
    page = (trained / "report.html").read_text()
    assert len(metrics["texts"]["mistakes"]) == 8
    for each in metrics["texts"]["mistakes"]:
        assert each["row"] in page
        assert {each["label"], each["called"]} == {"negative", "positive"}


def test_predict_answers_as_training_did(trained, tmp_path):
    dataset = PROJECT.load(Config(rows=1500, length=64))
    test = dataset.examples("test").features
    test.to_csv(tmp_path / "in.csv", index=False)
    status, told = command("predict", "--input", tmp_path / "in.csv", "--output", tmp_path / "out")
    assert status == 0, told
    found = pd.read_csv(tmp_path / "out", na_filter=False)
    assert found[TEXT].tolist() == test[TEXT].tolist()
    with np.load(trained / "predictions.npz") as stored:
        np.testing.assert_allclose(found["probability"], stored["0/test"], atol=2e-6)


def test_odd_texts_get_an_answer_each_in_their_order(trained, tmp_path):
    table = pd.DataFrame({TEXT: ODD, "number": range(len(ODD))})
    table.to_csv(tmp_path / "in.csv", index=False)
    status, told = command("predict", "--input", tmp_path / "in.csv", "--output", tmp_path / "out")
    assert status == 0, told
    found = pd.read_csv(tmp_path / "out", na_filter=False)
    assert found["number"].tolist() == list(range(len(ODD)))
    assert found["probability"].between(0, 1).all()
    alone = load_bundle(trained / "bundle").answers(pd.DataFrame({TEXT: ["好"]}))
    assert found["probability"][2] == pytest.approx(alone[0], abs=2e-6)  # whatever stands beside


def test_a_missing_column_and_a_wrong_encoding_are_named(trained, tmp_path):
    (tmp_path / "in.csv").write_text("text\n好\n")
    arguments = ("--input", tmp_path / "in.csv", "--output", tmp_path / "out")
    status, told = command("predict", *arguments)
    assert status == 2
    assert "review" in told
    content = "review\n这家酒店很好，房间干净\n服务不错，下次还来\n"
    (tmp_path / "in.csv").write_bytes(content.encode("gb18030"))
    status, told = command("predict", *arguments)
    assert status == 0, told
    assert pd.read_csv(tmp_path / "out")[TEXT][1] == "服务不错，下次还来"


@pytest.mark.parametrize("content", ['{"review": "nonsense"}', "{}", "nonsense"])
def test_a_damaged_tokenizer_is_named(trained, tmp_path, content):
    copy = shutil.copytree(trained / "bundle", tmp_path / "bundle")
    (copy / "tokenizers.json").write_text(content)
    with pytest.raises(UserError, match=r"cannot be read|can be read"):
        load_bundle(copy)


def test_weights_of_rows_count_in_training_alone(tmp_path):
    """Reviews with the wrong label and no weight change nothing; with a weight they spoil it."""
    dataset = PROJECT.load(Config(rows=1500))
    wrong = (dataset.part == "train") & (np.arange(len(dataset.part)) % 2 == 0)
    target = np.where(wrong, 1 - dataset.target, dataset.target).astype("float32")
    spoilt = dataclasses.replace(dataset, target=target)
    weighted = dataclasses.replace(spoilt, weight=np.where(wrong, 0, 1).astype("float32"))
    config = Config(rows=1500, ngrams=1, epochs=5, learning_rate=0.02)
    truth, areas = dataset.examples("test").target, []
    for number, each in enumerate((spoilt, weighted)):
        (tmp_path / str(number)).mkdir()
        trained = train_seed(PROJECT, config, prepare_rows(each), 0, tmp_path / str(number))
        areas.append(roc_auc_score(truth, trained.test[:, 0]))
    assert areas[0] < 0.65
    assert areas[1] > 0.75
    assert dataset.fingerprint() != weighted.fingerprint()
    with pytest.raises(UserError, match="Weights of rows"):
        dataclasses.replace(dataset, weight=np.full(len(target), -1, "float32"))


def test_the_tokenizer_is_fitted_on_training_texts_alone():
    dataset = PROJECT.load(Config(rows=1500))
    prepared = prepare_rows(dataset)
    texts = dataset.features[TEXT].str.lower().to_numpy()
    known = set("".join(texts[dataset.part == "train"]))
    only_later = set("".join(texts[dataset.part == "test"])) - known
    vocabulary = prepared.tokenizers[TEXT].get_vocab()
    assert only_later
    assert not only_later & set(vocabulary)


def test_batches_hold_texts_of_like_length_and_every_row_once():
    dataset = PROJECT.load(Config(rows=1500))
    train = prepare_rows(dataset).part("train")
    name = f"{TEXT}_tokens"
    ids = train.inputs[name]
    number = np.arange(len(train), dtype="float32")  # as target, it tells which row came
    randomness = EpochRandomness(0)
    batches = shuffled_batches((train.inputs, number), 32, randomness)
    epochs = []
    for epoch in (0, 1):
        randomness.epoch.assign(epoch)
        rows, padding = [], 0
        for inputs, target in batches:
            tokens, found = inputs[name].numpy(), target.numpy().astype(int)
            width = tokens.shape[1]
            np.testing.assert_array_equal(tokens, ids[found, :width])
            assert not ids[found, width:].any()  # nothing but padding was cut off
            padding += (tokens == 0).sum()
            rows.append(found)
        epochs.append(np.concatenate(rows))
        np.testing.assert_array_equal(np.sort(epochs[-1]), number)
        assert padding < 0.2 * (ids == 0).sum()
    assert (epochs[0] != epochs[1]).any()
    assert np.mean(np.diff(epochs[0]) == 1) < 0.05  # neither are they in the order of the file
