"""How a command ends, where Ctrl-C falls at a moment that other code answers in its own way."""

import os
import signal

import pytest

from common.errors import UserError
from common.exit_status import exit_status


@pytest.fixture(autouse=True)
def a_terminal_that_listens():
    """Where a shell runs the tests in the background, it has Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_that_a_library_turns_into_its_own_error_is_still_ctrl_c(capsys):
    def command():
        try:
            press_ctrl_c()
        except KeyboardInterrupt as stop:
            raise SystemError("returned a result with an exception set") from stop

    assert exit_status(command, after_stop=" Go on with --resume.") == 130
    assert capsys.readouterr().err == "\nStopped. Go on with --resume.\n"


def test_ctrl_c(capsys):
    assert exit_status(press_ctrl_c) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


def test_an_error_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        exit_status(lambda: 1 / 0)


def test_a_mistake_and_a_full_disk_have_status_2(capsys):
    def mistake():
        raise UserError("column b is missing")

    def full():
        raise OSError(28, "No space left on device", "table.csv")

    assert exit_status(mistake) == 2
    assert exit_status(full, after_error=" The run is kept.") == 2
    assert exit_status(lambda: None) == 0
    errors = capsys.readouterr().err
    assert "Error: column b is missing" in errors
    assert "cannot read or write table.csv: No space left on device" in errors
    assert "The run is kept." in errors
