"""How a command ends: a user's mistake is told in words, and never as a traceback."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.errors import UserError


def exit_status(command: Callable[[], object], after_error: str = "", after_stop: str = "") -> int:
    """Run `command`; 0 where it is done, 2 for a user's mistake or a full disk, 130 after Ctrl-C.

    after_error, after_stop: what else to say of a disk that fails, and of Ctrl-C.
    """
    try:
        with ctrl_c_stays_itself():
            command()
    except UserError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f" {error.filename}" if error.filename else " a file"
        print(
            f"\nError: cannot read or write{where}: {error.strerror or error}. Nothing "
            "half-written was left behind. Free some space or choose another place, then run "
            f"again.{after_error}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"\nStopped.{after_stop}", file=sys.stderr)
        return 130
    return 0


@contextmanager
def ctrl_c_stays_itself() -> Iterator[None]:
    """Raise KeyboardInterrupt, too, where Ctrl-C fell into a library that made it another error."""
    interrupted = []

    def interrupt(number, frame):
        interrupted.append(number)
        raise KeyboardInterrupt

    # A shell may have it ignored, a server may have a handler of its own: those stay.
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listens:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
