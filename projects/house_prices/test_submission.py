"""The submission has the form that Kaggle asks for, or none is written."""

import numpy as np
import pandas as pd
import pytest

from common.data.rows import read_chunks
from common.errors import UserError
from projects.house_prices.load import raw_file
from projects.house_prices.submission import submission


def test_submission_is_what_kaggle_takes(tmp_path):
    (text,) = read_chunks(raw_file("test"))
    prices = np.linspace(50_000, 500_000, len(text), dtype="float32")
    file = tmp_path / "submission.csv"
    submission(text, prices).to_csv(file, index=False)
    lines = file.read_text().splitlines()
    assert lines[0] == "Id,SalePrice"
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(1461, 2920))
    written = np.array([float(line.split(",")[1]) for line in lines[1:]])
    np.testing.assert_allclose(written, prices, atol=0.01)


@pytest.mark.parametrize(
    ("ids", "prices", "message"),
    [
        (["1461", "1461"], [1.0, 2.0], r"line 3, column 'Id': '1461' is there twice"),
        (["1461", ""], [1.0, 2.0], r"line 3, column 'Id': '' is no whole number"),
        (["14.5", "1462"], [1.0, 2.0], r"line 2, column 'Id': '14.5' is no whole number"),
        (["1461", "1462"], [1.0, -2.0], r"prediction for Id 1462 is -2"),
        (["1461", "1462"], [np.nan, 2.0], r"prediction for Id 1461 is nan"),
        (["1461", "1462"], [1.0, np.inf], r"prediction for Id 1462 is inf"),
    ],
)
def test_submissions_that_kaggle_would_refuse(ids, prices, message):
    rows = pd.DataFrame({"Id": ids}, index=pd.Index([2, 3], name="line"), dtype="str")
    with pytest.raises(UserError, match=message):
        submission(rows, np.array(prices))


def test_submission_without_an_id_is_refused():
    with pytest.raises(UserError, match="no column Id"):
        submission(pd.DataFrame({"GrLivArea": ["1500"]}), np.array([1e5]))
