"""Scores and pictures of many classes against scikit-learn and known answers."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from common.errors import UserError
from common.evaluation.bootstrap import bootstrap, resampled_weights
from common.evaluation.multiclass import TAUS, MulticlassRows, adjusted, best_tau
from common.plots.classes import class_confusion, class_scores, confidence

HOSTILE = "<script>$\\x$ & a very long name"  # HTML, bad mathematics, and too long for its place
ROWS = (170, 150, 120, 90, 60, 40, 20, 10)  # of digits 0 to 7: 8 classes, unequally frequent
LABELS = (*(f"digit {number}" for number in range(7)), HOSTILE)


@pytest.fixture(scope="module")
def digits():
    """Unequally frequent digits: shares in training, and target and probability of test rows.

    Trained on every other row; the pixels are noisy, so that rare digits are called too seldom.
    """
    features, target = load_digits(return_X_y=True)
    kept = np.concatenate(
        [np.flatnonzero(target == number)[:rows] for number, rows in enumerate(ROWS)]
    )
    kept = np.random.default_rng(0).permutation(kept)
    noise = np.random.default_rng(1).normal(0, 4, (len(kept), 22))
    features, target = features[kept, ::3] + noise, target[kept]
    model = LogisticRegression(C=0.0003, max_iter=1000).fit(features[::2], target[::2])
    shares = np.bincount(target[::2]) / len(target[::2])
    return shares, target[1::2], model.predict_proba(features[1::2])


def sk_metrics(target, probability, weights):
    classes = np.arange(probability.shape[1])
    called = probability.argmax(axis=1)
    settings = {"labels": classes, "average": "macro", "zero_division": 0}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        balanced = sk.balanced_accuracy_score(target, called, sample_weight=weights)
    return {
        "log_loss": sk.log_loss(target, y_proba=probability, labels=classes, sample_weight=weights),
        "accuracy": sk.accuracy_score(target, called, sample_weight=weights),
        "balanced_accuracy": balanced,
        "f1_macro": sk.f1_score(target, called, sample_weight=weights, **settings),
    }


@pytest.mark.parametrize("case", ["as it is", "ties", "certain", "class absent", "no such call"])
def test_metrics_equal_scikit_learn_under_any_weights(digits, case):
    _, target, probability = digits
    if case == "ties":
        probability = np.full(probability.shape, 1 / 8)
        probability[::3, [2, 5]] += [0.1, -0.1]
    elif case == "certain":  # and sometimes wrong: the log loss is clipped
        probability = np.eye(8)[probability.argmax(axis=1)]
    elif case == "class absent":
        target, probability = target[target != 4], probability[target != 4]
    elif case == "no such call":  # neither rows nor calls of the ninth class
        probability = np.column_stack([probability, np.zeros(len(target))])
    group = np.arange(len(target)) % 30
    scored = MulticlassRows(target, probability, group)
    for weights in (np.ones(30), *resampled_weights(30, 3), np.eye(30)[3]):
        expected = sk_metrics(target, probability, weights[group])
        assert scored.metrics(weights) == pytest.approx(expected, abs=1e-12)


def test_a_class_without_rows_and_calls_counts_as_zero_in_macro_f1(digits):
    _, target, probability = digits
    with_ninth = np.column_stack([probability, np.zeros(len(target))])
    eight = MulticlassRows(target, probability).metrics()
    nine = MulticlassRows(target, with_ninth).metrics()
    assert nine["f1_macro"] == pytest.approx(eight["f1_macro"] * 8 / 9)
    assert nine["balanced_accuracy"] == eight["balanced_accuracy"]


def test_confusion_is_that_of_scikit_learn(digits):
    _, target, probability = digits
    cells = sk.confusion_matrix(target, probability.argmax(axis=1), labels=range(8))
    assert MulticlassRows(target, probability).confusion() == cells.tolist()


def test_every_class_is_told_however_rare(digits):
    _, target, probability = digits
    probability = np.column_stack([probability, np.zeros(len(target))])
    told = MulticlassRows(target, probability).per_class((*LABELS, "unseen"))
    called = probability.argmax(axis=1)
    expected = sk.precision_recall_fscore_support(target, called, labels=range(9), zero_division=0)
    assert [row["label"] for row in told] == [*LABELS, "unseen"]
    for name, values in zip(("precision", "recall", "f1", "rows"), expected, strict=True):
        assert [row[name] for row in told] == pytest.approx(values.tolist(), abs=1e-12)
    assert [row["called"] for row in told] == np.bincount(called, minlength=9).tolist()
    assert (told[-1]["rows"], told[-1]["called"], told[-1]["f1"]) == (0, 0, 0)


def test_bootstrap_of_single_rows_agrees_with_theory(digits):
    _, target, probability = digits
    scored = MulticlassRows(target, probability, np.arange(len(target)))
    draws = bootstrap({"model": scored}, 1000)["model"]["log_loss"]
    losses = -np.log(probability[np.arange(len(target)), target])
    assert np.std(draws) == pytest.approx(np.std(losses) / np.sqrt(len(target)), rel=0.1)


@pytest.mark.parametrize(
    ("target", "probability", "words"),
    [
        ([0, 1], [0.5, 0.5], r"shape \(2,\) do not fit 2 targets"),
        ([0, 2], [[0.5, 0.5], [0.2, 0.8]], "from 0 to 2, but there are 2 classes"),
        ([0, 1], [[0.5, 0.5], [2.0, -1.0]], "1 rows are not probabilities .* row 1"),
        ([0, 1], [[np.nan, 0.5], [0.2, 0.9]], "2 rows are not probabilities .* row 0"),
    ],
)
def test_what_is_no_probability_is_refused_with_words(target, probability, words):
    with pytest.raises(UserError, match=words):
        MulticlassRows(np.array(target), np.array(probability))


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_adjusted_calls_are_those_of_the_adjusted_logits(digits, tau):
    shares, _, probability = digits
    logits = np.log(probability) - tau * np.log(shares)
    told = adjusted(probability, shares, tau)
    np.testing.assert_array_equal(told.argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(told.sum(axis=1), 1)
    np.testing.assert_allclose(adjusted(probability, shares, 0), probability)


def test_adjusting_turns_a_posterior_into_that_of_equally_frequent_classes():
    """Two unit normals around 0 and 2, the second a tenth as frequent: the border is at 1."""
    values = np.array([0.5, 0.9, 1.1, 3.0])
    densities = np.exp(-((values[:, None] - [0, 2]) ** 2) / 2)
    shares = np.array([10, 1]) / 11
    posterior = densities * shares / (densities @ shares)[:, None]
    balanced = densities / densities.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(adjusted(posterior, shares, 1.0), balanced)
    assert posterior.argmax(axis=1).tolist() == [0, 0, 0, 1]
    assert balanced.argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_a_class_without_training_rows_is_not_lifted_by_adjusting():
    told = adjusted(np.array([[0.7, 0.299, 0.001]]), np.array([0.9, 0.1, 0.0]), 1.0)
    np.testing.assert_allclose(told, np.array([[0.7 / 0.9, 2.99, 0.001]]) / (0.7 / 0.9 + 2.991))


def test_best_tau_has_the_best_macro_f1_and_finds_more_of_the_rare(digits):
    shares, target, probability = digits
    tau = best_tau(target, probability, shares)
    scores = {}
    for candidate in TAUS:
        called = (np.log(probability) - candidate * np.log(shares)).argmax(axis=1)
        scores[candidate] = sk.f1_score(
            target, called, labels=range(8), average="macro", zero_division=0
        )
    assert scores[tau] == max(scores.values())
    assert tau > 0
    before, after = (
        MulticlassRows(target, rows).metrics()
        for rows in (probability, adjusted(probability, shares, tau))
    )
    assert after["balanced_accuracy"] > before["balanced_accuracy"] + 0.05
    assert after["log_loss"] > before["log_loss"]


def test_best_tau_leaves_perfect_calls_alone():
    target = np.array([0, 0, 0, 1, 2])
    assert best_tau(target, np.eye(3)[target], np.array([0.6, 0.2, 0.2])) == 0


@pytest.fixture(scope="module")
def scored(digits):
    shares, target, probability = digits
    return {
        "class_prior": MulticlassRows(target, np.tile(shares, (len(target), 1))),
        "network": MulticlassRows(target, probability),
        "sharper": MulticlassRows(
            target, probability**2 / (probability**2).sum(axis=1, keepdims=True)
        ),
    }


@pytest.fixture(scope="module")
def figures(scored):
    cells = np.diag([42116, 20007, 15074, 13890, 8674, 299, 9, 2]) + 1234
    rows = scored["network"].per_class(LABELS)
    empty = {"rows": 0, "called": 3, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    return {
        "three": class_confusion([[9, 1, 0], [0, 8, 2], [0, 0, 0]], ("a", HOSTILE, "c")),
        "eight": class_confusion(cells.tolist(), LABELS),
        "forty": class_confusion((1234 * np.eye(40, dtype=int) + 5).tolist(), (HOSTILE,) * 40),
        "scores": class_scores([*rows, {"label": HOSTILE, **empty}]),
        "forty scores": class_scores(rows * 5),
        "confidence": confidence(scored),
    }


def test_confusion_tells_counts_and_shades_of_the_true_class(figures):
    (axes,) = figures["three"].axes
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "9", (1, 0): "1", (1, 1): "8", (2, 1): "2"}
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), [[0.9, 0.1, 0], [0, 0.8, 0.2], [0, 0, 0]])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # class 0 above
    names = [
        [label.get_text() for label in axis.get_ticklabels()] for axis in (axes.xaxis, axes.yaxis)
    ]
    assert names[0] == names[1]
    assert names[0][0] == "a"
    assert len(names[0][1]) == 18


def test_counts_stay_inside_their_cells_or_are_left_out(figures):
    (axes,) = figures["eight"].axes
    figures["eight"].draw_without_rendering()
    assert len(axes.texts) == 64
    assert axes.texts[0].get_text() == "43,350"
    for text in axes.texts:
        box = axes.transData.inverted().transform(text.get_window_extent())
        assert np.abs(box - text.get_position()).max() < 0.5, text.get_text()
    assert len(figures["forty"].axes[0].texts) == 0


def test_scores_of_a_class_lie_in_its_row(scored, figures):
    (axes,) = figures["scores"].axes
    rows = scored["network"].per_class(LABELS)
    points = {}
    for line in axes.get_lines():
        if len(line.get_xdata()) == 1:
            points.setdefault(line.get_ydata()[0], {})[line.get_marker()] = line.get_xdata()[0]
    never_called = [number for number, row in enumerate(rows) if row["called"] == 0]
    assert never_called  # so that the case is drawn
    for number, row in enumerate(rows):
        expected = {"s": row["precision"], "^": row["recall"], "o": row["f1"]}
        if number in never_called:
            del expected["s"]
        assert points[number] == expected
    assert len(rows) not in points
    words = [text.get_text() for text in axes.texts]
    assert words == ["never called"] * len(never_called) + ["no rows"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == f"digit 0 ({rows[0]['rows']})"


def test_confidence_of_the_likeliest_class_against_how_often_it_is_right(scored, figures):
    reliability, below = figures["confidence"].axes
    lines = {line.get_label(): line for line in reliability.get_lines()}
    rows = scored["network"]
    highest = rows.probability.max(axis=1)
    order = np.argsort(highest)
    tenths = np.array_split(order, 10)
    drawn = lines["network"]
    assert len(drawn.get_xdata()) == 10
    for x, y, members in zip(*drawn.get_data(), tenths, strict=True):
        assert x == pytest.approx(highest[members].mean(), abs=0.01)
        assert y == pytest.approx((rows.called == rows.target)[members].mean(), abs=0.05)
    prior = lines["class prior"]
    assert prior.get_ydata() == pytest.approx([scored["class_prior"].metrics()["accuracy"]])
    assert len({line.get_linestyle() for line in lines.values()}) == 3
    assert sum(bar.get_height() for bar in below.patches) == pytest.approx(1)


def test_nothing_is_cut_off_and_names_do_not_overlap(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        drawn, page = figure.get_tightbbox(), figure.bbox_inches
        assert min(drawn.x0, drawn.y0) >= -0.01, name
        assert drawn.x1 <= page.x1 + 0.01, name
        assert drawn.y1 <= page.y1 + 0.01, name
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
                assert not any(one.overlaps(other) for one, other in combinations(boxes, 2)), name
