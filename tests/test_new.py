"""`python -m common.new` decides on real tables as a person would, and says so when it cannot."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from common.data.combination import linear_combination
from common.data.split import split_by_time, strata_of
from common.errors import UserError
from common.new.decide import decide
from common.new.plan import Wishes
from common.new.tell import told
from common.new.write import check_name, project_files
from data.examples import example_file


@pytest.fixture(scope="module")
def bikes():
    return example_file("bike_rentals")


def test_days_are_split_by_time_and_parts_of_the_answer_suspected(bikes):
    plan = decide(bikes, Wishes(target="cnt"))
    assert (plan.task, plan.time, plan.group) == ("regression", "dteday", "")
    assert set(plan.suspects) == {"casual", "registered"}
    assert set(plan.left_out) == {"instant"}
    year = ("dteday_season_sine", "dteday_season_cosine", "dteday_weekday")
    assert set(plan.date_parts["dteday"]) <= set(year)  # no year: the test's lie after training's
    assert plan.settings.folds == 1  # folds would learn from the future


def test_bins_are_fine_where_that_paid(bikes):
    many = Wishes(target="cnt", time="none")
    few = replace(many, leave_out=("casual", "registered"))
    later = replace(few, time="dteday")
    classes = replace(few, target="weathersit", task="classes")
    wishes = (few, many, later, classes)
    assert [decide(bikes, wish).settings.number_bins for wish in wishes] == [256, 48, 48, 48]


@pytest.mark.parametrize(
    ("table", "target", "limit"), [("titanic", "Survived", 8), ("texas_housing", "median", 64)]
)
def test_long_categories_are_one_hot_where_rows_are_many(table, target, limit):
    files = project_files("mine", decide(example_file(table), Wishes(target=target)))
    assert f"one_hot_values: int = {limit}  #" in files["run.py"]


def test_the_owner_has_the_last_word(bikes):
    wishes = Wishes(
        target="weathersit", task="classes", category=("season",), time="none",
        leave_out=("casual",), keep=("instant",),
    )  # fmt: skip
    plan = decide(bikes, wishes)
    assert plan.labels == ("1", "2", "3")
    assert plan.time == ""
    assert plan.features["season"] == "category"
    assert plan.left_out == {"casual": "as you said"}
    assert "instant" in plan.features


def test_people_on_one_ticket_stay_together():
    plan = decide(example_file("titanic"), Wishes(target="Survived"))
    assert plan.group == "Ticket"
    assert plan.labels == ("0", "1")
    assert {"PassengerId", "Name"} <= set(plan.left_out)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes(target="cn"), "Did you mean 'cnt'"),
        (Wishes(target="dteday"), "dates"),
        (Wishes(target="cnt", leave_out=("wind",)), "Did you mean 'windspeed'"),
        (Wishes(target="dteday", task="number"), "holds no numbers"),
    ],
)
def test_what_cannot_be_is_told(bikes, wishes, words):
    with pytest.raises(UserError, match=words):
        decide(bikes, wishes)


def test_nothing_left_to_learn_from(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("same,y\n" + "".join(f"1,{number % 2}\n" for number in range(40)))
    with pytest.raises(UserError, match=r"no column left .* same: one value only"):
        decide(path, Wishes(target="y"))


def test_written_files_are_python_of_the_same_style_as_the_rest(bikes, in_style):
    files = project_files("bikes", decide(bikes, Wishes(target="cnt")))
    assert set(files) == {"README.md", "load.py", "model.py", "run.py", "test_bikes.py"}
    for text in files.values():
        assert "penguin" not in text
        assert "template_tabular" not in text
    assert 'question="What is cnt?"' in files["run.py"]
    in_style(files)


def test_a_folder_is_never_overwritten():
    with pytest.raises(UserError, match="left as it is"):
        check_name("flight_delays")
    for name in ("My-Problem", "1st", "../up", ""):
        with pytest.raises(UserError, match="small letters"):
            check_name(name)


def test_the_plan_names_cells_that_cannot_be_read(tmp_path):
    path = tmp_path / "cancer.csv"
    frame = load_breast_cancer(as_frame=True).frame.astype({"mean radius": "str"})
    frame.loc[17, "mean radius"] = "unclear"
    frame.to_csv(path, index=False)
    text = told(decide(path, Wishes(target="target")))
    assert "1 cells of 'mean radius' are no number" in text
    assert "line 19: 'unclear'" in text


def test_parts_of_a_sum_are_found_and_a_noisy_formula_is_none():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(500, 4)), columns=list("abcd"))
    frame["sum"] = 2 * frame["a"] - frame["c"] + 7
    assert linear_combination(frame, "sum") == ["a", "c"]
    noisy = frame.assign(sum=frame["sum"] + 0.05 * random.normal(size=500))
    assert linear_combination(noisy, "sum") == []


def test_a_split_by_time_keeps_a_moment_whole():
    time = pd.Series(np.repeat(np.arange(50), 7), name="week")
    part = split_by_time(time.sample(frac=1, random_state=0))
    time = time.sample(frac=1, random_state=0).to_numpy()
    assert time[part == "train"].max() < time[part == "validation"].min()
    assert time[part == "validation"].max() < time[part == "test"].min()
    assert (part == "train").mean() == pytest.approx(0.64, abs=0.02)
    with pytest.raises(UserError, match="too few"):
        split_by_time(pd.Series([1, 1, 1, 2], name="week"))


def test_every_class_is_a_stratum_of_its_own_but_single_ones():
    target = np.array([0] * 50 + [1] * 10 + [2])
    strata = strata_of(target, np.arange(61), classes=True)
    assert len(set(strata)) == 2
    assert strata[60] == strata[0] != strata[50]
