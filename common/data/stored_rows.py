"""Training rows on disk, for tables that are larger than memory: a folder of Parquet files.

    chunks of rows --write_parquet--> folder --sample_rows--> the sample that a Dataset holds
                                            \\--encode_rows--> what the networks learn from

Everything here holds one chunk of rows in memory, however many the files have.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from common.data.dataset import Schema
from common.data.target_values import strange_targets
from common.errors import UserError
from common.files import replacing

CHUNK_ROWS = 65_536  # rows in memory at a time, at most; and of a row group that is written here
CHUNK_CELLS = 2**22  # rows times columns in memory at a time, at most
FILE = "rows.parquet"


@dataclass(frozen=True)
class StoredRows:
    """All training rows of a dataset, in the Parquet files (*.parquet) of a folder.

    Every file has the feature columns of the schema and the column `target`: numbers of any numeric
    type, null or NaN for missing; categories as text, null or "" for missing. Other columns may be
    there. The order of rows is that of the files by name.
    """

    folder: Path
    target: str = "target"

    def files(self) -> list[Path]:
        """The files in order; UserError where there is none."""
        files = sorted(self.folder.glob("[!.]*.parquet"))
        if not files:
            raise UserError(
                f"{self.folder} has no Parquet file (*.parquet) of training rows. Write one with "
                "common.data.stored_rows.write_parquet, or name another folder."
            )
        return files

    def count(self) -> int:
        """The number of rows, from the files' footers."""
        return sum(open_parquet(path).metadata.num_rows for path in self.files())

    def check(self, schema: Schema) -> None:
        """UserError that names file and column where a file does not fit `schema`.

        Looks at the footers only, which takes no time; values are looked at when they are read.
        """
        for path in self.files():
            columns = open_parquet(path).schema_arrow
            for name, kind in {**schema.features, self.target: "number"}.items():
                check_column(path, columns, name, kind)
        if self.count() == 0:
            raise UserError(f"The Parquet files of {self.folder} have no rows to learn from.")

    def chunks(self, schema: Schema) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """All rows in order, a chunk at a time: features and target (rows,) float32.

        Features are as `Schema.features` wants them. UserError that names file, column and row for
        infinite numbers and targets that do not fit the schema.
        """
        for path in self.files():
            start = 0
            for batch in read_batches(path, schema, [*schema.features, self.target]):
                rows = typed_columns(path, batch, schema, self.target)
                target = rows.pop(self.target).to_numpy()
                for name in schema.numbers:
                    numbers = rows[name].to_numpy()
                    check_values(path, name, start, numbers, np.isinf(numbers), "infinite")
                strange, wanted = strange_targets(schema, target)
                check_values(path, self.target, start, target, strange, f"not {wanted}")
                yield rows, target
                start += len(target)

    def fingerprint(self) -> str:
        """SHA-256 of the files' names and bytes: about a second for each GB."""
        digest = hashlib.sha256(self.target.encode())
        for path in self.files():
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256")
            digest.update(path.name.encode() + content.digest())
        return digest.hexdigest()


def sample_rows(stored: StoredRows, schema: Schema, rows: int) -> pd.DataFrame:
    """About `rows` rows, evenly spaced over all files, with every column there is.

    Columns of the schema and the target come as a Dataset wants them, others as they are stored.
    All rows are read once.
    """
    wanted = np.unique(np.linspace(0, stored.count() - 1, rows).astype(int))
    start, frames = 0, []
    for path in stored.files():
        for batch in read_batches(path, schema):
            chosen = wanted[(wanted >= start) & (wanted < start + len(batch))] - start
            start += len(batch)
            frames.append(typed_columns(path, batch.take(pa.array(chosen)), schema, stored.target))
    return pd.concat(frames, ignore_index=True).astype(dict.fromkeys(schema.categories, "str"))


def write_parquet(
    chunks: Iterable[pd.DataFrame], schema: Schema, folder: Path, target: str = "target"
) -> StoredRows:
    """Write frames one after another into one Parquet file of `folder`, whole or not at all.

    chunks: frames with the features of the schema, the target, and maybe other columns, the same in
    every frame; with some ten thousand rows each, the file is small and quick to read. Where the
    file is there already, it is taken as it is and no chunk is drawn: name the folder after what
    the rows follow from (the source's checksum, a version of the cleaning).
    Raises UserError for a frame that does not fit, and for no rows at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with FileLock(folder / ".lock"):
        for left in folder.glob(f".*-{FILE}"):  # half of a file from a killed process
            left.unlink()
        if not path.exists():
            with replacing(path) as temporary:
                write_chunks(chunks, schema, target, temporary)
    return StoredRows(folder, target)


def write_chunks(chunks: Iterable[pd.DataFrame], schema: Schema, target: str, path: Path) -> None:
    kinds = {"number": pa.float32(), "category": pa.string()}
    types = {name: kinds[kind] for name, kind in schema.features.items()} | {target: pa.float32()}
    writer, fields, rows = None, None, 0
    try:
        for number, chunk in enumerate(chunks, start=1):
            try:
                if writer is None:
                    found = pa.Schema.from_pandas(chunk, preserve_index=False)
                    as_found = dict(zip(found.names, found.types, strict=True))
                    fields = pa.schema(list((as_found | types).items()))
                    writer = pq.ParquetWriter(path, fields, write_page_checksum=True)
                table = pa.Table.from_pandas(chunk, fields, preserve_index=False)
            except (KeyError, pa.ArrowException) as error:
                raise UserError(
                    f"Chunk {number} of the training rows does not fit its columns: "
                    f"{said(error)}. Every chunk needs {', '.join(types)}, and the same others."
                ) from error
            writer.write_table(table, row_group_size=CHUNK_ROWS)
            rows += len(chunk)
    finally:
        if writer is not None:
            writer.close()
    if rows == 0:
        raise UserError("There are no training rows to store: no chunk has a row.")


def open_parquet(path: Path, texts: list[str] | None = None) -> pq.ParquetFile:
    """The file, with the columns `texts` read as numbers into a list of distinct texts."""
    try:
        return pq.ParquetFile(
            path,
            read_dictionary=texts,
            pre_buffer=False,  # it would keep everything that was read until the end
            buffer_size=2**20,  # a row group, too, is read piece by piece
            page_checksum_verification=True,
        )
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error


def read_batches(
    path: Path, schema: Schema, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a file in order, a chunk at a time."""
    file = open_parquet(path, schema.categories)
    width = len(columns or file.schema_arrow.names)
    rows = max(1, min(CHUNK_ROWS, CHUNK_CELLS // width))
    batches = file.iter_batches(rows, columns=columns)
    while True:
        try:
            batch = next(batches, None)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(path, error) from error
        if batch is None:
            return
        yield batch


def unreadable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"{path} cannot be read as Parquet: {said(error)}. It is torn, or of another format: "
        "delete it and have it written again."
    )


def said(error: Exception) -> str:
    """What an error of Arrow says, in one line and without its last stop."""
    return " ".join(str(error).split()).rstrip(".")


def check_column(path: Path, columns: pa.Schema, name: str, kind: str) -> None:
    found = columns.names.count(name)
    if found != 1:
        near = get_close_matches(name, columns.names, n=1)
        meant = f" Did you mean {near[0]!r}?" if near and not found else ""
        raise UserError(
            f"{path} has {found or 'no'} column{'s' if found else ''} {name!r}; exactly one is "
            f"needed. Its columns: {', '.join(columns.names)}.{meant}"
        )
    stored = columns.field(name).type
    fits = is_number(stored) if kind == "number" else is_text(stored)
    if not (fits or pa.types.is_null(stored)):
        wanted = "numbers" if kind == "number" else "text"
        raise UserError(
            f"{path}, column {name!r} holds {stored}, expected {wanted}. Convert the column before "
            "it is stored, or change its kind in the schema."
        )


def is_number(stored: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(of_kind(stored) for of_kind in kinds)


def is_text(stored: pa.DataType) -> bool:
    stored = stored.value_type if pa.types.is_dictionary(stored) else stored
    return pa.types.is_string(stored) or pa.types.is_large_string(stored)


def typed_columns(path: Path, batch: pa.RecordBatch, schema: Schema, target: str) -> pd.DataFrame:
    """A batch as a frame: numbers and target float32 with NaN, categories text with ""."""
    columns = {}
    for name in batch.schema.names:
        column = batch.column(name)
        try:
            if name in schema.categories:
                columns[name] = pd.Series(texts_of(column), dtype=object)
            elif name in schema.features or name == target:
                numbers = column.cast(pa.float32(), safe=False)
                columns[name] = numbers.to_numpy(zero_copy_only=False)
            else:
                columns[name] = column.to_pandas()
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise UserError(
                f"{path}, column {name!r} has values that cannot be read: {said(error)}. "
                "Have the file written again."
            ) from error
    return pd.DataFrame(columns)


def texts_of(column: pa.Array) -> np.ndarray:
    """A column of text as (rows,) objects, "" for missing; each distinct text is made once."""
    if pa.types.is_null(column.type):
        return np.full(len(column), "", object)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    texts = column.dictionary.cast(pa.string()).fill_null("").to_pylist()
    numbers = column.indices.fill_null(len(texts)).to_numpy()
    return np.array([*texts, ""], object)[numbers]


def check_values(
    path: Path, name: str, start: int, values: np.ndarray, bad: np.ndarray, what: str
) -> None:
    """UserError with file, column and row of the file (from 1) for the first of the bad values."""
    if bad.any():
        first = int(np.argmax(bad))
        raise UserError(
            f"{path}, column {name!r}, row {start + first + 1}: {values[first]:g} is {what}. "
            "Mend or drop such rows before they are stored, and say so in the account."
        )
