"""What is left of players whose parent was killed, so that nobody ended them (Linux)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from .limits import children

_FILTERS = re.compile(r"^Seccomp_filters:\s*(\d+)", re.MULTILINE)


def end_orphans() -> None:
    """End the processes that players have left to this one, and what these leave.

    They are known by the filter of system calls that they can't get rid of, and this process and
    what else it has started don't have. It must have called `adopt_orphans` before.
    """
    ours = _filters_of(os.getpid())
    end_children(lambda child: _filters_of(child) > ours)


def end_children(which: Callable[[int], bool]) -> None:
    """End the child processes that `which` picks by their ids, and what these leave to this one."""
    while orphans := [child for child in children() if which(child)]:
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan, 0)


def _filters_of(process: int) -> int:
    try:
        found = _FILTERS.search(Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
