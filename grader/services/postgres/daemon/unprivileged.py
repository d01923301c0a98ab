"""Runs PostgreSQL, which refuses to be root, for a user who is root (as in a container).

It becomes `nobody`, but keeps the one capability to pass file permissions by. So neither
the package, which may lie below `/root`, nor the state directory has to be opened to others.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from ...base.errors import ServiceError

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT = 1, 8, 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None)  # before any fork, after which nothing should be loaded


def own(path: Path) -> None:
    """Give `path` to the user that the server will run as."""
    if os.geteuid() == 0:
        user = _nobody()
        os.chown(path, user.pw_uid, user.pw_gid)


def child_setup() -> Callable[[], None]:
    """What a server's process does between fork and exec: it also ends with its parent.

    Raises:
        ServiceError: the user is root, and there is no other to run it.
    """
    user = _nobody() if os.geteuid() == 0 else None
    parent = os.getpid()

    def setup() -> None:
        if user is not None:
            _become(user)
        if sys.platform == "linux":
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


def _become(user: pwd.struct_passwd) -> None:
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Without this bit `access()` asks as if there were no capability, and PostgreSQL does
        # not find its own program below a folder that is closed to others.
        _libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if sys.platform == "linux":
        # Where a container has taken this capability away, open directories still work.
        mask = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        _libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask))
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
