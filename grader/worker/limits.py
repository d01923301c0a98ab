"""What a player may use. A limit that the platform does not know is left out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

MEMORY = 512 * 1024 * 1024
"""Bytes of address space that a player may take beyond what it starts with."""
CPU_SECONDS = 30
FILE_SIZE = 16 * 1024 * 1024
FORKS = 8
"""Processes that a player may start. Those may start none."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def limit_this_process() -> None:
    """Set the limits of a player; it dies with its parent, and its forks are counted."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    _limit(resource.RLIMIT_CORE, 0)
    global _memory_at_start
    _memory_at_start = memory_in_use()
    if _memory_at_start:
        _limit(resource.RLIMIT_AS, _memory_at_start + MEMORY)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sys.addaudithook(_ForkCount())


_memory_at_start = 0


def memory_in_use() -> int:
    """Bytes of address space taken since the limits were set (0 where it cannot be known)."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            pages = int(file.read().split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize() - _memory_at_start


def adopt_orphans() -> None:
    """Become the parent of every process that a player leaves behind (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    """The process ids of this process's children (Linux; empty elsewhere)."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in Path("/proc/self/task/self/children").read_text().split()]
    with contextlib.suppress(OSError):
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        return [int(pid) for pid in text.split()]
    return []


def _limit(kind: int, value: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, hard))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class _ForkCount:
    """An audit hook: it cannot be taken away, and forks inherit it."""

    EVENTS = frozenset({"os.fork", "os.forkpty", "subprocess.Popen", "os.posix_spawn"})

    def __init__(self) -> None:
        self._player = os.getpid()
        self._left = FORKS

    def __call__(self, event: str, _: tuple[Any, ...]) -> None:
        if event in self.EVENTS:
            self._left -= 1
            if self._left < 0 or os.getpid() != self._player:
                raise BlockingIOError(f"an exercise may start {FORKS} processes, not more")
