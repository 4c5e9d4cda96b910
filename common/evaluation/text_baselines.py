"""The rival of every network on texts: its words and runs of letters, weighed linearly.

TF-IDF with a linear model is quick, strong, and honest about what deep learning adds.
"""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from common.data.dataset import Examples, Schema
from common.evaluation.baselines import Predict, answers_of, every_class, on_learned_scale
from common.evaluation.multiclass import MulticlassRows

PENALTIES = (1.0, 3.0, 10.0)  # values of C, of which the validation rows choose one


def tfidf_words(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """A linear model on words and pairs of words, as blanks and signs part them."""
    return fit_linear(train, validation, schema, analyzer="word", ngram_range=(1, 2))


def tfidf_characters(train: Examples, validation: Examples, schema: Schema, seed: int) -> Predict:
    """A linear model on runs of one to four characters: right for texts without blanks."""
    return fit_linear(train, validation, schema, analyzer="char", ngram_range=(1, 4))


def fit_linear(train: Examples, validation: Examples, schema: Schema, **settings) -> Predict:
    """TF-IDF with logarithmic counts of what two training texts have, then the best penalty.

    A logistic regression where there are classes, ridge regression for a number.
    """
    (column,) = schema.texts
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, **settings)
    known = vectorizer.fit_transform(train.features[column])
    held_out = vectorizer.transform(validation.features[column])
    models, losses = [], []
    for penalty in PENALTIES:
        if schema.task == "regression":
            model = on_learned_scale(Ridge(alpha=1 / penalty), schema).fit(known, train.target)
            losses.append(np.mean((model.predict(held_out) - validation.target) ** 2))
        else:
            model = LogisticRegression(C=penalty, max_iter=300).fit(known, train.target)
            answers = MulticlassRows(validation.target, every_class(model, held_out, schema))
            losses.append(answers.metrics()["log_loss"])
        models.append(model)
    best = models[int(np.argmin(losses))]

    def predict(features: pd.DataFrame) -> np.ndarray:
        vectors = vectorizer.transform(features[column])
        if schema.task == "regression":
            return best.predict(vectors)
        return answers_of(every_class(best, vectors, schema), schema)

    return predict
