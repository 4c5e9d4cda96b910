"""The cells are what the card says, twins stay together, every kind of cell is spread evenly."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from common.errors import UserError
from projects.solar_cell_defects.load import PICTURE, SHARES, load, read_labels, read_raw
from projects.solar_cell_defects.run import Config


@pytest.fixture(scope="module")
def cells():
    return load()


def test_known_figures(cells):
    raw = read_raw()
    assert raw["probability"].round(2).value_counts().to_dict() == {
        0: 1508,
        0.33: 295,
        0.67: 106,
        1: 715,
    }
    assert raw["type"].value_counts().to_dict() == {"poly": 1550, "mono": 1074}
    assert raw["cell"].tolist() == list(range(1, 2625))
    with Image.open(raw[PICTURE][0]) as picture:
        assert picture.size == (300, 300)
    assert cells.account.rows_in == cells.account.rows_used == 2624
    assert cells.target.sum() == 106 + 715


def test_twins_lie_in_one_part(cells):
    twins = pd.Series(cells.groups).value_counts()
    assert (twins > 1).sum() == 159
    assert twins[twins > 1].sum() == 469
    assert (pd.Series(cells.part).groupby(cells.groups).nunique() == 1).all()
    place = dict(zip(cells.ids["cell"], cells.groups, strict=True))
    assert place[1759] == place[2301]  # one cell, photographed sharp and blurred
    assert place[1759] != place[1]


def test_without_regard_to_twins_a_sixth_of_the_test_cells_leaks(cells):
    """What README and card say of a plain random split."""
    shares = []
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(cells.groups))
        test, train = np.split(cells.groups[order], [len(order) // 4])
        shares.append(np.isin(test, train).mean())
    assert np.mean(shares) == pytest.approx(1 / 6, abs=0.02)


def test_every_part_has_its_share_of_each_kind(cells):
    kinds = cells.ids.assign(part=cells.part).groupby(["type", "probability"])["part"]
    shares = kinds.value_counts(normalize=True).unstack()
    sizes = kinds.size()
    for part, share in SHARES.items():
        # Twins are kept whole, and count as the rarest kind among them.
        assert (((shares[part] - share) * sizes).abs() < 0.05 * sizes + 3).all()


def test_another_split_is_another(cells):
    other = load(split=1)
    same = (other.part == cells.part).mean()
    assert 0.4 < same < 0.6  # .6² + .15² + .25² = .45 by chance
    assert (pd.Series(other.part).groupby(other.groups).nunique() == 1).all()


def test_labels_are_learned_as_sure_as_the_experts_were(cells):
    assert set(cells.soft_target.round(2)) == {np.float32(x) for x in (0, 0.33, 0.67, 1)}
    np.testing.assert_array_equal(cells.target, cells.soft_target > 0.5)
    assert load(labels="hard").soft_target is None


def test_settings_reach_the_schema():
    schema = load(size=96, missed_cost=7, rows=40).schema
    assert schema.image.shape == (96, 96, 1)
    assert schema.costs == {"false_alarm": 1, "missed": 7}


@pytest.mark.parametrize("line", ["images/cell0001.png 1.0", "cell1.png 1.0 mono", "a,b,c"])
def test_a_line_that_is_no_cell_is_named(line, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(f"images/cell0001.png  0.3333333333333333 poly\n{line}\n")
    with pytest.raises(UserError, match="line 2"):
        read_labels(file)


@pytest.mark.parametrize("settings", [{"missed_cost": 0.0}, {"split": -1}])
def test_prices_and_splits_that_cannot_be_are_refused(settings):
    with pytest.raises(UserError, match="Expected a positive price"):
        load(**settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"size": 4}, "size is 4"),
        ({"thawed": 1.5}, "thawed is 1.5"),
        ({"head_epochs": 0, "thawed": 0.0}, "nothing would learn"),
        ({"mix": "mixup", "class_weights": "balanced"}, "two classes"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, told):
    with pytest.raises(UserError, match=told):
        Config(**settings)
