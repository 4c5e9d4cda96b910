"""What `tune` may change in the settings of a project on the pixels of a scene.

projects/land_cover takes it. The side of the square around a pixel is left out: squares
of another side are other data.
"""

from common.tune.space import Real

SCENE_SPACE = {
    "learning_rate": Real(1e-4, 1e-2, logarithmic=True),
    "weight_decay": Real(1e-6, 1e-1, logarithmic=True),
    "dropout": Real(0.0, 0.7),
}
