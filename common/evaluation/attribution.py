"""Which tokens of a text speak for a class, and which against: gradient times input, and occlusion.

Both are in the unit of log-odds, log(p / (1 - p)) of the class, above 0 for it. They tell what the
network goes by, not whether it is right to; where they differ much, trust neither. The gradient
takes one pass, and is exact where the log-odds are linear in the vectors; occlusion asks the
network once for each token, and so works for any.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from common.models.bert import BERT, IN_CONTEXT
from common.models.heads import LEARNED
from common.models.text import TOKEN_EMBEDDING

NGRAM_EMBEDDING, WORD_EMBEDDING = "ngram_embedding", "word_embedding"
SMALLEST = 1e-7  # of a probability, in the log-odds
ROWS_AT_ONCE = 64


def gradient_times_input(network: keras.Model, ids: np.ndarray, number: int) -> np.ndarray:
    """The slope of the log-odds of class `number` along each token's vector, (tokens,) float32.

    network: as a builder of common/models/text.py or build_bert made it, with one text as its only
    input and classes to answer. ids: (tokens,) of one text, without padding. The vector of a run of
    tokens counts for each of them alike.
    After Denil, Demiraj, de Freitas, "Extraction of Salient Sentences from Labelled Documents",
    2014, https://arxiv.org/abs/1412.6815, with the sign kept. Where the log-odds are not linear,
    the values do not add up to them (Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep
    Networks", ICML 2017, https://arxiv.org/abs/1703.01365, who integrate the gradient instead).
    """
    rows = ops.convert_to_tensor(ids[None], "int32")
    with tf.GradientTape() as tape:
        vectors, hidden = vectors_and_features(network, rows)
        head = network.get_layer(LEARNED)
        scores = ops.matmul(hidden, head.kernel)[0] + head.bias
        log_odds = log_odds_of_scores(scores, number)
    gradients = tape.gradient(log_odds, vectors)
    values = [
        np.sum(np.asarray(vector) * np.asarray(gradient), axis=-1)[0]
        for vector, gradient in zip(vectors, gradients, strict=True)
    ]
    found, runs = values[0], values[1] if len(values) == 2 else ()
    tokens, start = len(ids), 0
    for size in range(2, tokens + 1):  # pairs come first, then runs of three and so on
        many = tokens - size + 1
        for place, value in enumerate(runs[start : start + many]):
            found[place : place + size] += value / size
        start += many
    return found


def vectors_and_features(
    network: keras.Model, rows: tf.Tensor
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The vectors (1, tokens, d) of tokens, those of runs too, and what the head takes, (1, f)."""
    (given,) = network.input.values()
    to_head = network.get_layer(LEARNED).input
    names = [layer.name for layer in network.layers]
    if BERT not in names:
        wanted = [each for each in (TOKEN_EMBEDDING, NGRAM_EMBEDDING) if each in names]
        outputs = [network.get_layer(each).output for each in wanted]
        *vectors, hidden = keras.Model(given, [*outputs, to_head])(rows, training=False)
        return vectors, hidden
    encoder = network.get_layer(BERT)
    inside = keras.Model(encoder.input, [encoder.get_layer(WORD_EMBEDDING).output, encoder.output])
    vectors, found = inside({"ids": rows, "segments": ops.zeros_like(rows)}, training=False)
    after = keras.Model([given, network.get_layer(IN_CONTEXT).output], to_head)
    return [vectors], after([rows, found], training=False)


def log_odds_of_scores(scores: tf.Tensor, number: int) -> tf.Tensor:
    """Of what goes into the softmax, (classes,), or into the sigmoid of class 1, (1,)."""
    if len(scores) == 1:
        return scores[0] if number == 1 else -scores[0]
    others = [score for place, score in enumerate(tf.unstack(scores)) if place != number]
    return scores[number] - tf.reduce_logsumexp(others)


def occlusion(
    model: keras.Model, ids: np.ndarray, number: int, places: np.ndarray, unknown: int
) -> np.ndarray:
    """How much the log-odds of class `number` fall when a token is left out, one at a time.

    model: from one text's ids to the answer. ids: (tokens,) of one text; places: of those to
    leave out. Returns (places,) float64. Of a text of one token the id `unknown` is left.
    Li, Monroe, Jurafsky, "Understanding Neural Networks through Representation Erasure", 2016,
    https://arxiv.org/abs/1612.08220, with whole tokens and differences of log-odds (Robnik-Šikonja,
    Kononenko, "Explaining Classifications for Individual Instances", 2008).
    """
    (name,) = model.input
    whole = log_odds(model.predict_on_batch({name: ids[None]}), number)
    without = np.stack(
        [np.delete(ids, place) if len(ids) > 1 else np.array([unknown]) for place in places]
    )
    starts = range(0, len(without), ROWS_AT_ONCE)
    answers = [
        model.predict_on_batch({name: without[start : start + ROWS_AT_ONCE]}) for start in starts
    ]
    return whole - log_odds(np.concatenate(answers), number)


def log_odds(answers: np.ndarray, number: int) -> np.ndarray:
    """log(p / (1 - p)) of class `number`, (rows,) float64; answers (rows, classes) or (rows, 1)."""
    answers = np.asarray(answers, "float64")
    own = answers[:, number] if answers.shape[1] > 1 else np.abs(answers[:, 0] - (1 - number))
    own = np.clip(own, SMALLEST, 1 - SMALLEST)
    return np.log(own) - np.log1p(-own)
