"""BERT in stages on real tweets: rates that fall, blocks that stay, and a linear probe."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from common.errors import UserError
from common.models.bert import BERT, FEATURES, build_bert, depth
from common.models.bert_weights import BertConfig
from common.models.heads import LEARNED, Target, describe_target
from common.models.table import Table, Tokens
from common.text.form import TextForm
from common.text.tokenizer import fit_tokenizer, token_ids
from common.training.part import Part
from common.training.stages import fit_stages
from common.training.transfer import with_features
from projects.tweet_sentiment.load import LABELS, TEXT, prepare, read_raw
from projects.tweet_sentiment.run import PROJECT, Config

LENGTH = 24
TOKENS = f"{TEXT}_tokens"


@pytest.fixture(scope="module")
def tweets() -> tuple[Part, Table, Target]:
    raw = read_raw().iloc[::127]
    texts = prepare(raw, {})[TEXT]
    form = TextForm("words", LENGTH, vocabulary=400)
    ids = token_ids(fit_tokenizer(texts, form), texts, LENGTH)
    target = raw["sentiment"].map(LABELS.index).to_numpy("float32")
    return (
        Part({TOKENS: ids}, target),
        Table(texts={TEXT: Tokens(400, LENGTH)}),
        describe_target(target, "multiclass", 3),
    )


def small_bert(table: Table, target: Target) -> keras.Model:
    keras.utils.set_random_seed(0)
    sizes = BertConfig(vocabulary_size=400, positions=LENGTH, width=16, blocks=2, heads=2, inner=32)
    return build_bert(table, target, sizes)


def trained(tweets, folder: Path, **settings) -> tuple[keras.Model, list[dict]]:
    """The network after the stages that the settings ask for, and its history."""
    part, table, target = tweets
    network = small_bert(table, target)
    config = Config(model="bert", **({"batch_size": 32, "epochs": 1} | settings))
    folder.mkdir()
    history = fit_stages(
        PROJECT, config, network, table, target, part, part, 0, folder / "some", verbose=0
    )
    return network, history


def moves(network: keras.Model, start: keras.Model) -> dict[str, np.ndarray]:
    """How far each weight went, by the name of its layer and its own."""
    return {
        f"{layer.name}/{weight.name}": weight.numpy() - before.numpy()
        for layer in (*network.get_layer(BERT).layers, network.get_layer(LEARNED))
        if not isinstance(layer, keras.layers.Dropout)  # a generator is all it has
        for weight, before in zip(layer.weights, weights_of(start, layer.name), strict=True)
    }


def weights_of(network: keras.Model, name: str) -> list:
    if name == LEARNED:
        return network.get_layer(LEARNED).weights
    return network.get_layer(BERT).get_layer(name).weights


def test_lower_layers_move_less_by_the_known_factor(tweets, tmp_path):
    """Two steps, of which the first has the rate 0: then all gradients are still the same."""
    part, table, target = tweets
    few = (part.rows(np.arange(0, 256, 4)), table, target)
    start = small_bert(table, target)
    plain = moves(trained(few, tmp_path / "plain")[0], start)
    falling = moves(trained(few, tmp_path / "falling", layer_decay=0.5)[0], start)
    for name, move in plain.items():
        layer = name.split("/")[0]
        if name.endswith("key/bias"):
            continue  # adds the same to all scores of a query, so that it learns nothing
        factor = 1.0 if layer == LEARNED else 0.5 ** (3 - depth(layer))
        assert np.abs(move).max() > 1e-4, name
        np.testing.assert_allclose(falling[name], factor * move, rtol=0.02, atol=2e-6)


class Stop(keras.callbacks.Callback):
    """Breaks a training off in its second epoch, as Ctrl-C does."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations.numpy() == 4:
            raise KeyboardInterrupt


def test_a_training_with_rates_goes_on_where_it_was(tweets, tmp_path):
    """The moments of the optimizer, too, are in the checkpoint."""
    part, table, target = tweets
    few = part.rows(np.arange(0, 256, 4))
    config = Config(model="bert", batch_size=32, epochs=3, layer_decay=0.5)

    def run(checkpoint: Path, callbacks: list) -> list[np.ndarray]:
        network = small_bert(table, target)
        some = (network, table, target, few, few, 0, checkpoint, callbacks)
        fit_stages(PROJECT, config, *some, verbose=0)
        return network.get_weights()

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", [Stop()])
    found = run(tmp_path / "broken", []), run(tmp_path / "whole", [])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("thawed", "blocks"), [(0.0, set()), (0.1, {2})])
def test_what_is_frozen_stays(tweets, tmp_path, thawed, blocks):
    part, table, target = tweets
    few = (part.rows(np.arange(0, 256, 4)), table, target)
    network, history = trained(few, tmp_path / "frozen", thawed=thawed, head_epochs=2)
    found = moves(network, small_bert(table, target))
    moved = {name.split("/")[0] for name, move in found.items() if np.abs(move).max() > 0}
    assert LEARNED in moved
    assert {depth(name) for name in moved - {LEARNED}} == blocks
    stages = ["head", "head", *(["all"] if thawed else [])]
    assert [epoch["stage"] for epoch in history] == stages


def test_vectors_are_those_of_each_text_alone(tweets):
    part, table, target = tweets
    network = small_bert(table, target)
    found = with_features(network, part).inputs[FEATURES]
    body = keras.Model(network.input, network.get_layer(FEATURES).output)
    for row in range(0, len(part), 60):
        ids = part.inputs[TOKENS][row]
        alone = body.predict_on_batch({TOKENS: ids[None, : np.count_nonzero(ids)]})
        np.testing.assert_allclose(found[row], alone[0], atol=1e-5)


def test_a_linear_probe_is_softmax_regression_on_the_vectors(tweets, tmp_path):
    """Trained again in NumPy from the same start: Adam on all rows at once, on one schedule."""
    part, table, target = tweets
    epochs, rate = 20, 0.05
    network, _ = trained(
        tweets,
        tmp_path / "probe",
        **{"thawed": 0.0, "head_epochs": epochs, "head_learning_rate": rate, "patience": epochs},
        **{"dropout": 0.0, "weight_decay": 0.0, "batch_size": len(part)},
    )
    vectors = with_features(network, part).inputs[FEATURES]
    inputs = np.column_stack([vectors, np.ones(len(part))])
    weights = np.vstack(small_bert(table, target).get_layer(LEARNED).get_weights())
    truth, first, second, losses = np.eye(3)[part.target.astype(int)], 0.0, 0.0, []
    for step in range(epochs):
        gradient = inputs.T @ (softmax(inputs @ weights, axis=1) - truth) / len(part)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        share = (1 + np.cos(np.pi * (step - 1) / (epochs - 1))) / 2 if step else 0.0
        usual = np.sqrt(second / (1 - 0.999 ** (step + 1)))
        weights = weights - rate * share * first / (1 - 0.9 ** (step + 1)) / (usual + 1e-7)
        losses.append(log_loss(part.target, softmax(inputs @ weights, axis=1)))
    assert losses[0] - losses[-1] > 0.05
    assert losses[-1] == min(losses)  # the epoch whose weights are kept
    answers = network.predict(part.inputs, verbose=0)
    np.testing.assert_allclose(answers, softmax(inputs @ weights, axis=1), atol=2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"thawed": 0.0}, "nothing would learn"),
        ({"thawed": 1.5}, "thawed is 1.5"),
        ({"layer_decay": 0.0}, "layer_decay is 0.0"),
        ({"head_epochs": -1}, "head_epochs is -1"),
        ({"head_learning_rate": 0.0}, "head_learning_rate is 0.0"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(UserError, match=message):
        Config(model="bert", **settings)


def test_columns_beside_the_text_learn_with_the_head(tweets, tmp_path):
    """The head by itself has every layer of the network that is not BERT, in the same shapes."""
    part, table, target = tweets
    numbers = np.eye(3, dtype="float32")[part.target.astype(int)]  # which tell the answer
    part = Part(part.inputs | {"numbers": numbers}, part.target)
    table = replace(table, numbers=numbers)
    settings = {"head_epochs": 20, "head_learning_rate": 0.03, "thawed": 0.0}
    network, _ = trained((part, table, target), tmp_path / "columns", **settings)
    answers = network.predict(part.inputs, verbose=0)
    assert (answers.argmax(axis=1) == part.target).mean() > 0.95
