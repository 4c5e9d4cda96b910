"""Chinese reviews: what copies in the data do to a score, and whether words beat characters.

    python -m benchmarks.review_copies              all of them, some minutes
    python -m benchmarks.review_copies --rows 500   a try, which stores nothing

Needs jieba and snownlp (requirements-bench.txt). jieba sets blanks between Chinese words; whatever
reads words reads them as it set them. snownlp brings these reviews, and a classifier of its own:
naive Bayes on the words that it finds. As it is shipped it has learned from the test reviews, too,
so it is also trained anew on the training reviews.

What is measured goes to benchmarks/review_copies.json, model by model; what is there already is not
measured again. benchmarks/review_copies.md and a table in the project's README are written from it.
One seed each; the intervals resample groups of near copies.
"""

import argparse
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import jieba
import numpy as np

from benchmarks.trained import measured_once, tell, trained
from common.data.dataset import Dataset
from common.evaluation.bootstrap import bootstrap, interval
from common.evaluation.evaluate import rows_of
from common.evaluation.metrics import METRICS, shown
from common.evaluation.text_baselines import fit_linear, tfidf_characters
from common.runs import ROOT
from projects.product_reviews.load import TEXT
from projects.product_reviews.run import PROJECT, Config

RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "product_reviews" / "README.md"
SCORES = ("accuracy", "roc_auc")
NETWORK, LINEAR = "bag of n-grams", "TF-IDF, logistic regression"
SNOWNLP = "naive Bayes of snownlp"
SHIPPED = f"{SNOWNLP}, as shipped: it knows the test reviews"
CHARACTERS = Config()
WORDS = Config(unit="words", length=100, vocabulary=20_000, ngrams=2)
CASES = {  # copies, unit, model
    f"{copies}, {config.unit}, {model}": (copies, config, model)
    for copies, config in (("kept", CHARACTERS), ("dropped", CHARACTERS), ("dropped", WORDS))
    for model in (NETWORK, LINEAR)
} | {f"dropped, {model}": ("dropped", CHARACTERS, model) for model in (SNOWNLP, SHIPPED)}


def tfidf_words_as_cut(train, validation, schema, seed):
    """As `tfidf_words`, but whatever stands between blanks is a word, single characters too."""
    settings = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"}
    return fit_linear(train, validation, schema, **settings)


def snownlp_trained(train, validation, schema, seed):
    """snownlp's classifier, learned from the training reviews; it has nothing to choose."""
    from snownlp.sentiment import Sentiment

    sentiment, texts, positive = Sentiment(), train.features[TEXT], train.target == 1
    sentiment.train(texts[~positive], texts[positive])
    return lambda features: np.array([sentiment.classify(text) for text in features[TEXT]])


def snownlp_as_shipped(train, validation, schema, seed):
    """snownlp's classifier as its package brings it."""
    from snownlp.sentiment import classify

    return lambda features: np.array([classify(text) for text in features[TEXT]])


def cut_into_words(dataset: Dataset) -> Dataset:
    """The dataset with blanks between the words of its reviews, as jieba finds them."""
    jieba.setLogLevel(logging.WARNING)
    words = dataset.features[TEXT].map(lambda text: " ".join(jieba.cut(text)))
    return replace(dataset, features=dataset.features.assign(**{TEXT: words}))


def measure(case: str, rows: int) -> dict:
    """Scores of one case on the test reviews, and what it took from the reviews' texts on."""
    copies, config, model = CASES[case]
    config = replace(config, copies=copies, rows=rows)
    dataset = PROJECT.load(config)
    begin = time.perf_counter()
    if config.unit == "words":
        dataset = cut_into_words(dataset)
    train, validation, test = map(dataset.examples, ("train", "validation", "test"))
    if model == NETWORK:
        answers = trained(PROJECT, config, dataset).test[:, 0]
    else:
        by_name = {SNOWNLP: snownlp_trained, SHIPPED: snownlp_as_shipped}
        linear = tfidf_words_as_cut if config.unit == "words" else tfidf_characters
        fit = by_name.get(model, linear)
        answers = fit(train, validation, dataset.schema, 0)(test.features)
    seconds = time.perf_counter() - begin
    group = test.group_numbers
    scored = rows_of(dataset.schema, test.target, answers, group)
    draws = bootstrap({case: scored}, 1000)[case]
    values = scored.metrics()
    return {
        "scores": {metric: interval(values[metric], draws[metric]) for metric in SCORES},
        "seconds": round(seconds, 1),
        "rows": dataset.part_rows(),
    }


def page(record: dict[str, dict]) -> str:
    """The table, for the page and the README."""
    titles = " | ".join(METRICS[metric].title for metric in SCORES)
    lines = [
        f"| copies | tokens | model | test reviews | {titles} | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case, (copies, config, model) in CASES.items():
        if case in record:
            told = record[case]
            cells = [
                f"{shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"
                for score in (told["scores"][metric] for metric in SCORES)
            ]
            unit = "words from jieba" if config.unit == "words" else config.unit
            unit = "words from snownlp" if model in (SNOWNLP, SHIPPED) else unit
            lines.append(
                f"| {copies} | {unit} | {model} | {told['rows']['test']:,} | "
                f"{' | '.join(cells)} | {told['seconds']:,.0f} |"
            )
    lines += [
        "",
        "In brackets 95 % intervals, resampled by group of near copies; one seed; calls from a "
        "probability of one half. Seconds are from texts to answers, on two cores that others "
        "used, too. Written by `python -m benchmarks.review_copies`.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=0)
    chosen = parser.parse_args()
    for case in CASES:
        if chosen.rows:
            print(case, measure(case, chosen.rows), flush=True)
            continue
        record = measured_once(RECORD, case, measure=partial(measure, case, 0))
        tell(RECORD, "Reviews: copies, and tokens", page(record), README, mark="copies")


if __name__ == "__main__":
    main()
