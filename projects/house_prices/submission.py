"""The file that Kaggle scores: Id and SalePrice of every house in test.csv, nothing else."""

import numpy as np
import pandas as pd

from common.errors import UserError


def submission(rows: pd.DataFrame, prediction: np.ndarray) -> pd.DataFrame:
    """The rows that `predict` writes: columns Id (int64) and SalePrice (dollars and cents).

    rows: as in Kaggle's test.csv, cells as text or numbers; prediction: (rows,) in dollars, in the
    same order. Raises UserError for rows without a column Id, an Id that is no whole number or is
    there twice, and for a price that is not positive and finite.
    """
    if "Id" not in rows:
        raise UserError(
            "The input has no column Id, by which Kaggle knows the houses. Expected the columns of "
            "Kaggle's test.csv."
        )
    ids = pd.to_numeric(rows["Id"], errors="coerce")
    prices = np.asarray(prediction, "float64").round(2)
    for bad, problem in (
        (ids.isna() | (ids % 1 != 0), "is no whole number"),
        (ids.duplicated(), "is there twice"),
    ):
        if bad.any():
            row = bad.index[bad][0]
            raise UserError(
                f"{rows.index.name or 'row'} {row}, column 'Id': {rows['Id'][row]!r} {problem}. "
                "Kaggle expects every house of its test.csv once."
            )
    strange = ~np.isfinite(prices) | (prices <= 0)
    if strange.any():
        raise UserError(
            f"The prediction for Id {ids[strange].iloc[0]:g} is {prices[strange][0]:g}. Expected a "
            "positive price: Kaggle scores the logarithm. Did the training diverge?"
        )
    return pd.DataFrame({"Id": ids.astype("int64"), "SalePrice": prices}, index=rows.index)
