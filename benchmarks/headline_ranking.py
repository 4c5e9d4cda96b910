"""Which article does a headline belong to? Networks for pairs of texts, and searches.

    python -m benchmarks.headline_ranking                 all models on three splits, some hours
    python -m benchmarks.headline_ranking --splits 0 1    some splits
    python -m benchmarks.headline_ranking --models "BM25" …    some models

What is measured goes to benchmarks/headline_ranking.json, model by model; what is there already is
not measured again. benchmarks/headline_ranking.md and the table in the project's README are written
from it. Splits overlap, and the intervals allow for that: benchmarks/trained.py.
"""

import argparse
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.backend import start_backend

start_backend("float32")

import numpy as np

from benchmarks.trained import measured_once, tell, trained, with_interval
from common.bundle import Bundle
from common.data.dataset import Dataset
from common.data.ranking import Index
from common.evaluation.network_search import network_index
from common.evaluation.pair_baselines import pairs_by
from common.evaluation.ranking import MEASURES, RankedRows
from common.files import read_json
from common.runs import ROOT
from common.text.search import bm25, minilm_cosine, tfidf_cosine
from common.training.train import prepare_rows
from projects.headline_matching.run import PROJECT, Config

SPLITS = range(3)
RECORD = Path(__file__).with_suffix(".json")
README = ROOT / "projects" / "headline_matching" / "README.md"
FROM_SCRATCH = Config(loss="pairs", learning_rate=1e-3, epochs=12, patience=4)
SMALL_NETWORKS = {
    "DSSM": replace(FROM_SCRATCH, model="dssm"),
    "DSSM, in-batch negatives": replace(FROM_SCRATCH, model="dssm", loss="in-batch"),
    "MatchPyramid": replace(FROM_SCRATCH, model="match-pyramid"),
    "K-NRM": replace(FROM_SCRATCH, model="k-nrm", learning_rate=1e-2),
    "decomposable attention": replace(FROM_SCRATCH, model="decomposable-attention"),
    "ESIM": replace(FROM_SCRATCH, model="esim"),
}
NETWORKS = {
    **SMALL_NETWORKS,
    **{
        f"{name}; word vectors of MiniLM": replace(config, unit="bert")
        for name, config in SMALL_NETWORKS.items()
    },
    "MiniLM bi-encoder": Config(loss="pairs"),
    "MiniLM bi-encoder, in-batch negatives": Config(),
    "MiniLM cross-encoder": Config(model="cross-encoder", loss="pairs", wrong="similar"),
}
SEARCHES = {"TF-IDF cosine": tfidf_cosine, "BM25": bm25, "MiniLM as it is": minilm_cosine}


def measure(name: str, split: int) -> dict[str, float]:
    """How one model ranks the test articles of one split, and calls the pairs, from one half on."""
    dataset = PROJECT.load(replace(NETWORKS.get(name, Config()), split=split))
    told = {"parameters": 0, "train_seconds": 0.0}
    if name in NETWORKS:
        index, answers, told = learned(replace(NETWORKS[name], split=split), dataset)
    else:
        train, validation, test = map(dataset.examples, ("train", "validation", "test"))
        index = SEARCHES[name]
        answers = pairs_by(index)(train, validation, dataset.schema, 0)(test.features)
    ranking = dataset.ranking
    begin = time.perf_counter()
    search = index(list(ranking.candidates))
    ready = time.perf_counter()
    scores = search(list(ranking.queries))
    done = time.perf_counter()
    test = dataset.part == "test"
    return {
        **RankedRows(scores, ranking.own, ranking.groups).metrics(),
        "accuracy": float(np.mean((answers > 0.5) == dataset.target[test])),
        **told,
        "index_seconds": round(ready - begin, 2),
        "queries_per_second": round(len(ranking.queries) / (done - ready), 1),
        "test_rows": len(ranking.queries),
        "train_rows": int((~test).sum()) // 2,
        "load_average": round(os.getloadavg()[0], 1),
    }


def learned(config: Config, dataset: Dataset) -> tuple[Index, np.ndarray, dict[str, float]]:
    """The index of a network trained on the dataset, its answers to the test pairs, its cost."""
    prepared = prepare_rows(dataset)
    begin = time.perf_counter()
    result = trained(PROJECT, config, dataset, prepared)
    seconds = time.perf_counter() - begin
    (network,) = result.networks
    bundle = Bundle(network, dataset.schema, {}, {}, tokenizers=prepared.tokenizers)
    told = {"parameters": network.count_params(), "train_seconds": round(seconds, 1)}
    return lambda texts: network_index(bundle, texts), result.test[:, 0], told


def page(record: dict[str, dict[str, dict]]) -> str:
    lines = [
        "Written by `python -m benchmarks.headline_ranking`. Each split tests on a fifth of the "
        "articles, with the same share of each topic; for each test headline all of them are "
        "ranked. Networks that look at both texts at once rank the 50 articles that BM25 finds "
        "best. Mean and, from three splits on, its 95 % interval (Nadeau and Bengio, 2003). "
        "Above BM25: the difference of the mean reciprocal ranks on the same splits. Accuracy is "
        "that of pairs, half of them with another article of the same topic.",
        "",
        "| model | splits | Mean reciprocal rank | above BM25 | Recall at 1 | Recall at 10 "
        "| Accuracy | parameters | seconds of training | queries a second |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in [*SEARCHES, *NETWORKS]:
        if not record.get(name):
            continue
        scores = [
            told | {"above": told[MEASURES[0]] - record["BM25"][split][MEASURES[0]]}
            for split, told in record[name].items()
        ]
        metrics = (MEASURES[0], "above", *MEASURES[1:], "accuracy")
        cells = [with_interval(scores, metric) for metric in metrics]
        seconds, speed = (
            np.mean([each[what] for each in scores])
            for what in ("train_seconds", "queries_per_second")
        )
        lines.append(
            f"| {name} | {len(scores)} | {' | '.join(cells)} | {scores[0]['parameters']:,} "
            f"| {seconds:.0f} | {speed:,.0f} |"
        )
    lines += [
        "",
        "Queries a second once the articles are indexed. Times are those of a machine that others "
        "used, too.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, nargs="*", default=list(SPLITS))
    parser.add_argument("--models", nargs="*", default=[*SEARCHES, *NETWORKS])
    chosen = parser.parse_args()
    for split in chosen.splits:
        for name in chosen.models:
            measured_once(RECORD, name, str(split), measure=partial(measure, name, split))
    tell(RECORD, "Headlines and their articles, repeated splits", page(read_json(RECORD)), README)


if __name__ == "__main__":
    main()
