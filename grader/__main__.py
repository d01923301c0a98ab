"""`grade`, and `python -m grader`: starts the worker, then everything else."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Python has put the current folder in front, unless it was told not to. A learner's `json.py`
    # there must not be what the grader imports. The grader itself has been found by now.
    if not sys.flags.safe_path:
        del sys.path[0]

import contextlib
import gc
import io
import os
from typing import NoReturn

from .commands import COMMANDS


def main() -> NoReturn:
    """Run the command with the arguments of the process."""
    gc.disable()  # a command that is over in a second has no garbage worth looking for
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know only ASCII
            stream.reconfigure(errors="replace")
    from .processes import spawn

    if _will_grade(sys.argv[1:]):
        spawn.start_worker_ahead()
    from .commands.group import main as command

    try:
        command(prog_name="grade", standalone_mode=True)
    except SystemExit as error:
        spawn.end_unused_worker()
        _leave(error)
    raise AssertionError("click always exits")


def _will_grade(arguments: list[str]) -> bool:
    """Whether this process will need a worker, which it does unless its first word is a command
    that does not grade. One that watches lets another process grade."""
    if "_GRADE_COMPLETE" in os.environ or {"--help", "--version", "--watch"} & {*arguments}:
        return False
    first = next((word for word in arguments if not word.startswith("-")), "check")
    return first in ("check", "tour") or first not in COMMANDS


def _leave(exit: SystemExit) -> NoReturn:
    """Exit without taking the interpreter apart: the result is out, and the caller waits."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    code = exit.code
    os._exit(code if isinstance(code, int) else 1 if code else 0)


if __name__ == "__main__":
    main()
