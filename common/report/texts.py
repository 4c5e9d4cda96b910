"""What the report tells of texts one by one: the surest mistakes, and labels that look wrong."""

import keras
import numpy as np
import pandas as pd

from common.bundle import Bundle
from common.data.dataset import Dataset, Examples
from common.evaluation.attribution import gradient_times_input, occlusion
from common.evaluation.confident_learning import MANY, doubtful
from common.evaluation.evaluate import Answers
from common.models.heads import LEARNED
from common.plots.picture_sheets import most_confident_mistakes, of_every_class
from common.text.tokenizer import UNKNOWN, token_places

EXPLAINED = 100  # tokens of a text, at most
LETTERS = 400  # of a text, at most, where its tokens are not explained
WORST = 10  # doubtful labels


def texts_told(
    bundle: Bundle, dataset: Dataset, validation: Examples, test: Examples, answers: Answers
) -> dict:
    """For metrics.json: "mistakes" on test rows, and "doubted" labels of both; {} without texts.

    answers: of the validation rows, none of them by a network that learned the row, and of the test
    rows. Told of one column of texts, where a class is the answer.
    """
    schema = bundle.schema
    if len(schema.texts) != 1 or schema.task not in ("binary", "multiclass"):
        return {}
    return {
        "mistakes": mistakes(bundle, test, answers["test"]),
        "doubted": doubted_labels(dataset, (validation, test), answers),
    }


def mistakes(bundle: Bundle, test: Examples, answers: np.ndarray) -> list[dict]:
    """The test rows called wrong of which the network was surest, surest first.

    Each has its row, label, the class called and its probability, and the text in pieces: "text",
    and "gradient" and "occlusion" of the class that was called, None where they are not known.
    """
    (column,) = bundle.schema.texts
    labels, probability = bundle.schema.labels, of_every_class(answers)
    truth, told = test.target.astype(int), []
    for row in most_confident_mistakes(truth, answers):
        called = int(probability[row].argmax())
        told.append(
            {
                "row": named(test.ids, row),
                "label": labels[truth[row]],
                "called": labels[called],
                "probability": float(probability[row, called]),
                "pieces": pieces(bundle, test.features[column].iloc[row], called),
            }
        )
    return told


def pieces(bundle: Bundle, text: str, number: int) -> list[dict]:
    """The text cut at its first 100 tokens, with what speaks for class `number`.

    Where other columns stand beside the text, nothing is told of its tokens.
    """
    schema = bundle.schema
    ((column, form),) = schema.texts.items()
    tokenizer = bundle.tokenizers[column]
    ids, places = token_places(tokenizer, text, form.length)
    shown = [place for place, (start, end) in enumerate(places) if end > start][:EXPLAINED]
    if schema.columns or schema.images or not shown:
        return [{"text": text[:LETTERS], "gradient": None, "occlusion": None}]
    gradient = gradient_times_input(text_network(bundle.model), ids, number)[shown]
    fallen = occlusion(bundle.model, ids, number, shown, tokenizer.token_to_id(UNKNOWN))
    cut, done = [], 0
    for place, by_gradient, by_occlusion in zip(shown, gradient, fallen, strict=True):
        start, end = places[place]
        cut.append({"text": text[done:start], "gradient": None, "occlusion": None})
        cut.append(
            {
                "text": text[max(start, done) : end],
                "gradient": float(by_gradient),
                "occlusion": float(by_occlusion),
            }
        )
        done = max(done, end)
    cut.append({"text": text[done:][:LETTERS], "gradient": None, "occlusion": None})
    return [piece for piece in cut if piece["text"]]


def text_network(model: keras.Model) -> keras.Model:
    """The network for texts within a bundle's model; the first one, where their mean answers."""
    if any(layer.name == LEARNED for layer in model.layers):
        return model
    inside = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return next(filter(None, map(text_network, inside)))


def doubted_labels(
    dataset: Dataset, parts: tuple[Examples, Examples], answers: Answers
) -> dict[str, object]:
    """Labels of validation and test rows that confident learning calls errors, least likely first.

    "rows" were examined, "doubted" of these look wrong, "hard" says that these are too many to be
    errors; "worst" are ten, each with its row, text, label and its probability, and what is
    likelier.
    """
    (column,) = dataset.schema.texts
    labels = dataset.schema.labels
    given = np.concatenate([part.target for part in parts]).astype(int)
    probability = np.concatenate([of_every_class(answers[name]) for name in ("validation", "test")])
    texts = pd.concat([part.features[column] for part in parts], ignore_index=True)
    ids = pd.concat([part.ids for part in parts], ignore_index=True)
    doubted, likelier = doubtful(given, probability)
    own = probability[np.arange(len(given)), given]
    worst = np.flatnonzero(doubted)
    worst = worst[np.argsort(own[worst], kind="stable")][:WORST]
    return {
        "rows": len(given),
        "doubted": int(doubted.sum()),
        "hard": bool(doubted.mean() > MANY),
        "worst": [
            {
                "row": named(ids, row),
                "text": texts[row][:LETTERS],
                "label": labels[given[row]],
                "probability": float(own[row]),
                "likelier": labels[likelier[row]],
                "probability_of_likelier": float(probability[row, likelier[row]]),
            }
            for row in worst
        ],
    }


def named(ids: pd.DataFrame, row: int) -> str:
    """What names the row to a person, such as "file neg.txt, line 3"."""
    return ", ".join(f"{name} {value}" for name, value in ids.iloc[row].items())
