"""The processes that a play starts: noted, so that it can be seen whether they are at work."""

from __future__ import annotations

import _posixsubprocess
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from .current import current_clock
from .patching import replaced


def _noting(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def start(*args: Any, **options: Any) -> Any:
        started = real(*args, **options)
        process = started[0] if isinstance(started, tuple) else started
        clock = current_clock()
        if process and clock is not None:
            clock.outside.processes.add(process)
        return started

    return start


@contextmanager
def children_noted() -> Iterator[None]:
    """Note the processes that every play starts."""
    start = _noting(_posixsubprocess.fork_exec)
    with (
        replaced(_posixsubprocess, fork_exec=start),
        replaced(subprocess, _fork_exec=start),
        replaced(os, fork=_noting(os.fork), forkpty=_noting(os.forkpty)),
        replaced(os, posix_spawn=_noting(os.posix_spawn), posix_spawnp=_noting(os.posix_spawnp)),
    ):
        yield
