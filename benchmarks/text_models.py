"""Tweets: what each step buys, from TF-IDF to a BERT that goes on learning, on the same split.

    python -m benchmarks.text_models                          all of them, an hour or more
    python -m benchmarks.text_models --models "MiniLM, fine-tuned" …    some
    python -m benchmarks.text_models --rows 200               a try, which stores nothing

What is measured goes to benchmarks/text_models.json, model by model; what is there already is not
measured again. benchmarks/text_models.md and the table in the project's README are written from it.
One seed each; the intervals resample the groups of near copies among the test tweets.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

from benchmarks.trained import SCORE_TITLES, measured_once, score_cells, scored, tell
from common.evaluation.text_baselines import tfidf_characters, tfidf_words
from common.runs import ROOT
from projects.tweet_sentiment.run import PROJECT, Config

RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "tweet_sentiment" / "README.md"
BERT = Config(model="bert", dropout=0.1)
NETWORKS = {
    "bag of n-grams": Config(model="bag-of-ngrams", dimension=32, learning_rate=5e-3),
    "CNN": Config(),
    "GRU": Config(model="gru"),
    "Transformer": Config(model="transformer", dropout=0.3),
    "MiniLM, linear probe": replace(
        BERT, thawed=0.0, head_epochs=30, head_learning_rate=3e-3, patience=30
    ),
    "MiniLM, fine-tuned": replace(
        BERT, batch_size=32, learning_rate=5e-5, layer_decay=0.9, epochs=2
    ),
}
BASELINES = {
    "TF-IDF of words, logistic regression": tfidf_words,
    "TF-IDF of characters, logistic regression": tfidf_characters,
}


def measure(name: str, rows: int) -> dict:
    config = replace(NETWORKS.get(name, Config()), rows=rows)
    return scored(PROJECT, config, BASELINES.get(name))


def page(record: dict[str, dict]) -> str:
    """The table, for the page and the README."""
    lines = [
        f"| model | {SCORE_TITLES} | weights | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in filter(record.get, [*BASELINES, *NETWORKS]):
        told = record[name]
        lines.append(f"| {name} | {' | '.join(score_cells(told))} | {told['seconds']:,.0f} |")
    rows = next(iter(record.values()))["rows"]
    lines += [
        "",
        f"{rows['train']:,} training, {rows['validation']:,} validation, {rows['test']:,} test "
        "tweets; in brackets 95 % intervals, resampled by group of near copies; one seed. Seconds "
        "are from texts to answers, on two cores that others used, too. Written by `python -m "
        "benchmarks.text_models`.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--models", nargs="*", default=[*BASELINES, *NETWORKS])
    chosen = parser.parse_args()
    for name in chosen.models:
        if chosen.rows:
            print(name, measure(name, chosen.rows), flush=True)
            continue
        record = measured_once(RECORD, name, measure=partial(measure, name, 0))
        tell(RECORD, "Tweets: what each network buys", page(record), README)


if __name__ == "__main__":
    main()
