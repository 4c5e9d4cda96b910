"""Files that people really have: each is scored, or refused with one clear message."""

import gzip
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.bundle import Bundle, load_bundle, save_bundle
from common.data.rows import CHUNK_ROWS
from common.errors import UserError
from common.models.encoder import build_encoder, describe_table, encode, stitch
from common.models.heads import Target
from common.models.mlp import build_mlp
from common.predict import predict_file
from projects.flight_delays.load import prepare, read_raw


@pytest.fixture(scope="module")
def bundle(flights, tmp_path_factory):
    """An untrained network on the real encoder and tables, through the disk."""
    schema = flights.schema
    features = flights.examples("train").features
    encoder = build_encoder(features, schema.numbers, schema.categories)
    folder = tmp_path_factory.mktemp("run") / "bundle"
    table = describe_table(encoder, encode(encoder, features))
    network = build_mlp(table, Target("binary", (0.8, 0.2)), hidden_units=(8,))
    model = stitch(encoder, network)
    save_bundle(Bundle(model, schema, {"threshold": 0.2}, flights.tables), folder)
    return load_bundle(folder)


@pytest.fixture(scope="module")
def raw():
    return read_raw()["flights"]


@pytest.fixture
def scored(bundle, tmp_path):
    """Score text or bytes as a file; returns the frame and what was told."""

    def score(content: str | bytes):
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        told = predict_file(bundle, prepare, source, target)
        return pd.read_csv(target, dtype=str, keep_default_na=False), told

    return score


def text_of(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, na_rep="NA")


def test_rows_come_back_as_they_were_in_their_order(scored, raw):
    frame = raw.sample(300, random_state=0)
    text = text_of(frame).replace("United", '"United, Inc."')
    result, told = scored(text)
    given = pd.read_csv(pd.io.common.StringIO(text), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(result[given.columns], given)
    assert told[0].startswith("300 rows scored")
    probability = result["probability"].astype(float)
    assert probability.between(0, 1).all()
    assert probability.nunique() > 100
    assert (result["label"] == np.where(probability >= 0.2, "late", "on time")).mean() > 0.99


def test_chunks_change_nothing(bundle, raw, tmp_path):
    """More rows than one chunk holds, streamed, equal the same rows scored in small files."""
    rows = CHUNK_ROWS + 1000
    raw.head(rows).to_csv(tmp_path / "large.csv", index=False)
    predict_file(bundle, prepare, tmp_path / "large.csv", tmp_path / "large_out.csv")
    raw.iloc[rows - 1500 : rows].to_csv(tmp_path / "small.csv", index=False)
    predict_file(bundle, prepare, tmp_path / "small.csv", tmp_path / "small_out.csv")
    large = pd.read_csv(tmp_path / "large_out.csv")["probability"]
    small = pd.read_csv(tmp_path / "small_out.csv")["probability"]
    assert len(large) == rows
    np.testing.assert_allclose(large[-1500:], small, atol=2e-6)


def test_unseen_missing_and_extra_are_scored_and_counted(scored, raw):
    frame = raw.head(10).assign(meal="none")
    frame.loc[frame.index[:3], "carrier"] = "ZZ"
    frame.loc[frame.index[3:5], "distance"] = np.nan
    frame.loc[frame.index[5], "dest"] = "?"
    result, told = scored(text_of(frame))
    told = "\n".join(told)
    assert len(result) == 10
    assert "carrier 3" in told.split("unseen in training")[1]
    assert "distance 2" in told.split("Missing values")[1]
    assert "dest 1" in told.split("Missing values")[1]
    assert "meal" in told.split("Ignored columns")[1]


def test_columns_in_another_order_with_spaces_and_bom(scored, raw):
    frame = raw.head(20)
    expected = scored(text_of(frame))[0]["probability"]
    turned = text_of(frame[frame.columns[::-1]])
    header, rest = turned.split("\n", 1)
    result, _ = scored(b"\xef\xbb\xbf" + f"{header.replace(',', ' , ')}\n{rest}".encode())
    np.testing.assert_array_equal(result["probability"], expected)


def test_windows_line_ends_and_blank_lines_are_no_rows(scored, raw):
    text = text_of(raw.head(20))
    expected = scored(text)[0]["probability"]
    result, _ = scored(text.replace("\n", "\r\n") + "\r\n\r\n")
    np.testing.assert_array_equal(result["probability"], expected)


def excel(frame: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.to_excel(content, index=False)
    return content.getvalue()


@pytest.mark.parametrize(
    "written",
    [
        lambda frame: text_of(frame).replace(",", ";").encode(),
        lambda frame: text_of(frame).replace(",", "\t").encode("utf-16"),
        lambda frame: text_of(frame.assign(meal="Glühwein")).encode("latin-1"),
        lambda frame: gzip.compress(text_of(frame).encode()),
        lambda frame: frame.to_parquet(index=False),
        lambda frame: frame.to_json(orient="records", lines=True).encode(),
        excel,
    ],
)
def test_rows_of_any_format_are_scored_alike(scored, raw, written):
    frame = raw.head(20)
    expected = scored(text_of(frame))[0]["probability"]
    result, _ = scored(written(frame))
    np.testing.assert_array_equal(result["probability"], expected)


def changed(raw, line: int, column: str, value: str) -> str:
    frame = raw.head(5).astype("str")
    frame.loc[frame.index[line - 2], column] = value
    return text_of(frame)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda raw: "", "is empty. Expected a CSV file with a header"),
        (lambda raw: "\n\n", "is empty"),
        (lambda raw: text_of(raw.head(0)), "has a header but no rows"),
        (
            lambda raw: text_of(raw.head(5).drop(columns=["carrier", "dest"])),
            "lacks the columns carrier, dest. Needed: year,",
        ),
        (
            lambda raw: changed(raw, 4, "distance", "far"),
            "line 4, column 'distance': 'far' is not a number",
        ),
        (
            lambda raw: changed(raw, 3, "distance", "1e999"),
            "line 3, column 'distance': '1e999' is not a number",
        ),
        (lambda raw: changed(raw, 6, "month", "13"), "in.csv: line 6: year 2013, month 13"),
        (
            lambda raw: changed(raw, 2, "sched_dep_time", "2575"),
            "in.csv: line 2, column 'sched_dep_time': 2575 is not a time of day",
        ),
        (
            lambda raw: text_of(raw.head(5)).rstrip()[:-40],
            r"line 6: \d+ cells, but the header has 19 columns. Is the line cut off",
        ),
        (
            lambda raw: text_of(raw.head(3)).replace("IAH", "Houston, Texas"),
            "line 2: 20 cells, but the header has 19",
        ),
        (
            lambda raw: text_of(raw.head(3)).replace("IAH", '"IAH'),
            "Expected a CSV file with matching quotes",
        ),
        (
            lambda raw: text_of(raw.head(3)).replace("air_time", "carrier"),
            "has the column carrier more than once",
        ),
        (
            lambda raw: text_of(raw.head(3).assign(probability=0.5)),
            "has a column probability already",
        ),
    ],
)
def test_bad_files_are_refused_and_leave_no_output(scored, raw, tmp_path, make, message):
    with pytest.raises(UserError, match=message):
        scored(make(raw))
    assert not (tmp_path / "out.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_old_output_survives_a_bad_input(scored, raw, tmp_path):
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(UserError):
        scored(text_of(raw.head(3)) + "torn")
    assert (tmp_path / "out.csv").read_text() == "precious"


def test_missing_files_and_folders(bundle, tmp_path):
    with pytest.raises(UserError, match=r"There is no file .*nowhere.csv"):
        predict_file(bundle, prepare, tmp_path / "nowhere.csv", tmp_path / "out.csv")
    with pytest.raises(UserError, match="There is no folder"):
        predict_file(bundle, prepare, tmp_path / "in.csv", tmp_path / "no" / "out.csv")


def test_input_may_not_be_the_output(bundle, raw, tmp_path):
    raw.head(3).to_csv(tmp_path / "in.csv", index=False)
    with pytest.raises(UserError, match="same file"):
        predict_file(bundle, prepare, tmp_path / "in.csv", tmp_path / "in.csv")


@pytest.fixture
def copied_bundle(bundle, flights, tmp_path):
    folder = tmp_path / "run" / "bundle"
    folder.parent.mkdir()
    save_bundle(bundle, folder)
    return folder


def spoil_model(folder: Path) -> None:
    model = folder / "model.keras"
    model.write_bytes(model.read_bytes()[:1000])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: shutil.rmtree(folder),
        lambda folder: (folder / "bundle.json").unlink(),
        lambda folder: (folder / "bundle.json").write_text("{"),
        lambda folder: (folder / "bundle.json").write_text('{"format": 99}'),
        lambda folder: (folder / "model.keras").unlink(),
        spoil_model,
    ],
)
def test_damaged_bundle_is_one_clear_error(copied_bundle, spoil):
    spoil(copied_bundle)
    with pytest.raises(UserError, match=r"The bundle .* cannot be read"):
        load_bundle(copied_bundle)


def test_model_file_cannot_bring_code(copied_bundle, bundle):
    """A Lambda layer would be code inside the model file: it is refused."""
    import keras

    inputs = keras.Input((1,))
    unsafe = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    unsafe.save(copied_bundle / "model.keras")
    with pytest.raises(UserError, match="cannot be read"):
        load_bundle(copied_bundle)
