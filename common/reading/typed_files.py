"""Parquet and JSON lines: files that know types, with their cells as text all the same.

What a column means is decided from its cells in one way, wherever they come from.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.errors import UserError
from common.reading.csv_rows import Rows
from common.reading.file_bytes import opened, opened_text
from common.reading.file_format import CHUNK_ROWS, Batch, FileFormat, text_array

DAMAGED_PARQUET = (OSError, ValueError, pa.ArrowException)


def recognise_parquet(path: Path, compression: str) -> FileFormat:
    """The format of a Parquet file; UserError where it cannot be read."""
    with opened(path, compression) as file:
        columns = parquet_of(file, path, compression).schema_arrow.names
    return FileFormat("parquet", tuple(columns), compression=compression)


def read_parquet(path: Path, format: FileFormat) -> Iterator[Batch]:
    """The rows of a Parquet file, some ten thousand at a time; lines are their numbers from 1."""
    with opened(path, format.compression) as file:
        batches = parquet_of(file, path, format.compression).iter_batches(CHUNK_ROWS)
        start = 1
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            except DAMAGED_PARQUET as error:
                raise unreadable(path, error) from error
            lines = np.arange(start, start + len(batch))
            yield Batch([as_text(column) for column in batch.columns], lines, [])
            start += len(batch)


def parquet_of(file: io.BufferedIOBase, path: Path, compression: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(io.BytesIO(file.read()) if compression else file)
    except DAMAGED_PARQUET as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> UserError:
    said = " ".join(str(error).split()).rstrip(".")
    return UserError(f"{path} cannot be read as Parquet: {said}. Is it whole? Write it again.")


def as_text(column: pa.Array) -> pa.Array:
    """Values as they would stand in a CSV file; lists and records as JSON, null as ""."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        whole = pc.all(pc.equal(pc.subsecond(column), 0)).as_py() is not False
        column = pc.cast(column, pa.timestamp("s" if whole else "us", kind.tz), safe=False)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_nested(kind):
        return text_array("" if v is None else json_text(v) for v in column.to_pylist())
    elif pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(column, pc.round(column)), pc.less(pc.abs(column), 1e15))
        if pc.all(whole).as_py() is not False:
            column = pc.cast(column, pa.int64())
    return pc.cast(column, pa.large_string()).fill_null("")


def recognise_json(path: Path, encoding: str, broken: int, compression: str) -> FileFormat:
    """The format of a file with a JSON object on each line; its columns are all keys in it."""
    names: dict[str, None] = {}
    for _, row in json_rows(path, encoding, compression):
        names |= dict.fromkeys(row if isinstance(row, dict) else ())
    if not names:
        raise UserError(
            f"{path} holds JSON, but no line is an object such as "
            '{"price": 3, "colour": "red"}. Save it as JSON lines: with pandas, '
            'frame.to_json(path, orient="records", lines=True).'
        )
    return FileFormat(
        "json_lines", tuple(names), encoding=encoding, broken=broken, compression=compression
    )


def read_json(path: Path, format: FileFormat) -> Iterator[Batch]:
    """The rows of a file of JSON lines, some ten thousand at a time."""
    rows = Rows(len(format.columns))
    for line, row in json_rows(path, format.encoding, format.compression):
        if isinstance(row, str):
            rows.torn.append((line, row))
            continue
        rows.add(line, [json_text(row.get(name)) for name in format.columns])
        if len(rows.lines) >= CHUNK_ROWS:
            yield rows.batch()
    yield rows.batch(len(rows.empty))


def json_rows(path: Path, encoding: str, compression: str) -> Iterator[tuple[int, dict | str]]:
    """Line by line the object, or what is wrong with it; numbers as text, as they are written."""
    with opened_text(path, encoding, compression) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
            except (ValueError, RecursionError) as error:
                yield line, f"it is no JSON: {error}. Expected an object in braces."
                continue
            yield line, row if isinstance(row, dict) else "expected an object in braces."


def json_text(value: object) -> str:
    """A JSON value as it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
