"""What a network for pictures sees in them: figures of the report, from bundle and test rows."""

import keras
import numpy as np
from matplotlib.figure import Figure

from common.bundle import Bundle
from common.data.dataset import Dataset, Examples
from common.images.cache import decoded_images
from common.models.image import FEATURES
from common.models.table import IMAGE
from common.plots.attention_maps import grad_cam
from common.plots.embedding_map import embedding_map
from common.plots.picture_features import feature_maps, first_filters
from common.plots.picture_sheets import (
    augmented_examples,
    confident_mistakes,
    confusion_pairs,
    most_confident_mistakes,
    most_confused,
    picture_examples,
)

MAPPED = 600  # test pictures in the embedding map
EXAMPLES = 5  # training pictures of each class
BATCH_PICTURES = 64


def picture_figures(
    bundle: Bundle, dataset: Dataset, answers: np.ndarray, confusion: list[list[int]] | None
) -> dict[str, Figure]:
    """Figures by name. answers: of the test rows; confusion: of classes, None where numbers are
    predicted. Where columns of a table stand beside the picture, or a row has not one class, those
    that need the network's answer to a picture alone, or its class, are left out.
    """
    schema, test = bundle.schema, dataset.examples("test")
    truth = test.target.astype(int)
    (column,) = schema.images
    network = picture_network(bundle.model)

    def pictures_of(files) -> np.ndarray:
        return decoded_images(files, schema.image)

    train = dataset.examples("train")
    few = np.linspace(0, len(train) - 1, 3).astype(int)
    figures = {
        "augmented_examples": augmented_examples(
            network, pictures_of(train.features[column].iloc[few])
        ),
        "first_filters": first_filters(network),
    }
    one_class = schema.task in ("binary", "multiclass")
    if one_class:
        chosen = examples_of_classes(train)
        titles = [schema.labels[int(number)] for number in train.target[chosen]]
        shown = pictures_of(train.features[column].iloc[chosen])
        figures["picture_examples"] = picture_examples(shown, titles)
    if schema.columns or not one_class:
        return figures
    some = np.unique(np.linspace(0, len(test) - 1, MAPPED).astype(int))
    pictures = pictures_of(test.features[column].iloc[some])
    body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
    vectors = body.predict(pictures, batch_size=BATCH_PICTURES, verbose=0)
    labels = [schema.labels[number] for number in truth[some]]
    figures["embedding_map"] = embedding_map(vectors, pictures, labels)
    figures["feature_maps"] = feature_maps(network, {IMAGE: pictures[:1]})
    mistakes = most_confident_mistakes(truth, answers)
    if len(mistakes):
        wrong = pictures_of(test.features[column].iloc[mistakes])
        called = called_classes(answers[mistakes])
        heat = grad_cam(network, {IMAGE: wrong}, called)
        figures["confident_mistakes"] = confident_mistakes(
            wrong, heat, truth[mistakes], answers[mistakes], schema.labels
        )
    if schema.task == "multiclass":
        pairs = most_confused(confusion)
        called = called_classes(answers)
        examples = {}
        for one, other in pairs:
            for way in ((one, other), (other, one)):
                rows = np.flatnonzero((truth == way[0]) & (called == way[1]))[:2]
                if len(rows):
                    examples[way] = pictures_of(test.features[column].iloc[rows])
        if pairs:
            figures["confusion_pairs"] = confusion_pairs(confusion, schema.labels, examples)
    return figures


def picture_network(model: keras.Model) -> keras.Model:
    """The network for pictures within a bundle's model; the first one, where their mean answers."""
    if any(layer.name == FEATURES for layer in model.layers):
        return model
    inside = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return next(filter(None, map(picture_network, inside)))


def examples_of_classes(train: Examples) -> np.ndarray:
    """Row numbers of up to five training rows of each class, class after class."""
    return np.concatenate(
        [np.flatnonzero(train.target == number)[:EXAMPLES] for number in np.unique(train.target)]
    )


def called_classes(answers: np.ndarray) -> np.ndarray:
    """The likeliest class (rows,) by answers (rows, classes), or (rows,) for class 1 of two."""
    return (answers > 0.5).astype(int) if answers.ndim == 1 else answers.argmax(axis=1)
