"""Finds the calls that block the loop's own thread, and names them as the user made them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import accumulate
from types import FrameType
from typing import Any, NamedTuple

from blockbuster import BlockBuster, BlockBusterFunction

from ..clock import current_clock
from ..clock.patching import added, put_back, shared
from .recorder import Recorder

WATCHED_CALLS = ("socket.", "ssl.", "sqlite3.", "builtins.", "os.read")
"""The blocking calls that are reported, by blockbuster's names. Reading a small file is
not among them: it is as fast as much that is never moved to a thread."""

ASYNC_LIBRARIES = frozenset({"asyncio", "anyio", "asyncpg", "motor", "uvicorn"})
"""Libraries made for the loop. If one of them blocks it, that is its own doing."""

QUICK = ("subprocess.Popen.__init__", "pymongo.MongoClient.close")
"""What blocks for no longer than a program takes to start. Motor's `close` is PyMongo's."""

_WATCHERS = ("blockbuster", "grader.")
"""Modules that stand between a blocking function and its caller."""

_recorders: dict[int, Recorder] = {}


@contextmanager
def blocking_calls_reported(recorder: Recorder) -> Iterator[None]:
    """Report to `recorder` what blocks the loop of its play."""
    _recorders[id(recorder.clock)] = recorder
    try:
        with blocking_calls_noted():
            yield
    finally:
        del _recorders[id(recorder.clock)]


@shared
@contextmanager
def blocking_calls_noted() -> Iterator[None]:
    """Let blockbuster find calls that block a loop."""
    with ExitStack() as stack:
        for owner, replacements in _replacements():
            stack.enter_context(added(owner, **replacements))
        yield


@cache
def _replacements() -> list[tuple[Any, dict[str, Any]]]:
    """What blockbuster sets in which modules and classes, as seen when it does."""
    found: dict[int, tuple[Any, dict[str, Any]]] = {}
    for function in _blocking_functions():
        owner, name = function.module, function.func_name
        # What it replaces in a class that is written in C it keeps there, under `_c_...`.
        with put_back(owner, name, f"_c_{name}"):
            function.activate()
            now = {key: vars(owner)[key] for key in (name, f"_c_{name}") if key in vars(owner)}
            function.activated = False
        found.setdefault(id(owner), (owner, {}))[1].update(now)
    return list(found.values())


@cache
def _blocking_functions() -> tuple[BlockBusterFunction, ...]:
    known = [f for n, f in BlockBuster().functions.items() if n.startswith(WATCHED_CALLS)]
    functions = (*known, *_waits_for_programs())
    for function in functions:
        if function.module is subprocess.Popen:  # blockbuster leaves out a class's module
            function.full_name = f"subprocess.{function.full_name}"
        # A call that may block is put to this predicate: note it, and let it pass.
        function.can_block_predicate = _noting(function.full_name, function.can_block_predicate)
    return functions


def _waits_for_programs() -> list[BlockBusterFunction]:
    """Waiting for a program that has ended, or asking whether it has, doesn't block."""

    def has_ended(program: subprocess.Popen[Any], *_: Any, **__: Any) -> bool:
        return program.returncode is not None

    def only_asks(_: int, options: int = 0) -> bool:
        return bool(options & os.WNOHANG)

    return [
        BlockBusterFunction(subprocess.Popen, "wait", can_block_predicate=has_ended),
        BlockBusterFunction(subprocess.Popen, "communicate", can_block_predicate=has_ended),
        BlockBusterFunction(os, "waitpid", can_block_predicate=only_asks),
        BlockBusterFunction(os, "wait"),
        BlockBusterFunction(os, "system"),
    ]


def _noting(name: str, harmless: Callable[..., bool]) -> Callable[..., bool]:
    def may_block(*args: Any, **kwargs: Any) -> bool:
        if not harmless(*args, **kwargs):  # as each read of a socket that does not block is
            recorder = _recorders.get(id(current_clock()))
            if recorder is not None and recorder.clock.is_home():
                _report(recorder, name, sys._getframe(1))
        return True

    return may_block


def _report(recorder: Recorder, name: str, frame: FrameType | None) -> None:
    if call := blocking_call(recorder, name, frame):
        recorder.incident("loop-blocked", line=call.line, detail=call.name)


class BlockingCall(NamedTuple):
    """The line of the user's that blocks, and the name of what it calls."""

    line: int
    name: str


def blocking_call(
    recorder: Recorder,
    name: str,
    frame: FrameType | None,
    libraries: frozenset[str] = ASYNC_LIBRARIES,
) -> BlockingCall | None:
    """What the innermost own line has called that blocks; None if that isn't the user's doing.

    Args:
        name: of the function that blocks in the end.
        frame: where it is called.
        libraries: those whose own doing it is when they block.
    """
    called = None
    while frame is not None and not recorder.lines.own(frame.f_code.co_filename):
        if _is_a_librarys_doing(frame, libraries):
            return None
        called, frame = frame, frame.f_back
    if frame is None:
        return None
    if called is None or called.f_globals.get("__name__", "").startswith(_WATCHERS):
        return BlockingCall(frame.f_lineno, name)
    return BlockingCall(frame.f_lineno, public_name(called))


def _is_a_librarys_doing(frame: FrameType, libraries: frozenset[str]) -> bool:
    """Whether one of these libraries has called, or something that is quick."""
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in libraries or f"{package}.{frame.f_code.co_qualname}" in QUICK


def public_name(frame: FrameType) -> str:
    """What a user calls the function that a frame runs: `subprocess.run`, `requests.get`."""
    module, name = str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname
    packages = accumulate(module.split("."), "{}.{}".format)
    outermost = name.partition(".")[0]
    exports = (each for each in packages if hasattr(sys.modules.get(each), outermost))
    return f"{next(exports, module)}.{name}"
