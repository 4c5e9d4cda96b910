"""A user's pictures as a table of path, label and part: from folders.

    root/train/CLASS/…, root/validation/CLASS/…, root/test/CLASS/…     the split is given
    root/CLASS/…                                                       the split is still to be made

Everything below a class's folder bears its label. What is no picture, or has no label, is left out
and listed with its reason; so is a picture of which a later part has a copy. Lists of paths and
labels, in a CSV file, are read by common/images/listed.py and end here, too.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from common.data.dataset import PARTS
from common.data.finding import Finding
from common.errors import UserError
from common.images.duplicates import check_copies, group_numbers, straddling
from common.images.survey import survey

PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# What a name promises, where it promises anything, and the formats that keep the promise.
SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe"), ("JPEG", "MPO")),
    **dict.fromkeys((".tif", ".tiff"), ("TIFF",)),
    **{f".{name.lower()}": (name,) for name in ("PNG", "GIF", "WEBP", "BMP", "AVIF")},
}
NAMED = 3  # examples in a message


@dataclass(frozen=True)
class PictureTable:
    """Pictures with their labels, and what was left out.

    table: a row for each picture; path below `root`, label, part ("" where no split is given),
    group (copies have the same number), format, height and width in pixels, sha256, rules (those
    of common/images/decode.py that matter for it). left_out: path and reason of every other file.
    findings: what was noticed.
    """

    root: Path
    table: pd.DataFrame
    left_out: pd.DataFrame
    findings: list[Finding]

    def files(self) -> list[Path]:
        """The path of each picture, in the order of the table."""
        return [self.root / path for path in self.table["path"]]

    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in alphabetical order."""
        return tuple(sorted(self.table["label"].unique()))


def pictures_in_folder(root: Path) -> PictureTable:
    """Look at every file below a folder of classes, or of parts with classes.

    A folder has parts where one of its folders is called train (or training); the others of
    PART_NAMES are then parts, too. Hidden files and folders are not looked at. Raises UserError
    where there is no such folder, and where fewer than two classes are left.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise UserError(
            f"{root} is no folder. Expected one with a folder for each class, or with train, "
            "validation and test that have them."
        )
    rows, left_out = [], []
    folders, loose = entries(root)
    has_parts = any(PART_NAMES.get(folder.name.lower()) == "train" for folder in folders)
    left_out += [(name_below(root, file), "It lies beside the folders.") for file in loose]
    for folder in folders:
        if not has_parts:
            rows += [(name_below(root, file), folder.name, "") for file in files_below(folder)]
        elif part := PART_NAMES.get(folder.name.lower()):
            classes, loose = entries(folder)
            left_out += [
                (name_below(root, file), "It lies in no class's folder.") for file in loose
            ]
            rows += [
                (name_below(root, file), one.name, part)
                for one in classes
                for file in files_below(one)
            ]
        else:
            left_out += [
                (name_below(root, file), "It lies in none of train, validation and test.")
                for file in files_below(folder)
            ]
    return pictures_of(root, pd.DataFrame(rows, columns=["path", "label", "part"]), left_out)


def entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in a folder, by name; hidden ones are left out."""
    try:
        found = sorted(one for one in folder.iterdir() if not is_hidden(one.name))
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return [one for one in found if one.is_dir()], [one for one in found if not one.is_dir()]


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, by name; links to folders are not followed, lest they go round."""

    def refuse(error: OSError) -> None:
        raise UserError(f"The folder {error.filename} cannot be read: {error.strerror}.") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from (Path(place, name) for name in sorted(files) if not is_hidden(name))


def is_hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def name_below(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


def pictures_of(root: Path, table: pd.DataFrame, left_out: list[tuple[str, str]]) -> PictureTable:
    """Look at the files of a table, whoever made it: here folders and lists end.

    table: path below root, label, part ("" for all where no split is given); its index stays.
    left_out: path and reason of files that are already left out. Left out are those that are no
    picture, and those of which a later part has a copy. Raises UserError where fewer than two
    classes are left.
    """
    facts = survey([root / path for path in table["path"]]).set_axis(table.index)
    rows_in = len(table) + len(left_out)
    bad = facts["reason"] != ""
    left_out = left_out + list(zip(table["path"][bad], facts["reason"][bad], strict=True))
    table = table.join(facts[["format", "height", "width", "sha256", "rules"]])[~bad]
    check_classes(root, table, left_out)
    table = table.assign(group=group_numbers(facts["perceptual_hash"][~bad]))
    copies = list(check_copies(table))
    twice = straddling(table["part"], table["group"])
    left_out += [(path, "A later part has a copy of it.") for path in table["path"][twice]]
    table = table[~twice]
    check_classes(root, table, left_out)
    findings = [
        Finding("account", "ok", f"{rows_in:,} files, {len(table):,} used."),
        *check_left_out(left_out),
        *check_labels(table),
        *check_parts(table),
        *copies,
        *check_files(table),
    ]
    reasons = pd.DataFrame(left_out, columns=["path", "reason"])
    return PictureTable(root, table, reasons, findings)


def check_classes(root: Path, table: pd.DataFrame, left_out: list[tuple[str, str]]) -> None:
    """UserError where the table has fewer than two classes."""
    if table["label"].nunique() > 1:
        return
    found = "no class" if table.empty else f"only the class {table['label'].iloc[0]!r}"
    why = "; ".join(f"{path}: {reason}" for path, reason in left_out[:NAMED])
    raise UserError(
        f"{root} has pictures of {found}; files left out: {len(left_out):,}"
        + (f" ({why})" if why else "")
        + ". Expected two classes at least, each a folder with its pictures."
    )


def check_left_out(left_out: list[tuple[str, str]]) -> Iterator[Finding]:
    """Files that are not used, with the reason of the first ones."""
    examples = "; ".join(f"{path}: {reason}" for path, reason in left_out[:NAMED])
    yield Finding(
        "files left out",
        "note" if left_out else "ok",
        f"{len(left_out):,} files are left out" + (f", such as {examples}" if examples else "."),
    )


def check_labels(table: pd.DataFrame) -> Iterator[Finding]:
    """How many pictures each class has, classes of which training has none, and labels alike."""
    counts = table["label"].value_counts()
    told = ", ".join(f"{label} {count:,}" for label, count in counts.items())
    uneven = counts.max() > 10 * counts.min()
    yield Finding("classes", "note" if uneven else "ok", f"Pictures of each class: {told}.")
    if (table["part"] != "").any():
        trained = set(table["label"][table["part"] == "train"])
        unseen = sorted(set(counts.index) - trained)
        message = f"Classes without a training picture: {', '.join(unseen) or 'none'}."
        yield Finding("unseen classes", "alarm" if unseen else "ok", message)
    # Signs between letters only: -1 and 1 are no spellings of one class.
    plain = counts.index.str.lower().str.replace(r"(?<=[a-z])[\s_-]+(?=[a-z])", "", regex=True)
    alike = counts.index[plain.duplicated(keep=False)]
    message = f"Labels that differ in case or signs only: {', '.join(sorted(alike)) or 'none'}."
    yield Finding("labels alike", "alarm" if len(alike) else "ok", message)


def check_parts(table: pd.DataFrame) -> Iterator[Finding]:
    """How many pictures each part has, where the split is given."""
    if (table["part"] == "").all():
        return
    counts = {part: int((table["part"] == part).sum()) for part in PARTS}
    told = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    yield Finding("parts", "ok" if all(counts.values()) else "note", f"Pictures: {told}.")


def check_files(table: pd.DataFrame) -> Iterator[Finding]:
    """Names that promise another format, and the rules by which unusual files are read."""
    promised = table["path"].map(lambda path: SUFFIXES.get(Path(path).suffix.lower()))
    misnamed = [
        f"{path} is {found}"
        for path, found, expected in zip(table["path"], table["format"], promised, strict=True)
        if expected and found not in expected
    ]
    yield Finding(
        "misnamed",
        "note" if misnamed else "ok",
        f"{len(misnamed):,} files are of another format than their name says, and read as what "
        "they are" + (f": {'; '.join(misnamed[:NAMED])}." if misnamed else "."),
    )
    rules = table["rules"][table["rules"] != ""].str.split("; ").explode().value_counts()
    told = "; ".join(f"{count:,} {rule}" for rule, count in rules.items())
    yield Finding(
        "unusual files",
        "note" if told else "ok",
        f"Files read by a special rule: {told or 'none'}.",
    )
