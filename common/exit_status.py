"""How a command ends: a user's mistake is told in words, and never as a traceback."""

import sys
from collections.abc import Callable

from common.errors import UserError


def exit_status(command: Callable[[], object], after_error: str = "", after_stop: str = "") -> int:
    """Run `command`; 0 where it is done, 2 for a user's mistake or a full disk, 130 after Ctrl-C.

    after_error, after_stop: what else to say of a disk that fails, and of Ctrl-C.
    """
    try:
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
