"""Starts processes of the kit. Imports next to nothing, so that it can come before all else:
what a learner waits for is the worker's imports, and the judge's can go on beside them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder of the package that this process runs."""

# The package is found first in its own folder, so that both sides run the same code. The
# folder may be `site-packages`, so what else is imported is looked for there last. In a clone
# it may be the one that a learner works in, and nothing else is imported from it.
_RUN = """
import sys
sys.path.insert(0, {folder!r})
import grader
sys.path.pop(0)
sys.path += {last!r}
from {module} import main
main()
"""

StartedProcess = tuple["subprocess.Popen[bytes]", socket.socket]
"""A process, and this side's end of the socket to it."""


def python_command(module: str, *arguments: object) -> list[str]:
    """The command line that runs `main()` of a module of this very package.

    Args:
        module: its full name.
        arguments: what the process finds in `sys.argv[1:]`.
    """
    folder = os.path.dirname(PACKAGE)
    is_clone = os.path.exists(os.path.join(folder, "course.toml"))
    program = _RUN.format(folder=folder, last=[] if is_clone else [folder], module=module)
    # -P: what lies in the current directory has no say in what is imported
    return [sys.executable, "-P", "-c", program, *map(str, arguments)]


def start_python(module: str, **options: Any) -> StartedProcess:
    """Start a process that speaks to this one over a socket.

    Args:
        module: whose `main()` it runs. The socket is the file descriptor in `sys.argv[1]`.
        options: for `subprocess.Popen`.
    """
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            python_command(module, its.fileno()),
            pass_fds=[its.fileno()],
            start_new_session=True,  # Ctrl-C reaches only this process, which then ends it
            stdin=subprocess.DEVNULL,
            **options,
        )
    return process, ours


FOR_PLAYERS = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LANGUAGE", "TZ"),
        *("VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    )
)
FAMILIES_FOR_PLAYERS = ("LC_", "PYTHON", "COVERAGE_")
"""The variables that a player's environment has, with these at the beginning of their names:
what Python, its libraries and the kit need. The rest may be keys, tokens, or files to write."""

_unused_workers: list[StartedProcess] = []


def start_worker_ahead() -> None:
    """Start a worker that the next `take_worker` will be given."""
    _unused_workers.append(_start_worker())


def take_worker() -> StartedProcess:
    """The worker that was started ahead, or a new one."""
    return _unused_workers.pop() if _unused_workers else _start_worker()


def end_unused_worker() -> None:
    """End a worker that was started ahead and has not been taken."""
    while _unused_workers:
        process, control = _unused_workers.pop()
        control.close()
        process.kill()
        process.wait()


def _start_worker() -> StartedProcess:
    environment = {name: value for name, value in os.environ.items() if _is_for_players(name)}
    environment["MALLOC_ARENA_MAX"] = "2"
    return start_python("grader.worker.forkserver", env=environment)


def _is_for_players(name: str) -> bool:
    return name in FOR_PLAYERS or name.startswith(FAMILIES_FOR_PLAYERS)
