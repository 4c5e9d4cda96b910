"""Run folders and files: whole or not there, complete or marked."""

import os

import pytest

from common.errors import UserError
from common.files import read_json, replacing, write_json, write_text
from common.runs import complete_run, incomplete_run, new_run


def test_new_run_is_marked_until_it_is_complete(runs_folder):
    run = new_run("flight_delays", None)
    assert "--resume --run " + run.name in run.incomplete_mark.read_text()
    assert incomplete_run("flight_delays", None) == run
    with pytest.raises(UserError, match=r"no complete run .* Train first"):
        complete_run("flight_delays", None)
    run.mark_complete()
    assert complete_run("flight_delays", None).folder.samefile(run.folder)
    assert (runs_folder / "latest").resolve() == run.folder
    with pytest.raises(UserError, match="no incomplete run"):
        incomplete_run("flight_delays", None)


def test_runs_of_the_same_second_get_names_of_their_own(runs_folder):
    names = {new_run("flight_delays", None).name for _ in range(4)}
    assert len(names) == 4
    assert {path.name for path in runs_folder.iterdir()} == names


def test_newest_run_is_the_default_and_any_can_be_named(runs_folder):
    first, second = new_run("flight_delays", "first"), new_run("flight_delays", "second")
    assert incomplete_run("flight_delays", None) == second
    assert incomplete_run("flight_delays", "first") == first
    with pytest.raises(UserError, match=r"'third'.*Incomplete runs: first, second"):
        incomplete_run("flight_delays", "third")
    with pytest.raises(UserError, match="exists already"):
        new_run("flight_delays", "first")


@pytest.mark.parametrize("name", ["", "..", "a/b", "latest"])
def test_names_that_are_no_folder_are_refused(runs_folder, name):
    with pytest.raises(UserError, match="not a folder name"):
        new_run("flight_delays", name)


def test_two_processes_cannot_work_in_one_run(runs_folder):
    run = new_run("flight_delays", "only")
    with (
        run.locked(),
        pytest.raises(UserError, match="Another process is working"),
        incomplete_run("flight_delays", "only").locked(),
    ):
        pass
    with run.locked():
        pass


def test_leftovers_of_a_killed_process_are_cleared(runs_folder):
    run = new_run("flight_delays", "killed")
    (run.folder / ".123-metrics.json").write_text("{")
    (run.folder / ".123-bundle").mkdir()
    (run.folder / ".123-bundle" / "model.keras").write_text("half")
    with run.locked():
        assert {path.name for path in run.folder.iterdir()} == {"INCOMPLETE", ".lock"}


def test_seconds_of_stages_outlive_the_process(runs_folder):
    run = new_run("flight_delays", "timed")
    with run.stage("load"):
        pass
    with incomplete_run("flight_delays", "timed").stage("train"):
        pass
    assert list(run.seconds()) == ["load", "train"]


def test_interrupted_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "notes.txt"
    write_text(path, "old")

    def interrupted():
        with replacing(path) as temporary:
            temporary.write_text("half of the new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"auc": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"auc": float("nan")})
    assert read_json(path) == {"auc": 0.5}
