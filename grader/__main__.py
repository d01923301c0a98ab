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
import signal
from typing import NoReturn

from .commands import COMMANDS


def main() -> NoReturn:
    """Run the command with the arguments of the process."""
    gc.disable()  # a command that is over in a second has no garbage worth looking for
    _mend_surroundings()
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


def _mend_surroundings() -> None:
    """Put right what a process can be started with that would break it later."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, nobody hears how a process ended
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # closed; what is opened next would take its place
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stderr.write("grade: the standard output is closed\n")
        os._exit(2)
    try:
        os.getcwd()
    except OSError:  # the folder has been removed
        os.chdir("/")
    for name in ("COLUMNS", "LINES"):
        if not (value := os.environ.get(name, "0")).isascii() or not value.isdecimal():
            del os.environ[name]  # libraries would fail on it


def _will_grade(arguments: list[str]) -> bool:
    """Whether this process will need a worker, which it does unless its first word is a command
    that does not grade. One that watches lets another process grade."""
    if "_GRADE_COMPLETE" in os.environ or {"--help", "--version", "--watch"} & {*arguments}:
        return False
    first = next((word for word in arguments if not word.startswith("-")), "check")
    return first in ("check", "tour") or first not in COMMANDS


def _leave(exit: SystemExit) -> NoReturn:
    """Exit without taking the interpreter apart: the result is out, and the caller waits."""
    code = exit.code if isinstance(exit.code, int) else 1 if exit.code else 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output has seen enough
        pass
    except OSError as error:
        code = 3
        with contextlib.suppress(OSError):
            sys.stderr.write(f"grade: the output can't be written: {error.strerror}\n")
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
