"""Whatever the file: a project that accounts for every row, or one clear error."""

import csv
import importlib.util
import io
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.new.decide import decide
from common.new.plan import Wishes
from common.new.tell import told
from common.new.write import project_files

WORDS = ["red", "blue", "n/a", "", "?", "ü ß", "yes", "no", "-", "a,b", 'say "x"', "two\nlines"]
CELLS = {
    "whole": lambda random: str(random.randint(-1000, 1000)),
    "number": lambda random: str(random.gauss(0, 10)),
    "odd number": lambda random: random.choice(["inf", "nan", "1e400", "-0", "1_000", "0x10", "5"]),
    "comma": lambda random: f"{random.gauss(0, 100):.2f}".replace(".", ","),
    "money": lambda random: f"${random.uniform(0, 1e6):,.2f}",
    "word": lambda random: random.choice(WORDS),
    "date": lambda random: str(date.fromordinal(random.randint(700_000, 740_000))),
    "day first": lambda random: f"{random.randint(1, 28)}.{random.randint(1, 12)}.2021",
    "text": lambda random: "".join(chr(random.randint(32, 900)) for _ in range(12)),
    "sentence": lambda random: " ".join(random.choices(WORDS, k=7)),
    "constant": lambda random: "same",
    "missing": lambda random: random.choice(["", "NA", "-999"]),
}
ANSWERS = {
    "two classes": lambda random: random.choice("01"),
    "classes": lambda random: random.choice(["good", "bad", "so so", "good"]),
    "number": lambda random: f"{random.gauss(5, 1):.3f}",
    "nothing": lambda random: "",
}
NAMES = ["a", "b b", "", "ä", "id", "date", "c,d", "x" * 50]


@st.composite
def tables(draw) -> bytes:
    """A CSV file of columns of all sorts, in some dialect and encoding, with some torn lines."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), max_size=5))
    names = [draw(st.sampled_from(NAMES)) for _ in kinds]
    answer = ANSWERS[draw(st.sampled_from(sorted(ANSWERS)))]
    rows = draw(st.sampled_from([0, 3, 60, 60, 120]))
    noise, torn = draw(st.sampled_from([0, 0.03, 0.5])), draw(st.sampled_from([0, 0.05]))
    separator = draw(st.sampled_from(",;\t|"))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "gbk"]))
    random = Random(draw(st.integers(0, 2**32)))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    if draw(st.booleans()):
        writer.writerow([*names, "y"])
    for _ in range(rows):
        sorts = [random.choice(sorted(CELLS)) if random.random() < noise else k for k in kinds]
        row = [*(CELLS[sort](random) for sort in sorts), answer(random)]
        writer.writerow([*row, "more"] if random.random() < torn else row)
    return file.getvalue().encode(encoding, errors="replace")


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to make a failing table small would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=tables() | st.binary(max_size=200))
def test_a_plan_that_accounts_for_every_row_or_one_clear_error(content, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    try:
        plan = decide(path, Wishes())
        assert told(plan)
        dataset = loaded(plan, tmp_path)
    except UserError:
        return
    account = dataset.account
    assert account.rows_in == len(plan.table) + len(plan.table.torn)
    assert account.rows_used == len(dataset.target)
    assert account.rows_in == account.rows_used + sum(account.dropped.values())


def loaded(plan, folder):
    """The Dataset of the load.py that is written for a plan."""
    path = folder / "load.py"
    path.write_text(project_files("fuzzed", plan)["load.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("fuzzed_load", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(plan.form) if plan.form else module.load()


def test_the_sorts_of_cells_do_give_plans(tmp_path):
    """The fuzz test is not content with errors alone: a plain table goes through."""
    path = tmp_path / "table.csv"
    rows = "".join(f"{number % 7},{'red' if number % 3 else 'blue'}\n" for number in range(60))
    path.write_text(f"x,colour\n{rows}")
    plan = decide(path, Wishes(target="colour"))
    assert plan.labels == ("blue", "red")
    dataset = loaded(plan, tmp_path)
    assert dataset.account.as_dict()["rows_used"] == 60
    assert dataset.target.mean() == pytest.approx(2 / 3, abs=0.02)
