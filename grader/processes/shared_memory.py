"""A `/dev/shm` of a process's own, which goes with it (Linux).

Semaphores and shared memory are files there, that anyone may make and that stay.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

SIZE = 64 << 20
"""Bytes that there may be in one."""
FOLDER = "/dev/shm"

_NEW_FILES, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE, _NO_PROGRAMS = 0x40000 | 0x4000, 0x2 | 0x4  # MS_PRIVATE and _REC, NOSUID and NODEV
_PR_SET_DUMPABLE = 4


def take_own_shared_memory() -> None:
    """Have one from now on, with all that this process starts. It may have no threads yet.

    Raises:
        OSError: the kernel refuses. Then this process may be half on its way, so try it in another
            one first: see `can_have_own_shared_memory`.
    """
    library = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if library.unshare(_NEW_FILES):  # without root, that takes a namespace of users, too
        _check(library.unshare(_NEW_FILES | _NEW_USERS))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        library.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    _check(library.mount(None, b"/", None, _PRIVATE, None))
    options = f"size={SIZE},mode=1777".encode()
    _check(library.mount(b"tmpfs", FOLDER.encode(), b"tmpfs", _NO_PROGRAMS, options))


def can_have_own_shared_memory() -> bool:
    """Whether the kernel lets this process. It is tried in one that is forked for that."""
    if sys.platform != "linux":
        return False
    pid = os.fork()
    if pid == 0:
        try:
            take_own_shared_memory()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
