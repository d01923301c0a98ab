"""Runs PostgreSQL, which refuses to be root, for a user who is root (as in a container).

It becomes `nobody`. The folders above its own are closed to others, so it is given its own as
open descriptors. Only if the package itself lies below a closed folder, such as `/root`, does it
keep one capability: to read past file permissions.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...base.errors import ServiceError

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT = 1, 8, 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 1 << 2
_CAP_DAC_READ_SEARCH = 2
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

LIMITS = {
    resource.RLIMIT_AS: 1 << 30,
    resource.RLIMIT_FSIZE: 256 << 20,
    resource.RLIMIT_CORE: 0,
}
"""Bytes that each process of the server may take. A statement that needs more fails."""

_libc = ctypes.CDLL(None)  # before any fork, after which nothing should be loaded


def own(path: Path) -> None:
    """Give `path` to the user that the server will run as."""
    if os.geteuid() == 0:
        user = _nobody()
        os.chown(path, user.pw_uid, user.pw_gid)


def share(directory: Path) -> None:
    """Make a directory for what the server makes and its clients use, and nobody else."""
    directory.mkdir(exist_ok=True)
    own(directory)
    os.chown(directory, -1, os.getegid())
    directory.chmod(0o750)


@contextmanager
def doors(*directories: Path) -> Iterator[dict[Path, int]]:
    """Descriptors by which a process that is to be `nobody` gets into directories of its own.

    Their names are as in `through`. There are none if the user isn't root.
    """
    opened: dict[Path, int] = {}
    try:
        if os.geteuid() == 0 and sys.platform == "linux":
            for directory in directories:
                opened[directory] = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        yield opened
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def through(opened: dict[Path, int], argument: str) -> str:
    """An argument that names a directory, as a process that has inherited the doors says it."""
    for directory, descriptor in opened.items():
        argument = argument.replace(str(directory), f"/proc/self/fd/{descriptor}")
    return argument


def child_setup(program: Path | None = None) -> Callable[[], None]:
    """What a server's process does between fork and exec: it also ends with its parent.

    Args:
        program: what it will run, unless it has to pass folders that are closed to others anyway.

    Raises:
        ServiceError: the user is root, and there is no other to run it.
    """
    user = _nobody() if os.geteuid() == 0 else None
    passes = program is None or not _is_open(program)
    parent = os.getpid()

    def setup() -> None:
        for kind, most in LIMITS.items():
            with suppress(OSError, ValueError):  # a lower one is set already
                resource.setrlimit(kind, (most, most))
        if user is not None:
            _become(user, passes)
        if sys.platform == "linux":
            _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            # After the change of user, which would clear it. SIGQUIT lets the server end
            # its own processes before it goes.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return setup


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServiceError(
            "PostgreSQL does not run as root, and this system has no user `nobody` to run it.",
            "Run the grader as another user, or give it a server of yours in DATABASE_URL.",
        ) from error


def _is_open(file: Path) -> bool:
    """Whether anyone may run a file."""
    file = file.resolve()
    return all(path.stat().st_mode & 0o001 for path in (file, *file.parents))


def _become(user: pwd.struct_passwd, passes: bool) -> None:
    """Be another user.

    Args:
        passes: whether to keep the capability to read past file permissions.
    """
    passes = passes and sys.platform == "linux"
    if passes:
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Without this bit `access()` asks as if there were no capability, and PostgreSQL does
        # not find its own program below a folder that is closed to others.
        _libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if passes:
        # Where a container has taken this capability away, open directories still work.
        mask = 1 << _CAP_DAC_READ_SEARCH
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        _libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask))
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0)
