"""Layers one after the other, and the loop that trains them."""

from collections.abc import Callable, Iterator

import numpy as np

from common.from_scratch.layer import Array, Layer
from common.from_scratch.optimizers import Optimizer

Loss = Callable[[Array, Array], tuple[float, Array]]
Metric = Callable[[Array, Array], float]


class Sequential(Layer):
    """y = last(... second(first(x))); gradients go the same way back."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.parts = {str(place): layer for place, layer in enumerate(layers)}

    def forward(self, x: Array, training: bool = False) -> Array:
        for layer in self.parts.values():
            x = layer.forward(x, training)
        return x

    def backward(self, gradient: Array) -> Array:
        for layer in reversed(self.parts.values()):
            gradient = layer.backward(gradient)
        return gradient

    def compile(self, optimizer: Optimizer, loss: Loss, metric: Metric | None = None) -> None:
        """Tell how to train; the metric goes by its function's name in what fit returns."""
        self.optimizer, self.loss, self.metric = optimizer, loss, metric

    def fit(
        self,
        x: Array,
        y: Array,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: tuple[Array, Array] | None = None,
        random: np.random.Generator | None = None,
    ) -> dict[str, list[float]]:
        """Train; returns {"loss": [one value an epoch], "val_loss": [...], ...}.

        random: mixes the rows anew before each epoch; without it they keep their order. As in
        Keras, the training loss is the mean over the epoch's batches, each met with the weights of
        its moment; the validation loss is that of the weights at the epoch's end.
        """
        self.check(x, y)
        history: dict[str, list[float]] = {}
        for _ in range(epochs):
            order = np.arange(len(x)) if random is None else random.permutation(len(x))
            told = mean_over_batches(self.train_on_batch, x, y, batch_size, order)
            if validation_data is not None:
                scores = self.evaluate(*validation_data, batch_size)
                told |= {f"val_{name}": value for name, value in scores.items()}
            for name, value in told.items():
                history.setdefault(name, []).append(value)
        return history

    def train_on_batch(self, x: Array, y: Array) -> dict[str, float]:
        """One step: forward, loss, backward, update; returns the scores before the update."""
        prediction = self.forward(x, training=True)
        value, gradient = self.loss(y, prediction)
        self.backward(gradient)
        self.optimizer.step(self)
        return self.scores(y, prediction, value)

    def test_on_batch(self, x: Array, y: Array) -> dict[str, float]:
        prediction = self.forward(x)
        return self.scores(y, prediction, self.loss(y, prediction)[0])

    def scores(self, y: Array, prediction: Array, loss: float) -> dict[str, float]:
        metric = self.metric
        return {"loss": loss} | ({metric.__name__: metric(y, prediction)} if metric else {})

    def evaluate(self, x: Array, y: Array, batch_size: int = 32) -> dict[str, float]:
        """Loss and metric, with nothing learned."""
        self.check(x, y)
        return mean_over_batches(self.test_on_batch, x, y, batch_size, np.arange(len(x)))

    def predict(self, x: Array, batch_size: int = 32) -> Array:
        """Outputs for all rows, computed batch by batch."""
        return np.concatenate([self.forward(x[rows]) for rows in batches(len(x), batch_size)])

    def check(self, x: Array, y: Array) -> None:
        if not hasattr(self, "loss"):
            raise ValueError("no loss and no optimizer yet: call compile(optimizer, loss) first")
        if len(x) != len(y):
            raise ValueError(f"{len(x)} rows of x, but {len(y)} of y")
        if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
            row = int(np.argwhere(~np.isfinite(x))[0][0])
            raise ValueError(f"row {row} of x holds NaN or infinity: all outputs would be NaN")


def mean_over_batches(
    measure: Callable[[Array, Array], dict[str, float]],
    x: Array,
    y: Array,
    batch_size: int,
    order: Array,
) -> dict[str, float]:
    """What `measure` tells of each batch, averaged; the last, shorter one weighs less."""
    total: dict[str, float] = {}
    for rows in batches(len(x), batch_size):
        places = order[rows]
        for name, value in measure(x[places], y[places]).items():
            total[name] = total.get(name, 0.0) + value * len(places) / len(x)
    return total


def batches(rows: int, batch_size: int) -> Iterator[slice]:
    """The batches' places among all rows; the last one may be shorter."""
    return (slice(start, start + batch_size) for start in range(0, rows, batch_size))
