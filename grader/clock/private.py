"""Every private name of other projects that the clock and the driver use, and why.

An upgrade may take any of them away without notice. `missing()` says which it has taken, and the
tests ask it; they also look for names that stand in the code and not here. What the layout of
CPython's functions must be is in `redirecting.py`, which has a check of its own.
"""

from __future__ import annotations

import _posixsubprocess
import _thread
import asyncio
import concurrent.futures.thread
import socket
import subprocess
import sys
import threading
import warnings
from asyncio.base_subprocess import BaseSubprocessTransport
from collections.abc import Iterator
from logging import Manager
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio._backends as backends
from anyio._backends import _asyncio as anyio_backend

TRIED_WITH = "CPython 3.11.7, 3.12.1, 3.13.0; anyio 4.16; FastAPI 0.163, 0.165; Starlette 1.10"


class PrivateName(NamedTuple):
    """A name, the object that has it, and what it is used for."""

    owner: object
    name: str
    why: str


def inventory() -> Iterator[PrivateName]:
    """All of them."""
    loop: Any = asyncio.SelectorEventLoop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield from _of_loops(loop)
        ours.setblocking(False)
        yield from _of_transports(loop._make_socket_transport(ours, asyncio.Protocol()))
        loop.close()
    yield from _of_asyncio()
    yield from _of_threads()
    yield from _of_programs()
    yield from of_frameworks()


def _of_loops(loop: Any) -> Iterator[PrivateName]:
    yield PrivateName(sys, "_current_frames", "the line that a thread is stuck at")
    yield PrivateName(loop, "_ready", "what runs next decides whether the loop is idle")
    yield PrivateName(loop, "_scheduled", "the next timer decides how far time jumps")
    yield PrivateName(loop, "_timer_cancelled_count", "timers that were cancelled are dropped")
    yield PrivateName(loop, "_selector", "what the loop waits at decides whether it is idle")
    yield PrivateName(loop, "_ssock", "the loop's own wake-up pipe is nothing that is waited for")
    yield PrivateName(loop, "_write_to_self", "a thread that is done wakes the loop")
    yield PrivateName(loop, "_transports", "what a play has left open is closed with it")
    yield PrivateName(loop, "_check_closed", "timers are checked as asyncio's own are")
    yield PrivateName(loop, "_check_thread", "timers are checked as asyncio's own are")
    yield PrivateName(loop, "_check_callback", "timers are checked as asyncio's own are")
    yield PrivateName(loop, "_default_executor", "it has as many threads on each machine")
    yield PrivateName(loop, "_make_socket_transport", "a play notes each write")
    yield PrivateName(loop, "_make_subprocess_transport", "a program holds the clock")


def _of_transports(transport: Any) -> Iterator[PrivateName]:
    yield PrivateName(transport, "_sock", "a play notes each write to a socket")
    yield PrivateName(transport, "_call_connection_lost", "a connection ends with its loop")
    transport.abort()
    transport._call_connection_lost(None)


def _of_asyncio() -> Iterator[PrivateName]:
    handle: Any = asyncio.TimerHandle
    primitive = asyncio.mixins._LoopBoundMixin
    yield PrivateName(asyncio.selector_events, "_SelectorSocketTransport", "it notes each write")
    yield PrivateName(handle(0, print, (), _NoLoop()), "_scheduled", "timers are counted")
    yield PrivateName(handle, "_source_traceback", "timers know in debug mode where they were made")
    yield PrivateName(asyncio.Task, "_fut_waiter", "a task that is dropped no longer waits")
    yield PrivateName(asyncio.Future, "_exception", "an error is read without being retrieved")
    yield PrivateName(asyncio.Future, "_log_traceback", "an error was never retrieved until now")
    yield PrivateName(asyncio.Future, "_callbacks", "who will be woken by the end of a task")
    yield PrivateName(asyncio.Handle, "_context", "in which exchange a callback has failed")
    yield PrivateName(asyncio.mixins, "_LoopBoundMixin", "locks of a closed loop are bound anew")
    yield PrivateName(primitive, "_get_loop", "locks of a closed loop are bound anew")
    yield PrivateName(asyncio, "_get_running_loop", "whether a loop is blocked, without an error")
    yield PrivateName(asyncio, "_set_running_loop", "tasks that are dropped give back locks")
    yield PrivateName(asyncio.tasks, "_enter_task", "tasks that are dropped give back locks")
    yield PrivateName(asyncio.tasks, "_leave_task", "tasks that are dropped give back locks")


class _NoLoop:
    def get_debug(self) -> bool:
        return False


def _of_threads() -> Iterator[PrivateName]:
    pools = concurrent.futures.thread
    pool = pools.ThreadPoolExecutor(1)
    yield PrivateName(pools, "_WorkItem", "work in a pool waits for its turn")
    yield PrivateName(pools, "_worker", "a pool's threads are recognized")
    yield PrivateName(pool, "_max_workers", "a pool has as many turns as threads")
    yield PrivateName(threading.Thread(), "_target", "a pool's threads are recognized")
    yield PrivateName(threading, "_CRLock", "locks that can be taken again are made of locks")
    yield PrivateName(_thread, "allocate_lock", "the type of a lock")
    yield PrivateName(backends, "_asyncio", "work in anyio's threads waits for its turn")
    yield PrivateName(anyio_backend, "WorkerThread", "work in anyio's threads waits for its turn")
    yield PrivateName(sys, "_getframe", "which line makes a call")
    yield PrivateName(warnings, "_warn_unawaited_coroutine", "coroutines that are never awaited")
    yield PrivateName(Manager, "_clear_cache", "loggers ask again whether they are heard")


def _of_programs() -> Iterator[PrivateName]:
    made = BaseSubprocessTransport.__init__.__code__.co_names
    transport = SimpleNamespace(**dict.fromkeys(made))  # what its `__init__` sets
    yield PrivateName(subprocess, "_fork_exec", "a play knows the processes that it has started")
    yield PrivateName(
        _posixsubprocess, "fork_exec", "a play knows the processes that it has started"
    )
    yield PrivateName(transport, "_proc", "a play knows the programs that asyncio has started")
    yield PrivateName(transport, "_pipes", "a play knows what it reads from programs")


def of_frameworks() -> Iterator[PrivateName]:
    """Those of FastAPI and Starlette, without which a trace has less in it."""
    import fastapi.dependencies.utils as utils
    import fastapi.encoders as encoders
    import fastapi.routing as routing
    import starlette._exception_handler as handling
    from starlette.middleware.errors import ServerErrorMiddleware

    dependencies, why = "dependencies are spans", "validation is a span"
    of_solving = dict.fromkeys(utils.solve_dependencies.__code__.co_varnames)
    yield PrivateName(utils, "_is_coroutine_callable", dependencies)
    yield PrivateName(utils, "_solve_generator", dependencies)
    yield PrivateName(utils, "solve_dependencies", dependencies)
    yield PrivateName(routing, "_operation", dependencies)
    yield PrivateName(SimpleNamespace(**of_solving), "dependant", why)
    yield PrivateName(SimpleNamespace(**of_solving), "errors", why)
    yield PrivateName(utils, "request_params_to_args", why)
    yield PrivateName(utils, "request_body_to_args", why)
    yield PrivateName(utils, "SolvedDependency", why)
    yield PrivateName(routing, "_validation_failed", why)
    sent = "is_pydantic_v1_model_instance"
    yield PrivateName(encoders, sent, "a task that is sent in place of its result is told")
    yield PrivateName(handling, "wrap_app_handling_exceptions", "handlers are spans")
    yield PrivateName(handling, "is_async_callable", "handlers are spans")
    yield PrivateName(ServerErrorMiddleware(_NoLoop()), "handler", "handlers are spans")  # type: ignore[arg-type]


def missing() -> list[str]:
    """A sentence for each name that this Python, or this anyio, does not have any more."""
    return [
        f"{private.name} is gone from {private.owner!r}: without it the clock can't see to it that "
        f"{private.why}. It was there in {TRIED_WITH}."
        for private in inventory()
        if not hasattr(private.owner, private.name)
    ]
