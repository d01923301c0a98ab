"""What a play must leave as it found it, so that the next play starts from the same state."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from functools import cache
from operator import is_
from types import ModuleType

from ..processes.limits import MEMORY, forks, memory_in_use

_MODULES: tuple[ModuleType, ...] = (asyncio, builtins, contextlib, json, logging, os)

_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)

THREADS_KEPT = 48
"""Idle threads that a play may leave behind. More, and the memory limit comes near."""


def global_state() -> tuple[object, ...]:
    """What can be changed from anywhere; equal before and after a play that changed nothing."""
    return tuple(_facts())


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


@cache
def _modules_at_first() -> tuple[str, ...]:
    return tuple(sys.modules)


class _Same:
    """Some objects, equal to others only if they are the same ones, whatever they say."""

    def __init__(self, objects: Iterable[object]) -> None:
        self._objects = tuple(objects)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or len(self._objects) != len(other._objects):
            return False
        return all(map(is_, self._objects, other._objects))

    __hash__ = None  # type: ignore[assignment]


def _facts() -> Iterator[object]:
    yield _Same(map(sys.modules.get, _modules_at_first()))
    for module in _MODULES:
        yield _Same(vars(module).values())
    yield threading.Thread, threading.Lock, sys.stdout, sys.stderr
    yield time.sleep, time.time, time.monotonic
    yield dict(os.environ), _folder(), sys.getrecursionlimit(), tuple(sys.path)
    yield signal.getsignal(signal.SIGPROF), signal.getsignal(signal.SIGALRM)
    yield signal.getitimer(signal.ITIMER_REAL)[0] > 0
    yield tuple(resource.getrlimit(limit) for limit in _LIMITS)
    yield forks()
    yield logging.getLogger().level, logging.root.manager.disable
    yield threading.active_count() > THREADS_KEPT
    yield memory_in_use() > MEMORY // 4
