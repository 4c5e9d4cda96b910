"""A project from pictures: in a folder for each class, or named in a list with their labels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from common.data.dataset import PARTS
from common.errors import UserError
from common.images.folder import PART_NAMES, SUFFIXES, PictureTable, pictures_in_folder
from common.images.listed import Places, column_of_names, pictures_in_list
from common.new.plan import Wishes
from common.new.readme import results
from common.new.write import literal, path_returned, quoted, sources_of, with_statements
from common.reading.table_file import RawTable, read_table
from common.reading.text_folder import holds_texts

LOOKED_AT_BYTES = 2**16  # of a file, for names of pictures
NAME_OF_PICTURE = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})\b", re.IGNORECASE)
TRAINED = 12_000  # pictures times epochs: some minutes on two cores
SMALLEST, LARGEST = 32, 160  # pixels a side; a backbone halves them five times


@dataclass(frozen=True)
class PicturePlan:
    """How a folder or a list of pictures becomes a project.

    columns: of a list, those that give label, picture and part to `pictures_in_list`; of a folder
    none.
    """

    data: Path
    pictures: PictureTable
    size: int
    epochs: int
    columns: Mapping[str, str] = field(default_factory=dict)


def has_pictures(data: Path) -> bool:
    """Whether `data` is a folder, but of texts, or a file that names pictures at its beginning."""
    if data.is_dir():
        return not holds_texts(data)
    try:
        with data.open("rb") as file:
            return bool(NAME_OF_PICTURE.search(file.read(LOOKED_AT_BYTES).decode("latin-1")))
    except OSError:
        return False  # whoever reads it as a table will say why


def decide_pictures(data: Path, wishes: Wishes) -> PicturePlan | None:
    """Look at every file and decide; None for a table whose columns name no files.

    Of the wishes the target alone has a meaning: the column of a list with the labels, by default
    the only one there is. UserError as `pictures_in_folder` and `pictures_in_list` raise it, for
    labels that are no classes, and for wishes that do not fit.
    """
    if data.is_dir():
        columns = {}
        check_wishes(data, wishes, ())
        pictures = pictures_in_folder(data)
    else:
        columns = columns_of(data, read_table(data), wishes.target)
        if not columns:
            return None
        check_wishes(data, wishes, ("target",))
        pictures = pictures_in_list(data, **columns)
    check_labels_are_classes(data, pictures)
    count = len(pictures.table)
    return PicturePlan(data, pictures, side_of(pictures), epochs_for(count), columns)


def check_wishes(data: Path, wishes: Wishes, possible: Sequence[str]) -> None:
    """UserError for wishes that have no meaning for these pictures."""
    given = [each.name for each in fields(wishes) if getattr(wishes, each.name)]
    strange = [f"--{name.replace('_', '-')}" for name in given if name not in possible]
    if strange:
        raise UserError(
            f"{data} has pictures, to which {' and '.join(strange)} cannot be applied. Leave it "
            "out; what is to be learned from them is put right in load.py."
        )


def columns_of(data: Path, table: RawTable, label: str) -> dict[str, str]:
    """The columns of a list with label, picture and part; none where no column names files."""
    try:
        picture = column_of_names(data, table, label, Places(data.parent))
    except UserError:
        return {}
    others = [name for name in table.columns if name != picture]
    part = next((name for name in others if name != label and names_parts(table, name)), "")
    labels = [name for name in others if name != part]
    if not label and len(labels) != 1:
        raise UserError(
            f"{data} has pictures in column {picture!r}. Name the column with their labels: "
            f"--target. Columns: {', '.join(table.columns)}."
        )
    return {"label": label or labels[0], "picture": picture} | ({"part": part} if part else {})


def names_parts(table: RawTable, name: str) -> bool:
    """Whether every cell of a column is train, validation or test, by one name or another."""
    return bool(table.cells(name).fillna("").str.strip().str.lower().isin(PART_NAMES).all())


def check_labels_are_classes(data: Path, pictures: PictureTable) -> None:
    """UserError where hardly two pictures have the same label."""
    count, classes = len(pictures.table), len(pictures.labels())
    if classes > count / 2:
        raise UserError(
            f"{data} has {classes:,} different labels for {count:,} pictures. Expected classes, "
            "with several pictures each; a number cannot be predicted from pictures here."
        )


def side_of(pictures: PictureTable) -> int:
    """The pixels a side to begin with: those of the middle picture, within what is useful."""
    side = float(pictures.table[["height", "width"]].max(axis=1).median())
    return int(np.clip(-(-side // 32) * 32, SMALLEST, LARGEST))


def epochs_for(count: int) -> int:
    return int(np.clip(TRAINED // count, 3, 20))


def told_pictures(plan: PicturePlan) -> str:
    """The plan in words."""
    table, labels = plan.pictures.table, plan.pictures.labels()
    lines = [f"{plan.data}: {len(table):,} pictures of {len(labels):,} classes."]
    lines += [f"Column of {what}: {name}." for what, name in plan.columns.items()]
    lines += [f"{each.level:6}{each.check}: {each.message}" for each in plan.pictures.findings]
    return "\n".join(
        [
            *lines,
            "",
            split_told(plan),
            f"Pictures are brought to {plan.size} x {plan.size} pixels, as large as most or as "
            "is useful.",
            f"Network: MobileNetV2, pretrained; first its new head learns, then for {plan.epochs} "
            "epochs all of it.",
        ]
    )


def split_told(plan: PicturePlan) -> str:
    parts = plan.pictures.table["part"]
    given = [part for part in PARTS if (parts == part).any()]
    if len(given) == len(PARTS):
        return "Split: as it is given."
    if not given:
        return "Split at random: 64 % train, 16 % validation, 20 % test; copies stay together."
    missing = " and ".join(part for part in PARTS if part not in given)
    return f"Split: as it is given; {missing} cut from the training pictures."


def picture_files(name: str, plan: PicturePlan) -> dict[str, str]:
    """File names to contents: the template's, with the plan's lines in place of its own."""
    sources = sources_of("template_images", name)
    question = f"What is in a picture of {plan.data.name}?"
    run = sources["run.py"].replace("Whose face is this?", question)
    run = run.replace(" A template: put a question of your own in its place.", "")
    for setting, value in (("size", plan.size), ("epochs", plan.epochs)):
        run = re.sub(rf"(\n    {setting}: int = )\d+", rf"\g<1>{value}", run)
    return {
        "README.md": picture_readme(name, plan),
        "load.py": load_file(sources["load.py"], plan),
        "model.py": sources["model.py"],
        "run.py": run,
        f"test_{name}.py": sources[f"test_{name}.py"],
    }


def load_file(template: str, plan: PicturePlan) -> str:
    """load.py with the user's folder or list, and without what fetched the template's."""
    what = "list" if plan.columns else "folder"
    text = with_statements(
        template,
        {
            "data": (
                "def data() -> Path:\n"
                f'    """The {what} to learn from."""\n'
                f"{path_returned(quoted(str(plan.data.resolve())))}"
            )
        },
    )
    text = text.replace(
        "faces of forty people. Put a folder of your own in its place.",
        f"the pictures of {plan.data.name}.",
    ).replace("load(size: int = 96", f"load(size: int = {plan.size}")
    gone = ("import archive_folder", "import package_archive")
    lines = [line for line in text.splitlines() if not line.endswith(gone)]
    text = "\n".join(lines) + "\n"
    if not plan.columns:
        return text
    columns = "".join(f"        {key}={literal(name)},\n" for key, name in plan.columns.items())
    return (
        text.replace("common.images.folder import pictures_in_folder",
                     "common.images.listed import pictures_in_list")
        .replace("    a folder for each class, or train, validation and test that have them -->",
                 "    a list of files and labels -->")
        .replace(
            "    return dataset_of(pictures_in_folder(data()), ",
            f"    pictures = pictures_in_list(\n        data(),\n{columns}    )\n"
            "    return dataset_of(pictures, ",
        )
    )  # fmt: skip


def picture_readme(name: str, plan: PicturePlan) -> str:
    table = plan.pictures.table
    counts = table["label"].value_counts().sort_index()
    lines = [
        f"# {name.replace('_', ' ').capitalize()}",
        "",
        f"What is in a picture of {plan.data.name}? One of {len(counts):,} classes.",
        "",
        f"    python projects/{name}/run.py",
        f"    python projects/{name}/run.py --thawed 0         the last layer alone, quick",
        f"    python projects/{name}/run.py predict --input photographs/ --output answers.csv",
        "",
        "## Data",
        "",
        f"{len(table):,} pictures: {', '.join(f'{label} {n:,}' for label, n in counts.items())}.",
        "Say here where they come from, and who may use them.",
        "",
        f"- **{split_told(plan)}**".replace(": ", ":** ", 1).removesuffix("**"),
        f"- **Left out:** {len(plan.pictures.left_out):,} files; the report names them.",
        "",
        "Whatever of this is wrong is put right in `load.py`; size of pictures and epochs stand in",
        "`run.py`.",
        "",
        *results(name),
    ]
    return "\n".join(lines) + "\n"
