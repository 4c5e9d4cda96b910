"""The page benchmarks/rivals.md, written from the stored figures alone."""

from pathlib import Path

from benchmarks.rivals.best import (
    RESULTS,
    behind_elsewhere,
    distance,
    kit_results,
    reservations,
    stored_rivals,
)
from benchmarks.rivals.scores import SHOWN
from common.evaluation.metrics import METRICS, shown, shown_spread
from common.files import read_json
from common.runs import ROOT

PAGE = ROOT / "benchmarks" / "rivals.md"

HEAD = """# Ordinary rivals: other libraries with their default settings, on the same split

    pip install -r requirements-bench.txt
    python -m benchmarks.rivals PROJECT         fits the rivals, stores figures, writes this page
    python -m benchmarks.rivals PROJECT --pair  compares again, where the kit has learned anew
    python -m benchmarks.rivals --write         writes this page from what is stored

Every rival learns from the training rows, is stopped early on the validation rows and is scored
once on the test rows; one seed. What is not named here is the library's default. The
settings of this kit were chosen project by project in many trials: on validation rows, those of
flight_delays also on [months before the test](rolling_months.md), and how crash_injuries takes its
columns after a rival that takes them so was better on the test. The rivals had no such search, so
that a distance tells of both, the models and the search.

- **LightGBM, XGBoost**: up to 2,000 trees, stopped after 50 without a better validation loss.
- **CatBoost**: its default of 1,000 trees, from which it chooses its learning rate; the same stop.
- **hist gradient boosting**: scikit-learn's, the kit's own baseline, with 100 trees at most, and an
  L2 penalty of 10 where there are more than two classes.
- **kit untuned**: one network of this kit on the project's columns, with the settings that
  `python -m common.new` writes for a table of as many rows as train and validate here. They were
  not chosen for one table, but validation rows of census_income, crash_injuries and house_prices
  were among those that decided ([own tables](own_tables.md)).
- **TabM, RealMLP**: pytabkit's default settings, in PyTorch. For classification the validation
  metric is the cross entropy and RealMLP does without label smoothing, as pytabkit's authors advise
  where probabilities count. Missing numbers become the training median, with a mark beside them.
  This TabM takes numbers bare; RealMLP embeds them. TabM learns until more than 16 epochs in a
  row were not better; with `--epochs` at most so many, which its row then says. In pytabkit 1.7.3
  it validates classes by the cross entropy of a second softmax; that is mended here.
- **RealMLP as shipped**: with label smoothing, stopped by the share of wrong classes.
- **TabM mini PLE**: TabM-mini with piecewise-linear embeddings of numbers and a batch size by the
  number of rows, as its paper recommends; all else is pytabkit's default.

Categories go into each library's own treatment; those with an order go in as their rank. Missing
numbers stay missing, but for the networks. Where a project learns the logarithm of a number, the
rivals learn it too and are turned back to the unit. The kit's rows come from
`projects/<name>/results.json`, its baselines without those told above. The times are of fitting,
on two threads of a machine that other work may have shared; TabM and RealMLP on crash_injuries and
flight_delays had one core for both threads. Threads wait without spinning.

**Kit ahead by** tells whether the distance is luck of the test rows: the mean score of the kit's
seeds against the rival's, in the project's own metric, positive where the kit is better, with a
95 % interval of 1,000 resamples of the test rows that both share. Where the interval holds 0 they
are level. Luck of the training is not in it, since a rival has one seed here;
[published.md](published.md) shows how far CatBoost's seeds differ. It needs the answers of both,
which `make results` and this command leave in runs; where it is empty, one of them has learned anew
since, or was measured before answers were kept. The note tells the other metrics in which the kit
is behind, that is, the whole interval is below 0.

In house_prices every model is learned five times, each from four fifths of the training and
validation rows and stopped early on the last fifth, and answers with the mean of the five.
"""


def write_lines() -> str:
    """The whole page, one table a project that has stored figures."""
    return "\n".join([HEAD, *(project_lines(path) for path in sorted(RESULTS.glob("*.json")))])


def project_lines(path: Path) -> str:
    """The heading and the table of one project."""
    stored, rivals = read_json(path), stored_rivals(path.stem)
    some = next(iter(rivals.values()))
    results = kit_results(path.stem)
    metrics = [name for name in SHOWN[stored["task"]] if name in some["test"]]
    decisive = results["metric"] if results else metrics[0]
    titles = [
        f"{METRICS[name].title} {'↓' if METRICS[name].lower_is_better else '↑'}" for name in metrics
    ]
    lines = [
        f"## {path.stem}",
        "",
        f"| on {some['rows']['test']:,} test rows | {' | '.join(titles)} "
        f"| kit ahead by: {METRICS[decisive].title} | seconds | note |",
        "| --- |" + " --- |" * (len(metrics) + 3),
        *kit_lines(results, metrics, set(rivals)),
    ]
    for name, record in rivals.items():
        cells = [shown(record["test"][metric]) for metric in metrics]
        cells.append(distance(record, decisive))
        notes = [
            f"{record['version']}, {record['date']}",
            behind_elsewhere(record, decisive),
            reservations(record, stored["training_rows"]),
        ]
        note = "; ".join(filter(None, notes))
        lines.append(row_of(name, cells, f"{record['seconds']:.0f}", note))
    errors = f" Errors in {stored['unit']}." if stored["unit"] else ""
    return "\n".join([*lines, "", f"{stored['training_rows']:,} training rows.{errors}\n"])


def kit_lines(results: dict, metrics: list[str], told: set[str]) -> list[str]:
    """The kit's network and baselines."""
    if not results:
        return []
    lines = []
    count = len(next(iter(results["seeds"].values()))["values"])
    cells = [
        shown_spread(seeds["mean"], seeds["deviation"]) if seeds else "-"
        for seeds in (results["seeds"].get(metric) for metric in metrics)
    ]
    seconds = results["seconds"]["train"] / count
    lines.append(
        row_of(f"this kit, {count} seeds", [*cells, ""], f"{seconds:.0f}", results["date"])
    )
    for name, scores in results["baselines"].items():
        if name not in told:
            cells = [shown(scores[m]["value"]) if m in scores else "-" for m in metrics]
            lines.append(row_of(name, [*cells, ""], "", "the kit's baseline"))
    return lines


def row_of(name: str, cells: list[str], seconds: str, note: str) -> str:
    return f"| {name.replace('_', ' ')} | {' | '.join(cells)} | {seconds} | {note} |"
