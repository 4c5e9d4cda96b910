"""Every exercise has a stub, a solution and a check, and the check tells them apart."""

import ast
import inspect
import re
import runpy

import pytest

from notebooks.from_scratch.exercises import FOLDER, checks_of, difference, judge

NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.py"))


def stubs(path):
    """The functions of a notebook that a reader has to write, by name."""
    space = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and "raise NotImplementedError" in ast.unparse(node):
            exec(compile(ast.Module([node], []), path.name, "exec"), space)
    return {name: space[name] for name in space if name != "__builtins__"}


def defined(path):
    """The functions that a file defines itself, by name; none if there is no such file."""
    space = runpy.run_path(str(path)) if path.exists() else {}
    return {
        name: value
        for name, value in space.items()
        if inspect.isfunction(value) and value.__code__.co_filename == str(path)
    }


EXERCISES = [(path, name) for path in NOTEBOOKS for name in stubs(path)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_exercises_that_are_complete(path):
    names = list(stubs(path))
    assert 2 <= len(names) <= 4
    assert re.findall(r"^check\((\w+)\)$", path.read_text(), re.MULTILINE) == names
    assert set(names) <= set(defined(FOLDER / "solutions" / path.name))
    checks = defined(FOLDER / f"checks_{path.stem[:2]}.py")
    for start in ("check_", "wrong_"):
        assert {f"{start}{name}" for name in names} == {n for n in checks if n.startswith(start)}


def test_nothing_belongs_to_no_notebook():
    assert {path.name for path in (FOLDER / "solutions").glob("*.py")} <= {
        path.name for path in NOTEBOOKS
    }
    assert {path.stem[-2:] for path in FOLDER.glob("checks_*.py")} <= {
        path.stem[:2] for path in NOTEBOOKS
    }
    names = [name for _, name in EXERCISES]
    assert len(set(names)) == len(names)  # a check is found by its exercise's name


@pytest.mark.parametrize(("path", "name"), EXERCISES, ids=lambda part: getattr(part, "stem", part))
def test_check_tells_solution_from_stub_and_wrong_answer(path, name):
    stub, solution = stubs(path)[name], defined(FOLDER / "solutions" / path.name)[name]
    assert judge(solution) == "right"
    assert judge(stub) == f"not solved yet: {name}"
    wrong = getattr(checks_of(name), f"wrong_{name}")
    wrong.__name__ = name
    assert judge(wrong).startswith(f"not yet right: {name}, ")
    parameters = [list(inspect.signature(f).parameters) for f in (stub, solution, wrong)]
    assert parameters[0] == parameters[1] == parameters[2]


def test_what_differs_is_told():
    assert difference([1.0, 2.0], [1.0, 2.0 + 1e-7]) is None
    assert difference(None, 1.0) == "nothing came back; is there a return?"
    assert difference([1.0], 1.0) == "the shape is (1,), expected ()"
    assert difference(0.5, 0.25) == "0.5, expected 0.25"
    assert difference([[1.0, 2.0]], [[1.0, 3.0]]) == "[0, 1] is 2, expected 3"
    assert difference([1.0, float("nan")], [1.0, 3.0]) == "[1] is nan, expected 3"
    assert difference(True, False) == "True, expected False"


def test_failing_and_renamed_functions_are_told():
    def entropy(shares):
        raise KeyError("shares")

    assert judge(entropy) == "not yet right: entropy stopped with KeyError: 'shares'"
    entropy.__name__ = "entropie"
    with pytest.raises(ValueError, match="no exercise of the name entropie"):
        judge(entropy)
