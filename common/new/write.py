"""A plan as a project folder: the template's files, with the plan's lines in place of its own."""

import ast
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from common.errors import UserError
from common.new.plan import Plan
from common.new.readme import readme
from common.reading.notation import Notation
from common.runs import ROOT

LINE = 100  # characters
MATCH = "  # the second one says that both texts belong together"
FETCHING = (  # what only the data_file of a template needs
    *("archive_member", "archive_folder", "cache_folder", "package_archive", "read_table"),
    "replacing",
)


def write_project(name: str, files: dict[str, str]) -> Path:
    """Write projects/<name>/ of file names and contents, whole or not at all, and return it.

    Raises UserError where the folder exists or the name is none for a Python package.
    """
    folder = check_name(name)
    temporary = folder.with_name(f".{os.getpid()}-{name}")
    try:
        temporary.mkdir()
        for file, text in files.items():
            (temporary / file).write_text(text, encoding="utf-8")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_name(name: str) -> Path:
    """The folder of a new project; UserError for a name that will not do."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise UserError(
            f"{name!r} cannot be the name of a project. Use small letters, digits and _, "
            "beginning with a letter: my_problem."
        )
    folder = ROOT / "projects" / name
    if folder.exists():
        raise UserError(
            f"There is a folder {folder} already, which is left as it is. Choose another name, or "
            "remove it first."
        )
    return folder


def project_files(name: str, plan: Plan) -> dict[str, str]:
    """File names to contents: the template's, with the plan's lines in place of its own."""
    of_texts = "template_pairs" if plan.pair else "template_texts"
    sources = sources_of(of_texts if plan.text else "template_tabular", name)
    return {
        "README.md": readme(name, plan),
        "load.py": load_file(sources["load.py"], plan),
        "model.py": sources["model.py"],
        "run.py": run_file(sources["run.py"], plan),
        f"test_{name}.py": sources[f"test_{name}.py"],
    }


def sources_of(template: str, name: str) -> dict[str, str]:
    """The Python files of a template, by file name, with the project's name for its own."""
    return {
        path.name.replace(template, name): path.read_text(encoding="utf-8").replace(template, name)
        for path in sorted((ROOT / "projects" / template).glob("*.py"))
    }


def load_file(template: str, plan: Plan) -> str:
    notation = {
        name: plan.readings[name].notation
        for name in plan.columns
        if plan.readings[name].notation != Notation()
    }
    text = with_statements(
        template,
        {
            "TARGET": listed("TARGET", plan.targets),
            "TEXT": f"TEXT = {quoted(plan.text)}  # the column of free text that is read",
            "LABELS": f"LABELS = {literal(plan.labels)}{MATCH}",
            "FIRST": (
                f"FIRST, SECOND = {', '.join(map(quoted, plan.pair))}"
                "  # the two columns of free text that are compared"
            ),
            "COLUMNS": assigned("COLUMNS: dict[str, Kind]", plan.columns),
            "NOTATION": assigned("NOTATION: dict[str, Notation]", notation),
            "DATE_PARTS": assigned("DATE_PARTS: dict[str, tuple[str, ...]]", plan.date_parts),
            "TIME": f"TIME = {quoted(plan.time)}  # the column by which rows are split",
            "GROUP": f"GROUP = {quoted(plan.group)}  # the column whose rows stay together",
            "SLICES": f"SLICES = {literal(plan.slices)}",
            "UNIT": f'UNIT, LOG_SCALE = "", {plan.log_scale}',
            "data_file": (
                "def data_file() -> Path:\n"
                '    """The file to learn from."""\n'
                f"{path_returned(quoted(str(plan.data.resolve())))}"
            ),
        },
    )
    rows = f"the rows of {plan.data.name}."
    for what in (
        "penguins of three islands. Put a table of your own in their place.",
        "news in five topics. Put a folder or a table of your own in its place.",
        "headlines and articles. Put pairs of your own in their place.",
    ):
        text = text.replace(what, rows)
    return without_imports(text, *FETCHING)


def run_file(template: str, plan: Plan) -> str:
    text = template.replace("Is this penguin male or female?", question(plan))
    text = text.replace("What is this article about?", question(plan))
    text = text.replace("Does this headline belong to this article?", question(plan))
    text = text.replace(" A template: put a question of your own in its place.", "")
    settings = asdict(plan.settings)
    if plan.form:
        settings["length"] = plan.form.length
        if plan.form.unit != "bert":
            text = text.replace('unit: Unit = "words"', f'unit: Unit = "{plan.form.unit}"')
            text = learned_from_pairs(text)
    for name, value in settings.items():
        text = re.sub(rf"( {name}: int = )\d+", rf"\g<1>{value}", text)
    return text


def learned_from_pairs(run: str) -> str:
    """The run.py of pairs with a network that learns all from them, and rivals without MiniLM."""
    run = run.replace(
        '"sentence-vectors"  # these are MiniLM\'s; k-nrm and others learn words here',
        '"k-nrm"  # learns words from these pairs; sentence-vectors are MiniLM\'s',
    )
    run = run.replace("learning_rate: float = 3e-3", "learning_rate: float = 3e-2")
    run = run.replace("--model k-nrm --learning-rate 0.03", "--model dssm --learning-rate 0.001")
    return run.replace("pair_baselines", "word_baselines").replace(
        "learner_of, word_baselines, stages_of", "learner_of, stages_of, word_baselines"
    )


def question(plan: Plan) -> str:
    """The question of the project in words, to be put better by its owner."""
    if plan.task == "binary":
        return f"Is {plan.target} {plan.labels[1]}?"
    if plan.task == "multilabel":
        told = f"Which of {', '.join(plan.labels)} hold?"
        return told if len(told) < LINE - 20 else f"Which of {len(plan.labels)} labels hold?"
    return f"What is {plan.target}?"


def with_statements(source: str, statements: dict[str, str]) -> str:
    """The source with other top-level statements for these names: assignments and functions.

    A comment at the end of a statement's last line goes with it.
    """
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        name = defined(node)
        if name in statements:
            lines[node.lineno - 1 : node.end_lineno] = statements[name].splitlines()
    return "\n".join(lines) + "\n"


def defined(node: ast.stmt) -> str:
    """The (first) name that a statement defines."""
    if isinstance(node, ast.FunctionDef):
        return node.name
    target = getattr(node, "target", None) or next(iter(getattr(node, "targets", [])), None)
    if isinstance(target, ast.Tuple):
        target = target.elts[0]
    return target.id if isinstance(target, ast.Name) else ""


def without_imports(source: str, *names: str) -> str:
    """The source without the lines that import one of these names alone."""
    ends = tuple(f"import {name}" for name in names)
    return "\n".join(line for line in source.splitlines() if not line.endswith(ends)) + "\n"


def assigned(target: str, values: dict) -> str:
    """`target = {…}`, an entry a line where there are any."""
    if not values:
        return f"{target} = {{}}"
    entries = [entry(quoted(key), value) for key, value in values.items()]
    return "\n".join([f"{target} = {{", *entries, "}"])


def listed(target: str, values: Sequence[str]) -> str:
    """`target = […]`, a value a line where they are too long for one."""
    line = f"{target} = [{', '.join(map(quoted, values))}]"
    if len(line) <= LINE:
        return line
    return "\n".join([f"{target} = [", *(f"    {quoted(value)}," for value in values), "]"])


def entry(key: str, value: object) -> str:
    """A line of a dictionary; a tuple that is too long for it takes a line a member."""
    line = f"    {key}: {literal(value)},"
    if len(line) <= LINE or not isinstance(value, tuple):
        return line
    return "\n".join([f"    {key}: (", *(f"        {literal(one)}," for one in value), "    ),"])


def path_returned(path: str) -> str:
    line = f"    return Path({path})"
    return line if len(line) <= LINE else f"    return Path(\n        {path}\n    )"


def literal(value: object) -> str:
    """A value as Python source with double quotes; a Notation with what is not as usual."""
    if isinstance(value, Notation):
        usual, own = asdict(Notation()), asdict(value)
        given = ", ".join(f"{k}={literal(v)}" for k, v in own.items() if v != usual[k])
        return f"Notation({given})"
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """A Python string literal in double quotes."""
    plain = repr(text)
    if plain.startswith("'"):
        plain = '"' + plain[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    return plain
