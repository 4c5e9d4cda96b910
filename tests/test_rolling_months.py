"""Months before the test: who learns from what, and whose answers stand where."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from benchmarks.rolling_months import (
    MONTHS,
    by_month,
    gain_tables,
    months_of,
    parts_to_score,
    score_tables,
)
from common.data.dataset import PARTS


def test_each_month_is_answered_from_the_months_before_it(flights):
    learned = []

    def answers_of(fold):
        train, validation, test = (set(months_of(fold)[fold.part == part]) for part in PARTS)
        learned.append((train, validation, test))
        yield "month", months_of(fold)[fold.part == "test"]

    found = by_month(flights, answers_of)["month"]
    month = months_of(flights)
    scored = np.isin(month, list(MONTHS.values()))
    np.testing.assert_array_equal(found[scored], month[scored])
    assert np.isnan(found[~scored]).all()
    assert learned == [({*range(1, last - 1)}, {last - 1}, {last}) for last in (7, 8, 9, 10)]


def test_tables_tell_the_mean_of_the_seeds_and_how_far_it_is_ahead(flights):
    generator = np.random.default_rng(0)
    rows = len(flights.target)
    seeds = {str(seed): generator.uniform(0.2, 0.4, rows) for seed in (0, 1)}
    rival = generator.uniform(0.6, 0.8, rows)
    tests = dict(parts_to_score(flights))
    assert list(tests) == ["July", "August", "September", "October", "all four"]
    told = score_tables(tests, seeds, {"rival": rival})
    ahead = gain_tables(tests, seeds, {"rival": rival})
    july = months_of(flights) == 7
    losses = [log_loss(flights.target[july], answer[july]) for answer in (*seeds.values(), rival)]
    mean = np.mean(losses[:2])
    cells = [line.split(" | ") for line in told.splitlines()]
    network, other = (row for row in cells[-3:] if row[0] in ("| network", "| rival"))
    assert network[1] == f"{mean:.4f} ± {abs(losses[0] - losses[1]) / np.sqrt(2):.4f}"
    assert other[1] == f"{losses[2]:.4f}"
    gain = next(line for line in reversed(ahead.splitlines()) if line.startswith("| rival"))
    assert float(gain.split("|")[2].split()[0]) == pytest.approx(losses[2] - mean, abs=1e-4)
