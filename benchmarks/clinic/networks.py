"""The plain Keras networks that the clinic breaks, and leaves whole."""

import keras
import numpy as np
from keras import layers, ops

CLASSES = "sparse_categorical_crossentropy"


def ready(model: keras.Model, loss, optimizer="adam") -> keras.Model:
    model.compile(optimizer, loss)
    return model


def mlp(
    columns: int,
    outputs: int = 1,
    last: str | None = "sigmoid",
    loss="binary_crossentropy",
    optimizer="adam",
    units=(32, 16),
    before=(),
    **settings,
) -> keras.Model:
    """Dense layers with ReLU unless settings say other; `before` are layers that come first."""
    settings = {"activation": "relu", **settings}
    hidden = [layers.Dense(width, **settings) for width in units]
    head = layers.Dense(outputs, activation=last)
    return ready(
        keras.Sequential([keras.Input((columns,)), *before, *hidden, head]), loss, optimizer
    )


def regression(columns: int, **settings) -> keras.Model:
    return mlp(columns, last=None, **{"loss": "mean_squared_error", **settings})


def classifier(columns: int, classes: int = 10, **settings) -> keras.Model:
    return mlp(columns, classes, "softmax", **{"loss": CLASSES, **settings})


def convolutional(
    optimizer="adam",
    activation: str | None = "relu",
    last="softmax",
    loss=CLASSES,
    norm=True,
    **settings,
) -> keras.Model:
    """Two convolutions with batch normalisation on pictures of 8 by 8."""
    body = []
    for filters in (16, 32):
        body.append(layers.Conv2D(filters, 3, use_bias=not norm, **settings))
        if norm:
            body.append(layers.BatchNormalization(momentum=0.9))
        if activation:
            body.append(layers.Activation(activation))
    head = [layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(10, activation=last)]
    return ready(keras.Sequential([keras.Input((8, 8, 1)), *body, *head]), loss, optimizer)


def recurrent(
    cells, steps: int = 8, features: int = 8, between=(), optimizer="adam"
) -> keras.Model:
    """Recurrent layers over a digit, then logits."""
    body = [*cells, *between, layers.Dense(10)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return ready(keras.Sequential([keras.Input((steps, features)), *body]), loss, optimizer)


def transformer(units: int = 32, heads: int = 4, blocks: int = 2) -> keras.Model:
    """Grey values as words with a place, blocks of attention, the mean over the places."""
    words = keras.Input((64,), dtype="int32")
    places = layers.Embedding(64, units)(ops.cumsum(ops.ones_like(words), axis=1) - 1)
    hidden = layers.Add()([layers.Embedding(17, units)(words), places])
    for _ in range(blocks):
        normal = layers.LayerNormalization()(hidden)
        hidden = layers.Add()(
            [hidden, layers.MultiHeadAttention(heads, units // heads)(normal, normal)]
        )
        normal = layers.LayerNormalization()(hidden)
        wide = layers.Dense(4 * units, activation="gelu")(normal)
        hidden = layers.Add()([hidden, layers.Dropout(0.1)(layers.Dense(units)(wide))])
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(hidden))
    return ready(keras.Model(words, layers.Dense(10, activation="softmax")(pooled)), CLASSES)


@keras.saving.register_keras_serializable("clinic")
class Attention(keras.layers.Layer):
    """A block as tutorials write it: a layer of layers."""

    def __init__(self, units: int, **settings):
        super().__init__(**settings)
        self.attend = layers.MultiHeadAttention(2, units // 2)
        self.first, self.second = layers.LayerNormalization(), layers.LayerNormalization()
        self.wide, self.narrow = layers.Dense(2 * units, activation="relu"), layers.Dense(units)

    def call(self, hidden):
        hidden = self.first(hidden + self.attend(hidden, hidden))
        return self.second(hidden + self.narrow(self.wide(hidden)))


def trained(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int) -> keras.Model:
    model.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
    return model
