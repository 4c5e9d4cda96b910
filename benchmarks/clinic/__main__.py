"""Does the training doctor find planted faults, and is it silent on sound networks?

    python -m benchmarks.clinic           about ten minutes; writes benchmarks/clinic.md
    python -m benchmarks.clinic faults    a part: faults, faint, healthy, or a project's name

The doctor gets model, x and y, nothing else. All networks begin from a seed with which no threshold
of the doctor was chosen: that was done with seeds 0 and 1. Results are kept in
benchmarks/clinic.json, from which the page is made.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from common.backend import start_backend

machine = start_backend("float32")

import keras

from benchmarks.clinic import faults_in_data, faults_in_networks  # noqa: F401 (they register)
from benchmarks.clinic.faint import SEEN, faint
from benchmarks.clinic.faults import CASES, EXPECTED
from benchmarks.clinic.healthy import CHOSEN_PROJECTS, PROJECTS, of_projects, plain
from common.files import read_json, write_json, write_text
from common.training_doctor import diagnose

SEED = 2
STORE = Path(__file__).parent.with_suffix(".json")
PAGE = STORE.with_suffix(".md")


def examined(name: str, chosen: bool, model, x, y) -> dict:
    """What the doctor says of one network."""
    start = time.perf_counter()
    found = [finding for finding in diagnose(model, x, y) if finding.level != "ok"]
    seconds = time.perf_counter() - start
    told = ", ".join(f"{finding.level}: {finding.check}" for finding in found) or "silent"
    print(f"{name}: {told} ({seconds:.1f} s)", flush=True)
    return {
        "name": name,
        "chosen": chosen,
        "findings": [finding.as_dict() for finding in found],
        "seconds": round(seconds, 1),
    }


def of_faults() -> Iterator[dict]:
    for case in sorted(CASES, key=lambda case: list(EXPECTED).index(case.fault)):
        keras.utils.set_random_seed(SEED)
        yield {"fault": case.fault, **examined(case.told, case.chosen, *case.make())}


def of_faint() -> Iterator[dict]:
    for (fault, told), make in faint().items():
        keras.utils.set_random_seed(SEED)
        yield {"fault": fault, **examined(told, told in SEEN, *make())}


def of_healthy() -> Iterator[dict]:
    for (name, chosen), make in plain().items():
        keras.utils.set_random_seed(SEED)
        yield examined(name, chosen, *make())


def of_project(project: str) -> Iterator[dict]:
    for name, patient in of_projects(project, SEED):
        yield examined(name, project in CHOSEN_PROJECTS, *patient)


def main() -> None:
    parts = {"faults": of_faults, "faint": of_faint, "healthy": of_healthy}
    parts |= {name: lambda name=name: of_project(name) for name in PROJECTS}
    chosen = sys.argv[1:] or list(parts)
    results = read_json(STORE) if STORE.exists() else {}
    for name in chosen:
        results[name] = list(parts[name]())
        write_json(STORE, results)
    if results.keys() == parts.keys():
        write_text(PAGE, page(results))


def first(entry: dict) -> str:
    return entry["findings"][0]["check"] if entry["findings"] else "nothing"


def page(results: dict) -> str:
    faults = results["faults"]
    sound = [each for part in ("healthy", *PROJECTS) for each in results[part]]
    hits = {
        fault: [entry for entry in faults if entry["fault"] == fault and found(entry)]
        for fault in EXPECTED
    }
    seconds = sorted(entry["seconds"] for entry in sound)
    lines = [
        "# Clinic of the training doctor",
        "",
        f"Made by `python -m benchmarks.clinic` on {machine['device']}. The doctor "
        "(common/training_doctor.py) is given a network, x and y, and told nothing of the fault. "
        "Found means that the planted fault is the first thing it names. Its thresholds were "
        "chosen with seeds 0 and 1 on the networks marked *chosen*, and changed where it was wrong "
        f"on one of them; the others, and seed {SEED}, which all networks here begin from, had no "
        "say.",
        "",
        "| fault | found where thresholds were chosen | found elsewhere |",
        "| --- | ---: | ---: |",
        *(
            f"| {fault} | {count(faults, hits, fault, True)} "
            f"| {count(faults, hits, fault, False)} |"
            for fault in EXPECTED
        ),
        "",
        f"{sum(bool(each) for each in hits.values())} of {len(EXPECTED)} faults are found at least "
        f"once, {sum(whole(faults, hits, fault) for fault in EXPECTED)} in every network; "
        f"{sum(map(len, hits.values()))} of {len(faults)} networks in all.",
        "",
        alarms_told("Sound networks where thresholds were chosen", sound, True),
        alarms_told("Other sound networks", sound, False),
        f"A sound network takes {seconds[len(seconds) // 2]:.1f} s to examine in the median, "
        f"{seconds[-1]:.1f} s at most.",
        "",
        "## Broken networks",
        "",
        *broken_table(faults),
        "",
        "## Where its sight ends",
        "",
        "Faults as above, but faint; some of these networks learn well all the same.",
        "",
        *broken_table(results["faint"]),
    ]
    lines += ["", "## Sound networks", "", "| network | | findings |", "| --- | --- | --- |"]
    for entry in sound:
        told = ", ".join(f"{each['level']}: {each['check']}" for each in entry["findings"])
        lines.append(f"| {entry['name']} | {'chosen' if entry['chosen'] else ''} | {told} |")
    return "\n".join(lines) + "\n"


def broken_table(entries: list[dict]) -> list[str]:
    lines = ["| fault | network | | first named | also named |", "| --- | --- | --- | --- | --- |"]
    for entry in entries:
        mark = "" if found(entry) else "**missed:** "
        others = ", ".join(each["check"] for each in entry["findings"][1:])
        kind = "chosen" if entry["chosen"] else ""
        row = (entry["fault"], entry["name"], kind, mark + first(entry), others)
        lines.append("| " + " | ".join(row) + " |")
    return lines


def found(entry: dict) -> bool:
    return first(entry) == EXPECTED[entry["fault"]]


def count(faults: list[dict], hits: dict, fault: str, chosen: bool) -> str:
    planted = [each for each in faults if each["fault"] == fault and each["chosen"] == chosen]
    return f"{sum(each['chosen'] == chosen for each in hits[fault])} of {len(planted)}"


def whole(faults: list[dict], hits: dict, fault: str) -> bool:
    return len(hits[fault]) == sum(each["fault"] == fault for each in faults)


def alarms_told(kind: str, sound: list[dict], chosen: bool) -> str:
    entries = [entry for entry in sound if entry["chosen"] == chosen]
    told = []
    for level in ("alarm", "note"):
        wrong = [e for e in entries if any(f["level"] == level for f in e["findings"])]
        told.append(f"{len(wrong)} with {'an' if level == 'alarm' else 'a'} {level}")
    return f"{kind}: {len(entries)}, {told[0]}, {told[1]}."


if __name__ == "__main__":
    main()
