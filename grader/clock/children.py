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


def _noting(real: Callable[..., int]) -> Callable[..., int]:
    @wraps(real)
    def start(*args: Any) -> int:
        process = real(*args)
        clock = current_clock()
        if process and clock is not None:
            clock.outside.processes.add(process)
        return process

    return start


@contextmanager
def children_noted() -> Iterator[None]:
    """Note the processes that every play starts."""
    start = _noting(_posixsubprocess.fork_exec)
    with (
        replaced(_posixsubprocess, fork_exec=start),
        replaced(subprocess, _fork_exec=start),
        replaced(os, fork=_noting(os.fork)),
    ):
        yield
