"""Schedule, early stopping, sanity pass, NaN, folds, and the state in the checkpoint."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open

from common.data.folds import folds_of
from common.errors import UserError
from common.models.heads import Target, describe_target, with_head
from common.project import TrainingConfig
from common.training.fit import fit, tensorboard
from common.training.learner import Learner
from common.training.part import Part
from common.training.sanity import check_network
from common.training.train import validation_rows

TWO = Target("binary", (0.5, 0.5))


@pytest.fixture(scope="module")
def parts():
    """Learnable data: the target follows the first of four numbers, with noise."""
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(3000, 4)).astype("float32")
    target = (numbers[:, 0] + generator.normal(size=3000) > 0).astype("float32")
    train, validation = slice(2000), slice(2000, 3000)
    return [Part({"numbers": numbers[rows]}, target[rows]) for rows in (train, validation)]


def small_network(dropout=0.2):
    inputs = {"numbers": keras.Input((4,), name="numbers")}
    hidden = keras.layers.Dense(16, activation="relu")(inputs["numbers"])
    hidden = keras.layers.Dropout(dropout)(hidden)
    return with_head(inputs, hidden, TWO, "small")


def config(**fields):
    return TrainingConfig(**({"epochs": 6, "batch_size": 128, "learning_rate": 0.01} | fields))


def test_best_weights_are_restored_and_patience_holds(parts, tmp_path):
    keras.utils.set_random_seed(0)
    network = small_network()
    settings = config(epochs=40, patience=2, learning_rate=0.2)
    history = fit(network, TWO, *parts, settings, 0, tmp_path / "state")
    losses = [epoch["val_loss"] for epoch in history]
    best = int(np.argmin(losses))
    assert len(history) == best + 1 + 2 < 40
    validation = parts[1]
    p = network.predict(validation.inputs, verbose=0)[:, 0]
    loss = -np.mean(np.log(np.where(validation.target == 1, p, 1 - p)))
    assert loss == pytest.approx(losses[best], abs=1e-5)
    assert abs(losses[-1] - losses[best]) > 1e-4  # the last weights are others than the best


def test_monitor_can_be_the_roc_auc(parts, tmp_path):
    keras.utils.set_random_seed(0)
    settings = config(monitor="val_roc_auc", patience=1, epochs=30)
    history = fit(small_network(), TWO, *parts, settings, 0, tmp_path / "state")
    areas = [epoch["val_roc_auc"] for epoch in history]
    assert len(areas) == int(np.argmax(areas)) + 2


def test_learning_rate_warms_up_and_falls_to_zero(parts, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.model.optimizer._learning_rate)

    settings = config(epochs=5, patience=99)
    fit(small_network(), TWO, *parts, settings, 0, tmp_path / "state", [Watch()])
    schedule = seen[0]
    steps = 16  # of 2,000 rows in batches of 128
    assert float(schedule(0)) == 0
    assert float(schedule(steps)) == pytest.approx(0.01)
    assert float(schedule(3 * steps)) == pytest.approx(0.005, rel=0.01)
    assert float(schedule(5 * steps)) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_tensorflow_compiles_the_step_once(parts, tmp_path, precision):
    """A second time would double the wait before the first step. The last of 16 is shorter."""
    traced = []

    class Told(Learner):
        def train_step(self, data):
            traced.append(data)
            return super().train_step(data)

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        network = small_network()
        history = fit(network, TWO, *parts, config(epochs=2), 0, tmp_path / "state", kind=Told)
    finally:
        keras.config.set_dtype_policy(before)
    assert len(history) == 2
    assert len(traced) == 1


def test_finished_training_is_not_trained_again(parts, tmp_path):
    for settings in (config(epochs=2), config(epochs=30, patience=1)):
        path = tmp_path / f"{settings.epochs}"
        network = small_network()
        history = fit(network, TWO, *parts, settings, 0, path)
        again = small_network()
        assert fit(again, TWO, *parts, settings, 0, path) == history
        for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_checkpoint_holds_the_state_of_early_stopping(parts, tmp_path):
    history = fit(small_network(), TWO, *parts, config(epochs=4), 0, tmp_path / "state")
    with safe_open(tmp_path / "state", framework="numpy") as file:
        state = json.loads(file.metadata()["state"])
        names = set(file.keys())
    losses = [epoch["val_loss"] for epoch in history]
    assert state["best"] == pytest.approx(min(losses))
    assert state["best_epoch"] == int(np.argmin(losses))
    assert state["wait"] == 3 - int(np.argmin(losses))
    assert {"weights/0", "optimizer/0", "best/0"} <= names


def test_damaged_checkpoint_is_an_error_with_advice(parts, tmp_path):
    fit(small_network(), TWO, *parts, config(epochs=1), 0, tmp_path / "state")
    whole = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"not a readable checkpoint .* Delete it"):
        fit(small_network(), TWO, *parts, config(epochs=2), 0, tmp_path / "state")


def test_nan_stops_with_advice_and_leaves_no_checkpoint_of_it(parts, tmp_path):
    train = Part(parts[0].inputs, parts[0].target.copy())
    train.target[100] = np.nan
    with pytest.raises(UserError, match=r"NaN or infinite in epoch 1.*learning_rate"):
        fit(small_network(), TWO, train, parts[1], config(), 0, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_class_weights_raise_the_predictions_for_the_rare_class(parts, tmp_path):
    rare = np.flatnonzero((parts[0].target == 0) | (np.arange(2000) % 10 == 0))
    train = Part({"numbers": parts[0].inputs["numbers"][rare]}, parts[0].target[rare])
    means = {}
    for kind in ("none", "balanced"):
        keras.utils.set_random_seed(0)
        network = small_network()
        settings = config(class_weights=kind, epochs=40, patience=99, monitor="val_roc_auc")
        fit(network, TWO, train, parts[1], settings, 0, tmp_path / kind)
        means[kind] = network.predict(train.inputs, verbose=0).mean()
    assert means["none"] == pytest.approx(train.target.mean(), abs=0.05)
    assert means["balanced"] > 0.3 > 2 * train.target.mean()


def test_tensorboard_logs_on_request(parts, tmp_path):
    logs = [tensorboard(tmp_path / "logs")]
    fit(small_network(), TWO, *parts, config(epochs=1), 0, tmp_path / "state", logs)
    (events,) = (tmp_path / "logs" / "train").glob("events*")
    tags = [
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    ]
    assert "epoch_loss" in tags


def test_sanity_pass_is_content_with_a_sound_network(parts):
    found = check_network(small_network, parts[0], TWO)
    assert [finding.level for finding in found] == ["ok", "ok"]


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_sanity_pass_finds_a_frozen_network(parts):
    def frozen():
        network = small_network()
        network.trainable = False
        return network

    found = check_network(frozen, parts[0], TWO)
    assert found[1].level == "alarm"
    assert "frozen" in found[1].message


def test_sanity_pass_finds_inputs_without_content(parts):
    silent = Part({"numbers": np.zeros_like(parts[0].inputs["numbers"])}, parts[0].target)
    assert check_network(small_network, silent, TWO)[1].level == "alarm"


def test_sanity_pass_finds_a_wild_start(parts):
    loud = Part({"numbers": 100 * parts[0].inputs["numbers"]}, parts[0].target)
    assert check_network(small_network, loud, TWO)[0].level == "note"


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", 0), ("batch_size", -1), ("learning_rate", float("nan")), ("rows", -5)],
)
def test_impossible_settings_are_refused(field, value):
    with pytest.raises(UserError, match=f"{field} is .*expected"):
        TrainingConfig(**{field: value})


@pytest.mark.parametrize("folds", [1, 4])
def test_folds_validate_on_each_row_once_and_keep_groups_whole(flights, folds):
    groups = np.arange(len(flights.target)) // 7
    dataset = dataclasses.replace(flights, time=None, groups=groups)
    found = folds_of(dataset, folds, seed=0)
    validated = np.sort(np.concatenate([validate for _, validate in found]))
    np.testing.assert_array_equal(validated, validation_rows(dataset, folds))
    expected = dataset.part == "validation" if folds == 1 else dataset.part != "test"
    np.testing.assert_array_equal(validated, np.flatnonzero(expected))
    for learn, validate in found:
        assert not set(learn) & set(validate)
        assert not (dataset.part[learn] == "test").any()
        if folds > 1:
            assert not set(groups[learn]) & set(groups[validate])


def test_folds_of_data_split_by_time_are_refused(flights):
    with pytest.raises(UserError, match="later than"):
        folds_of(flights, 5, seed=0)


def test_monitor_of_another_task_is_refused(parts, tmp_path):
    with pytest.raises(UserError, match="val_loss or val_roc_auc"):
        fit(small_network(), TWO, *parts, config(monitor="val_rmse"), 0, tmp_path / "state")


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_learn_and_start_at_chance(parts, tmp_path, task):
    number = parts[0].inputs["numbers"][:, 0]
    values = np.digitize(number, [-1, 1]) if task == "multiclass" else 1000 + 50 * number
    train = Part(parts[0].inputs, values.astype("float32"))
    target = describe_target(train.target, task, classes=3)

    def build():
        inputs = {"numbers": keras.Input((4,), name="numbers")}
        hidden = keras.layers.Dense(16, activation="relu")(inputs["numbers"])
        return with_head(inputs, hidden, target, "small")

    assert [finding.level for finding in check_network(build, train, target)] == ["ok", "ok"]
    network = build()
    history = fit(network, target, train, train, config(epochs=20), 0, tmp_path / "state")
    answer = network.predict(train.inputs, verbose=0)
    if task == "regression":
        assert np.std(answer[:, 0] - values) < 0.3 * np.std(values)
        assert history[-1]["val_rmse"] == pytest.approx(
            np.sqrt(np.mean((answer[:, 0] - values) ** 2)) / np.std(values), rel=0.02
        )
    else:
        accuracy = (answer.argmax(axis=1) == values).mean()
        assert accuracy > 0.9 > (values == 1).mean() + 0.2
        assert history[-1]["val_accuracy"] == pytest.approx(accuracy, abs=0.02)
