"""The data doctor on real tables with planted faults: what it finds, and that its code acts."""

import importlib.util
from itertools import combinations
from textwrap import indent

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import cross_val_predict

from common.data.texts import near_duplicates
from common.doctor.columns import equal_categories, equal_numbers
from common.doctor.drift import drift
from common.doctor.examine import examine, verdict
from common.doctor.patient import read_patient
from common.doctor.tell import told
from common.errors import UserError
from common.evaluation.confident_learning import doubtful
from common.new.decide import decide
from common.new.plan import Wishes
from common.new.write import project_files
from common.reading.table_file import read_table
from data.examples import example_file

SCRIPT = "<script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture(scope="module")
def planted(folder):
    """Breast cancer with the faults that the tests below name; its first rows are on line 2."""
    frame = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 4, 7, 30]]
    frame = frame.sample(frac=1, random_state=0, ignore_index=True).astype({"target": "str"})
    frame["target"] = frame["target"].map({"0": "malignant", "1": "benign"})
    frame.loc[25, "mean texture"] = 9999
    frame["planet"] = "Earth"
    frame["twin"] = np.log(frame["mean radius"])
    frame["verdict"] = np.where(frame["target"] == "benign", "go home", "stay")
    frame[SCRIPT] = np.where(np.arange(569) % 3 > 0, 1.0, np.nan)
    again = frame.iloc[:20]  # 20 rows are there twice, of them 8 with another label
    again.loc[again.index[:8], "target"] = frame["target"][:8].map(
        {"benign": "malignant", "malignant": "benign"}
    )
    again.loc[again.index[:8], "verdict"] = frame["verdict"][:8].map(
        {"go home": "stay", "stay": "go home"}
    )
    frame = pd.concat([frame, again], ignore_index=True)
    frame.insert(0, "row", np.arange(len(frame)))
    frame.to_csv(folder / "planted.csv", index=False)
    return folder / "planted.csv"


@pytest.fixture(scope="module")
def examined(planted):
    patient = read_patient(planted, "target")
    return patient, examine(patient)


def of_check(examined, check):
    return [finding for finding in examined[1] if finding.check == check]


def test_honest_tables_raise_no_alarm(folder):
    for load in (load_iris, load_wine, load_breast_cancer, load_diabetes):
        frame = load(as_frame=True).frame.drop_duplicates()
        frame.sample(frac=1, random_state=0).to_csv(folder / "honest.csv", index=False)
        found = examine(read_patient(folder / "honest.csv", "target"))
        assert [finding for finding in found if finding.level == "alarm"] == []
        assert "doubtful labels" in {finding.check for finding in found} or load == load_diabetes


@pytest.mark.parametrize(
    ("check", "level", "message", "code"),
    [
        ("leak", "alarm", "Column 'verdict' may know the answer", "--leave-out verdict"),
        ("duplicate rows", "note", "12 of 589 rows (2.04%) equal an earlier", "duplicated()"),
        ("conflicting labels", "note", "16 of 589 rows (2.72%) have the inputs", "nunique"),
        ("constant columns", "note", "planet (Earth)", "--leave-out planet"),
        ("id-like columns", "note", "'row' names the row", "--leave-out row"),
        ("outliers", "note", "1 of 589 values", 'rows["mean texture"].clip('),
        ("columns that say the same", "note", "mean radius and twin", "--leave-out twin"),
        ("missing values", "note", f"{SCRIPT} 33.", ""),
    ],
)
def test_planted_faults_are_found_with_figures_and_code(examined, check, level, message, code):
    (found,) = of_check(examined, check)
    assert found.level == level
    assert message in found.message
    assert code in found.code


def test_rows_of_a_finding_are_told_by_their_line(examined, planted):
    (outlier,) = of_check(examined, "outliers")
    assert outlier.rows == [{"line": "27", "mean texture": "9999"}]
    lines = planted.read_text().splitlines()
    shown = of_check(examined, "duplicate rows")[0].rows
    assert len(shown) == 20
    for first, second in zip(shown[::2], shown[1::2], strict=True):
        cells = [lines[int(row["line"]) - 1].split(",", 1)[1] for row in (first, second)]
        assert cells[0] == cells[1]


def test_without_a_target_the_rest_is_told_and_one_is_proposed(planted):
    found = examine(read_patient(planted))
    (target,) = [finding for finding in found if finding.check == "target"]
    assert "Column 'target' could be it" in target.message
    checks = {finding.check for finding in found if finding.level != "ok"}
    assert {"duplicate rows", "constant columns", "outliers"} <= checks
    assert not {"leak", "conflicting labels", "doubtful labels"} & checks


def test_confident_learning_against_its_definition():
    """The confident joint of Northcutt et al. (2021), counted row by row on spoilt digits."""
    features, given = load_digits(return_X_y=True)
    given[::20] = (given[::20] + 3) % 10
    probability = cross_val_predict(
        ExtraTreesClassifier(20, random_state=0), features, given, cv=3, method="predict_proba"
    )
    usual = [probability[given == j][:, j].sum() / (given == j).sum() for j in range(10)]
    expected = []
    for row, label in zip(probability, given, strict=True):
        reached = [j for j in range(10) if row[j] >= usual[j]]
        likeliest = max(reached, key=lambda j: row[j], default=label)
        expected.append(likeliest != label)
    doubted, likelier = doubtful(given, probability)
    assert 5 < sum(expected) < 200
    np.testing.assert_array_equal(doubted, expected)
    assert np.all(likelier[doubted] != given[doubted])
    wider = np.column_stack([probability, np.zeros(len(given))])  # a class that no row has
    np.testing.assert_array_equal(doubtful(given, wider)[0], doubted)


def test_most_wrong_labels_are_found_and_few_others(folder):
    """17 of 569 labels flipped: at least 10 are among the rows named, which are at most 20."""
    frame = load_breast_cancer(as_frame=True).frame
    wrong = np.random.default_rng(0).permutation(569)[:17]
    frame.loc[wrong, "target"] = 1 - frame.loc[wrong, "target"]
    frame.to_csv(folder / "wrong.csv", index=False)
    found = examine(read_patient(folder / "wrong.csv", "target"))
    (labels,) = [finding for finding in found if finding.check == "doubtful labels"]
    lines = [int(row["line"]) for row in labels.rows]
    assert len(lines) <= 20
    assert len({*(wrong + 2)} & {*lines}) >= 10


@pytest.fixture(scope="module")
def sentences():
    """Sentences of the descriptions of scikit-learn's datasets, some with a letter changed."""
    loaders = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)
    written = " ".join(load().DESCR for load in loaders).replace("\n", " ").split(". ")
    changed = [text[: len(text) // 2] + "#" + text[len(text) // 2 :] for text in written[::7]]
    return pd.Series([*written, *changed, "", ""], dtype="str")


def shingles(text):
    text = " ".join(text.lower().split()) + "\1" * 4
    return {text[start : start + 5] for start in range(len(text) - 4)}


def test_near_duplicates_against_every_pair_compared(sentences):
    """Groups are the chains of pairs whose Jaccard index reaches 0.8, but for a missed pair."""
    groups = near_duplicates(sentences)
    sets = [shingles(text) for text in sentences]
    above = {
        (i, j)
        for i, j in combinations(np.flatnonzero(sentences != ""), 2)
        if len(sets[i] & sets[j]) >= 0.8 * len(sets[i] | sets[j])
    }
    together = {(i, j) for i, j in combinations(range(len(sentences)), 2) if groups[i] == groups[j]}
    assert len(above) > 10
    assert len(above - together) <= 0.02 * len(above)
    chained = {pair for pair in together - above if not any(set(pair) & set(p) for p in above)}
    assert chained == set()
    assert groups[-1] != groups[-2]


def test_near_duplicate_texts_with_other_labels_are_named(folder, sentences):
    frame = pd.DataFrame({"text": sentences[:-2], "label": "plain"})
    frame.loc[frame["text"].str.contains("#"), "label"] = "spoilt"
    frame.to_csv(folder / "texts.csv", index=False)
    found = examine(read_patient(folder / "texts.csv", "label"))
    (near,) = [finding for finding in found if finding.check == "near duplicate texts"]
    assert near.level == "alarm"
    assert "near a text with another label" in near.message
    assert 'near_duplicates(columns["text"])' in near.code


def test_drift_along_the_file_and_none_by_chance(folder):
    frame = load_wine(as_frame=True).frame
    frame.to_csv(folder / "sorted.csv", index=False)
    found = examine(read_patient(folder / "sorted.csv", "target"))
    assert [finding.level for finding in found if finding.check == "sorted file"] == ["note"]
    column = load_diabetes(as_frame=True).frame["bmi"]
    halves = [
        drift(shuffled[:60], shuffled[60:120])
        for seed in range(20)
        for shuffled in [column.sample(frac=1, random_state=seed)]
    ]
    assert halves == [0.0] * 20
    assert drift(column[:60], column[60:120] + 0.05) > 0.25


def test_equal_columns_whatever_they_are_called():
    frame = load_iris(as_frame=True).frame.astype(float)
    words = frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"})
    frame = frame.assign(words=words, cubed=frame["petal width (cm)"] ** 3)
    assert equal_numbers(frame) == [("petal width (cm)", "cubed")]
    assert equal_categories(frame) == [("target", "words")]


def test_code_for_load_py_acts_in_a_new_project(examined, planted, folder):
    """Written into the load.py that common.new makes, it drops and mends what the finding says."""
    codes = {finding.check: finding.code for finding in examined[1]}
    wishes = Wishes(target="target", leave_out=["verdict"])
    asked = codes["duplicate rows"] + "\n" + codes["conflicting labels"]
    dataset = loaded_with(planted, wishes, asked, codes["outliers"])
    assert dataset.account.dropped == {
        "equal to an earlier row": 12,
        "same inputs, other target": 16,
    }
    assert 30 < dataset.features["mean texture"].max() < 50


def loaded_with(path, wishes, after_reading, before_features=""):
    """The dataset of the load.py that common.new makes of a file, with lines written into it."""
    source = project_files("own", decide(path, wishes))["load.py"]
    after, end = source.index("    if TIME:"), source.rindex("    return features_of(rows)")
    read, features = indent(after_reading + "\n", "    "), indent(before_features + "\n", "    ")
    file = path.with_name("load.py")
    file.write_text(source[:after] + read + source[after:end] + features + source[end:])
    spec = importlib.util.spec_from_file_location("own_load", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def test_conflicting_numbers_are_left_out_also_below_zero(folder):
    frame = load_diabetes(as_frame=True).frame
    frame["target"] -= frame["target"].mean().round()
    again = frame.iloc[:20].assign(target=lambda rows: rows["target"] * ([2] * 8 + [1.05] * 12))
    path = folder / "below_zero.csv"
    pd.concat([frame, again]).to_csv(path, index=False)
    patient = read_patient(path, "target")
    (found,) = [finding for finding in examine(patient) if finding.check == "conflicting labels"]
    assert found.message.startswith("16 of 462 rows")
    dataset = loaded_with(path, Wishes(target="target"), found.code)
    assert dataset.account.dropped == {"same inputs, other target": 16}


def test_text_for_the_terminal(examined):
    patient, findings = examined
    text = told(patient.path.name, verdict(patient, findings), findings)
    assert text.startswith("planted.csv: 1 alarm and ")
    assert "\nalarm  leak: Column 'verdict'" in text
    assert max(map(len, text.splitlines())) <= 130
    assert text.index("alarm ") < text.index("note ") < text.index("\nok ")


def test_table_without_a_value_is_an_error(folder):
    (folder / "empty.csv").write_text("a,b\n,\n,\n")
    with pytest.raises(UserError):
        read_patient(folder / "empty.csv")


def test_numbers_that_slipped_are_found_and_few_others(folder):
    """In 6 of 1,030 mixtures a decimal point slipped: all are named, and hardly another one."""
    raw = read_table(example_file("concrete"))
    frame = pd.DataFrame({name: raw.cells(name).to_numpy() for name in raw.columns})
    target = frame.columns[-1]
    frame[target] = pd.to_numeric(frame[target])
    clean = examine(read_patient(example_file("concrete"), target))
    (before,) = [finding for finding in clean if finding.check == "doubtful numbers"]
    slipped = np.random.default_rng(1).permutation(len(frame))[:6]
    frame.loc[slipped, target] *= 10
    frame.to_csv(folder / "slipped.csv", index=False)
    found = examine(read_patient(folder / "slipped.csv", target))
    (numbers,) = [finding for finding in found if finding.check == "doubtful numbers"]
    lines = {int(row["line"]) for row in numbers.rows}
    assert {*(slipped + 2).tolist()} <= lines
    assert len(lines) <= 6 + len(before.rows) + 2
    assert "isin([" in numbers.code


def test_numbers_that_nothing_explains_are_not_judged(folder):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "y"])
    frame.to_csv(folder / "noise.csv", index=False)
    found = examine(read_patient(folder / "noise.csv", "y"))
    (numbers,) = [finding for finding in found if finding.check == "doubtful numbers"]
    assert numbers.level == "ok"
    assert "cannot judge" in numbers.message
