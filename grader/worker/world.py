"""What a play must leave as it found it, so that the next play starts from the same world."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType

from .limits import MEMORY, memory_in_use

_MODULES: tuple[ModuleType, ...] = (asyncio, builtins, contextlib, json, logging, os)

THREADS_KEPT = 48
"""Idle threads that a play may leave behind. More, and the memory limit comes near."""


def world() -> tuple[object, ...]:
    """What can be changed from anywhere; equal before and after a play that changed nothing."""
    return tuple(_facts())


def _facts() -> Iterator[object]:
    for module in _MODULES:
        yield tuple(map(id, vars(module).values()))
    yield threading.Thread, threading.Lock, sys.stdout, sys.stderr
    yield time.sleep, time.time, time.monotonic
    yield dict(os.environ), os.getcwd(), sys.getrecursionlimit(), tuple(sys.path)
    yield signal.getsignal(signal.SIGPROF), signal.getsignal(signal.SIGALRM)
    yield logging.getLogger().level, logging.root.manager.disable
    yield threading.active_count() > THREADS_KEPT
    yield memory_in_use() > MEMORY // 4
