"""The cheap way to transfer learning, as a rival: a pretrained network's features, a linear model.

pictures --frozen backbone--> vectors --logistic regression--> probabilities
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import Fit, Predict
from common.evaluation.picture_baselines import logistic_regression_on
from common.images.cache import decoded_images
from common.images.decode import ImageForm
from common.models.backbones import build_backbone
from common.models.heads import Target
from common.models.image import FEATURES
from common.models.table import IMAGE, Table

BATCH_PICTURES = 64
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # values of C, of which the validation pictures choose one


def frozen_features(weights: str | Path, backbone: str) -> Fit:
    """A baseline on the features of a backbone; both arguments as in `build_backbone`."""

    def fit(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        body = build_body(schema.image, weights, backbone)
        (column,) = schema.images

        def vectors(features: pd.DataFrame) -> np.ndarray:
            return features_of(body, features[column], schema.image)

        return logistic_regression_on(vectors, PENALTIES, train, validation, schema, seed)

    return fit


def build_body(form: ImageForm, weights: str | Path, backbone: str) -> keras.Model:
    """A backbone without a head: from pictures of a form to their features (batch, features)."""
    network = build_backbone(Table(image_shape=form.shape), Target("regression"), weights, backbone)
    return keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)


def features_of(body: keras.Model, files: Sequence[Path | str], form: ImageForm) -> np.ndarray:
    """What `body` gives for each picture file, (files, features)."""
    return np.concatenate(
        [
            body.predict_on_batch(decoded_images(files[start : start + BATCH_PICTURES], form))
            for start in range(0, len(files), BATCH_PICTURES)
        ]
    )
