"""Landlock, by which a process gives up rights to files for good (Linux 5.13 and later).

What is given up is given up for all that the process starts, too. Glibc has no functions for it,
so these are the system calls themselves; their numbers are the same on every architecture. See
https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from enum import IntFlag

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # the flag of the first call that asks for the ABI only
_PATH_BENEATH = 1
SCOPED_FROM = 6
"""The ABI since which abstract sockets and signals of other processes can be given up."""
_SCOPES = 0b11


class Right(IntFlag):
    """What may be done with a file, or with what a folder holds."""

    EXECUTE = 1 << 0
    WRITE = 1 << 1
    READ = 1 << 2
    LIST = 1 << 3
    REMOVE_FOLDER = 1 << 4
    REMOVE = 1 << 5
    MAKE = 1 << 8
    TRUNCATE = 1 << 14


READ = Right.EXECUTE | Right.READ | Right.LIST
OPEN_TO_WRITE = READ | Right.WRITE | Right.TRUNCATE
KEEP_FILES = OPEN_TO_WRITE | Right.REMOVE | Right.MAKE
"""To make files in a folder, and to remove them, but no folders, links, sockets or devices."""
ALL = (1 << 16) - 1
"""All rights that the newest ABI of the table knows."""

_OF_ABI = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, ALL)
"""The rights that each ABI knows; later ones have no more of them that we ask for."""
_OF_FILE = Right.EXECUTE | Right.READ | Right.WRITE | Right.TRUNCATE | 1 << 15
"""Those that make sense for something else than a folder."""

Rule = tuple[str, int]
"""A path, and what may be done with it and with all that is below it."""

_libc = ctypes.CDLL(None, use_errno=True)  # once: a player makes a hundred calls, one a rule


def abi() -> int:
    """The version of Landlock that the kernel has; 0 if it has none."""
    if sys.platform != "linux":
        return 0
    version: int = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    return max(0, version)


def restrict(rules: Iterable[Rule]) -> None:
    """Give up all rights to files but these. Signals, and abstract sockets, then reach only what
    this process has started, where the kernel knows how.

    Args:
        rules: of a path that isn't there, nothing comes.

    Raises:
        OSError: the kernel refuses.
    """
    version = abi()
    known = _OF_ABI[min(version, len(_OF_ABI) - 1)]
    scoped = _SCOPES if version >= SCOPED_FROM else 0
    attributes = struct.pack("=QQQ", known, 0, scoped)[: 24 if scoped else 8]
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path, rights in rules:
            _add(ruleset, path, rights & known)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _add(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILE
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes) -> int:
    result: int = _libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
