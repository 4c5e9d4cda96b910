"""Pictures by what their reader sees: data of the lines, words, fit on the page, grey print."""

from dataclasses import replace
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from PIL import Image
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from common.data.dataset import Account, Dataset, Schema
from common.evaluation.binary import BinaryRows
from common.plots.data import feature_distributions
from common.plots.explain import importance, slices
from common.plots.learning import learning_curves
from common.plots.scores import calibration, confusion_matrix, ranking_curves
from common.plots.style import DOTS_PER_INCH, INK, PARTS, SERIES, WIDTH, save
from common.plots.target import target_by_part

HOSTILE = "<script>$\\x$ & a very long name"  # HTML, bad mathematics, and too long for its place


@pytest.fixture(scope="module")
def scored():
    """Breast cancer: a weak network, a constant, and a tree with few distinct probabilities."""
    features, target = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)[:, :3]
    network = LogisticRegression(C=0.01).fit(features[::2], target[::2])
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(features[::2], target[::2])
    probabilities = {
        "class_prior": np.full(len(target[1::2]), target[::2].mean()),
        "network": network.predict_proba(features[1::2])[:, 1],
        "decision_tree": tree.predict_proba(features[1::2])[:, 1],
    }
    return {name: BinaryRows(target[1::2], rows, 0.5) for name, rows in probabilities.items()}


@pytest.fixture(scope="module")
def dataset():
    """600 rows over 20 weeks, with missing values, a hostile column and drift in `shift`."""
    generator = np.random.default_rng(0)
    rows = 600
    day = np.sort(generator.integers(0, 140, rows))
    features = pd.DataFrame(
        {
            "whole": generator.integers(1, 7, rows).astype("float32"),
            "shift": (generator.normal(0, 1, rows) + day / 40).astype("float32"),
            "gaps": np.where(day % 4 == 0, np.nan, 1000.0 * day).astype("float32"),
            "empty": np.full(rows, np.nan, "float32"),
            HOSTILE: generator.choice(["", HOSTILE, "b", "c"], rows),
        }
    )
    kinds = {name: "category" if name == HOSTILE else "number" for name in features}
    return Dataset(
        schema=Schema(kinds, kinds, ("on time", "late")),
        features=features,
        target=generator.integers(0, 2, rows).astype("float32"),
        ids=pd.DataFrame({"row": np.arange(rows)}),
        groups=day,
        slices=pd.DataFrame({"hour": day % 12, HOSTILE: features[HOSTILE]}),
        part=np.where(day < 80, "train", np.where(day < 110, "validation", "test")),
        account=Account(rows, {}),
        time=np.datetime64("2024-01-03") + day.astype("timedelta64[D]"),
    )


@pytest.fixture(scope="module")
def history():
    generator = np.random.default_rng(1)
    rows = [{"seed": seed, "fold": 1, "epoch": epoch} for seed in (3, 4) for epoch in range(1, 9)]
    scores = generator.random((len(rows), 4))
    columns = ["loss", "roc_auc", "val_loss", "val_roc_auc"]
    return pd.concat([pd.DataFrame(rows), pd.DataFrame(scores, columns=columns)], axis=1)


@pytest.fixture(scope="module")
def slice_rows():
    def row(column, value, area):
        known = area and {"value": area, "low": area - 0.04, "high": area + 0.03}
        return {"column": column, "value": value, "rows": 100, "score": known}

    hours = [row("hour", str(hour), 0.6 + hour / 100) for hour in (10, 11, 2, 9)]
    return [*hours, row(HOSTILE, HOSTILE, None), row(HOSTILE, "b", 0.7)]


@pytest.fixture(scope="module")
def entries():
    return [
        {"column": f"{HOSTILE}{rank}", "mean": 0.1 - rank / 200, "deviation": 0.002}
        for rank in range(25)
    ]


@pytest.fixture(scope="module")
def figures(scored, dataset, history, slice_rows, entries):
    return {
        "ranking_curves": ranking_curves(scored),
        "calibration": calibration(scored),
        "confusion_matrix": confusion_matrix([[9000, 50], [3, 7]], ("on time", HOSTILE), 0.31),
        "learning_curves": learning_curves(history, "val_loss"),
        "one epoch": learning_curves(history[:1], "val_loss"),
        "importance": importance(entries, "roc_auc"),
        "slices": slices(slice_rows, "roc_auc", 0.7),
        "no slices": slices([], "roc_auc", 0.7),
        "share by week": target_by_part(dataset),
        "share by slice": target_by_part(replace(dataset, time=None)),
        "feature_distributions": feature_distributions(dataset),
    }


def lines_by_label(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def labelled(lines, words):
    return next(line for label, line in lines.items() if label.endswith(words))


@pytest.mark.parametrize(
    ("name", "words"),
    [("network", "network"), ("class_prior", "class prior"), ("decision_tree", "decision tree")],
)
def test_ranking_curves_are_those_of_scikit_learn(scored, figures, name, words):
    rows = scored[name]
    roc, precision_recall = figures["ranking_curves"].axes

    line = labelled(lines_by_label(roc), words)
    false_alarms, found, _ = sk.roc_curve(rows.target, rows.probability, drop_intermediate=False)
    np.testing.assert_allclose(line.get_xdata(), false_alarms)
    np.testing.assert_allclose(line.get_ydata(), found)
    assert line.get_label().startswith(f"{sk.roc_auc_score(rows.target, rows.probability):.3f} ")

    line = labelled(lines_by_label(precision_recall), words)
    recall, precision = line.get_xdata(), line.get_ydata()
    area = np.sum(np.diff(recall) * precision[1:])  # of the steps that are drawn
    average = sk.average_precision_score(rows.target, rows.probability)
    assert area == pytest.approx(average)
    assert line.get_drawstyle() == "steps-pre"
    assert line.get_label().startswith(f"{average:.3f} ")


def test_calibration_shows_the_bins_of_scikit_learn_and_all_predictions(scored, figures):
    reliability, below = figures["calibration"].axes
    lines = lines_by_label(reliability)
    for name, words in (("network", "network"), ("decision_tree", "decision tree")):
        observed, predicted = calibration_curve(
            scored[name].target, scored[name].probability, n_bins=10, strategy="quantile"
        )
        np.testing.assert_allclose(lines[words].get_xdata(), predicted)
        np.testing.assert_allclose(lines[words].get_ydata(), observed)
    rows = scored["class_prior"]
    assert lines["class prior"].get_xdata() == pytest.approx([rows.probability[0]])
    assert lines["class prior"].get_ydata() == pytest.approx([rows.target.mean()])
    assert sum(bar.get_height() for bar in below.patches) == pytest.approx(1)


def test_confusion_matrix_tells_counts_and_percentages_of_the_true_class():
    (axes,) = confusion_matrix([[9000, 1000], [3, 7]], ("on time", "late"), 0.3127).axes
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {
        (0, 0): "9,000\n90.0%",
        (1, 0): "1,000\n10.0%",
        (0, 1): "3\n30.0%",
        (1, 1): "7\n70.0%",
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        'was\n"on time"',
        'was\n"late"',
    ]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # class 0 above
    assert axes.figure.get_suptitle() == 'Called "late" from probability 0.313 on'


@pytest.mark.parametrize("monitor", ["val_loss", "val_roc_auc"])
def test_learning_curves_show_every_seed_and_mark_the_best_epochs(history, monitor):
    figure = learning_curves(history, monitor)
    for axes, metric in zip(figure.axes, ("loss", "roc_auc"), strict=True):
        *curves, stars = axes.get_lines()
        expected = [
            history.loc[history["seed"] == seed, column].to_list()
            for column in (metric, f"val_{metric}")
            for seed in (3, 4)
        ]
        assert [list(line.get_ydata()) for line in curves] == expected
        for seed, epoch, value in zip((3, 4), *stars.get_data(), strict=True):
            rows = history[history["seed"] == seed].set_index("epoch")
            best = rows[monitor].min() if monitor == "val_loss" else rows[monitor].max()
            assert rows.loc[epoch, monitor] == best
            assert rows.loc[epoch, f"val_{metric}"] == value


def test_a_first_epoch_that_is_far_off_does_not_flatten_the_others():
    loss = [100.0, *np.linspace(2, 1, 15)]
    history = pd.DataFrame({"seed": 0, "fold": 1, "epoch": range(1, 17), "loss": loss})
    history = history.assign(val_loss=history["loss"] + 0.1, rmse=1.0, val_rmse=1.1)
    axes, level = learning_curves(history).axes
    assert axes.get_ylim()[0] < 1
    assert 2 < axes.get_ylim()[1] < 3
    assert list(axes.get_lines()[0].get_ydata()) == loss
    assert "the first lie outside" in axes.get_xlabel()
    assert level.get_xlabel() == "epoch"


def test_importance_shows_the_twenty_largest_with_the_largest_on_top(entries):
    (axes,) = importance(entries, "roc_auc").axes
    assert [bar.get_width() for bar in axes.patches] == [entry["mean"] for entry in entries[:20]]
    bottom, top = axes.get_ylim()
    assert top < 0 < 19 < bottom
    assert axes.get_title(loc="left") == "ROC AUC lost (20 of 25 columns)"
    (all_shown,) = importance(entries[:5], "roc_auc").axes
    assert all_shown.get_title(loc="left") == "ROC AUC lost"


def test_slices_are_in_numerical_order_with_their_intervals(slice_rows):
    hours, others = slices(slice_rows, "roc_auc", 0.7).axes
    assert [label.get_text() for label in hours.get_yticklabels()] == ["2", "9", "10", "11"]
    dashed, *points = hours.get_lines()
    assert list(dashed.get_xdata()) == [0.7, 0.7]
    assert [point.get_xdata()[0] for point in points] == [0.62, 0.69, 0.7, 0.71]
    intervals = [bar.get_segments()[0][:, 0] for bar in hours.collections]
    np.testing.assert_allclose(intervals[0], [0.58, 0.65])
    assert [text.get_text() for text in others.texts] == ["too few rows"]
    assert others.get_xlim() == hours.get_xlim()


def test_slices_with_many_values_say_how_many_are_left_out():
    area = {"value": 0.6, "low": 0.5, "high": 0.7}
    rows = [
        {"column": "town", "value": f"town {size}", "rows": size, "score": area}
        for size in range(40)
    ]
    (axes,) = slices(rows, "roc_auc", 0.6).axes
    assert axes.get_title(loc="left") == "town (24 of 40)"
    assert {label.get_text() for label in axes.get_yticklabels()} == {
        f"town {size}" for size in range(16, 40)
    }


def test_share_of_the_target_by_week_is_that_of_pandas(dataset):
    (axes,) = target_by_part(dataset).axes
    lines = lines_by_label(axes)
    for part in PARTS:
        rows = dataset.part == part
        weekly = pd.Series(dataset.target[rows], dataset.time[rows]).resample(
            "7D", origin=pd.Timestamp(dataset.time.min())
        )
        label = f"{part}: {dataset.target[rows].mean():.1%}"
        np.testing.assert_allclose(lines[label].get_ydata(), weekly.mean(), rtol=1e-5)
        assert list(lines[label].get_xdata()) == list(weekly.mean().index)


def test_share_of_the_target_by_slice_without_time(dataset):
    parts, hours, _ = target_by_part(replace(dataset, time=None)).axes
    shares = pd.Series(dataset.target).groupby(dataset.part).mean()
    assert [bar.get_width() for bar in parts.patches] == pytest.approx(list(shares[list(PARTS)]))
    assert [label.get_text() for label in hours.get_yticklabels()] == [str(n) for n in range(12)]
    by_hour = pd.Series(dataset.target).groupby(dataset.slices["hour"]).mean()
    assert [bar.get_width() for bar in hours.patches] == pytest.approx(list(by_hour))


def test_distributions_are_the_shares_of_training_and_test_rows(dataset):
    panels = feature_distributions(dataset).axes
    train, test = (dataset.features[dataset.part == part] for part in ("train", "test"))
    for stairs, rows in zip(panels[0].patches, (train, test), strict=True):
        shares = rows["whole"].value_counts(normalize=True).sort_index()
        np.testing.assert_allclose(stairs.get_data().values, shares)
        np.testing.assert_allclose(stairs.get_data().edges, np.arange(0.5, 7))
    for axes in panels[:3]:
        assert [sum(stairs.get_data().values) for stairs in axes.patches] == pytest.approx([1, 1])
    known = train[HOSTILE][train[HOSTILE] != ""].value_counts(normalize=True)
    assert [bar.get_width() for bar in panels[4].patches] == pytest.approx(list(known))
    in_test = test[HOSTILE][test[HOSTILE] != ""].value_counts(normalize=True)[known.index]
    assert list(panels[4].get_lines()[0].get_xdata()) == pytest.approx(list(in_test))


def test_distributions_tell_what_is_missing(dataset):
    panels = feature_distributions(dataset).axes
    told = [axes.get_title(loc="right") for axes in panels]
    gaps = dataset.features["gaps"].isna().mean()
    unknown = (dataset.features[HOSTILE] == "").mean()
    assert told == ["", "", f"{gaps:.1%} missing", "100.0% missing", f"{unknown:.1%} missing"]


def lightness(color):
    """CIE L* from 0 (black) to 100 (white): what is left of a colour in grey print."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    luminance = np.dot((0.2126, 0.7152, 0.0722), linear)
    return 116 * luminance ** (1 / 3) - 16


@pytest.mark.parametrize("family", [SERIES, tuple(PARTS.values())], ids=["models", "parts"])
def test_series_differ_in_grey_by_line_and_marker_and_stand_out_from_paper(family):
    for one, other in combinations(family, 2):
        assert one["linestyle"] != other["linestyle"]
        assert one["marker"] != other["marker"]
    for style in family:
        assert lightness(style["color"]) < 65
    assert lightness(family[0]["color"]) < 20 or family[0] is PARTS["train"]


def test_each_drawn_model_has_its_own_line_and_the_network_is_the_boldest(figures):
    for axes in figures["ranking_curves"].axes:
        lines = axes.get_lines()
        assert len({line.get_linestyle() for line in lines}) == len(lines) == 3
        network = labelled(lines_by_label(axes), "network")
        assert all(
            lightness(network.get_color()) + 15 < lightness(line.get_color())
            and network.get_linewidth() > line.get_linewidth()
            for line in lines
            if line is not network
        )


def test_training_areas_and_test_lines_differ_in_grey(figures):
    train, test = figures["feature_distributions"].axes[0].patches
    assert lightness(train.get_facecolor()[:3]) - lightness(test.get_edgecolor()[:3]) > 40


@pytest.mark.parametrize(
    "name",
    [
        "ranking_curves",
        "calibration",
        "confusion_matrix",
        "learning_curves",
        "one epoch",
        "importance",
        "slices",
        "no slices",
        "share by week",
        "share by slice",
        "feature_distributions",
    ],
)
def test_nothing_is_cut_off_and_titles_do_not_overlap(figures, name):
    figure = figures[name]
    figure.draw_without_rendering()
    drawn, page = figure.get_tightbbox(), figure.bbox_inches
    assert drawn.x0 >= -0.01
    assert drawn.y0 >= -0.01
    assert drawn.x1 <= page.x1 + 0.01
    assert drawn.y1 <= page.y1 + 0.01
    texts = [axes.title for axes in figure.axes]
    for axes in figure.axes:
        texts += [axes._left_title, axes._right_title]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert boxes or figure.get_suptitle()
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_saved_picture_is_a_whole_png_of_the_expected_size(figures, tmp_path):
    figure = figures["learning_curves"]
    save(figure, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.format == "PNG"
        assert image.size == tuple(np.rint(figure.get_size_inches() * DOTS_PER_INCH))
        image.load()
        assert len(image.getcolors(maxcolors=1_000_000)) > 10  # not blank
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_picture_that_fails_halfway_leaves_the_old_file(history, tmp_path, monkeypatch):
    (tmp_path / "picture.png").write_bytes(b"old")
    figure = learning_curves(history)

    def fail(path, **options):
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="full"):
        save(figure, tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert (tmp_path / "picture.png").read_bytes() == b"old"


def test_a_notebook_gets_a_png_in_the_size_of_the_page(figures):
    png, size = figures["learning_curves"]._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size["width"] == int(WIDTH * 100)


def test_numbers_at_the_axes_have_the_ink_of_the_kit(figures):
    figure = figures["learning_curves"]
    figure.draw_without_rendering()
    labels = [label for axes in figure.axes for label in axes.get_xticklabels()]
    assert {to_hex(label.get_color()) for label in labels} == {INK}


def test_drawing_changes_no_global_settings(history, tmp_path):
    before = dict(matplotlib.rcParams)
    save(learning_curves(history), tmp_path / "picture.png")
    assert dict(matplotlib.rcParams) == before
