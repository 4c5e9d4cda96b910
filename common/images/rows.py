"""Pictures to predict: in a folder, one alone, or named in a table."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from common.errors import UserError
from common.images.folder import files_below, name_below
from common.images.survey import survey

CHUNK_PICTURES = 1024
NAMED = 3  # examples in a message


def picture_chunks(source: Path, column: str) -> Iterator[pd.DataFrame] | None:
    """Yield frames whose one column names the pictures of a folder and below, or the one of a file.

    Names are paths below the folder; the index, called "file", counts from 1. None where `source`
    is neither a folder nor a picture: it may be a table then. UserError for an empty folder.
    """
    if source.is_dir():
        names = [name_below(source, file) for file in files_below(source)]
        if not names:
            raise UserError(f"{source} has no files to predict, nor have the folders in it.")
    elif source.is_file() and survey([source])["reason"][0] == "":
        names = [source.name]
    else:
        return None
    frame = pd.DataFrame({column: names}, index=pd.RangeIndex(1, len(names) + 1, name="file"))
    return (
        frame.iloc[start : start + CHUNK_PICTURES].astype("str")
        for start in range(0, len(names), CHUNK_PICTURES)
    )


def with_places(rows: pd.DataFrame, columns: list[str], source: Path) -> pd.DataFrame:
    """The rows with the full path of each picture in these columns, looked for beside `source`.

    Raises UserError that names the rows without a picture, and files that are none.
    """
    folder = source if source.is_dir() else source.parent
    for column in columns:
        empty = rows.index[rows[column] == ""]
        if len(empty):
            raise UserError(
                f"{source}, {rows.index.name} {empty[0]}, column {column!r}: no picture is named."
            )
        files = [folder / name for name in rows[column]]
        reasons = survey(files)["reason"]
        bad = [
            f"{rows.index.name} {rows.index[place]}, {files[place]} {reason}"
            for place, reason in reasons[reasons != ""].items()
        ]
        if bad:
            raise UserError(
                f"{source}: {len(bad):,} files cannot be used, such as {'; '.join(bad[:NAMED])} "
                "Mend them or take them out."
            )
        rows = rows.assign(**{column: [str(file) for file in files]})
    return rows
