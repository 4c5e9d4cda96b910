"""What data/house_prices.md says of Kaggle's files, counted on their cells as written."""

import pandas as pd
import pytest

from projects.house_prices.load import raw_file


@pytest.fixture(scope="module")
def files():
    """Both files as text, by name, with the Id as index."""
    return {
        name: pd.read_csv(raw_file(name), dtype="str", keep_default_na=False).set_index("Id")
        for name in ("train", "test")
    }


@pytest.fixture(scope="module")
def houses(files):
    return pd.concat(files.values())


def test_empty_cells(files, houses):
    empty = {name: (cells == "NA").sum() for name, cells in files.items()}
    assert empty["train"]["FireplaceQu"] == 690
    assert [empty[name]["LotFrontage"] for name in files] == [259, 227]
    assert [empty[name]["MasVnrArea"] for name in files] == [8, 15]
    named = ["MSZoning", "Functional", "Utilities", "KitchenQual", "Exterior1st", "Exterior2nd"]
    named += ["SaleType", "GarageArea", "TotalBsmtSF"]
    assert empty["test"][named].tolist() == [4, 2, 2, 1, 1, 1, 1, 1, 1]
    assert (empty["train"][named] == 0).all()
    assert houses.loc["949", ["TotalBsmtSF", "BsmtExposure"]].tolist() == ["936", "NA"]
    assert houses.loc["2127", ["GarageArea", "GarageFinish"]].tolist() == ["360", "NA"]
    assert (houses.loc["2121", ["TotalBsmtSF", "BsmtQual", "BsmtFinType1"]] == "NA").all()


def test_masonry_that_contradicts_itself(files):
    none = files["train"][files["train"]["MasVnrType"] == "None"]
    assert len(none) == 864
    assert none.loc[none["MasVnrArea"] != "0", "MasVnrArea"].to_dict() == {
        "625": "288",
        "774": "1",
        "1231": "1",
        "1301": "344",
        "1335": "312",
    }


def test_codes_and_years(files, houses):
    codes = {name: set(cells["MSSubClass"]) for name, cells in files.items()}
    assert codes["test"] - codes["train"] == {"150"}
    garage = houses.loc[houses["GarageYrBlt"].replace("NA", "0").astype(int) > 2010]
    assert garage[["GarageYrBlt", "YearBuilt"]].to_dict("index") == {
        "2593": {"GarageYrBlt": "2207", "YearBuilt": "2006"}
    }


def test_huge_houses(houses):
    huge = houses[houses["GrLivArea"].astype(int) > 4000]
    cheap = huge[huge["SaleCondition"] == "Partial"]
    assert cheap["SalePrice"].dropna().to_dict() == {"524": "184750", "1299": "160000"}
    assert cheap.index.tolist() == ["524", "1299", "2550"]
    assert set(cheap["Neighborhood"]) == {"Edwards"}
    assert set(huge["OverallQual"]) == {"10"}
    others = huge.drop(cheap.index)
    assert len(others) == 2
    assert (others["SalePrice"].astype(int) > 700_000).all()


def test_twins(files, houses):
    columns = list(files["test"])
    same = houses.groupby(columns).groups.values()
    assert {tuple(twins) for twins in same if len(twins) > 1} == {("194", "2866"), ("830", "2714")}
    assert set(houses.loc[["194", "830"], "BldgType"]) == {"Twnhs"}
