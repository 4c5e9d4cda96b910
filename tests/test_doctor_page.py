"""The data doctor's page in a browser, and its command."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_wine

from common.doctor.__main__ import doctor
from common.doctor.examine import examine
from common.doctor.page import write_page
from common.doctor.patient import read_patient
from common.exit_status import exit_status

SCRIPT = "<script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture(scope="module")
def small(folder):
    """Two kinds of wine with a leak, a date, a constant, gaps, and markup as name and value."""
    frame = (
        load_wine(as_frame=True)
        .frame.iloc[:130, [0, 6, 9, 13]]
        .rename(columns={"flavanoids": SCRIPT})
    )
    frame.loc[::4, "color_intensity"] = np.nan
    frame["name"] = frame["target"].map({0: "barolo", 1: SCRIPT})
    frame["constant"], frame["empty"] = 1, ""
    frame["bottled"] = [f"2020-{1 + row % 12:02}-{1 + row % 28:02}" for row in range(130)]
    frame.to_csv(folder / "small.csv", index=False)
    return folder / "small.csv"


@pytest.fixture(scope="module")
def examined(small):
    patient = read_patient(small, "target")
    return patient, examine(patient)


def open_page(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    record = SimpleNamespace(page=page, address=path.as_uri(), requests=[], complaints=[])
    page.on("request", lambda request: record.requests.append(request.url))
    page.on("console", lambda message: record.complaints.append(message.text))
    page.on("pageerror", lambda error: record.complaints.append(str(error)))
    page.goto(record.address)
    return record


@pytest.mark.parametrize("width", [360, 1200])
def test_page_shows_everything_and_asks_for_nothing(browser, examined, folder, width):
    patient, findings = examined
    opened = open_page(browser, write_page(folder / "page.html", patient, findings), width)
    assert [address for address in opened.requests if not address.startswith("data:")] == [
        opened.address
    ]
    assert opened.complaints == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.page.evaluate("window.hacked") is None
    body = opened.page.inner_text("body")
    for finding in findings:
        assert " ".join(finding.message.split()) in " ".join(body.split())
    assert opened.page.locator("article.finding").count() == sum(
        finding.level != "ok" for finding in findings
    )
    assert opened.page.locator("svg.small").count() == len(patient.frame.columns)
    assert opened.page.locator("img").evaluate("image => image.naturalWidth") > 500


def test_small_picture_draws_the_shares_and_the_target(browser, examined, folder):
    """Of the two names the bars are as high as the rows are many, and the line ends are far."""
    patient, findings = examined
    page = open_page(browser, write_page(folder / "page.html", patient, findings), 1200).page
    picture = page.locator('svg[aria-label="Distribution of name"]')
    heights = picture.locator("rect").evaluate_all(
        "bars => bars.map(b => +b.getAttribute('height'))"
    )
    counts = patient.frame["name"].value_counts()
    assert heights[1] / heights[0] == pytest.approx(counts.iloc[1] / counts.iloc[0], abs=0.01)
    points = picture.locator("circle").evaluate_all("dots => dots.map(d => +d.getAttribute('cy'))")
    assert sorted(points) == [3.0, 37.0]


def test_command_writes_text_and_page(small, folder):
    page = folder / "own.html"
    done = subprocess.run(
        [sys.executable, "-m", "common.doctor", small, "--target=target", "--page", page],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nalarm  leak: Column 'name'" in done.stdout
    assert "<h1>What the data doctor found in small.csv</h1>" in page.read_text()


def test_mistakes_are_told(small, folder, capsys):
    assert exit_status(lambda: doctor(small, "targte")) == 2
    assert "Did you mean 'target'?" in capsys.readouterr().err
    assert exit_status(lambda: doctor(folder / "nowhere.csv")) == 2
    assert exit_status(lambda: doctor(small, "constant")) == 2
    assert "only the value 1" in capsys.readouterr().err
    assert exit_status(lambda: doctor(small, page=folder / "no" / "page.html")) == 2


def test_help_loads_no_heavy_library():
    code = (
        "import sys, runpy\nsys.argv = ['doctor', '--help']\n"
        "try: runpy.run_module('common.doctor', run_name='__main__')\nexcept SystemExit: pass\n"
        "print({'numpy', 'pandas', 'sklearn', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
