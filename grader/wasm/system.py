"""What an operating system has and a browser doesn't: processes, and their limits."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import ModuleType
from typing import Any, NoReturn

UNLIMITED = -1
LIMITS = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS")
PAGE = 65_536
"""Bytes of a page of WebAssembly's memory."""


def _refused(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSYS, "a browser has no processes")


def _resource() -> ModuleType:
    """A module `resource` in which nothing is limited."""
    module: Any = ModuleType("resource")
    for number, name in enumerate(LIMITS):
        setattr(module, f"RLIMIT_{name}", number)
    module.RLIM_INFINITY = UNLIMITED
    module.getrlimit = lambda kind: (UNLIMITED, UNLIMITED)
    module.setrlimit = lambda kind, limits: None
    module.getpagesize = lambda: PAGE
    return module  # type: ignore[no-any-return]


def _interpreters() -> ModuleType:
    """A module `concurrent.interpreters` that can make none."""
    module: Any = ModuleType("concurrent.interpreters")
    module.create = _refused
    module.ExecutionFailed = type("ExecutionFailed", (Exception,), {})
    return module  # type: ignore[no-any-return]


def install() -> None:
    """Add what is missing; what can't be had says so when it is asked for."""
    for module in (_resource(), _interpreters()):
        sys.modules.setdefault(module.__name__, module)
    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
        setattr(os, name, _refused)
    setattr(subprocess, "_fork_exec", _refused)  # noqa: B010
