"""Files as people have them: every form gives the same table, every wrong one a clear error."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from common.data.archives import archive_member
from common.data.dataset import Schema
from common.data.fetch import package_archive
from common.data.rows import read_chunks, typed_rows
from common.errors import UserError
from common.reading import file_bytes
from common.reading.file_format import CHUNK_ROWS
from common.reading.header import unique_names
from common.reading.notation import Notation, typed_cells
from common.reading.table_file import read_table, recognise
from common.reading.understand import understand_table


@pytest.fixture(scope="module")
def penguins():
    """344 penguins, of which 19 cells are missing."""
    archive = package_archive(
        "plotnine",
        "0.15.9",
        "plotnine-0.15.9-py3-none-any.whl",
        sha256="36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
    )
    return pd.read_csv(archive_member(archive, "plotnine/data/penguins.csv"))


@pytest.fixture
def written(tmp_path):
    """Put text or bytes into a file; returns its path."""

    def write(content: str | bytes, name: str = "table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def text(frame: pd.DataFrame, **options) -> str:
    return frame.to_csv(index=False, **options)


def as_zip(content: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


def as_excel(frame: pd.DataFrame, **options) -> bytes:
    content = io.BytesIO()
    frame.to_excel(content, index=False, **options)
    return content.getvalue()


FORMS = {
    "semicolons, decimal commas": lambda frame: text(frame, sep=";", decimal=",").encode(),
    "commas in quotes": lambda frame: text(frame, decimal=",", quoting=1).encode(),
    "tabs": lambda frame: text(frame, sep="\t", na_rep="NA").encode(),
    "bars": lambda frame: text(frame, sep="|", na_rep="?").encode(),
    "spaces": lambda frame: text(frame, sep=" ", na_rep="-").replace(" ", "   ").encode(),
    "carriage returns": lambda frame: text(frame).replace("\n", "\r").encode(),
    "byte order mark": lambda frame: text(frame).encode("utf-8-sig"),
    "UTF-16": lambda frame: text(frame).encode("utf-16"),
    "UTF-16 without mark": lambda frame: text(frame).encode("utf-16-le"),
    "UTF-16 big-endian without mark": lambda frame: text(frame).encode("utf-16-be"),
    "gzip": lambda frame: gzip.compress(text(frame).encode()),
    "bzip2": lambda frame: bz2.compress(text(frame).encode()),
    "xz": lambda frame: lzma.compress(text(frame).encode()),
    "zip": lambda frame: as_zip(text(frame).encode(), "penguins.csv"),
    "stated separator": lambda frame: b"sep=;\n" + text(frame, sep=";").encode(),
    "title above": lambda frame: b"Penguins, 2007 to 2009\n\n" + text(frame).encode(),
    "row numbers": lambda frame: frame.to_csv().encode(),
    "names of R": lambda frame: frame.to_csv().removeprefix(",").encode(),
    "empty columns at the end": lambda frame: text(frame).replace("\n", ",,\n").encode(),
    "empty lines at the end": lambda frame: (text(frame) + 3 * ",,,,,,,\n").encode(),
    "single quotes": lambda frame: text(frame, quotechar="'", quoting=1).encode(),
    "spaces after commas": lambda frame: text(frame, quoting=1).replace(",", ", ").encode(),
    "Excel": as_excel,
    "Excel, second sheet, below": lambda frame: as_excel(frame, startrow=4, startcol=2),
    "Parquet": lambda frame: frame.to_parquet(index=False),
    "JSON lines": lambda frame: frame.to_json(orient="records", lines=True).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_table(penguins, written, form):
    table = read_table(written(FORMS[form](penguins)))
    readings = understand_table(table)
    assert table.columns == list(penguins)
    assert table.torn == []
    for name, reading in readings.items():
        values, unreadable = typed_cells(table.cells(name), reading.kind, reading.notation)
        assert len(unreadable) == 0
        expected = penguins[name].reset_index(drop=True)
        if reading.kind == "number":
            np.testing.assert_array_equal(values, expected)
        else:
            assert list(values) == list(expected.fillna(""))
        assert reading.missing == expected.isna().sum()


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "Größe Žluťoučký 体重 вес"),
        ("cp1252", "Körpergröße in – ungefähr – Zentimetern, €"),
        ("latin-1", "Besançon, Orléans, garçon naïf, où?"),
        ("gb18030", "北京大学图书馆的质量很好"),
        ("cp1251", "Москва, большой город на реке"),
    ],
)
def test_encodings_are_recognised(written, encoding, words):
    content = "town;remark\n" + "".join(f"{number};{words}\n" for number in range(20))
    table = read_table(written(content.encode(encoding)))
    assert set(table.cells("remark")) == {words}


def test_some_broken_bytes_do_not_change_the_encoding(written):
    lines = [f"{number};naïve – 体重\n".encode() for number in range(50)]
    lines[20] = b"20;na\xefve\n"
    table = read_table(written(b"a;b\n" + b"".join(lines)))
    assert table.cells("b")[2] == "naïve – 体重"
    assert table.cells("b")[22] == "na\N{REPLACEMENT CHARACTER}ve"
    assert any("1 lines have bytes that are not utf-8" in one for one in table.told)


def test_lines_are_those_of_the_file_also_after_quoted_line_ends(penguins, written):
    """The line of each row, looked up in the file, ends with the row's last cell."""
    remark = np.where(penguins["bill_length_mm"] > 45, 'a "long",\nlong\n\nbill', "short")
    path = written(text(penguins.assign(remark=remark, row=range(len(penguins)))))
    table = read_table(path)
    lines = path.read_text().splitlines()
    assert len(table) == len(penguins)
    assert all(
        lines[line - 1].endswith(f",{row}") for line, row in table.cells("row").astype(int).items()
    )
    assert set(table.cells("remark")) == {'a "long",\nlong\n\nbill', "short"}


def test_torn_rows_are_listed_with_their_line(written):
    path = written('a,b\n1,2\n3\n4,"x\n5,6\n7,8,9\n\n10,"y"z\n11,12\n')
    table = read_table(path)
    assert dict(table.cells("a")) == {2: "1", 5: "5", 9: "11"}
    assert [line for line, _ in table.torn] == [3, 4, 6, 8]
    reasons = [reason for _, reason in table.torn]
    assert reasons[0].startswith("1 cell, but the header has 2 columns. Is the line cut off")
    assert "quotes do not match" in reasons[1]
    assert reasons[2].startswith("3 cells, but the header has 2 columns")
    assert any("4 rows could not be cut into cells" in sentence for sentence in table.told)
    with pytest.raises(UserError, match=r"table.csv, line 3: 1 cell, but the header"):
        list(read_chunks(path))


def test_no_row_is_lost_from_one_chunk_to_the_next(penguins, written):
    many = pd.concat([penguins] * (CHUNK_ROWS // len(penguins) + 20), ignore_index=True)
    path = written(text(many))
    table = read_table(path)
    assert list(table.lines) == list(range(2, len(many) + 2))
    assert list(table.cells("species")) == list(many["species"])
    chunks = list(read_chunks(path))
    assert [len(chunk) for chunk in chunks] == [CHUNK_ROWS, len(many) - CHUNK_ROWS]
    assert len(read_table(path, rows=10)) == 10


def test_names_are_made_unique_and_it_is_told(written):
    assert unique_names([" a ", "a", "", "a_2", "b  c"]) == ["a", "a_3", "column_3", "a_2", "b c"]
    path = written("a;a;;b\n1;2;3;4\n")
    table = read_table(path)
    assert table.columns == ["a", "a_2", "column_3", "b"]
    assert table.renamed == {"a_2": "a", "column_3": ""}
    with pytest.raises(UserError, match="has the column a more than once"):
        next(read_chunks(path))
    assert list(next(read_chunks(path, known={"a", "a_2"}))) == table.columns


def test_a_name_may_also_be_a_value_where_others_stand_above_texts(written):
    rows = ["a short text,another one,match", "and a second,a third one,other"] * 5
    table = read_table(written("\n".join(["first,second,match", *rows]) + "\n"))
    assert table.columns == ["first", "second", "match"]
    assert len(table) == 10
    headless = read_table(written("\n".join(rows) + "\n"))
    assert len(headless) == 10


def test_without_header_the_columns_are_numbered(penguins, written):
    table = read_table(written(text(penguins, header=False)))
    assert len(table) == len(penguins)
    assert table.columns == [f"column_{number}" for number in range(1, 9)]
    assert any("There is no header line" in sentence for sentence in table.told)
    first = read_table(written(text(penguins.head(1), header=False)))
    assert len(first) == 1


def test_years_may_be_names_of_columns(written):
    table = read_table(written("country,2010,2011,2012\nNorway,1,2,3\nPeru,4,5,6\n"))
    assert table.columns == ["country", "2010", "2011", "2012"]


def test_arff(written):
    head = "% remark\n@relation r\n@attribute 'the size' real\n@attribute kind {a, b}\n@data\n"
    table = read_table(written(f"{head}1.5,a\n2.5,b\n"))
    assert dict(table.cells("the size")) == {6: "1.5", 7: "2.5"}
    assert table.columns == ["the size", "kind"]


def test_excel_cells_are_written_as_in_a_csv_file(written):
    when = pd.Timestamp("2020-01-31 18:30")
    frame = pd.DataFrame({"a": [1.0, 2.5], "b": [True, False], "c": [when.normalize(), when]})
    table = read_table(written(as_excel(frame)))
    assert list(table.cells("a")) == ["1", "2.5"]
    assert list(table.cells("b")) == ["true", "false"]
    assert understand_table(table)["c"].kind == "date"
    values, _ = typed_cells(table.cells("c"), "date", Notation(date="%d.%m.%Y"))
    assert list(values) == list(frame["c"])  # a file that knows dates writes them its own way


def with_a_cell_far_off() -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "a", 1
    book.save(content)
    return content.getvalue()


WRONG = {
    "empty": (b"", "is empty"),
    "blank lines": (b"\n \n\n", "is empty"),
    "header alone": (b"a,b,c\n", "has a header but no rows"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "is a picture"),
    "page": (b"\n<!DOCTYPE html><html><body>Not found</body></html>", "HTML or XML page"),
    "document": (b"%PDF-1.7 ...", "is a PDF document"),
    "junk": (bytes(range(256)) * 20, "bytes that are no text"),
    "several files": (as_zip(b"a,b\n1,2\n", "a.csv", "b.csv"), r"archive of 2 files \(a.csv, b"),
    "torn gzip": (gzip.compress(b"a,b\n1,2\n" * 99)[:30], "cannot be unpacked"),
    "torn workbook": (as_excel(pd.DataFrame({"a": [1]}))[:3000], "cannot be unpacked|no table"),
    "torn Parquet": (b"PAR1" + bytes(100), "cannot be read as Parquet"),
    "JSON document": (b'{\n "rows": [1, 2]\n}\n', "Save it as JSON lines"),
    "empty sheet": (as_excel(pd.DataFrame()), "has no sheet with cells"),
    "cell far off": (with_a_cell_far_off(), "its last cell is XFD1048576"),
    "ARFF without data": (b"@relation r\n@attribute a real\n", "no line @data"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_table_is_one_clear_error(written, what):
    content, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        read_table(written(content))


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match="There is no file"):
        recognise(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match=r"has no \.txt files"):
        recognise(tmp_path)


def test_unpacking_stops_at_the_limit(written, monkeypatch):
    monkeypatch.setattr(file_bytes, "UNPACKED_LIMIT", 2**21)
    path = written(gzip.compress(b"a,b\n" + b"1,2\n" * 2**20))
    with pytest.raises(UserError, match="unpacks to more than"):
        read_table(path)


def test_predict_reads_cells_in_the_notation_of_training(written):
    schema = Schema(
        features={},
        required={"price": "number", "sold": "date", "town": "category"},
        notation={
            "price": Notation(decimal=",", thousands=".", suffix="€", sentinels=(-999.0,)),
            "sold": Notation(date="%d.%m.%Y"),
            "town": Notation(missing=("-",)),
        },
    )
    path = written("town;sold;price\nUlm;31.12.2020;1.234,5 €\n-;;-999\n")
    rows = typed_rows(next(read_chunks(path, schema.required)), schema, path)
    assert list(rows["price"].fillna(0)) == [1234.5, 0]
    assert list(rows["town"]) == ["Ulm", ""]
    assert rows["sold"][2] == pd.Timestamp("2020-12-31")
    assert pd.isna(rows["sold"][3])
    path = written("town;sold;price\nUlm;12/31/2020;1\n")
    with pytest.raises(UserError, match=r"line 2, column 'sold': .* Expected a date written %d"):
        typed_rows(next(read_chunks(path, schema.required)), schema, path)
