"""The cheap way to transfer learning, as a rival: a pretrained network's features, a linear model.

pictures --frozen backbone--> vectors --logistic regression--> probabilities
"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import Fit, Predict, answers_of, every_class
from common.images.cache import decoded_images
from common.models.backbones import build_backbone
from common.models.heads import Target
from common.models.image import FEATURES
from common.models.table import IMAGE, Table

BATCH_PICTURES = 64
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)  # values of C, of which the validation rows choose one


def frozen_features(weights: str | Path, backbone: str) -> Fit:
    """A baseline on the features of a backbone; both arguments as in `build_backbone`."""

    def fit(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
        network = build_backbone(
            Table(image_shape=schema.image.shape), Target("regression"), weights, backbone
        )
        body = keras.Model(network.input[IMAGE], network.get_layer(FEATURES).output)
        known, held_out = (features_of(body, part.features, schema) for part in (train, validation))
        models = [
            make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=1000))
            for penalty in PENALTIES
        ]
        losses = []
        for model in models:
            model.fit(known, train.target)
            probability = every_class(model, held_out, schema)
            labels = np.arange(len(schema.labels))
            losses.append(log_loss(validation.target, probability, labels=labels))
        best = models[int(np.argmin(losses))]

        def predict(features: pd.DataFrame) -> np.ndarray:
            return answers_of(
                every_class(best, features_of(body, features, schema), schema), schema
            )

        return predict

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
