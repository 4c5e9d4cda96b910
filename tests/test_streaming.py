"""Stored rows: written and read, encoded once, shuffled from disk, learned from, all in bounds."""

import dataclasses
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import log_loss

from common.data.dataset import Account, Dataset, Schema
from common.data.stored_rows import StoredRows, sample_rows, write_parquet
from common.errors import UserError
from common.files import write_json
from common.models.encoder import build_encoder
from common.models.heads import describe_target
from common.models.mlp import build_linear, build_mlp
from common.pipeline import train_run
from common.project import Project, TrainingConfig
from common.runs import new_run
from common.training.batches import EpochRandomness, balanced_weights
from common.training.fit import fit
from common.training.streaming import (
    EncodedRows,
    check_sample,
    encode_rows,
    shuffled_words,
    streamed_batches,
)
from common.training.train import prepare_rows

ROOT = Path(__file__).resolve().parents[1]


def numbered_rows(folder: Path, rows: int) -> EncodedRows:
    """Encoded rows whose one category is the number of the row, and the target its first half."""
    number = np.arange(rows, dtype="int32")
    target = (number < rows // 2).astype("float32")
    np.column_stack([number, target.view("int32")]).tofile(folder / "rows.bin")
    return EncodedRows(folder / "rows.bin", rows, 0, 1, (0.5, 0.5))


def order_of(encoded: EncodedRows, batch_size: int, seed: int, epoch: int, **window) -> list:
    """The row numbers of each batch."""
    batches = shuffled_words(encoded, batch_size, seed, epoch, **window)
    return [words[:, 0] for words in batches]


WINDOW = {"block_bytes": 800, "window_blocks": 50}  # blocks of 100 rows, windows of 5,000


@pytest.mark.parametrize("batch_size", [64, 5000, 12_000, 30_000])
@pytest.mark.parametrize("rows", [20_150, 5000, 99])
def test_each_epoch_has_every_row_once(tmp_path, rows, batch_size):
    batches = order_of(numbered_rows(tmp_path, rows), batch_size, 0, 0, **WINDOW)
    sizes = [len(batch) for batch in batches]
    assert sizes[:-1] == [batch_size] * (-(-rows // batch_size) - 1)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(rows))


def test_the_order_follows_from_seed_and_epoch_alone(tmp_path):
    encoded = numbered_rows(tmp_path, 20_150)
    first = np.concatenate(order_of(encoded, 64, 0, 0, **WINDOW))
    np.testing.assert_array_equal(np.concatenate(order_of(encoded, 512, 0, 0, **WINDOW)), first)
    for seed, epoch in ((0, 1), (1, 0)):
        other = np.concatenate(order_of(encoded, 64, seed, epoch, **WINDOW))
        assert (other == first).mean() < 0.01


def test_rows_are_mixed_as_well_at_the_end_as_at_the_start(tmp_path):
    encoded = numbered_rows(tmp_path, 205_000)  # 2,050 blocks in 41 windows
    batches = order_of(encoded, 1000, 0, 0, **WINDOW)
    order = np.concatenate(batches)
    assert abs(np.corrcoef(np.arange(len(order)), order)[0, 1]) < 0.05
    assert np.mean(np.abs(np.diff(order)) < 100) < 0.04  # 2 % of a window are of the same block
    shares = [np.mean(batch < len(order) // 2) for batch in batches]  # stored in order: 1, then 0
    assert min(shares) > 0.25
    assert max(shares) < 0.75
    assert abs(np.std(shares) - 0.5 / 50**0.5) < 0.02  # of 50 blocks drawn at random


@pytest.fixture(scope="module")
def cancer():
    """569 tumours, 30 numbers and a category with gaps; 300 to train."""
    frame = load_breast_cancer(as_frame=True)
    features = frame.data.astype("float32").rename(columns=lambda name: name.replace(" ", "_"))
    size = pd.cut(features["mean_area"], 4, labels=["", "small", "large", "huge"]).astype("str")
    features = features.assign(size=size).sample(frac=1, random_state=0)
    features.iloc[::7, 3] = np.nan
    kinds = {name: "category" if name == "size" else "number" for name in features}
    target = frame.target.to_numpy("float32")[features.index]
    features = features.reset_index(drop=True)
    empty = pd.DataFrame(index=features.index)
    part = np.select([features.index < 300, features.index < 400], ["train", "validation"], "test")
    return Dataset(
        Schema(kinds, {}, labels=("malignant", "benign")), features, target, empty,
        np.arange(569), empty, part, Account(569, {}),
    )  # fmt: skip


def frame_of(dataset: Dataset) -> pd.DataFrame:
    train = dataset.examples("train")
    return train.features.assign(target=train.target)


def on_disk(dataset: Dataset, folder: Path) -> Dataset:
    """The same dataset, its training rows stored too, in three chunks."""
    rows = frame_of(dataset)
    chunks = (rows[start : start + 130] for start in range(0, len(rows), 130))
    return dataclasses.replace(dataset, stored=write_parquet(chunks, dataset.schema, folder))


def test_rows_come_back_as_they_were_stored(cancer, tmp_path):
    stored = on_disk(cancer, tmp_path / "rows").stored
    train = cancer.examples("train")
    chunks = list(stored.chunks(cancer.schema))
    assert len(chunks) == 3
    features = pd.concat([features for features, _ in chunks], ignore_index=True)
    target = np.concatenate([target for _, target in chunks])
    pd.testing.assert_frame_equal(features, train.features, check_dtype=False)
    assert features["mean_area"].dtype == "float32"
    np.testing.assert_array_equal(target, train.target)
    sample = sample_rows(stored, cancer.schema, 30)
    wanted = np.linspace(0, 299, 30).astype(int)
    pd.testing.assert_frame_equal(sample, frame_of(cancer).iloc[wanted].reset_index(drop=True))


def test_foreign_types_files_and_columns_are_read(cancer, tmp_path):
    schema = Schema({"n": "number", "c": "category"}, {}, labels=("no", "yes"))
    first = {"n": pa.array([1, None, 3]), "c": pa.array(["a", None, "b"]), "y": [True, False, True]}
    second = {
        "id": [7, 8],
        "y": [0, 1],
        "c": pa.array(["b", None]).dictionary_encode(),
        "n": pa.nulls(2),
    }
    pq.write_table(pa.table(first), tmp_path / "1.parquet")
    pq.write_table(pa.table(second), tmp_path / "2.parquet")
    stored = StoredRows(tmp_path, target="y")
    stored.check(schema)
    assert stored.count() == 5
    frames, targets = zip(*stored.chunks(schema), strict=True)
    rows = pd.concat(frames, ignore_index=True)
    np.testing.assert_array_equal(rows["n"], [1, np.nan, 3, np.nan, np.nan])
    assert rows["c"].tolist() == ["a", "", "b", "b", ""]
    assert np.concatenate(targets).tolist() == [1, 0, 1, 0, 1]


def test_wide_rows_come_in_shorter_chunks(tmp_path):
    names = [f"x{number}" for number in range(511)]
    schema = Schema(dict.fromkeys(names, "number"), {}, unit="points")
    zeros = pd.DataFrame(np.zeros((20_000, 512), "float32"), columns=[*names, "target"])
    stored = write_parquet([zeros], schema, tmp_path)
    assert [len(target) for _, target in stored.chunks(schema)] == [8192, 8192, 3616]


def test_writing_is_whole_or_not_at_all_and_done_once(cancer, tmp_path):
    rows = frame_of(cancer)

    def breaking():
        yield rows
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(breaking(), cancer.schema, tmp_path / "rows")
    with pytest.raises(UserError, match="has no Parquet file"):
        StoredRows(tmp_path / "rows").files()
    (tmp_path / "rows" / ".123-rows.parquet").write_text("half")  # of a process that was killed
    stored = write_parquet([rows], cancer.schema, tmp_path / "rows")
    again = write_parquet(breaking(), cancer.schema, tmp_path / "rows")
    assert again == stored
    assert [path.name for path in (tmp_path / "rows").glob("*rows.parquet")] == ["rows.parquet"]


def test_chunks_that_do_not_fit_are_refused(cancer, tmp_path):
    rows = frame_of(cancer)
    for number, bad in enumerate(
        (rows.drop(columns="size"), rows.assign(mean_area="wide"), rows.drop(columns="target"))
    ):
        with pytest.raises(UserError, match=r"Chunk 2 .*(size|mean_area|target)"):
            write_parquet([rows, bad], cancer.schema, tmp_path / f"{number}")
    with pytest.raises(UserError, match="no chunk has a row"):
        write_parquet([rows[:0]], cancer.schema, tmp_path / "none")


def damage(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0xFF
    path.write_bytes(content)


def test_files_that_do_not_fit_are_refused_by_name_and_column(cancer, tmp_path):
    path = tmp_path / "rows.parquet"
    rows = frame_of(cancer)
    stored = StoredRows(tmp_path)

    def read_all() -> None:
        stored.check(cancer.schema)
        list(stored.chunks(cancer.schema))

    def refusal(frame: pd.DataFrame | None, match: str) -> None:
        if frame is not None:
            frame.to_parquet(path)
        with pytest.raises(UserError, match=rf"rows\.parquet.*{match}"):
            read_all()

    refusal(rows.rename(columns={"mean_area": "mean_aera"}), "'mean_area'.*mean 'mean_aera'")
    refusal(rows.drop(columns="target"), "no column 'target'")
    refusal(rows.assign(mean_area="wide"), "'mean_area' holds .*string, expected numbers")
    refusal(rows.assign(size=1.0), "'size' holds double, expected text")
    for value, match in ((np.nan, "nan is not 0 or 1"), (2, "2 is not 0 or 1")):
        target = rows["target"].where(np.arange(300) != 7, value)
        refusal(rows.assign(target=target), f"'target', row 8: {match}")
    area = rows["mean_area"].astype(float).where(np.arange(300) != 299, 1e300)
    refusal(rows.assign(mean_area=area), "'mean_area', row 300: inf is infinite")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refusal(None, "cannot be read as Parquet")
    path.write_text("mean_area,target\n1,0\n")
    refusal(None, "cannot be read as Parquet")
    rows[:0].to_parquet(path)
    with pytest.raises(UserError, match="have no rows to learn from"):
        read_all()
    path.unlink()
    written = write_parquet([rows], cancer.schema, tmp_path)
    assert sum(len(target) for _, target in written.chunks(cancer.schema)) == 300
    damage(path, 0.3)  # one byte of one value: only a checksum can tell
    refusal(None, "cannot be read as Parquet")


def test_account_and_fingerprint_cover_the_stored_rows(cancer, tmp_path):
    dataset = on_disk(cancer, tmp_path / "rows")
    rows = frame_of(cancer)
    twice = write_parquet([rows, rows], cancer.schema, tmp_path / "twice")
    with pytest.raises(UserError, match="569 rows are used, but the dataset has 869"):
        dataclasses.replace(cancer, stored=twice)
    large = dataclasses.replace(cancer, stored=twice, account=Account(900, {"torn": 31}))
    assert large.part_rows() == {"train": 600, "validation": 100, "test": 169}
    assert len({each.fingerprint() for each in (cancer, dataset, large)}) == 3
    before = dataset.fingerprint()
    assert dataclasses.replace(dataset).fingerprint() == before
    values = rows["mean_area"].to_numpy().copy()
    values[[10, 20]] = values[[20, 10]]  # the statistics in the footer stay as they are
    swapped = write_parquet([rows.assign(mean_area=values)], cancer.schema, tmp_path / "swapped")
    whole = write_parquet([rows], cancer.schema, tmp_path / "whole")
    assert swapped.fingerprint() != whole.fingerprint()


def test_encoded_rows_are_those_of_the_encoder_in_memory(cancer, tmp_path):
    prepared = prepare_rows(on_disk(cancer, tmp_path / "rows"), work=tmp_path / "work")
    encoded, train = prepared.stored, prepared.part("train")
    inputs, target = encoded.split(np.fromfile(encoded.path, "int32").reshape(300, -1))
    for name in ("numbers", "categories"):
        np.testing.assert_array_equal(inputs[name], train.inputs[name])
        assert inputs[name].dtype == train.inputs[name].dtype
    np.testing.assert_array_equal(target, train.target)
    assert encoded.means == pytest.approx((1 - train.target.mean(), train.target.mean()))


def test_regression_learns_the_standardised_logarithm(tmp_path):
    frame = load_diabetes(as_frame=True)
    schema = Schema(dict.fromkeys(frame.data, "number"), {}, unit="points", log_scale=True)
    rows = frame.data.astype("float32").assign(target=frame.target)
    stored = write_parquet([rows[:200], rows[200:]], schema, tmp_path / "rows")
    target = describe_target(frame.target.to_numpy(), "regression", log_scale=True)
    encoder = build_encoder(rows, schema.numbers, [])
    encoded = encode_rows(stored, schema, encoder, target, tmp_path / "work")
    learned = encoded.split(np.fromfile(encoded.path, "int32").reshape(442, -1))[1]
    logarithm = np.log(frame.target)
    expected = (logarithm - logarithm.mean()) / logarithm.std(ddof=0)
    np.testing.assert_allclose(learned, expected, atol=1e-5)
    assert encoded.means == pytest.approx((0,), abs=1e-6)
    assert check_sample(encoded, frame.target.to_numpy(), target).level == "ok"
    biased = check_sample(encoded, frame.target[frame.target > 100].to_numpy(), target)
    assert biased.level == "note"
    assert f"{expected[frame.target > 100].mean():.3f} deviations" in biased.message


def test_encoding_is_whole_or_done_again_and_done_once(cancer, tmp_path):
    stored = on_disk(cancer, tmp_path / "rows").stored
    train = cancer.examples("train")
    encoder = build_encoder(train.features, cancer.schema.numbers, cancer.schema.categories)
    target = describe_target(train.target, "binary", 2)

    @dataclasses.dataclass(frozen=True)
    class Killed(StoredRows):
        def chunks(self, schema):
            yield next(super().chunks(schema))
            raise KeyboardInterrupt

    arguments = (cancer.schema, encoder, target, tmp_path / "work")
    with pytest.raises(KeyboardInterrupt):
        encode_rows(Killed(stored.folder), *arguments)
    assert not list((tmp_path / "work").iterdir())
    encoded = encode_rows(stored, *arguments)
    assert encode_rows(Killed(stored.folder), *arguments) == encoded  # nothing is read again


def test_batches_are_the_shuffled_rows_with_balanced_weights(cancer, tmp_path):
    prepared = prepare_rows(on_disk(cancer, tmp_path / "rows"), work=tmp_path / "work")
    randomness = EpochRandomness(3)
    batches = streamed_batches(prepared.stored, 64, randomness, balanced=True)
    assert len(batches) == 5
    firsts = []
    for epoch in (0, 1):
        randomness.epoch.assign(epoch)
        expected = np.concatenate(list(shuffled_words(prepared.stored, 64, 3, epoch)))
        inputs, target = prepared.stored.split(expected)
        seen = list(batches)
        for name in ("numbers", "categories"):
            found = np.concatenate([batch[0][name] for batch in seen])
            np.testing.assert_array_equal(found, inputs[name])
        np.testing.assert_array_equal(np.concatenate([batch[1] for batch in seen]), target)
        weights = np.concatenate([batch[2] for batch in seen])
        np.testing.assert_allclose(weights, balanced_weights(target), rtol=1e-6)
        firsts.append(target[:64])
    assert (firsts[0] != firsts[1]).any()


def config(**fields) -> TrainingConfig:
    return TrainingConfig(**({"epochs": 8, "batch_size": 32, "learning_rate": 0.02} | fields))


def test_learning_from_disk_ends_where_learning_in_memory_does(cancer, tmp_path):
    prepared = prepare_rows(on_disk(cancer, tmp_path / "rows"), work=tmp_path / "work")
    validation, losses = prepared.part("validation"), {}
    for name, train in (("disk", prepared.stored), ("memory", prepared.part("train"))):
        keras.utils.set_random_seed(0)
        network = build_linear(prepared.table, prepared.target)
        fit(network, prepared.target, train, validation, config(), 0, tmp_path / name, verbose=0)
        answers = network.predict(validation.inputs, verbose=0)[:, 0].astype(float)
        losses[name] = log_loss(validation.target, answers)
    prior = log_loss(validation.target, np.full(100, prepared.target.shares[1]))
    assert losses["disk"] < prior / 3
    assert losses["disk"] == pytest.approx(losses["memory"], abs=prior / 40)


def test_a_training_that_was_killed_goes_on_to_the_same_bits(cancer, tmp_path):
    prepared = prepare_rows(on_disk(cancer, tmp_path / "rows"), work=tmp_path / "work")

    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.optimizer.iterations) > 25:  # in the middle of the third epoch
                raise KeyboardInterrupt

    def train(name: str, callbacks=()) -> tuple[list, list]:
        keras.utils.set_random_seed(0)
        network = build_mlp(prepared.table, prepared.target, hidden_units=(8,))
        settings = config(epochs=4, class_weights="balanced")
        history = fit(
            network, prepared.target, prepared.stored, prepared.part("validation"), settings, 0,
            tmp_path / name, callbacks, verbose=0,
        )  # fmt: skip
        return history, network.get_weights()

    whole, weights = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("killed", [Kill()])
    resumed, again = train("killed")
    assert resumed == whole
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_folds_over_stored_rows_are_refused(cancer, tmp_path):
    with pytest.raises(UserError, match="folds is 5, but rows stored on disk"):
        prepare_rows(on_disk(cancer, tmp_path / "rows"), 5, tmp_path / "work")


def test_a_run_learns_from_all_rows_and_says_what_it_saw_of_them(cancer, tmp_path, monkeypatch):
    """The sample in memory is every fourth row, the benign ones among them left out by half."""
    monkeypatch.setenv("APPLIED_KERAS_RUNS", str(tmp_path))
    train = np.flatnonzero(cancer.part == "train")[::4]
    train = np.delete(train, np.flatnonzero(cancer.target[train] == 1)[::2])
    rows = np.concatenate([train, np.flatnonzero(cancer.part != "train")])
    sample = cancer.chosen(rows)
    stored = on_disk(cancer, tmp_path / "rows").stored
    dataset = Dataset(
        cancer.schema, sample.features, sample.target, sample.ids, sample.groups, sample.slices,
        cancer.part[rows], Account(569, {}), stored=stored,
    )  # fmt: skip
    project = Project(
        "cancer", "Is it benign?", TrainingConfig, lambda config: dataset,
        lambda rows, tables: rows, lambda config, table, target: build_linear(table, target),
    )  # fmt: skip
    run = new_run("cancer", "first")
    write_json(run.folder / "config.json", dataclasses.asdict(config()))
    train_run(project, config(), run, {"device": "CPU", "precision": "float32"}, verbose=0)
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert metrics["rows"]["train"] == 300
    assert metrics["rows"]["used"] == 569
    assert metrics["test"]["roc_auc"]["value"] > 0.98
    checks = json.loads((run.folder / "checks.json").read_text())
    (finding,) = [check for check in checks if check["check"] == "sample of the stored rows"]
    share, shown = cancer.target[cancer.part == "train"].mean(), cancer.target[train].mean()
    assert finding["level"] == "note"
    assert (
        "all 300 training rows, stored on disk. These checks, the baselines" in finding["message"]
    )
    assert f"a sample of {len(train)} of them" in finding["message"]
    assert f"differ from those of all by {share - shown:.1%}" in finding["message"]
    assert not run.checkpoints.exists()


MEMORY = """
    import resource, sys
    from pathlib import Path
    from common.backend import start_backend
    start_backend("float32")
    import numpy as np
    import pandas as pd
    from common.data.dataset import Account, Dataset, Schema
    from common.data.stored_rows import sample_rows, write_parquet
    from common.models.mlp import build_linear
    from common.project import TrainingConfig
    from common.training.fit import fit
    from common.training.train import prepare_rows

    CHUNK, names = 50_000, [f"x{number}" for number in range(40)]
    schema = Schema(dict.fromkeys(names, "number"), {}, unit="points")

    def chunks(rows, seed=0):
        random = np.random.default_rng(seed)
        for _ in range(rows // CHUNK):
            frame = pd.DataFrame(random.random((CHUNK, 40), "float32"), columns=names)
            yield frame.assign(target=frame["x0"])

    def train(rows, folder):
        stored = write_parquet(chunks(rows), schema, folder)
        memory = pd.concat([sample_rows(stored, schema, 2000), *chunks(CHUNK, seed=1)])[:6000]
        empty = pd.DataFrame(index=range(6000))
        dataset = Dataset(
            schema, memory[names], memory["target"].to_numpy(), empty, np.arange(6000), empty,
            np.repeat(["train", "validation", "test"], 2000), Account(rows + 4000, {}),
            stored=stored,
        )
        prepared = prepare_rows(dataset, work=folder)
        network = build_linear(prepared.table, prepared.target)
        settings = TrainingConfig(epochs=1, batch_size=8192, learning_rate=0.01)
        fit(network, prepared.target, prepared.stored, prepared.part("validation"), settings, 0,
            folder / "state", verbose=0)
        return prepared.stored.path.stat().st_size

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    folder = Path(sys.argv[1])
    train(CHUNK, folder / "small")
    before = peak()
    print(train(1_500_000, folder / "large"), peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts other units elsewhere")
def test_memory_stays_below_what_the_encoded_rows_alone_would_take(tmp_path):
    """1.5 million rows of 40 numbers: 246 MB encoded, as many raw; in memory both are needed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    encoded, grown = map(int, done.stdout.split())
    assert encoded == 1_500_000 * 4 * 41
    assert grown < encoded
