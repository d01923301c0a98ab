"""What a player may use. A limit that the platform does not know is left out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from .activity import children_of

MEMORY = 512 * 1024 * 1024
"""Bytes of address space that a player may take beyond what it starts with."""
CPU_SECONDS = 30
FILE_SIZE = 16 * 1024 * 1024
OPEN_FILES = 1024
"""What waits in sockets and pipes is memory that no other limit counts, so they are counted."""
RESERVE = 4 * 1024 * 1024
"""Bytes of it that are set free when it is used up, to say so."""
OUTPUT = 4_000_000
"""Characters (or bytes, past Python) that one play may print."""
FORKS = 8
"""Processes that a player may start. Those may start none."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def die_with_parent() -> None:
    """End this process when the thread that has started it ends, however that comes (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_this_process() -> None:
    """Set the limits of a player; it dies with its parent, and its forks are counted."""
    die_with_parent()
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    global _memory_at_start
    _memory_at_start = memory_in_use()
    if _memory_at_start:
        _reserve.append(bytearray(RESERVE))
        _limit(resource.RLIMIT_AS, _memory_at_start + MEMORY)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _fence.player = os.getpid()
    sys.addaudithook(_fence)


_memory_at_start = 0
_reserve: list[bytearray] = []


def free_reserve() -> None:
    """Make room again after a `MemoryError`. The process is to be replaced."""
    _reserve.clear()


def memory_in_use() -> int:
    """Bytes of address space taken since the limits were set (0 where it cannot be known).

    To import psutil for it would make the first verdict 15 ms later.
    """
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
    """The process ids of what this process's main thread has started (Linux; empty elsewhere).

    The kernel lists them in 0.05 ms; psutil looks at every process of the machine for them,
    which takes 3 ms, and this is asked after each play's process.
    """
    process = os.getpid()
    return children_of(process, process)


def _limit(kind: int, value: int) -> None:
    """Set a limit, and the hard one with it: the soft one alone could be raised again."""
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def forks() -> int:
    """How many processes this one has started since the limits were set."""
    return _fence.forks


def on_too_many_forks(end: Callable[[], NoReturn]) -> None:
    """What to call when a player starts more than `FORKS` processes."""
    _fence.on_too_many = end


class Fence:
    """An audit hook: it cannot be taken away, and forks inherit it.

    Code that calls the C library past Python is not seen here. The judge gets by with that.
    """

    FORK = frozenset({"os.fork", "os.forkpty", "subprocess.Popen", "os.posix_spawn"})
    SIGNAL = frozenset({"os.kill", "os.killpg"})

    def __init__(self) -> None:
        self.player = 0
        self.forks = 0
        self.on_too_many: Callable[[], None] = lambda: None
        self._getpid, self._getsid = os.getpid, os.getsid  # not what they are patched to be

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in self.FORK:
            self.forks += 1
            if self._getpid() != self.player:
                raise BlockingIOError("what an exercise starts may not start processes")
            if self.forks > FORKS:
                self.on_too_many()
        elif event in self.SIGNAL and not self._is_own(*arguments):
            raise PermissionError("an exercise may send signals to its own processes only")

    def _is_own(self, target: int, signal: int) -> bool:
        """Whether a signal goes to the session of the player, or to a child, or only asks."""
        if signal == 0 or target == 0:
            return True
        try:
            same = target != -1 and self._getsid(abs(target)) == self._getsid(0)
            return same or abs(target) in children()
        except ProcessLookupError:
            return True  # the kernel will say so, too


_fence = Fence()
