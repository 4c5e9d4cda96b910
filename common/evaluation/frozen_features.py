"""The cheap way to transfer learning, as a rival: a pretrained network's features, a linear model.

pictures --frozen backbone--> vectors --logistic regression--> probabilities
"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import Fit, Predict
from common.evaluation.picture_baselines import logistic_regression_on
from common.images.cache import decoded_images
from common.models.backbones import build_backbone
from common.models.heads import Target
from common.models.image import FEATURES
from common.models.table import IMAGE, Table

BATCH_PICTURES = 64
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # values of C, of which the validation pictures choose one


def frozen_features(weights: str | Path, backbone: str) -> Fit:
    """A baseline on the features of a backbone; both arguments as in `build_backbone`."""

    def fit(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        network = build_backbone(
            Table(image_shape=schema.image.shape), Target("regression"), weights, backbone
        )
        body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)

        def vectors(features: pd.DataFrame) -> np.ndarray:
            return features_of(body, features, schema)

        return logistic_regression_on(vectors, PENALTIES, train, validation, schema, seed)

    return fit


def features_of(body: keras.Model, features: pd.DataFrame, schema: Schema) -> np.ndarray:
    """What `body` gives for each picture, (rows, features)."""
    (column,) = schema.images
    files = features[column]
    return np.concatenate(
        [
            body.predict_on_batch(
                decoded_images(files[start : start + BATCH_PICTURES], schema.image)
            )
            for start in range(0, len(files), BATCH_PICTURES)
        ]
    )
