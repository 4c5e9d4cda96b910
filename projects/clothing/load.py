"""From folders of photographs to examples: which garment does the picture show?

    train/CLASS/…, validation/CLASS/…, test/CLASS/… --> files looked at --> copies left out

The split is given. The same reading takes any folder of pictures: a folder for each class will do.
"""

from pathlib import Path

import pandas as pd

from common.data.dataset import PARTS, Dataset
from common.data.fetch_folder import url_folder
from common.images.dataset import PICTURE, dataset_of
from common.images.decode import ImageForm
from common.images.folder import pictures_in_folder

COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
ADDRESS = f"https://github.com/alexeygrigorev/clothing-dataset-small/archive/{COMMIT}.zip"
CONTENT = "f8667cfe4a397f1be854d7d6c56118e4eaf6e9654ac37940e443dec3b4e55721"


def load(folder: str = "", size: int = 160, rows: int = 0) -> Dataset:
    """Load the photographs as a Dataset, split as they come.

    folder: where they, or any other pictures in folders of classes, lie; without one they are
    fetched, 106 MB. size: pixels a side. rows: as in `common.data.dataset.thin`.
    """
    pictures = pictures_in_folder(Path(folder) if folder else fetched())
    return dataset_of(pictures, ImageForm(size, size, channels=3), rows)


def fetched() -> Path:
    """The folder with the 3,781 photographs, from the repository of those who collected them."""
    return url_folder(
        ADDRESS, CONTENT, f"clothing-{COMMIT[:7]}.zip", f"clothing-dataset-small-{COMMIT}", PARTS
    )


def prepare(rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Raw rows are features already: a picture each."""
    return rows[[PICTURE]]
