"""Every network builder on real flights: answers, training, saving, members, attention."""

import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.models.encoder import build_encoder, describe_table, encode
from common.models.ft_transformer import attention, build_ft_transformer
from common.models.heads import LEARNED, describe_target
from common.models.mlp import build_linear, build_mlp
from common.models.resnet import build_resnet
from common.models.table import Table
from common.models.tabm import build_tabm
from common.tabular import TabularConfig, build_tabular
from common.training.learner import Learner
from common.tune.tabular import TABULAR_SPACE

TABM = partial(build_tabm, members=4, units=32, number_dimension=4)
BUILDERS = {
    "linear": build_linear,
    "mlp": partial(build_mlp, hidden_units=(32, 16)),
    "mlp periodic": partial(build_mlp, hidden_units=(32,), number_embedding="periodic"),
    "resnet": partial(build_resnet, units=32),
    "ft_transformer": partial(build_ft_transformer, units=16, heads=4),
    "tabm": TABM,
    "tabm bare": partial(TABM, number_embedding="none", one_hot_values=1000),
    "tabm-mini": partial(TABM, variant="tabm-mini"),
}
DEEP = [name for name in BUILDERS if name != "linear"]
TASKS = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def features(flights):
    return flights.examples("train").features


@pytest.fixture(scope="module")
def encoder(flights, features):
    return build_encoder(features, flights.schema.numbers, flights.schema.categories)


@pytest.fixture(scope="module")
def encoded(encoder, features):
    return encode(encoder, features)


@pytest.fixture(scope="module")
def table(encoder, encoded):
    return describe_table(encoder, encoded)


@pytest.fixture(scope="module")
def values(flights, features):
    """What to predict: late or not, the airport, and the distance by its logarithm."""
    return {
        "binary": flights.examples("train").target,
        "multiclass": np.unique(features["origin"], return_inverse=True)[1].astype("float32"),
        "regression": features["distance"].to_numpy(),
    }


@pytest.fixture(scope="module")
def targets(values):
    return {
        "binary": describe_target(values["binary"], "binary", 2),
        "multiclass": describe_target(values["multiclass"], "multiclass", 3),
        "regression": describe_target(values["regression"], "regression", log_scale=True),
    }


def first(encoded: dict, rows: int) -> dict[str, np.ndarray]:
    return {name: array[:rows].copy() for name, array in encoded.items()}


def answer(network: keras.Model, inputs: dict) -> np.ndarray:
    return np.asarray(network(inputs, training=False))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", BUILDERS)
def test_answers(name, task, table, targets, encoded):
    target = targets[task]
    network = BUILDERS[name](table, target)
    few = first(encoded, 50)
    found = answer(network, few)
    assert found.shape == (50, target.units)
    assert np.isfinite(found).all()
    assert (found > 0).all()  # probabilities, and a distance from its logarithm
    if task == "multiclass":
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    if task == "binary":
        assert found.max() < 1
    order = np.random.default_rng(0).permutation(50)
    shuffled = answer(network, {key: array[order] for key, array in few.items()})
    np.testing.assert_allclose(shuffled, found[order], rtol=1e-4)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_seed_decides_the_weights(name, table, targets, encoded):
    answers = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        answers.append(answer(BUILDERS[name](table, targets["binary"]), first(encoded, 5)))
    np.testing.assert_array_equal(answers[0], answers[1])
    assert np.abs(answers[0] - answers[2]).max() > 1e-4


@pytest.mark.parametrize("name", BUILDERS)
def test_every_column_counts(name, flights, table, targets, encoded):
    """A number, a mark of a missing value, a category: each changes the answer."""
    keras.utils.set_random_seed(0)
    network = BUILDERS[name](table, targets["binary"])
    few = first(encoded, 5)
    before = answer(network, few)
    marks = len(flights.schema.numbers)
    assert few["numbers"].shape[1] > marks
    for column in (0, marks):
        changed = first(few, 5)
        changed["numbers"][:, column] += 1
        assert np.abs(answer(network, changed) - before).min() > 0
    for column, size in enumerate(table.vocabularies.values()):
        changed = first(few, 5)
        changed["categories"][:, column] = (changed["categories"][:, column] + 1) % size
        assert np.abs(answer(network, changed) - before).min() > 0


@pytest.mark.parametrize("kind", ["numbers", "categories"])
@pytest.mark.parametrize("name", BUILDERS)
def test_tables_of_one_kind_work(name, kind, table, targets, encoded):
    if kind == "numbers":
        alone = Table(table.numbers, {})
    else:
        alone = Table(np.zeros((9, 0), "float32"), table.vocabularies)
    network = BUILDERS[name](alone, targets["binary"])
    assert list(network.input) == [kind]
    assert answer(network, {kind: encoded[kind][:5]}).shape == (5, 1)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("mlp", "binary"),
        ("mlp periodic", "regression"),
        ("resnet", "multiclass"),
        ("ft_transformer", "binary"),
        ("tabm", "binary"),
        ("tabm", "multiclass"),
        ("tabm-mini", "regression"),
    ],
)
def test_64_rows_are_learned_by_heart(name, task, table, targets, values, encoded):
    keras.utils.set_random_seed(0)
    target = targets[task]
    learner = Learner.of(BUILDERS[name](table, target), target)
    few, wanted = first(encoded, 64), target.to_learned(values[task][:64])
    for layer in learner.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    learner.compile(keras.optimizers.Adam(0.01))
    losses = [learner.train_on_batch(few, wanted) for _ in range(80)]
    assert losses[-1] < 0.1 * losses[0]


def test_saved_networks_load_without_this_package(table, targets, encoded, tmp_path):
    few = first(encoded, 20)
    np.savez(tmp_path / "inputs.npz", **few)
    for number, build in enumerate(BUILDERS.values()):
        network = build(table, targets[TASKS[number % 3]])
        network.save(tmp_path / f"{number}.keras")
        np.save(tmp_path / f"{number}.npy", answer(network, few))
    code = f"""if True:
        import sys
        import keras
        import numpy as np
        few = dict(np.load("inputs.npz"))
        for number in range({len(BUILDERS)}):
            network = keras.saving.load_model(f"{{number}}.keras", safe_mode=True)
            found = np.asarray(network(few, training=False))
            np.testing.assert_allclose(found, np.load(f"{{number}}.npy"), rtol=1e-5)
        assert "common" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DEEP)
def test_sixteen_bits_give_nearly_the_same(name, table, targets, encoded):
    few, answers = first(encoded, 200), []
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        try:
            network = BUILDERS[name](table, targets["multiclass"])
        finally:
            keras.config.set_dtype_policy("float32")
        answers.append(answer(network, few))
    assert answers[1].dtype == np.float32
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.05


def member_by_member(network: keras.Model, row: np.ndarray, variant: str) -> np.ndarray:
    """Logarithms of odds (rows, members) from flat columns `row` (rows, width), in NumPy."""
    weights = {weight.path: np.asarray(weight, "float64") for weight in network.weights}
    members = weights[f"{LEARNED}/kernel"].shape[0]

    def own(name: str, member: int) -> np.ndarray:
        return weights[f"{name}/kernel"].reshape(members, -1)[member]

    answers = []
    for member in range(members):
        hidden = row * own("scale_in_1", member)
        for block in (1, 2):
            if block > 1 and variant == "tabm":
                hidden = hidden * own(f"scale_in_{block}", member)
            hidden = hidden @ weights[f"shared_{block}/kernel"]
            if variant == "tabm":
                hidden = hidden * own(f"scale_out_{block}", member) + own(f"bias_{block}", member)
            else:
                hidden = hidden + weights[f"shared_{block}/bias"]
            hidden = np.maximum(hidden, 0)
        kernel, bias = weights[f"{LEARNED}/kernel"], weights[f"{LEARNED}/bias"]
        answers.append(hidden @ kernel[member, :, 0] + bias[member, 0])
    return np.stack(answers, axis=1)


@pytest.mark.parametrize("variant", ["tabm", "tabm-mini"])
def test_tabm_is_many_networks_in_one(variant, table, targets, encoded):
    """Against a loop over the members in NumPy, with every weight moved from its simple start."""
    keras.utils.set_random_seed(0)
    alone = Table(table.numbers, {})
    network = TABM(alone, targets["binary"], variant=variant, number_embedding="none")
    generator = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign_add(generator.normal(0, 0.1, weight.shape))
    rows = encoded["numbers"][:40]
    logits = member_by_member(network, rows.astype("float64"), variant)
    expected = 1 / (1 + np.exp(-logits))
    members = keras.Model(network.input, network.get_layer(LEARNED).output)
    np.testing.assert_allclose(answer(members, {"numbers": rows})[..., 0], expected, atol=1e-5)
    mean = answer(network, {"numbers": rows})[:, 0]
    np.testing.assert_allclose(mean, expected.mean(axis=1), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in BUILDERS if name.startswith("tabm")])
def test_members_differ_before_training(name, table, targets, encoded):
    keras.utils.set_random_seed(0)
    network = BUILDERS[name](table, targets["binary"])
    members = keras.Model(network.input, network.get_layer(LEARNED).output)
    found = answer(members, first(encoded, 100))[..., 0]
    assert found.shape == (100, 4)
    assert (found.std(axis=1) > 0.0005).all()


def test_the_first_scale_is_one_value_for_each_member_and_column(table, targets):
    for kind, width in (("none", 1), ("piecewise_linear", 4)):
        network = TABM(table, targets["binary"], number_embedding=kind)
        scales = np.asarray(network.get_layer("scale_in_1").kernel).reshape(4, -1)
        count = table.numbers.shape[1]
        sizes = [size if size <= 10 else 8 for size in table.vocabularies.values()]
        ends = np.cumsum([width] * count + sizes)
        assert ends[-1] == scales.shape[1]
        columns = np.split(scales, ends[:-1], axis=1)
        assert all((column == column[:, :1]).all() for column in columns)
        drawn = np.array([column[:, 0] for column in columns])
        assert len(np.unique(drawn)) == (2 if kind == "none" else drawn.size)
        assert drawn.std() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("limit", [0, 20, 1000])
def test_categories_of_few_values_are_one_hot(limit, table, targets):
    network = TABM(table, targets["binary"], embedding_dimension=5, one_hot_values=limit)
    sizes = table.vocabularies.values()  # with an id for missing and one for unseen values
    widths = [size if size - 2 <= limit else 5 for size in sizes]
    numbers = 4 * table.numbers.shape[1]
    assert network.get_layer("shared_1").kernel.shape[0] == numbers + sum(widths)
    embeddings = [layer for layer in network.layers if isinstance(layer, keras.layers.Embedding)]
    assert len(embeddings) == sum(size - 2 > limit for size in sizes)


def test_attention_is_that_of_keras():
    """The same weights in Keras's own layer, whose kernels have an axis for the heads."""
    keras.utils.set_random_seed(0)
    query, source = keras.Input((3, 12)), keras.Input((5, 12))
    ours = keras.Model([query, source], attention(query, source, heads=4, dropout=0.0))
    dense = [layer for layer in ours.layers if isinstance(layer, keras.layers.Dense)]
    dense.sort(key=lambda layer: (len(layer.name), layer.name))  # by creation: query, key, value
    reference = keras.layers.MultiHeadAttention(num_heads=4, key_dim=3)
    rows = np.random.default_rng(0).normal(size=(2, 8, 12)).astype("float32")
    reference(rows[:, :3], rows[:, 3:])
    weights = [array for layer in dense for array in (layer.kernel, layer.bias + 0.1)]
    for layer in dense:
        layer.bias.assign(layer.bias + 0.1)
    reference.set_weights(
        [
            np.reshape(array, variable.shape)
            for array, variable in zip(weights, reference.weights, strict=True)
        ]
    )
    expected = np.asarray(reference(rows[:, :3], rows[:, 3:]))
    np.testing.assert_allclose(ours([rows[:, :3], rows[:, 3:]]), expected, atol=1e-6)


def test_units_that_heads_cannot_share(table, targets):
    with pytest.raises(UserError, match=r"Try units 16"):
        build_ft_transformer(table, targets["binary"], units=20, heads=8)


@pytest.mark.parametrize("number_embedding", ["none", "piecewise_linear"])
@pytest.mark.parametrize("units", TABULAR_SPACE["units"].options)
def test_attention_takes_what_a_search_tries(units, number_embedding, table, targets):
    config = TabularConfig(
        model="ft-transformer", blocks=1, units=units, number_embedding=number_embedding
    )
    answer = build_tabular(config, table, targets["binary"]).output
    assert answer.shape == (None, 1)
