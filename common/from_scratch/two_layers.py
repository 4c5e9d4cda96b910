"""A network of two layers on one page: no classes, and every step of the chain rule written out.

    z = x W1 + b1, h = max(z, 0), logits = h W2 + b2, p = softmax(logits),
    loss = mean over rows of -log p[row, class of the row]

x: (rows, inputs), W1: (inputs, units), W2: (units, classes). Each gradient has the shape of what it
is taken by, and each line of `gradients` uses the one before: dlogits, then dh, then dz.
"""

import numpy as np

Array = np.ndarray
Weights = dict[str, Array]


def initialise(inputs: int, units: int, classes: int, random: np.random.Generator) -> Weights:
    """Normal, of the variance 2 / inputs: ReLU sets half of the signal to 0 (He et al., 2015)."""
    return {
        "W1": random.normal(0, np.sqrt(2 / inputs), (inputs, units)),
        "b1": np.zeros(units),
        "W2": random.normal(0, np.sqrt(2 / units), (units, classes)),
        "b2": np.zeros(classes),
    }


def forward(weights: Weights, x: Array) -> tuple[Array, Array, Array]:
    """z (rows, units), h (rows, units) and the probabilities p (rows, classes)."""
    z = x @ weights["W1"] + weights["b1"]
    h = np.maximum(z, 0)
    logits = h @ weights["W2"] + weights["b2"]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))  # less the largest: no overflow
    return z, h, e / e.sum(axis=1, keepdims=True)


def loss(p: Array, target: Array) -> float:
    """Mean of -log of the probability given to the right class; target: class numbers (rows,)."""
    return float(-np.mean(np.log(p[np.arange(len(target)), target])))


def gradients(weights: Weights, x: Array, target: Array) -> Weights:
    """dloss/dweight for each weight.

    1. The loss of one row is log(sum_j e^logit_j) - logit_class; by logit_k that is p_k, less 1 for
       the row's class. Divided by the rows, for the loss is their mean.
    2. logits_k = sum_j h_j W2_jk + b2_k: W2_jk meets h_j, b2_k meets 1, summed over the rows.
    3. h_j goes to every logit k with the weight W2_jk.
    4. h = max(z, 0) passes the gradient where z is above 0 and stops it elsewhere.
    5. z_j = sum_i x_i W1_ij + b1_j: as in step 2.
    """
    z, h, p = forward(weights, x)
    rows = len(target)
    dlogits = p.copy()  # 1
    dlogits[np.arange(rows), target] -= 1
    dlogits /= rows
    dW2 = h.T @ dlogits  # 2
    db2 = dlogits.sum(axis=0)
    dh = dlogits @ weights["W2"].T  # 3
    dz = dh * (z > 0)  # 4
    dW1 = x.T @ dz  # 5
    db1 = dz.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def update(weights: Weights, steps: Weights, learning_rate: float) -> None:
    """Each weight a little down its slope, in place."""
    for name, slope in steps.items():
        weights[name] -= learning_rate * slope


def train(
    weights: Weights,
    x: Array,
    target: Array,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    random: np.random.Generator,
) -> list[float]:
    """Go through the mixed rows batch by batch; returns the loss on all rows after each epoch."""
    losses = []
    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            update(weights, gradients(weights, x[rows], target[rows]), learning_rate)
        losses.append(loss(forward(weights, x)[2], target))
    return losses
